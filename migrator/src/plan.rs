//! The plan: what a person says of a cluster and of its migration, in `zkmigrator.toml`.
//!
//! Everything in it is checked here as far as the text alone tells; the living cluster is asked elsewhere. A key that is not
//! known is an error, and every error names line and column. The plan holds no secret: credentials are named by file or
//! environment variable. `docs/plan.md` is a full example with a word on each key; a test reads it.
//!
//! A **command** is a text for `sh -c` on the host that it belongs to, the same for all of them: pipes and `&&` are allowed,
//! and nothing is quoted on the way. Commands and their output are kept in the journal: no secrets there either.

mod credentials;
mod limits;
mod recovery;
mod render;
mod step_name;
mod values;
mod written;

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use replicator::connect::ConnectString;
use serde::Deserialize;

pub use self::credentials::Credentials;
pub use self::limits::{Limits, PaceLimits};
pub use self::recovery::{Recovery, ReplicaServer};
pub use self::render::{ClusterFacts, MetaServerFacts, render};
pub use self::step_name::StepName;
pub use self::values::{Address, Place, Script};
use crate::error::{Error, ErrorKind, Result};

/// The largest plan that is read: a thousand servers with long commands need less.
pub const PLAN_BYTES_MAX: u64 = 1 << 20;

/// A plan that holds together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The cluster's name, as `cluster_info` gives it: a plan for another cluster is refused.
    pub cluster: String,
    /// The journal's directory; the rest of the migration's files lie there too. Default: `zkmigrator-CLUSTER`, where the
    /// program runs.
    pub journal: PathBuf,
    /// Steps that `run` stops before, so that a person can look; `resume` goes on.
    pub pause_before: BTreeSet<StepName>,
    /// Every meta server of the cluster.
    pub meta_servers: Vec<MetaServer>,
    /// The ZooKeeper that the cluster uses.
    pub source: Ensemble,
    /// The ZooKeeper that it will use.
    pub target: Ensemble,
    /// Times and paces.
    pub limits: Limits,
    /// What may be done.
    pub policy: Policy,
    /// Commands around each step.
    pub hooks: Hooks,
    /// What only `--method recovery` needs.
    pub recovery: Recovery,
}

/// A meta server: where it is, and how its process is stopped, started and looked at.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetaServer {
    /// `host:port` of its RPC, as the cluster's `server_list` has it.
    pub address: Address,
    /// The configuration file that its process is started with, on its host.
    pub config_file: PathBuf,
    /// Where its files are and its commands run: `local`, or `ssh:NAME` with a name that the operator's own `ssh` knows.
    pub host: Place,
    /// Stops it, and keeps a supervisor from bringing it back. Exits 0 when it was told; whether it is gone is asked of
    /// [`MetaServer::check`] and of its port.
    pub stop: Script,
    /// Starts it. Exits 0 when it was told; whether it serves is asked over RPC.
    pub start: Script,
    /// Tells whether its process is there: exits 0 if it runs, 1 if it is gone; anything else means that it can't tell,
    /// and is never taken for gone.
    pub check: Script,
}

/// A ZooKeeper ensemble. The root of the tree is the cluster's own: a chroot here is one that all of its `hosts_list` has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ensemble {
    /// `host:port,host:port`, with a chroot behind it where the meta servers use one.
    pub connect: ConnectString,
    /// Who we are there.
    pub credentials: Credentials,
}

/// What may be done.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Whether a rollback may delete the stopped leader's own lock node at the source, so that a leader need not wait for
    /// its session to expire. The only write to the source there is. Default: false.
    pub remove_stale_lock: bool,
    /// The level that the cluster has afterwards. Default: `as-before`.
    pub level_after: LevelAfter,
    /// Whether there may be nothing below the root at the target when the migration begins. Default: true.
    pub target_must_be_empty: bool,
    /// Whether servers may be of different versions, which otherwise are taken for an upgrade that is under way. Default: false.
    pub mixed_versions: bool,
    /// Znodes that the later passes may remove from the target at most, since they have gone from the source. Default: 10000.
    pub delete_max: u64,
}

/// The level that a cluster has after its migration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LevelAfter {
    /// The one that it had before.
    #[default]
    AsBefore,
    /// `freezed`.
    Freezed,
    /// `steady`.
    Steady,
    /// `lively`.
    Lively,
}

/// Commands around each step, run on this machine with the step's name as `$1`. An exit code other than 0 stops the
/// migration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hooks {
    /// Before each step. Default: none.
    pub before: Option<Script>,
    /// After each step that is done. Default: none.
    pub after: Option<Script>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            remove_stale_lock: false,
            level_after: LevelAfter::AsBefore,
            target_must_be_empty: true,
            mixed_versions: false,
            delete_max: 10_000,
        }
    }
}

impl Plan {
    /// Reads a plan. Errors name line, column and key, and repeat nothing that could be a secret.
    pub fn parse(text: &str) -> Result<Self> {
        written::plan(text)
    }

    /// Reads a plan from a file, and gives its text too.
    pub fn read(file: &Path) -> Result<(Self, String)> {
        let subject = format!("plan {}", file.display());
        let wrong = |why: String| Error::new(ErrorKind::Input, &subject, "read", why);
        let mut text = String::new();
        let opened = std::fs::File::open(file).map(|opened| opened.take(PLAN_BYTES_MAX + 1));
        opened
            .and_then(|mut opened| opened.read_to_string(&mut text))
            .map_err(|error| wrong(format!("{error}; zkmigrator init writes one, --plan names another")))?;
        if text.len() as u64 > PLAN_BYTES_MAX {
            return Err(wrong(format!("it is larger than {PLAN_BYTES_MAX} bytes")));
        }
        match Self::parse(&text) {
            Ok(plan) => Ok((plan, text)),
            Err(error) => Err(Error { subject, ..error }),
        }
    }
}

#[cfg(test)]
mod tests;
