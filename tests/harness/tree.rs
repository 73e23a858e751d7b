//! Trees to copy: seeded generators, the same znodes for the same seed on every machine.
//!
//! Each generator is there for what breaks copiers: the shape of Pegasus, width, depth, big values, very many small ones,
//! odd names and ACLs.
//!
//! Invariants: parents come before their children. Iterators are lazy and hold nothing that grows with the tree. Only
//! [`odd`] yields the root, `/`, itself; counts never include it elsewhere.

mod odd;
mod pegasus;
mod random;
mod shapes;

use zookeeper_client::{Acl, Acls};

pub use odd::{ODD_AUTH, odd};
pub use pegasus::pegasus_like;
pub use random::Random;
pub use shapes::{big_values, bush, deep, small, values_among_small, values_between_small, wide};

/// Heap of a znode beside its data, in bytes; see [`heap_mb`].
const ZNODE_HEAP_BYTES: usize = 500;
const MIB: usize = 1024 * 1024;

/// A znode to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeZnode {
    /// Its path below the root of the tree; `/` is the root itself.
    pub path: String,
    /// Its data.
    pub data: Vec<u8>,
    /// Its ACL.
    pub acl: Vec<Acl>,
    /// Whether it goes with the session that wrote it.
    pub ephemeral: bool,
}

impl TreeZnode {
    /// A persistent znode that anyone may do anything with.
    pub fn new(path: impl Into<String>, data: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), data: data.into(), acl: Acls::anyone_all().to_vec(), ephemeral: false }
    }

    /// The same with another ACL.
    #[must_use]
    pub fn with_acl(mut self, acl: Vec<Acl>) -> Self {
        self.acl = acl;
        self
    }

    /// The same as an ephemeral znode.
    #[must_use]
    pub fn ephemeral(mut self) -> Self {
        self.ephemeral = true;
        self
    }
}

/// What a server needs for a tree of so many znodes and bytes of data, in MiB of heap. Beside the data it has a path, a
/// node with its stat, and an entry in the map of all paths for each znode: 500 bytes with names as short as these.
pub fn heap_mb(znodes: usize, bytes: usize) -> u32 {
    u32::try_from((bytes + znodes * ZNODE_HEAP_BYTES).div_ceil(MIB)).expect("no test's tree has a petabyte")
}

/// The same for a server that the tree is being copied to, with a third for its garbage collector.
///
/// It keeps its last 500 transactions, of 1 MiB at most, three times each: as request, as transaction and as packet for
/// followers (ZKDatabase.java, `addCommittedProposal`).
pub fn written_heap_mb(znodes: usize, bytes: usize) -> u32 {
    heap_mb(znodes, bytes + 3 * bytes.min(500 * MIB)) / 3 * 4
}
