//! What the servers of a connect string are to each other: of one ensemble, and which of them are read from. Followers and
//! observers are; the leader orders every write of the ensemble and is left alone while anybody else serves.

use std::net::SocketAddr;

use futures::future::join_all;
use tokio::net::lookup_host;

use super::srvr::{self, Srvr};
use crate::options::{EnsembleOptions, ReadFrom};

/// A server's address, where its name has one, and what it said of itself.
type Said = (Option<SocketAddr>, Srvr);

/// Whom a tree is read from.
#[derive(Debug)]
pub(crate) struct Readers {
    /// The same options with the leader among the servers that are spared.
    pub(crate) options: EnsembleOptions,
    /// Whether the servers may be of two ensembles, by what they say of themselves.
    pub(crate) are_doubtful: bool,
}

/// Asks all servers for their roles. One that does not tell its own (`4lw.commands.whitelist`) is taken for one that may be read
/// from.
pub(crate) async fn readers(options: &EnsembleOptions) -> Readers {
    let mut options = options.clone();
    let hosts = &options.connect.hosts;
    if hosts.len() < 2 {
        return Readers { options, are_doubtful: false };
    }
    let said = join_all(hosts.iter().map(|(host, port)| ask(host, *port))).await;
    let are_doubtful = may_be_two_ensembles(&said);
    if options.read_from == ReadFrom::Any {
        return Readers { options, are_doubtful };
    }
    let leads = said.into_iter().map(|(_, said)| said.leads == Some(true));
    let (spared, others): (Vec<_>, Vec<_>) = hosts.iter().cloned().zip(leads).partition(|(_, leads)| *leads);
    if !others.is_empty() {
        options.spared = spared.into_iter().map(|(host, _)| host).collect();
        options.connect.hosts = others.into_iter().map(|(host, _)| host).collect();
    }
    tracing::debug!(read_from = ?options.connect.hosts, spared = ?options.spared, "servers to read from");
    Readers { options, are_doubtful }
}

async fn ask(host: &str, port: u16) -> Said {
    match lookup_host((host, port)).await.ok().and_then(|mut addresses| addresses.next()) {
        Some(address) => (Some(address), srvr::ask(address).await),
        None => (None, Srvr::default()),
    }
}

/// One that stands alone has nobody beside it, and an ensemble has one leader. It may be one server at two addresses.
fn may_be_two_ensembles(said: &[Said]) -> bool {
    let answered: Vec<_> = said.iter().filter(|(_, said)| said.leads.is_some()).collect();
    answered.iter().any(|(address, one)| {
        let is_odd =
            |other: &Srvr| one.stands_alone == Some(true) || (one.leads == Some(true) && other.leads == Some(true));
        answered.iter().any(|(other_address, other)| other_address != address && is_odd(other))
    })
}

#[cfg(test)]
mod tests;
