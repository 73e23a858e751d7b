//! Moves an Apache Pegasus cluster from one ZooKeeper ensemble to another.

pub mod accounts;
pub mod cli;
pub mod conductor;
pub mod config_file;
pub mod error;
pub mod guard;
pub mod host;
pub mod journal;
pub mod limits;
pub mod lock;
pub mod metrics;
pub mod migration;
pub mod page;
pub mod pegasus;
pub mod plan;
pub mod report;
pub mod server;
pub mod session;
pub mod state;
pub mod step;
pub mod steps;
pub mod telling;
pub mod trees;
