//! Which servers are read from: followers and observers. The leader orders every write of the ensemble and is left alone
//! while anybody else serves.

use futures::future::join_all;
use tokio::net::lookup_host;

use super::srvr;
use crate::options::{EnsembleOptions, ReadFrom};

/// The same options with the leader among the servers that are spared. A server that does not tell its role
/// (`4lw.commands.whitelist`) is taken for one that may be read from.
pub(crate) async fn sparing_the_leader(options: &EnsembleOptions) -> EnsembleOptions {
    let mut options = options.clone();
    let hosts = &options.connect.hosts;
    if options.read_from == ReadFrom::Any || hosts.len() < 2 {
        return options;
    }
    let leads = join_all(hosts.iter().map(|(host, port)| leads(host, *port))).await;
    let (spared, others): (Vec<_>, Vec<_>) = hosts.iter().cloned().zip(leads).partition(|(_, leads)| *leads);
    if !others.is_empty() {
        options.spared = spared.into_iter().map(|(host, _)| host).collect();
        options.connect.hosts = others.into_iter().map(|(host, _)| host).collect();
    }
    tracing::debug!(read_from = ?options.connect.hosts, spared = ?options.spared, "servers to read from");
    options
}

async fn leads(host: &str, port: u16) -> bool {
    match lookup_host((host, port)).await.ok().and_then(|mut addresses| addresses.next()) {
        Some(address) => srvr::ask(address).await.leads == Some(true),
        None => false,
    }
}
