//! The head and the end of an archive: what it is of, and what it came to. JSON, so that a person can read them.
//!
//! Fields that are not known are passed over, so that later versions may add some. The end holds the head once more: an
//! archive that has lost one of the two still says what it is.

use serde::{Deserialize, Serialize};

use super::fields::Malformed;
use super::totals::Totals;
use crate::digest::{self, TreeDigest};
use crate::filter::Filter;
use crate::report::Acls;
use crate::verify::{Reading, Summary};
use crate::znode::Zxid;

/// What an archive is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Name and version of the program that wrote it.
    pub tool: String,
    /// When it was begun: RFC 3339, UTC.
    pub time: String,
    /// Where the tree was: a connect string.
    pub source: String,
    /// What became of ACLs.
    pub acls: AclsKept,
    /// Globs of what was taken; none: everything.
    pub include: Vec<String>,
    /// Globs of what was left out.
    pub exclude: Vec<String>,
}

/// What became of ACLs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AclsKept {
    /// They are in it.
    Preserved,
    /// They are in it as a map made them.
    Mapped,
    /// They were not read.
    Left,
}

/// What an archive came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The head.
    pub head: Head,
    /// Znodes.
    pub znodes: u64,
    /// Bytes of their data.
    pub data_bytes: u64,
    /// Bytes of their paths below the root of the tree.
    pub path_bytes: u64,
    /// Ephemerals that were met.
    pub ephemerals: u64,
    /// Blocks.
    pub blocks: u32,
    /// What `digest` is.
    pub algorithm: String,
    /// Of the znodes, without sequence counters.
    pub digest: String,
    /// The transaction behind which all of it was read.
    pub zxid: Option<i64>,
    /// One that the ensemble had reached when all of it was read.
    pub zxid_after: Option<i64>,
    /// The last write of its znodes.
    pub last_write: i64,
    /// Children that their stats promise.
    pub children: u64,
    /// Children that were listed.
    pub listed: u64,
    /// Whether all of it is of one moment, that of `zxid`.
    pub settled: bool,
    /// Whether one of them is `/zookeeper`, which has no place at the root of an ensemble.
    pub holds_reserved: bool,
}

impl AclsKept {
    /// As reports name it.
    pub fn as_reported(self) -> Acls {
        match self {
            Self::Preserved => Acls::Preserved,
            Self::Mapped => Acls::Mapped,
            Self::Left => Acls::NotRead,
        }
    }
}

impl Head {
    /// The filter that cut the tree.
    pub fn filter(&self) -> Result<Filter, Malformed> {
        Filter::new(&self.include, &self.exclude).map_err(|error| Malformed(error.to_string()))
    }

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        json(self)
    }

    /// The head that these bytes are.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        serde_json::from_slice(bytes).map_err(|error| Malformed(format!("its head: {error}")))
    }
}

impl End {
    /// The end of an archive of `blocks` blocks.
    pub fn of(head: Head, totals: &Totals, blocks: u32, zxid_after: Option<Zxid>, settled: bool) -> Self {
        let Totals { reading, path_bytes, ephemerals, holds_reserved } = *totals;
        let Reading { sum: Summary { znodes, bytes, digest }, zxid, last_write, children, listed } = reading;
        Self {
            head,
            znodes,
            data_bytes: bytes,
            path_bytes,
            ephemerals,
            blocks,
            algorithm: digest::ALGORITHM.to_owned(),
            digest: digest.to_string(),
            zxid: zxid.map(|zxid| zxid.0),
            zxid_after: zxid_after.map(|zxid| zxid.0),
            last_write: last_write.0,
            children,
            listed,
            settled,
            holds_reserved,
        }
    }

    /// How its tree was read.
    pub fn reading(&self) -> Reading {
        let Self { znodes, data_bytes, zxid, last_write, children, listed, .. } = *self;
        let digest = self.digest().unwrap_or_default();
        let sum = Summary { znodes, bytes: data_bytes, digest };
        Reading { sum, zxid: zxid.map(Zxid), last_write: Zxid(last_write), children, listed }
    }

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        json(self)
    }

    /// The end that these bytes are.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let end: Self = serde_json::from_slice(bytes).map_err(|error| Malformed(format!("its end: {error}")))?;
        if end.algorithm != digest::ALGORITHM {
            return Err(Malformed(format!("its end: the digest {:?} is not known", end.algorithm)));
        }
        end.digest()?;
        Ok(end)
    }

    /// The digest.
    pub fn digest(&self) -> Result<TreeDigest, Malformed> {
        self.digest.parse().map_err(|error| Malformed(format!("its end: {error}")))
    }
}

fn json(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec_pretty(document).expect("strings, numbers and lists of them are JSON")
}
