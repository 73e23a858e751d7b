//! Configuration files as clusters have them: comments, odd spacing, sections in the order of the shipped one.

use std::path::Path;

/// What tests change of it.
#[derive(Clone, Debug)]
pub struct MetaConfig {
    /// What the process is: `meta`, or `replica`: then it answers by HTTP for its configuration, and nothing else.
    pub app: &'static str,
    /// The RPC port.
    pub port: u16,
    /// All meta servers, `host:port` each.
    pub servers: Vec<String>,
    /// `[zookeeper] hosts_list`.
    pub zookeeper: String,
    /// `[zookeeper] timeout_ms`.
    pub zookeeper_timeout_ms: u64,
    /// `[meta_server] cluster_root`.
    pub root: String,
    /// `[meta_server] distributed_lock_service_parameters`.
    pub lock_root: String,
    /// `[meta_server] meta_function_level_on_start`.
    pub level_on_start: String,
    /// `[meta_server] recover_from_replica_server`.
    pub recover: bool,
    /// `[meta_server] min_live_node_count_for_unfreeze`.
    pub min_live_nodes: usize,
    /// `[replication] fd_grace_seconds`.
    pub grace_seconds: u64,
}

impl MetaConfig {
    pub(super) fn new(port: u16, servers: &[String], zookeeper: &str) -> Self {
        Self {
            app: "meta",
            port,
            servers: servers.to_vec(),
            zookeeper: zookeeper.to_owned(),
            zookeeper_timeout_ms: 4_000,
            root: crate::golden::CLUSTER_ROOT.to_owned(),
            lock_root: format!("{}/lock", crate::golden::CLUSTER_ROOT),
            level_on_start: "steady".to_owned(),
            recover: false,
            min_live_nodes: 3,
            grace_seconds: 1,
        }
    }

    /// The file's text.
    pub(super) fn text(&self, admin: &Path) -> String {
        let Self { app, port, root, lock_root, level_on_start, recover, min_live_nodes, grace_seconds, .. } = self;
        let (servers, zookeeper, timeout_ms) = (self.servers.join(","), &self.zookeeper, self.zookeeper_timeout_ms);
        let admin = admin.display();
        format!(
            r"; The meta server of cluster onebox.
[apps..default]
  run = true
  count = 1

[apps.{app}]
  type = {app}
  arguments =
  ports = {port}
  pools = THREAD_POOL_DEFAULT,THREAD_POOL_META_SERVER,THREAD_POOL_META_STATE,THREAD_POOL_FD,THREAD_POOL_DLOCK
  run = true
  count = 1

[core]
  tool = nativerun
  ;toollets = tracer, profiler
  toollets = profiler
  pause_on_start = false
  logging_start_level = LOG_LEVEL_INFO

[network]
  primary_interface =
  ; how many threads the network has
  io_service_worker_count = 4

[threadpool..default]
  worker_count = 4

[threadpool.THREAD_POOL_META_STATE]
  name = meta_state
  partitioned = true
  worker_count = 1

# hosts_list is not here, whatever the documents say: it stands in [zookeeper]
[meta_server]
  server_list = {servers}
  cluster_root = {root}

  distributed_lock_service_type = distributed_lock_service_zookeeper
  distributed_lock_service_parameters = {lock_root}

  meta_state_service_type = meta_state_service_zookeeper
  meta_state_service_parameters =

  node_live_percentage_threshold_for_update = 50
  min_live_node_count_for_unfreeze = {min_live_nodes}
  meta_function_level_on_start = {level_on_start}    # steady, blind or lively
  recover_from_replica_server = {recover}
  hold_seconds_for_dropped_app = 999000
  server_load_balancer_type = greedy_load_balancer
  cold_backup_disabled = false

[meta_server.apps.stat]
app_name = stat
app_type = pegasus
partition_count = 4
max_replica_count = 3
stateful = true

[meta_server.apps.temp]
app_name = temp
app_type = pegasus
partition_count = 8
max_replica_count = 3
stateful = true

[replication]
  cluster_name = onebox
  fd_disabled = false
	fd_check_interval_seconds = 2
  fd_beacon_interval_seconds = 3
  fd_lease_seconds = 20
  fd_grace_seconds = {grace_seconds}
  config_sync_interval_ms = 30000

[pegasus.clusters]
  onebox = {servers}
  onebox2 = 0.0.0.0:35601

[zookeeper]
  hosts_list = {zookeeper}
  timeout_ms = {timeout_ms}
  logfile = zoo.log

[task..default]
  is_trace = false
  rpc_call_header_format = NET_HDR_DSN
  rpc_timeout_milliseconds = 5000

[task.LPC_GROUP_CHECK]
  ;is_profile = true

; for tests only
[stand_in]
  admin = {admin}
"
        )
    }
}
