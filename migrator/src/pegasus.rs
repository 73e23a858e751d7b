//! The meta server's RPC, spoken natively, and what the cluster keeps in ZooKeeper.
//!
//! Facts are of apache/incubator-pegasus at db756dcdf (2.6.0-SNAPSHOT): `idl/*.thrift`, `src/rpc`, `src/meta`. The bytes
//! of a real meta server are in `tests/golden/pegasus-rpc`; every one decodes here and encodes to itself.
//!
//! - [`frame`]: what stands around a record: headers, names, sequence numbers.
//! - [`record`]: how a thrift record is read and written, and the limits of it.
//! - [`types`]: Pegasus's own types, which thrift does not know: error codes, addresses, levels.
//! - [`messages`]: the requests and replies.
//! - [`client`]: [`MetaClient`](client::MetaClient), which finds the primary and asks it; [`http`]: what is asked of one
//!   server by HTTP on the same port; `connection`: one question and its answer, in time.
//! - [`shell`]: the lists that Pegasus's shell writes; [`metadata`]: the JSON in ZooKeeper.

pub mod client;
pub(crate) mod connection;
pub mod frame;
pub mod http;
pub mod messages;
pub mod metadata;
pub mod record;
pub mod shell;
pub mod types;

#[cfg(test)]
mod damage_tests;
#[cfg(test)]
mod golden_tests;
