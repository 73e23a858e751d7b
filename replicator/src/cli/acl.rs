//! What a user says about ACLs.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::acl_map::AclMap;
use crate::error::{Error, Result};
use crate::limits;
use crate::options::{AclPolicy, MaskedAcls};
use crate::report::Acls;

/// The value of `--acl`.
#[derive(Clone)]
pub(super) enum Acl {
    Preserve,
    Open,
    Map(PathBuf),
}

/// `preserve`, `open` or `map=FILE`.
pub(super) fn copied(text: &str) -> Result<Acl, String> {
    if text == "open" { Ok(Acl::Open) } else { preserved_or_mapped(text, "preserve, open") }
}

/// `preserve`, `ignore` or `map=FILE`.
pub(super) fn compared(text: &str) -> Result<Acl, String> {
    if text == "ignore" { Ok(Acl::Open) } else { preserved_or_mapped(text, "preserve, ignore") }
}

fn preserved_or_mapped(text: &str, others: &str) -> Result<Acl, String> {
    match text.strip_prefix("map=") {
        Some(file) if !file.is_empty() => Ok(Acl::Map(PathBuf::from(file))),
        None if text == "preserve" => Ok(Acl::Preserve),
        _ => Err(format!("it is one of {others}, map FILE")),
    }
}

/// `--acl map FILE` as the one argument `--acl=map=FILE`: clap has no words for a value that wants another behind it.
pub(super) fn join_map_file(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut args = args.into_iter().peekable();
    let mut joined = Vec::new();
    while let Some(arg) = args.next() {
        if arg == "--" {
            joined.push(arg);
            joined.extend(args);
            break;
        }
        let is_map = arg == "--acl=map" || (arg == "--acl" && args.next_if(|value| value == "map").is_some());
        let file = if is_map { args.next_if(|file| !file.as_encoded_bytes().starts_with(b"-")) } else { None };
        joined.push(match file {
            Some(file) => [OsString::from("--acl=map="), file].into_iter().collect(),
            None if is_map => OsString::from("--acl=map"),
            None => arg,
        });
    }
    joined
}

impl Acl {
    pub(super) fn as_reported(&self) -> Acls {
        match self {
            Self::Preserve => Acls::Preserved,
            Self::Open => Acls::NotRead,
            Self::Map(_) => Acls::Mapped,
        }
    }

    pub(super) fn understand(&self) -> Result<AclPolicy> {
        Ok(match self {
            Self::Preserve => AclPolicy::Preserve,
            Self::Open => AclPolicy::Open,
            Self::Map(file) => AclPolicy::Map(read(file)?),
        })
    }
}

fn read(file: &Path) -> Result<AclMap> {
    let wrong = |why: String| Error::bad_input(format!("--acl map {}: {why}", file.display()));
    let mut text = String::new();
    let opened = File::open(file).map(|opened| opened.take(limits::ACL_MAP_BYTES_MAX + 1));
    opened
        .and_then(|mut opened| opened.read_to_string(&mut text))
        .map_err(|error| wrong(format!("{error}; name a file with a rule a line, for example sasl:* -> digest:*")))?;
    if text.len() as u64 > limits::ACL_MAP_BYTES_MAX {
        return Err(wrong(format!("it is larger than {} bytes", limits::ACL_MAP_BYTES_MAX)));
    }
    text.parse().map_err(|error: Error| wrong(error.kind.to_string()))
}

/// What to do with an ACL of which the server hides an id (digest:user:x), for want of ADMIN.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Masked {
    /// Stop there
    Fail,
    /// Leave the znode out, with everything below it; list it, and end with exit code 3
    Skip,
    /// Create the znode open to anyone (world:anyone:cdrwa); list it, and end with exit code 3
    Open,
}

impl From<Masked> for MaskedAcls {
    fn from(masked: Masked) -> Self {
        match masked {
            Masked::Fail => Self::Fail,
            Masked::Skip => Self::Skip,
            Masked::Open => Self::Open,
        }
    }
}

#[cfg(test)]
mod tests;
