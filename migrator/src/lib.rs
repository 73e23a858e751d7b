//! Moves an Apache Pegasus cluster from one ZooKeeper ensemble to another.

pub mod cli;
pub mod config_file;
pub mod error;
pub mod guard;
pub mod journal;
pub mod limits;
pub mod lock;
pub mod pegasus;
pub mod plan;
pub mod state;
pub mod trees;
