//! What a stand-in has in memory: its tables, its level, and what it is to the cluster.

use std::collections::{BTreeMap, BTreeSet};

use migrator::pegasus::messages::AppInfo;
use migrator::pegasus::metadata::StoredApp;
use migrator::pegasus::types::AppStatus;
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
    /// The replica servers of the metadata when it was loaded.
    pub(crate) nodes: BTreeSet<String>,
    /// When it began to serve: the grace time counts from here.
    pub(crate) serving_since: Option<Instant>,
}

impl State {
    /// The table that clients know by this name.
    pub(crate) fn available(&self, name: &str) -> Option<&StoredApp> {
        self.apps.values().find(|app| app.info.status == AppStatus::Available && app.info.app_name == name)
    }

    /// The replica servers that partitions name.
    pub(crate) fn nodes_of_partitions(&self) -> BTreeSet<String> {
        let partitions = self.apps.values().flat_map(|app| app.partitions.values());
        partitions.flat_map(|config| config.primary_name().into_iter().chain(config.secondary_names())).collect()
    }

    /// How many replicas of available tables a node has: all, or primaries.
    pub(crate) fn held(&self, node: &String, all: bool) -> u32 {
        let available = self.apps.values().filter(|app| app.info.status == AppStatus::Available);
        let partitions = available.flat_map(|app| app.partitions.values());
        let held = partitions.filter(|config| {
            config.primary_name().as_ref() == Some(node) || (all && config.secondary_names().contains(node))
        });
        u32::try_from(held.count()).unwrap_or(u32::MAX)
    }

    /// A change of one table.
    pub(crate) fn change(&mut self, app_id: i32, change: impl FnOnce(&mut AppInfo)) {
        if let Some(app) = self.apps.get_mut(&app_id) {
            change(&mut app.info);
        }
    }
}
