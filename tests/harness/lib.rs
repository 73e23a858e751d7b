//! What the tests, the benches and the demo stand on: real ZooKeeper servers, seeded trees, bounded waits.
//!
//! Nothing here imitates ZooKeeper. A [`Server`] is the java process of the installed package, a [`tree`] is what a
//! client really wrote, and [`read_tree`] reads it back with none of the product's code.
//!
//! Invariants: no java process outlives the process that started it, whatever ends that process; nothing sleeps
//! outside [`until`] and the delays of a [`Proxy`]; nothing here belongs to one tokio runtime, so tests with a runtime each
//! may share a server.

pub mod browser;
pub mod ensemble;
pub mod golden;
pub mod installation;
pub mod load;
pub mod pair;
pub mod pegasus;
pub mod proxy;
pub mod read;
pub mod server;
pub mod sshd;
pub mod tree;
pub mod wait;

mod error;
mod options;
mod ports;
mod supervisor;

pub use browser::Browser;
pub use ensemble::Ensemble;
pub use error::Error;
pub use installation::Installation;
pub use load::{Loaded, load, load_lean};
pub use options::ServerOptions;
pub use pair::{shared_pair, unique_root};
pub use pegasus::{MetaConfig, MetaServer};
pub use proxy::Proxy;
pub use read::{Seen, read_tree};
pub use server::Server;
pub use wait::until;
