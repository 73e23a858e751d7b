//! One tree as it was read: what it holds, and whether that is what it held at one moment.
//!
//! A tree is read over seconds, behind a zxid: nothing that is seen is older. It is what it was *at* that zxid when no
//! znode that was seen was written later, and when as many children were listed as the stats of their parents promised.
//! The second finds what the first can't: a znode that was deleted after its parent's stat was read and before its
//! parent's children were listed. A setACL leaves no zxid in a stat: ACLs are taken as they are found.

use crate::digest::TreeDigest;
use crate::znode::{Stat, Znode, Zxid};

/// What a set of znodes holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Znodes, ephemerals and `/zookeeper` not counted.
    pub znodes: u64,
    /// Bytes of their data.
    pub bytes: u64,
    /// See [`crate::digest`].
    pub digest: TreeDigest,
}

impl Summary {
    pub(super) fn add(&mut self, znode: &Znode, digest: &TreeDigest) {
        self.znodes += 1;
        self.bytes += znode.data_len() as u64;
        self.digest.merge(digest);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.znodes += other.znodes;
        self.bytes += other.bytes;
        self.digest.merge(&other.digest);
    }
}

/// One tree as it was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// What it holds.
    pub sum: Summary,
    /// The transaction behind which all of it was read; `None` where the transport does not tell.
    pub zxid: Option<Zxid>,
    /// The last write of its znodes' data, children or existence.
    pub last_write: Zxid,
    /// Children that the stats of its znodes promise, be they part of the tree or not.
    pub children: u64,
    /// Children that the lists of its znodes have.
    pub listed: u64,
}

impl Reading {
    pub(crate) fn add(&mut self, znode: &Znode, digest: &TreeDigest) {
        self.sum.add(znode, digest);
        let Stat { czxid, mzxid, pzxid, num_children, .. } = znode.stat;
        self.last_write = self.last_write.max(Zxid(czxid.max(mzxid).max(pzxid)));
        self.children += u64::try_from(num_children).unwrap_or_default();
    }

    /// Adds what was read of the same tree elsewhere.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.sum.merge(&other.sum);
        self.last_write = self.last_write.max(other.last_write);
        self.children += other.children;
        self.listed += other.listed;
    }

    /// Why this is not what the tree held at its zxid; `None` when it is.
    pub fn disturbed(&self) -> Option<String> {
        let Some(zxid) = self.zxid else {
            return Some("the transport does not tell behind which zxid it was read".to_owned());
        };
        if self.last_write > zxid {
            return Some(format!(
                "it was written while it was read: zxid {}, and the read began at {zxid}",
                self.last_write
            ));
        }
        (self.children != self.listed).then(|| {
            let Self { children, listed, .. } = self;
            format!(
                "it was written while it was read, or a part of it could not be read: {children} children were promised, {listed} \
                 were listed"
            )
        })
    }
}

#[cfg(test)]
mod tests;
