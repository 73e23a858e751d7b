//! A certificate: what two equal trees held, on which terms they were compared, behind which zxids, and when.
//!
//! It is written for trees that were read in full on both sides and were not written meanwhile ([`issue`]), so that
//! later a living tree can be compared with it when one of the two is gone. It holds no credentials and no data.
//! It protects against error, not against somebody who edits it.

mod document;
mod file;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub use self::file::check_free;
use crate::connect::ConnectString;
use crate::error::{Error, Result};
use crate::options::{AclPolicy, CounterPolicy, EnsembleOptions, TreeOptions, VerifyOptions};
use crate::report::Acls;
use crate::verify::{Reading, Sign, Summary, VerifyReport};
use crate::znode::{ZnodePath, Zxid};

/// What two equal trees held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Name and version of the program that wrote it.
    pub tool: String,
    /// When it was written: RFC 3339, UTC.
    pub time: String,
    /// On which terms the trees were compared.
    pub terms: Terms,
    /// One tree.
    pub source: CertifiedTree,
    /// The other one; it holds the same.
    pub target: CertifiedTree,
    /// What both held by subtree, by path.
    pub subtrees: Vec<(ZnodePath, Summary)>,
}

/// What of the trees was compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What was said about ACLs. Where a map made the source's what the target's are, the certificate is of these.
    pub acls: Acls,
    /// Globs of what was taken; none: everything.
    pub include: Vec<String>,
    /// Globs of what was left out.
    pub exclude: Vec<String>,
    /// Whether sequence counters were.
    pub counters: CounterPolicy,
    /// Levels below the root down to which subtrees have digests of their own.
    pub depth: usize,
}

/// One of the trees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertifiedTree {
    /// Where it was.
    pub connect: ConnectString,
    /// The transaction behind which it was read: this is what it held there.
    pub zxid: Zxid,
    /// What it held.
    pub sum: Summary,
}

/// What became of a certificate that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Issued {
    /// It was written.
    Written(PathBuf),
    /// It was not, and no file is there: why.
    Withheld(String),
}

impl Certificate {
    /// The certificate of what a verify has found, or why there can be none.
    pub fn of(options: &VerifyOptions, report: &VerifyReport) -> Result<Self, String> {
        if report.differences.total() > 0 {
            return Err("the trees are not equal".to_owned());
        }
        if report.differences.unreadable > 0 {
            return Err("not all of the trees could be read".to_owned());
        }
        if report.skipped.vanished > 0 {
            return Err("the source was written while it was read: znodes went away".to_owned());
        }
        if report.source.sum != report.target.sum || report.subtrees.list.iter().any(|part| part.sign != Sign::Same) {
            return Err("no difference was found, and the digests are not the same: report this".to_owned());
        }
        Ok(Self {
            tool: format!("zkreplicator {}", env!("CARGO_PKG_VERSION")),
            time: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            terms: Terms::of(options, report.subtrees.depth),
            source: CertifiedTree::of(&options.source, &report.source).map_err(|why| format!("source: {why}"))?,
            target: CertifiedTree::of(&options.target, &report.target).map_err(|why| format!("target: {why}"))?,
            subtrees: report.subtrees.list.iter().map(|part| (part.path.clone(), part.source)).collect(),
        })
    }

    /// The certificate in a file. The error says what is wrong with it.
    pub fn read(file: &Path) -> Result<Self> {
        file::read(file).and_then(|bytes| Self::parse(&bytes)).map_err(|error| {
            let name = file.display();
            Error::bad_input(format!("certificate {name}: {error}; name a file that --certificate has written"))
        })
    }

    /// A certificate as [`Certificate::to_json`] wrote it.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        document::parse(bytes).map_err(Error::bad_input)
    }

    /// One JSON document, with a newline at its end.
    pub fn to_json(&self) -> String {
        document::json(self)
    }
}

impl Terms {
    fn of(options: &VerifyOptions, depth: usize) -> Self {
        let acls = match options.acl {
            AclPolicy::Preserve => Acls::Preserved,
            AclPolicy::Map(_) => Acls::Mapped,
            AclPolicy::Open => Acls::NotRead,
        };
        let [include, exclude] = options.filter.said().map(<[_]>::to_vec);
        Self { acls, include, exclude, counters: options.counters, depth }
    }
}

impl CertifiedTree {
    fn of(options: &TreeOptions, reading: &Reading) -> Result<Self, String> {
        let Some(EnsembleOptions { connect, .. }) = options.ensemble().cloned() else {
            return Err("it is an archive, whose own end says what it holds".to_owned());
        };
        match (reading.zxid, reading.disturbed()) {
            (Some(zxid), None) => Ok(Self { connect, zxid, sum: reading.sum }),
            (_, why) => Err(why.unwrap_or_default()),
        }
    }
}

/// Writes the certificate of what a verify has found to `file`, which must not be there, readable by its owner alone;
/// or says why there is none. The file is there in full or not at all.
pub fn issue(file: &Path, options: &VerifyOptions, report: &VerifyReport) -> Result<Issued> {
    match Certificate::of(options, report) {
        Ok(certificate) => {
            file::write_new(file, &certificate.to_json())?;
            Ok(Issued::Written(file.to_owned()))
        }
        Err(why) => Ok(Issued::Withheld(why)),
    }
}

#[cfg(test)]
mod tests;
