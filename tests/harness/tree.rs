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
pub use shapes::{big_values, bush, deep, small, wide};

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
