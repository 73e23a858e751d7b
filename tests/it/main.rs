//! The one integration test binary: one link, one shared pair of servers.

mod bad_input;
mod certificate;
mod copy;
mod corpora;
mod faults;
mod harness_itself;
mod operations;
mod product;
mod read_from;
mod verify;
mod wire;
