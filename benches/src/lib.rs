//! What the benchmarks share: the fire-hose that finds a server's own limit, and how runs are counted.

pub mod hose;
pub mod replies;
pub mod runs;
