//! What only `--method recovery` needs of a plan.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::values::{Address, duration};

/// How metadata is rebuilt from the replica servers. What may lose data is off unless it is asked for here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recovery {
    /// The replica servers, when no meta server is left to name them. Default: none, the cluster names them.
    #[serde(rename = "replica_server")]
    pub replica_servers: Vec<ReplicaServer>,
    /// Added to the longest lease of a replica server, before the first meta server is started again. Default: 5s.
    #[serde(deserialize_with = "duration")]
    pub lease_margin: Duration,
    /// The lease (`fd_lease_seconds`) of a replica server that can't be asked for it. Default: 20s, Pegasus's own.
    #[serde(deserialize_with = "duration")]
    pub lease: Duration,
    /// `config_sync_interval_ms` of a replica server that can't be asked for it. Default: 30s, Pegasus's own.
    #[serde(deserialize_with = "duration")]
    pub config_sync_interval: Duration,
    /// How long the meta server may wait for the replica servers' answers (`recover -w`). Default: 100s, the shell's own.
    #[serde(deserialize_with = "duration")]
    pub wait: Duration,
    /// Go on without replica servers that don't answer (`recover -b`): what only they hold is lost. Default: false.
    pub skip_bad_nodes: bool,
    /// Go on without partitions that nobody holds (`recover -l`): they come back empty. Default: false.
    pub skip_lost_partitions: bool,
    /// A table list as `ls -o` wrote it, when the meta servers can't give one. Default: none.
    pub app_list: Option<PathBuf>,
    /// A node list as `nodes -d -o` wrote it, when the meta servers can't give one. Default: none.
    pub node_list: Option<PathBuf>,
}

/// A replica server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplicaServer {
    /// `host:port` of its RPC, as the node list has it.
    pub address: Address,
    /// The port of its HTTP service. Default: that of its RPC, which answers both.
    pub http_port: Option<std::num::NonZeroU16>,
}

impl ReplicaServer {
    /// The port that its configuration is asked on.
    pub fn http_port(&self) -> u16 {
        self.http_port.map_or(self.address.port, std::num::NonZeroU16::get)
    }
}

impl Default for Recovery {
    fn default() -> Self {
        Self {
            replica_servers: Vec::new(),
            lease_margin: Duration::from_secs(5),
            lease: Duration::from_secs(20),
            config_sync_interval: Duration::from_secs(30),
            wait: Duration::from_secs(100),
            skip_bad_nodes: false,
            skip_lost_partitions: false,
            app_list: None,
            node_list: None,
        }
    }
}
