//! Credentials from the environment and from files, each side's own kept from the other.
//!
//! A message names the variable, or the file and line, and never what stands there.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::limits;
use crate::options::Auth;

/// Who we are at each side.
#[derive(Debug)]
pub(super) struct Credentials {
    /// What is for both sides.
    pub(super) both: Vec<Auth>,
    pub(super) source: Vec<Auth>,
    pub(super) target: Vec<Auth>,
}

impl Credentials {
    /// What is for one side replaces what is for both there.
    pub(super) fn read(both: &[PathBuf], source: &[PathBuf], target: &[PathBuf]) -> Result<Self> {
        let both = gather("ZKREPLICATOR_AUTH", both)?;
        let or_both = |own: Vec<Auth>| if own.is_empty() { both.clone() } else { own };
        Ok(Self {
            source: or_both(gather("ZKREPLICATOR_SOURCE_AUTH", source)?),
            target: or_both(gather("ZKREPLICATOR_TARGET_AUTH", target)?),
            both: both.clone(),
        })
    }
}

fn gather(variable: &str, files: &[PathBuf]) -> Result<Vec<Auth>> {
    let mut auths = match std::env::var(variable) {
        Ok(text) => parse(variable, &text)?,
        Err(std::env::VarError::NotPresent) => Vec::new(),
        Err(std::env::VarError::NotUnicode(_)) => {
            return Err(Error::bad_input(format!("{variable} is not UTF-8: give scheme:credentials")));
        }
    };
    for file in files {
        auths.extend(parse(&file.display().to_string(), &read(file)?)?);
    }
    Ok(auths)
}

fn read(file: &Path) -> Result<String> {
    let wrong = |why: String| Error::bad_input(format!("auth file {}: {why}", file.display()));
    let mut text = String::new();
    let opened = File::open(file).map(|opened| opened.take(limits::AUTH_FILE_BYTES_MAX + 1));
    opened
        .and_then(|mut opened| opened.read_to_string(&mut text))
        .map_err(|error| wrong(format!("{error}; name a file with a line of scheme:credentials for each identity")))?;
    if text.len() as u64 > limits::AUTH_FILE_BYTES_MAX {
        return Err(wrong(format!("it is larger than {} bytes", limits::AUTH_FILE_BYTES_MAX)));
    }
    Ok(text)
}

/// Lines of `scheme:credentials`; empty lines and lines that start with `#` are passed over.
pub fn parse(from: &str, text: &str) -> Result<Vec<Auth>> {
    let mut auths = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (scheme, credentials) = line.split_once(':').unwrap_or((line, ""));
        let wrong = |why: &str| {
            Error::bad_input(format!(
                "{from}, line {}: {why}; a line is scheme:credentials, for example digest:user:password",
                number + 1
            ))
        };
        if scheme.is_empty() || credentials.is_empty() {
            return Err(wrong("the scheme or the credentials are missing"));
        }
        if scheme == "digest" && !credentials.contains(':') {
            return Err(wrong("digest credentials are user:password"));
        }
        if matches!(scheme, "world" | "auth" | "ip") {
            return Err(wrong("this scheme takes no credentials"));
        }
        auths.push(Auth { scheme: scheme.to_owned(), credentials: credentials.to_owned() });
    }
    Ok(auths)
}

#[cfg(test)]
mod tests;
