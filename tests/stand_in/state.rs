//! What a stand-in has in memory: its tables, its level, and what it is to the cluster.

use std::collections::BTreeMap;

use migrator::pegasus::messages::AppInfo;
use migrator::pegasus::metadata::StoredApp;
use migrator::pegasus::types::{AppStatus, HostPort, RpcAddress};
use tokio::time::Instant;

/// What it is to the cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It has no session yet, and no handlers.
    #[default]
    Starting,
    /// Another holds the lock.
    Follower,
    /// It holds the lock, and loads.
    Loading,
    /// It waits for a recovery.
    Recovering,
    /// It serves.
    Serving,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) phase: Phase,
    /// Whom a follower names: the data of the lowest lock child.
    pub(crate) leader: Option<String>,
    pub(crate) apps: BTreeMap<i32, StoredApp>,
    /// Stored as it was set, unchecked.
    pub(crate) level: i32,
    /// The replica servers of the metadata when it was loaded, and their addresses.
    pub(crate) nodes: BTreeMap<String, RpcAddress>,
    /// When it began to serve: the grace time counts from here.
    pub(crate) serving_since: Option<Instant>,
}

impl State {
    /// The table that clients know by this name.
    pub(crate) fn available(&self, name: &str) -> Option<&StoredApp> {
        self.apps.values().find(|app| app.info.status == AppStatus::Available && app.info.app_name == name)
    }

    /// The replica servers that partitions name, and their addresses there.
    pub(crate) fn nodes_of_partitions(&self) -> BTreeMap<String, RpcAddress> {
        let mut nodes: BTreeMap<&HostPort, RpcAddress> = BTreeMap::new();
        for config in self.apps.values().flat_map(|app| app.partitions.values()) {
            nodes.extend(config.hp_primary.iter().zip([config.primary]));
            nodes.extend(config.hp_secondaries.iter().flatten().zip(config.secondaries.iter().copied()));
        }
        nodes.into_iter().filter(|(name, _)| name.is_valid()).map(|(name, at)| (name.to_string(), at)).collect()
    }

    /// How many primaries and secondaries of available tables each replica server has.
    pub(crate) fn replicas(&self) -> BTreeMap<String, [u32; 2]> {
        let mut replicas: BTreeMap<&HostPort, [u32; 2]> = BTreeMap::new();
        let available = self.apps.values().filter(|app| app.info.status == AppStatus::Available);
        for config in available.flat_map(|app| app.partitions.values()) {
            if let Some(name) = &config.hp_primary {
                replicas.entry(name).or_default()[0] += 1;
            }
            for name in config.hp_secondaries.iter().flatten() {
                replicas.entry(name).or_default()[1] += 1;
            }
        }
        replicas.into_iter().map(|(name, counts)| (name.to_string(), counts)).collect()
    }

    /// A change of one table.
    pub(crate) fn change(&mut self, app_id: i32, change: impl FnOnce(&mut AppInfo)) {
        if let Some(app) = self.apps.get_mut(&app_id) {
            change(&mut app.info);
        }
    }
}
