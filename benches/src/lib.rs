//! What the benchmarks share: two servers with a tree, the floor that hoses find on them, and the modes of `line.rs`.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

pub mod bed;
pub mod floor;
pub mod hose;
pub mod modes;
pub mod replies;
pub mod runs;
pub mod shape;
