//! A high-throughput replicator of `ZooKeeper` trees.
//!
//! ```text
//!  source                                                                     target
//!  walk ──chunks──> pair with the target ──> plan ──> batch ──> write ──────> ensemble
//!  multiRead        multiRead                writes   multis    acks
//! ```
//!
//! [`copy::copy`] moves a tree, [`verify::verify`] compares two. Both take plain [`options`], count into a
//! [`progress::Progress`] and stop when told to. Reads run many at once in constant memory; writes go out on one
//! session, parents first, many in flight. The source is never written.

pub mod batch;
pub mod budget;
pub mod certificate;
pub mod cli;
pub mod connect;
pub mod copy;
pub mod digest;
pub mod error;
pub mod jute;
pub mod latency;
pub mod limits;
pub mod options;
pub mod pair;
pub mod plan;
pub mod pool;
pub mod progress;
pub mod report;
pub mod resources;
pub mod session;
pub mod source;
pub mod target;
pub mod verify;
pub mod znode;
