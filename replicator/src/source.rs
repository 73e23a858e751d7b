//! Where trees come from: chunks of visits, parents before their children.
//!
//! A source gives every znode of a tree once, in an order in which a znode comes before its children, and says when
//! all children of a znode have been given. Whoever takes a chunk holds its permit.

mod acl_lanes;
pub mod changes;
mod fingerprints;
mod frontier;
mod origin;
pub mod reader;
pub mod walk;

pub use self::origin::{Chunks, Source};
use crate::budget::Permit;
use crate::error::Code;
use crate::limits;
use crate::znode::{Names, Znode, ZnodePath};

/// What was met at one place of a tree.
#[derive(Clone, Debug)]
pub enum Visit {
    /// A znode that lives by itself.
    Znode(Znode),
    /// The children of a znode that has any, before they are left. Ephemerals are among them, and what a filter leaves out
    /// is not.
    Children {
        /// Whose children.
        parent: ZnodePath,
        /// Their names.
        names: Names,
        /// How many the server has listed, before any was left out.
        listed: usize,
    },
    /// All children of this znode have been visited.
    Leave(ZnodePath),
    /// An ephemeral znode: it belongs to the session `owner` and is left out.
    Ephemeral {
        /// Where it is.
        path: ZnodePath,
        /// The session that it dies with.
        owner: i64,
    },
    /// `/zookeeper`, which is the server's own and is left out.
    Reserved(ZnodePath),
    /// The children of a znode that a filter left out since it led to nothing. At the target it may lead to something.
    OnTheWay(ZnodePath, Names),
    /// This many children of a znode are left out by the filter, each with everything below it. It comes before the znode
    /// is left.
    Filtered(ZnodePath, usize),
    /// It was there when its parent was listed, and gone when it was read.
    Vanished(ZnodePath),
    /// The server does not let us read it (nor what is below it).
    Unreadable(ZnodePath, Code),
}

impl Visit {
    /// The znode, if it is one that lives by itself.
    pub fn znode(&self) -> Option<&Znode> {
        if let Self::Znode(znode) = self { Some(znode) } else { None }
    }

    /// Bytes that it holds while it is on its way.
    pub fn weight(&self) -> usize {
        limits::ZNODE_OVERHEAD_BYTES
            + match self {
                Self::Znode(znode) => znode.data_len(),
                Self::Children { names, .. } | Self::OnTheWay(_, names) => names.size(),
                _ => 0,
            }
    }
}

/// Visits that were read together, with the permit for their bytes.
#[derive(Debug)]
pub struct Chunk {
    /// In order.
    pub visits: Vec<Visit>,
    /// Bytes that the visits hold.
    pub permit: Permit,
}
