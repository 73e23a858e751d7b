//! What a tree is, in 32 bytes: the same for two trees exactly when they hold the same znodes.
//!
//! A znode's digest is BLAKE3 over its path below the root, its kind, its data (null is not empty), its ACL and, where
//! that is wanted, its sequence counter; a tree's digest is the sum of its znodes' digests modulo 2^256, so that it does
//! not depend on the order in which they were read, and a subtree's is a part of that sum. It protects against error and
//! loss, not against somebody who crafts znodes. Zxids, times and versions can't be reproduced through the client
//! protocol and are not part of it.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::options::CounterPolicy;
use crate::znode::{Acl, Kind, Znode};

/// What this digest is called where it is kept; its number is that of the encoding.
pub const ALGORITHM: &str = "blake3-sum256-1";

/// Changes when the encoding does, so that digests of two versions are never compared.
const DOMAIN: &[u8] = b"zkreplicator znode digest 1\0";

/// The digest of a set of znodes; the empty set's is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TreeDigest([u64; 4]);

impl TreeDigest {
    /// The digest of one znode; without its counter it is another than with it.
    pub fn of(znode: &Znode, counters: CounterPolicy) -> Self {
        let hash = znode_hash(znode, counters);
        let mut limbs = [0; 4];
        for (limb, bytes) in limbs.iter_mut().zip(hash.as_bytes().chunks_exact(8)) {
            *limb = u64::from_le_bytes(bytes.try_into().expect("chunks_exact gives eight bytes"));
        }
        Self(limbs)
    }

    /// Adds one znode, without its counter.
    pub fn add(&mut self, znode: &Znode) {
        self.merge(&Self::of(znode, CounterPolicy::Ignore));
    }

    /// Adds the znodes of another set.
    pub fn merge(&mut self, other: &Self) {
        let mut carry = false;
        for (limb, addend) in self.0.iter_mut().zip(other.0) {
            let (sum, over) = limb.overflowing_add(addend);
            let (sum, carried) = sum.overflowing_add(u64::from(carry));
            *limb = sum;
            carry = over || carried;
        }
    }
}

impl fmt::Display for TreeDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().rev().try_for_each(|limb| write!(f, "{limb:016x}"))
    }
}

/// The 64 digits that `Display` writes, and nothing else.
impl FromStr for TreeDigest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 64 || !text.bytes().all(is_digit) {
            return Err(Error::bad_input(format!(
                "{text:?} is no digest, which is 64 hexadecimal digits, a to f small: copy it whole from the report"
            )));
        }
        let mut limbs = [0; 4];
        for (limb, at) in limbs.iter_mut().rev().zip((0..64).step_by(16)) {
            *limb = u64::from_str_radix(&text[at..at + 16], 16).expect("16 hexadecimal digits are 64 bits");
        }
        Ok(Self(limbs))
    }
}

fn znode_hash(znode: &Znode, counters: CounterPolicy) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(DOMAIN);
    field(&mut hasher, znode.path.as_str().as_bytes());
    match znode.kind {
        Kind::Persistent => hasher.update(&[0]),
        Kind::Container => hasher.update(&[1]),
        Kind::Ttl { ttl_ms } => hasher.update(&[2]).update(&ttl_ms.to_le_bytes()),
        Kind::Ephemeral { owner } => hasher.update(&[3]).update(&owner.to_le_bytes()),
    };
    match &znode.data {
        None => {
            hasher.update(&[0]);
        }
        Some(data) => {
            hasher.update(&[1]);
            field(&mut hasher, data);
        }
    }
    // An ACL that was left out is none: digests with and without ACLs are never the same.
    hasher.update(&[u8::from(znode.acl.is_some())]);
    for entry in znode.acl.iter().flat_map(Acl::entries) {
        hasher.update(&[1]).update(&entry.perms.to_le_bytes());
        field(&mut hasher, entry.scheme.as_bytes());
        field(&mut hasher, entry.id.as_bytes());
    }
    // Behind the last entry of the ACL stands something that begins none.
    if counters == CounterPolicy::Compare {
        hasher.update(&[2]).update(&znode.stat.counter().to_le_bytes());
    }
    hasher.finalize()
}

/// Length first: no two different lists of fields give the same bytes.
fn field(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
}

#[cfg(test)]
mod tests;
