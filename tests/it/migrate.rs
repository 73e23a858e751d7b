//! A cluster of stand-in meta servers moved from one real ZooKeeper to another by the real program.

mod blind;
mod cluster;
mod killed;
mod large;
mod outage;
mod page;
mod recover;
mod refused;
mod whole;
