//! A high-throughput replicator of `ZooKeeper` trees.
//!
//! ```text
//!  source                                                                     target
//!  walk ──chunks──> pair with the target ──> plan ──> batch ──> write ──────> ensemble
//!  multiRead        multiRead                writes   multis    acks
//! ```
//!
//! [`copy::copy`] moves a tree, [`verify::verify`] compares two, [`bench::bench`] measures both on a tree that it makes
//! up, [`scan::scan`] says what is in one, [`rm::rm`] removes one. All take plain [`options`], count into a
//! [`progress::Progress`] and stop when told to. Reads run many at once in constant memory; writes go out on one
//! session, parents first, many in flight. The source is never written, but by a bench, below a path that it made.

pub mod acl_map;
pub mod acl_memory;
pub mod amounts;
pub mod archive;
pub mod batch;
pub mod bench;
pub mod budget;
pub mod certificate;
pub mod cli;
pub mod connect;
pub mod copy;
pub mod digest;
pub mod ephemerals;
pub mod error;
pub mod filter;
pub mod jute;
pub mod latency;
pub mod limits;
pub mod masked;
pub mod metrics;
pub mod options;
pub mod pace;
pub mod pair;
pub mod plan;
pub mod pool;
pub mod progress;
pub mod quota;
pub mod rehearsal;
pub mod remove;
pub mod report;
pub mod resources;
pub mod retry;
pub mod rm;
pub mod scan;
pub mod series;
pub mod session;
pub mod source;
pub mod sync;
pub mod target;
pub mod terminal;
pub mod verify;
pub mod whole_file;
pub mod znode;
