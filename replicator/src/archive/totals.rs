//! What the znodes of an archive, or of a part of it, come to.

use super::block::ItemRef;
use crate::connect::is_reserved;
use crate::digest::TreeDigest;
use crate::options::CounterPolicy;
use crate::verify::Reading;

/// Sums over items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Znodes, bytes of their data, their digest without counters, and what tells whether they are of one moment.
    pub reading: Reading,
    /// Bytes of their paths below the root of the tree.
    pub path_bytes: u64,
    /// Ephemerals, of which only place and owner are kept.
    pub ephemerals: u64,
    /// Whether one of them is called `/zookeeper`: it has no place at the root of an ensemble.
    pub holds_reserved: bool,
}

impl Totals {
    /// Adds one item.
    pub fn add(&mut self, item: ItemRef<'_>) {
        match item {
            ItemRef::Znode(znode) => {
                self.reading.add(znode, &TreeDigest::of(znode, CounterPolicy::Ignore));
                self.path_bytes += znode.path.as_str().len() as u64;
                self.holds_reserved |= is_reserved(znode.path.as_str());
            }
            ItemRef::Ephemeral { .. } => self.ephemerals += 1,
            ItemRef::Children { listed, .. } => self.reading.listed = self.reading.listed.saturating_add(listed as u64),
            ItemRef::Leave(_) => {}
        }
    }

    /// Adds those of another part.
    pub fn merge(&mut self, other: &Self) {
        self.reading.merge(&other.reading);
        self.path_bytes += other.path_bytes;
        self.ephemerals += other.ephemerals;
        self.holds_reserved |= other.holds_reserved;
    }
}
