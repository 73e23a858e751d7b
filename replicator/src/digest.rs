//! What a tree is, in 16 bytes: the same for two trees exactly when they hold the same znodes.
//!
//! A znode's digest is XXH3 (128 bits, of xxHash's specification) over a record of what it is: the hashes of its path below
//! the root, of its data (null is not empty) and of its ACL, its kind and, where that is wanted, its sequence counter. A
//! tree's digest is the sum of its znodes' digests modulo 2^128, so that it does not depend on the order in which they were
//! read, and a subtree's is a part of that sum. It protects against error and loss, not against somebody who crafts znodes:
//! no sum does. Zxids, times and versions can't be reproduced through the client protocol and are not part of it.

use std::fmt;
use std::str::FromStr;

use twox_hash::XxHash3_128;

use crate::error::Error;
use crate::options::CounterPolicy;
use crate::znode::{Acl, Kind, Znode};

/// What this digest is called where it is kept; its number is that of the record, so that digests of two versions are never
/// compared.
pub const ALGORITHM: &str = "xxh3-sum128-1";

/// The digest of a set of znodes; the empty set's is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TreeDigest(u128);

impl TreeDigest {
    /// The digest of one znode; without its counter it is another than with it.
    pub fn of(znode: &Znode, counters: CounterPolicy) -> Self {
        Self(hash(&record(znode, counters)))
    }

    /// Adds one znode, without its counter.
    pub fn add(&mut self, znode: &Znode) {
        self.merge(&Self::of(znode, CounterPolicy::Ignore));
    }

    /// Adds the znodes of another set.
    pub fn merge(&mut self, other: &Self) {
        self.0 = self.0.wrapping_add(other.0);
    }
}

impl fmt::Display for TreeDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The 32 digits that `Display` writes, and nothing else.
impl FromStr for TreeDigest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 32 || !text.bytes().all(is_digit) {
            return Err(Error::bad_input(format!(
                "{text:?} is no digest, which is 32 hexadecimal digits, a to f small: copy it whole from the report"
            )));
        }
        Ok(Self(u128::from_str_radix(text, 16).expect("32 hexadecimal digits are 128 bits")))
    }
}

/// What a znode is, each thing at a place of its own; numbers are little-endian, and zero is what is not there.
///
/// ```text
///  0 16  hash of the path                                  42  1  1: there is an ACL
/// 16  1  kind: persistent, container, TTL, ephemeral       43 16  hash of the ACL
/// 17  8  TTL in ms, or the owner                           59  1  1: the counter is part of it
/// 25  1  1: there is data                                  60  4  the counter
/// 26 16  hash of the data
/// ```
fn record(znode: &Znode, counters: CounterPolicy) -> [u8; 64] {
    let mut record = [0; 64];
    record[..16].copy_from_slice(&hash(znode.path.as_str().as_bytes()).to_le_bytes());
    let (kind, of_kind) = match znode.kind {
        Kind::Persistent => (0, 0),
        Kind::Container => (1, 0),
        Kind::Ttl { ttl_ms } => (2, ttl_ms),
        Kind::Ephemeral { owner } => (3, owner),
    };
    record[16] = kind;
    record[17..25].copy_from_slice(&of_kind.to_le_bytes());
    if let Some(data) = &znode.data {
        record[25] = 1;
        record[26..42].copy_from_slice(&hash(data).to_le_bytes());
    }
    // An ACL that was left out is none: digests with and without ACLs are never the same.
    if let Some(acl) = &znode.acl {
        record[42] = 1;
        record[43..59].copy_from_slice(&acl_hash(acl).to_le_bytes());
    }
    if counters == CounterPolicy::Compare {
        record[59] = 1;
        record[60..].copy_from_slice(&znode.stat.counter().to_le_bytes());
    }
    record
}

/// Each entry's hash is over that of those before it, its permissions, and the hashes of its scheme and id: no two lists
/// give the same bytes.
fn acl_hash(acl: &Acl) -> u128 {
    acl.entries().iter().fold(0, |before, entry| {
        let mut record = [0; 52];
        record[..16].copy_from_slice(&before.to_le_bytes());
        record[16..20].copy_from_slice(&entry.perms.to_le_bytes());
        record[20..36].copy_from_slice(&hash(entry.scheme.as_bytes()).to_le_bytes());
        record[36..].copy_from_slice(&hash(entry.id.as_bytes()).to_le_bytes());
        hash(&record)
    })
}

fn hash(bytes: &[u8]) -> u128 {
    XxHash3_128::oneshot(bytes)
}

#[cfg(test)]
mod tests;
