//! What a tree is, in 32 bytes: the same for two trees exactly when they hold the same znodes.
//!
//! A znode's digest is BLAKE3 over its path below the root, its kind, its data (null is not empty) and its ACL; a
//! tree's digest is the sum of its znodes' digests modulo 2^256, so that it does not depend on the order in which they
//! were read. It protects against error and loss, not against somebody who crafts znodes. Zxids, times and versions
//! can't be reproduced through the client protocol and are not part of it.

use std::fmt;

use crate::znode::{Acl, Kind, Znode};

/// Changes when the encoding does, so that digests of two versions are never compared.
const DOMAIN: &[u8] = b"zkreplicator znode digest 1\0";

/// The digest of a set of znodes; the empty set's is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TreeDigest([u64; 4]);

impl TreeDigest {
    /// Adds one znode.
    pub fn add(&mut self, znode: &Znode) {
        let hash = znode_hash(znode);
        let mut limbs = [0; 4];
        for (limb, bytes) in limbs.iter_mut().zip(hash.as_bytes().chunks_exact(8)) {
            *limb = u64::from_le_bytes(bytes.try_into().expect("chunks_exact gives eight bytes"));
        }
        self.merge(&Self(limbs));
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

fn znode_hash(znode: &Znode) -> blake3::Hash {
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
    hasher.finalize()
}

/// Length first: no two different lists of fields give the same bytes.
fn field(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
}

#[cfg(test)]
mod tests;
