//! Names of the steps, as a plan, the journal and the command line have them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A step of a migration. In a plan and in the journal it is `stop-followers`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepName {
    /// Everything is looked at, nothing changed.
    Preflight,
    /// Lists, certificate and configuration files are saved.
    Backup,
    /// The tree is copied while the cluster is live.
    PreCopy,
    /// All meta servers but the leader are stopped.
    StopFollowers,
    /// The level goes to `blind`, and what changed is copied.
    Blind,
    /// The leader is stopped, and the last changes are copied and proven.
    StopLeader,
    /// What Pegasus would make of the copy.
    CheckCopy,
    /// Every meta server's configuration names the target.
    RewriteConfig,
    /// The leader is started on the target.
    StartLeader,
    /// The others are started, and the level is set.
    StartFollowers,
    /// The old tree is watched.
    Tripwire,
    /// Recovery: all meta servers are stopped.
    StopAll,
    /// Recovery: every replica server's lease runs out.
    AwaitLeases,
    /// Recovery: the tables are rebuilt.
    Recover,
    /// Recovery: the meta servers are started in their normal mode.
    RestartAll,
    /// Recovery: what came of it is compared with the lists.
    Compare,
}

impl fmt::Display for StepName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A unit variant is written as its name alone.
        self.serialize(f)
    }
}
