//! What a test tells a stand-in while it runs: a JSON file that `[stand_in] admin` names, read anew at each look.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

/// All of it is optional; without a file nothing is out of the ordinary.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Admin {
    /// The replica servers that send beacons, each `host:port`; none given: all that the metadata knows.
    pub(crate) alive_nodes: Option<Vec<String>>,
    /// RPCs that are done, but never answered; `*`: all.
    pub(crate) silent: Vec<String>,
    /// RPCs at which the process aborts before it does anything.
    pub(crate) crash_at: Vec<String>,
    /// How long it goes on after SIGTERM.
    pub(crate) slow_exit_ms: u64,
    /// It aborts at its start.
    pub(crate) refuse_start: bool,
    /// What it answers to `/version`, instead of its own.
    pub(crate) version: Option<String>,
    /// Replicas that were dropped come back as secondaries, as the real one's guardian sees to.
    pub(crate) cures: bool,
    /// What replica servers have, for a recovery.
    pub(crate) recovery: Recovery,
}

/// What a recovery finds.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Recovery {
    /// By the node, `host:port`. A node that is not named does not answer.
    pub(crate) nodes: BTreeMap<String, Node>,
    /// How long the nodes are collected from.
    pub(crate) delay_ms: u64,
    /// The error that it ends with, whatever was found.
    pub(crate) error: Option<String>,
}

/// What one replica server has.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Node {
    /// What collecting from it fails with: `ERR_TIMEOUT`.
    pub(crate) error: Option<String>,
    /// The tables that it has replicas of, each as it would stand in ZooKeeper.
    pub(crate) apps: Vec<Value>,
    /// Its replicas and their ballots: `4.0`.
    pub(crate) replicas: BTreeMap<String, i64>,
}

impl Admin {
    pub(crate) fn read(path: Option<&Path>) -> Self {
        let Some(text) = path.and_then(|path| std::fs::read(path).ok()) else { return Self::default() };
        // A file that is being written is read at the next look.
        serde_json::from_slice(&text).unwrap_or_default()
    }

    pub(crate) fn is_silent(&self, rpc: &str) -> bool {
        self.silent.iter().any(|silent| silent == rpc || silent == "*")
    }

    pub(crate) fn slow_exit(&self) -> Duration {
        Duration::from_millis(self.slow_exit_ms)
    }
}
