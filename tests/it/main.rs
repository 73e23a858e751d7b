//! The one integration test binary: one link, one shared pair of servers.

mod acl_policy;
mod bad_input;
mod copy;
mod corpora;
mod faults;
mod filter;
mod harness_itself;
mod operations;
mod product;
mod verify;
mod wire;
