//! Replica servers: who counts as alive, and what their number makes of the level.

use std::collections::BTreeSet;
use std::net::{SocketAddr, ToSocketAddrs};

use migrator::pegasus::types::{Level, RpcAddress};

use crate::server::Server;

/// The replica servers.
pub(crate) struct Nodes {
    pub(crate) alive: Vec<String>,
    pub(crate) dead: Vec<String>,
}

impl Server {
    /// Until the grace time is over, all that the metadata names count as alive (`meta/meta_service.cpp:328-340`).
    pub(crate) fn nodes(&self) -> Nodes {
        let beacons = self.admin().alive_nodes;
        let state = self.state();
        let in_grace = state.serving_since.is_some_and(|since| since.elapsed() < self.settings.grace);
        let all: BTreeSet<&String> = state.nodes.keys().chain(beacons.iter().flatten()).collect();
        let lives = |node: &String| match &beacons {
            Some(beacons) => beacons.contains(node) || (in_grace && state.nodes.contains_key(node)),
            None => true,
        };
        let (alive, dead) = all.into_iter().cloned().partition(lives);
        Nodes { alive, dead }
    }

    /// A replica server's address: as partitions have it, or else looked up.
    pub(crate) fn node_address(&self, name: &str) -> RpcAddress {
        let known = self.state().nodes.get(name).copied();
        known.unwrap_or_else(|| address(name))
    }

    /// The level that counts: with too few nodes it is `freezed`, though another is stored (`meta/meta_service.h:155`).
    pub(crate) fn effective_level(&self) -> i32 {
        let Nodes { alive, dead } = self.nodes();
        let few = alive.len() < self.settings.min_live_nodes
            || alive.len() * 100 < self.settings.live_percentage * (alive.len() + dead.len());
        let level = self.state().level;
        if few { level.min(Level::Freezed.number()) } else { level }
    }
}

/// The address of a name, `localhost:34601`; an invalid one where it has none.
pub(crate) fn address(name: &str) -> RpcAddress {
    let found = name.to_socket_addrs().into_iter().flatten().find_map(|address| match address {
        SocketAddr::V4(address) => Some(RpcAddress::from(address)),
        SocketAddr::V6(_) => None,
    });
    found.unwrap_or_default()
}
