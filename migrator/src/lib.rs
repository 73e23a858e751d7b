//! Moves an Apache Pegasus cluster from one ZooKeeper ensemble to another.
//!
//! Its room in the workspace, and so far nothing but an honest `--help`: the steps, the journal and the meta server's
//! RPC come with their own issue. Until then the tree itself is moved by `zkreplicator`, by hand.

pub mod cli;
pub mod config_file;
pub mod error;
pub mod host;
pub mod journal;
pub mod plan;
