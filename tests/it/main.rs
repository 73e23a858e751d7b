//! The one integration test binary: one link, one shared pair of servers.

mod bad_input;
mod bench;
mod copy;
mod corpora;
mod faults;
mod harness_itself;
mod operations;
mod product;
mod remove;
mod verify;
mod wire;
