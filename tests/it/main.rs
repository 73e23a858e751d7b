//! The one integration test binary: one link, one shared pair of servers.

mod acl_policy;
mod bad_input;
mod bench;
mod certificate;
mod copy;
mod corpora;
mod counters;
mod dry_run;
mod faults;
mod filter;
mod fix;
mod harness_itself;
mod limits;
mod moving;
mod operations;
mod product;
mod proxy;
mod quotas;
mod read_from;
mod recovery;
mod remove;
mod rounds;
mod sync;
mod verify;
mod wire;
