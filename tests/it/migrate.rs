//! A cluster of stand-in meta servers moved from one real ZooKeeper to another by the real program.

mod blind;
mod cleanup;
mod cluster;
mod counted;
pub(crate) mod documents;
mod examples;
mod first;
mod json;
mod killed;
mod large;
mod lost_host;
mod outage;
mod page;
mod proofs;
mod recover;
mod refused;
mod status;
mod watched;
mod way_back;
mod whole;
