//! A cluster of stand-in meta servers moved from one real ZooKeeper to another by the real program.

mod blind;
mod cluster;
mod first;
mod killed;
mod large;
mod outage;
mod proofs;
mod recover;
mod refused;
mod status;
mod watched;
mod way_back;
mod whole;
