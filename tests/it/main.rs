//! The one integration test binary: one link, one shared pair of servers.

mod bad_input;
mod copy;
mod corpora;
mod faults;
mod harness_itself;
mod product;
mod proxy;
mod verify;
mod wire;
