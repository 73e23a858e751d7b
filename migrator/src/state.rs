//! What a migration knows and can't ask the world for again: it stands in the journal, whole, with each record.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::accounts::Accounts;
use crate::lock::Holder;
use crate::trees::Proof;

/// What was learned and done until now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The migration's name: files that it leaves carry it.
    pub id: String,
    /// Steps that are done, from the first on.
    pub done: usize,
    /// Steps that were begun; what a rollback takes back.
    pub begun: usize,
    /// `cluster_root`, as the meta servers have it.
    pub cluster_root: String,
    /// `distributed_lock_service_parameters`, as they have it.
    pub lock_root: String,
    /// Each meta server's configuration, by its address.
    pub files: BTreeMap<String, File>,
    /// Who leads while the others are stopped.
    pub leader: Option<String>,
    /// The level that the leader had, by its wire name.
    pub level: Option<String>,
    /// Whether something of ours may stand at the target.
    pub copied: bool,
    /// Whether there was nothing else below the root at the target before.
    pub target_was_empty: bool,
    /// Whether somebody was seen to write to the old tree after the migration, and a person was told.
    pub alarmed: bool,
    /// Who stood in line for the lock when the leader was stopped.
    pub holders: Vec<Holder>,
    /// The last proof.
    pub proof: Option<Proof>,
    /// Its certificate, in the journal's directory.
    pub certificate: Option<PathBuf>,
    /// `[zookeeper] timeout_ms` of the meta servers, the longest of them.
    pub session_timeout_ms: Option<u64>,
    /// What the ensembles make of it.
    #[serde(default)]
    pub granted: Granted,
    /// Tables and partitions that the backup has.
    pub tables: Option<Tables>,
    /// What only a recovery knows.
    pub recovery: Recovery,
    /// When what happened.
    pub times: Times,
    /// What a report has to say besides: a level that was lost and set again, an ACL that was read twice.
    pub notes: Vec<String>,
}

/// One meta server's configuration file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// What `[zookeeper] hosts_list` was.
    pub hosts_list: String,
    /// What `[meta_server] meta_function_level_on_start` was; `None`: there was no such line.
    pub start_level: Option<String>,
    /// What `[meta_server] recover_from_replica_server` was; `None`: there was no such line.
    pub recover: Option<String>,
    /// blake3 of the whole file, as it was before anything was changed.
    pub digest: String,
}

/// The session timeout that an ensemble grants; `None` where it could not be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Granted {
    /// The source.
    pub source_ms: Option<u64>,
    /// The target.
    pub target_ms: Option<u64>,
}

/// What only a recovery knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recovery {
    /// Meta servers that ran when it began; those that did not are not started by a rollback.
    pub ran: Vec<String>,
    /// Replica servers that the tables are rebuilt from, `host:port` each.
    pub nodes: Vec<String>,
    /// From the end of the last meta server until every replica server is inactive, with the plan's margin.
    pub lease_ms: Option<u64>,
    /// When `start recovery` was sent, or was about to be: from here on there is no way back.
    pub sent: Option<u64>,
    /// What was answered to it last, if it was answered.
    pub answer: Option<String>,
    /// When the tables were seen rebuilt.
    pub rebuilt: Option<u64>,
    /// What came of it, beside the lists.
    pub accounts: Option<Accounts>,
}

/// How much the cluster has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tables {
    /// Tables of any status whose znodes are there.
    pub tables: u64,
    /// Their partitions.
    pub partitions: u64,
}

/// Moments, in ms since the epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Times {
    /// The migration began.
    pub began: Option<u64>,
    /// The level was set to blind.
    pub frozen: Option<u64>,
    /// The leader was told to stop.
    pub leader_stopping: Option<u64>,
    /// The leader's process was seen gone.
    pub leader_gone: Option<u64>,
    /// A leader was told to start.
    pub leader_starting: Option<u64>,
    /// A leader served.
    pub leader_serves: Option<u64>,
    /// The cluster was as it was before.
    pub ended: Option<u64>,
}

impl Times {
    /// From blind to a leader that serves.
    pub fn freeze_ms(&self) -> Option<u64> {
        self.leader_serves?.checked_sub(self.frozen?)
    }

    /// From a leader told to stop to a leader that serves.
    pub fn away_ms(&self) -> Option<u64> {
        self.leader_serves?.checked_sub(self.leader_stopping?)
    }

    /// How long the processes themselves took to stop and to start, which no migrator can change.
    pub fn processes_ms(&self) -> Option<u64> {
        let stopped = self.leader_gone?.checked_sub(self.leader_stopping?)?;
        Some(stopped + self.leader_serves?.checked_sub(self.leader_starting?)?)
    }
}

/// Now, in ms since the epoch.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
