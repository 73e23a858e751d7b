//! Limits of a plan: how long each thing may take, and how fast each side may be asked.

use std::time::Duration;

use replicator::pace::PaceOptions;
use serde::Deserialize;

use super::values::{duration, duration_or_off, some_bytes};

/// Where nine of ten replies of a side take longer, less is asked. Well above what a ZooKeeper at work needs for a write,
/// well below what a session notices.
const LATENCY_MAX: Duration = Duration::from_millis(200);

/// Times, as `250ms`, `2s`, `1m 30s`. What ends the migration when it is exceeded says so.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Without any meta server, from the leader's stop to the start of the new one; beyond it the leader is started again
    /// on the source. Replica servers go inactive after their lease, 20 s unless configured
    /// (`replica/replica_failover.cpp:111`). Default: 10s.
    #[serde(deserialize_with = "duration")]
    pub meta_away_max: Duration,
    /// From `blind` to the leader serving on the target; beyond it the migration is rolled back. No dead primary is replaced
    /// meanwhile. Default: 5m.
    #[serde(deserialize_with = "duration")]
    pub freeze_max: Duration,
    /// One call to a meta server. Default: 3s.
    #[serde(deserialize_with = "duration")]
    pub rpc_max: Duration,
    /// One stop command. Default: 30s.
    #[serde(deserialize_with = "duration")]
    pub stop_max: Duration,
    /// One start command. Default: 30s.
    #[serde(deserialize_with = "duration")]
    pub start_max: Duration,
    /// One check command. Default: 5s.
    #[serde(deserialize_with = "duration")]
    pub check_max: Duration,
    /// One hook. Default: 1m.
    #[serde(deserialize_with = "duration")]
    pub hook_max: Duration,
    /// From a stop command until the process is seen gone. Default: 1m.
    #[serde(deserialize_with = "duration")]
    pub gone_max: Duration,
    /// From a start command until the meta server serves. Where it waits for a lock, the old session's timeout comes on top.
    /// Default: 1m.
    #[serde(deserialize_with = "duration")]
    pub serving_max: Duration,
    /// Until every partition is healthy after the followers are up. Default: 10m.
    #[serde(deserialize_with = "duration")]
    pub healthy_max: Duration,
    /// A connection to a host over ssh. Default: 10s.
    #[serde(deserialize_with = "duration")]
    pub ssh_connect_max: Duration,
    /// A full verify before anything is stopped. Default: 30m.
    #[serde(deserialize_with = "duration")]
    pub verify_max: Duration,
    /// How long the old tree is watched after the migration for whoever still writes there. Default: 1m.
    #[serde(deserialize_with = "duration")]
    pub tripwire: Duration,
    /// How long after the migration `cleanup` refuses to remove the old tree. Default: 7days.
    #[serde(deserialize_with = "duration")]
    pub cleanup_hold: Duration,
    /// How fast the source may be asked.
    pub source_pace: PaceLimits,
    /// How fast the target may be asked.
    pub target_pace: PaceLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            meta_away_max: Duration::from_secs(10),
            freeze_max: Duration::from_secs(5 * 60),
            rpc_max: Duration::from_secs(3),
            stop_max: Duration::from_secs(30),
            start_max: Duration::from_secs(30),
            check_max: Duration::from_secs(5),
            hook_max: Duration::from_secs(60),
            gone_max: Duration::from_secs(60),
            serving_max: Duration::from_secs(60),
            healthy_max: Duration::from_secs(10 * 60),
            ssh_connect_max: Duration::from_secs(10),
            verify_max: Duration::from_secs(30 * 60),
            tripwire: Duration::from_secs(60),
            cleanup_hold: Duration::from_secs(7 * 24 * 60 * 60),
            source_pace: PaceLimits::default(),
            target_pace: PaceLimits::default(),
        }
    }
}

/// How fast one side may be asked, in the replicator's words.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PaceLimits {
    /// Operations a second at most. Default: no limit.
    pub ops_per_second: Option<std::num::NonZeroU64>,
    /// Bytes of data a second at most, as `10M`. Default: no limit.
    #[serde(deserialize_with = "some_bytes")]
    pub bytes_per_second: Option<u64>,
    /// Where nine of ten replies take longer than this, less is asked; `off` for no limit. Default: 200ms.
    #[serde(deserialize_with = "duration_or_off")]
    pub latency_max: Option<Duration>,
}

impl Default for PaceLimits {
    fn default() -> Self {
        Self { ops_per_second: None, bytes_per_second: None, latency_max: Some(LATENCY_MAX) }
    }
}

impl PaceLimits {
    /// The same, for a copy.
    pub fn options(&self) -> PaceOptions {
        PaceOptions {
            ops_per_second: self.ops_per_second.map(std::num::NonZeroU64::get),
            bytes_per_second: self.bytes_per_second,
            latency_max: self.latency_max,
            pause_file: None,
        }
    }
}
