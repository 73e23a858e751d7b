//! Credentials of an ensemble: named in the plan, read when they are needed, never written there.

use std::io::Read;
use std::path::PathBuf;

use replicator::options::Auth;
use serde::Deserialize;

use crate::error::{Error, ErrorKind, Result};

/// Where credentials are. Their text is that of `zkreplicator --auth-file`: lines of `scheme:credentials`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Credentials {
    /// There are none.
    #[default]
    None,
    /// In a file (`auth_file`).
    File(PathBuf),
    /// In an environment variable (`auth_env`).
    Variable(String),
}

/// The largest file of credentials that is read.
const AUTH_FILE_BYTES_MAX: u64 = replicator::limits::AUTH_FILE_BYTES_MAX;

/// A variable's name, and nothing that could be the credentials themselves.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct VariableName(pub(super) String);

/// A file's path, and nothing that could be the credentials themselves.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct AuthFile(pub(super) PathBuf);

impl TryFrom<String> for VariableName {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if begins && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            Ok(Self(name))
        } else {
            Err("this is no name of an environment variable; the credentials themselves are never written in a plan")
        }
    }
}

impl TryFrom<String> for AuthFile {
    type Error = &'static str;

    fn try_from(path: String) -> Result<Self, Self::Error> {
        let scheme = path.split_once(':').map(|(scheme, _)| scheme);
        if path.is_empty() || scheme.is_some_and(|scheme| matches!(scheme, "digest" | "sasl" | "x509" | "super")) {
            return Err("this is no path of a file; the credentials themselves are never written in a plan");
        }
        Ok(Self(path.into()))
    }
}

impl Credentials {
    /// Reads them. An error names the place and never repeats what stands there.
    pub fn read(&self) -> Result<Vec<Auth>> {
        let (from, text) = match self {
            Self::None => return Ok(Vec::new()),
            Self::Variable(name) => {
                let text = std::env::var(name).map_err(|error| {
                    let why = match error {
                        std::env::VarError::NotPresent => "it is not set",
                        std::env::VarError::NotUnicode(_) => "it is not UTF-8",
                    };
                    Error::new(ErrorKind::Input, format!("environment variable {name}"), "read credentials", why)
                })?;
                (name.clone(), text)
            }
            Self::File(path) => (path.display().to_string(), read_file(path)?),
        };
        replicator::cli::credentials::parse(&from, &text)
            .map_err(|error| Error::new(ErrorKind::Input, "credentials", "read", error.to_string()))
    }
}

fn read_file(path: &PathBuf) -> Result<String> {
    let wrong = |why: String| Error::new(ErrorKind::Input, format!("file {}", path.display()), "read credentials", why);
    let mut text = String::new();
    let opened = std::fs::File::open(path).map(|opened| opened.take(AUTH_FILE_BYTES_MAX + 1));
    opened.and_then(|mut opened| opened.read_to_string(&mut text)).map_err(|error| wrong(error.to_string()))?;
    if text.len() as u64 > AUTH_FILE_BYTES_MAX {
        return Err(wrong(format!("it is larger than {AUTH_FILE_BYTES_MAX} bytes")));
    }
    Ok(text)
}
