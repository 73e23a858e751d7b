//! What changes no table: questions, the level, beacons.

use migrator::pegasus::messages::{
    AppInfo, ClusterInfoReply, ControlMetaReply, ControlMetaRequest, ListAppsReply, ListAppsRequest, ListNodesReply,
    ListNodesRequest, NodeInfo, QueryConfigReply, QueryConfigRequest,
};
use migrator::pegasus::types::{AppStatus, ErrorCode, Level, NodeStatus};

use crate::fail;
use crate::nodes::{Nodes, address};
use crate::records::{Beacon, BeaconAck, Refusal};
use crate::server::{Server, own_address};
use crate::state::Phase;

/// `pattern_match_type` of `idl/utils.thrift`.
const MATCH_EXACT: i32 = 2;
const MATCH_ANYWHERE: i32 = 3;
const MATCH_PREFIX: i32 = 4;
const MATCH_POSTFIX: i32 = 5;

/// The pairs, in the server's order.
pub(crate) fn pairs(server: &Server) -> Vec<(&'static str, String)> {
    let number = server.effective_level();
    // The real one looks the name up without a look whether it is there, and crashes.
    let level = Level::from_number(number).unwrap_or_else(|| fail(&format!("level {number} has no name")));
    let settings = &server.settings;
    let nodes = server.nodes().alive;
    let state = server.state();
    let replicas = state.replicas();
    let held: Vec<[u32; 2]> = nodes.iter().map(|node| replicas.get(node).copied().unwrap_or_default()).collect();
    let primaries = deviation(held.iter().map(|[primaries, _]| *primaries));
    let replicas = deviation(held.iter().map(|[primaries, secondaries]| primaries + secondaries));
    // What the balancer would move; it does not know where there are nodes enough to ask it.
    let total = if nodes.len() < settings.min_live_nodes.max(3) { 0 } else { -1 };
    let operations =
        format!("{{\n  \"copy_pri\": 0,\n  \"copy_sec\": 0,\n  \"move_pri\": 0,\n  \"total\": {total}\n}}");
    vec![
        ("meta_servers", settings.meta_servers.clone()),
        ("primary_meta_server", settings.name.clone()),
        ("zookeeper_hosts", settings.zookeeper_hosts.clone()),
        ("zookeeper_root", settings.cluster_root.clone()),
        ("meta_function_level", level.name().to_owned()),
        ("balance_operation_count", operations),
        ("primary_replica_count_stddev", primaries),
        ("total_replica_count_stddev", replicas),
        ("cluster_name", settings.cluster_name.clone()),
    ]
}

pub(super) fn cluster_info(server: &Server) -> ClusterInfoReply {
    let (keys, values) = pairs(server).into_iter().map(|(key, value)| (key.to_owned(), value)).unzip();
    ClusterInfoReply { err: ErrorCode::OK.into(), keys, values }
}

/// How far apart these numbers are.
fn deviation(counts: impl Iterator<Item = u32>) -> String {
    let counts: Vec<f64> = counts.map(f64::from).collect();
    // An empty sum is -0, which would be printed.
    let mean = |values: &[f64]| values.iter().fold(0.0, |sum, value| sum + value) / values.len().max(1) as f64;
    let middle = mean(&counts);
    let squares: Vec<f64> = counts.iter().map(|count| (count - middle).powi(2)).collect();
    format!("{:.2}", mean(&squares).sqrt())
}

pub(super) fn list_apps(server: &Server, asked: &ListAppsRequest) -> ListAppsReply {
    let pattern = asked.app_name_pattern.as_deref().unwrap_or_default();
    let matches = |app: &AppInfo| match asked.match_type {
        Some(MATCH_EXACT) => app.app_name == pattern,
        Some(MATCH_ANYWHERE) => app.app_name.contains(pattern),
        Some(MATCH_PREFIX) => app.app_name.starts_with(pattern),
        Some(MATCH_POSTFIX) => app.app_name.ends_with(pattern),
        _ => true,
    };
    let wanted = |app: &AppInfo| asked.status == AppStatus::Invalid || asked.status == app.status;
    let state = server.state();
    let infos = state.apps.values().map(|app| &app.info).filter(|app| wanted(app) && matches(app));
    ListAppsReply { err: ErrorCode::OK.into(), infos: infos.cloned().collect(), hint_message: None }
}

pub(super) fn list_nodes(server: &Server, asked: &ListNodesRequest) -> ListNodesReply {
    let Nodes { alive, dead } = server.nodes();
    let both = [(NodeStatus::Alive, alive), (NodeStatus::Unalive, dead)];
    let wanted = both.into_iter().filter(|(status, _)| asked.status == NodeStatus::Invalid || asked.status == *status);
    let infos = wanted.flat_map(|(status, names)| {
        let info =
            move |name: String| NodeInfo { status, node: server.node_address(&name), hp_node: name.parse().ok() };
        names.into_iter().map(info)
    });
    ListNodesReply { err: ErrorCode::OK.into(), infos: infos.collect() }
}

pub(super) fn query_config(server: &Server, asked: &QueryConfigRequest) -> QueryConfigReply {
    let state = server.state();
    let Some(app) = state.available(&asked.app_name) else { return QueryConfigReply::refuse("ERR_OBJECT_NOT_FOUND") };
    let all = asked.partition_indices.is_empty();
    let partitions =
        app.partitions.values().filter(|config| all || asked.partition_indices.contains(&config.pid.index));
    QueryConfigReply {
        err: ErrorCode::OK.into(),
        app_id: app.info.app_id,
        partition_count: app.info.partition_count,
        is_stateful: app.info.is_stateful,
        partitions: partitions.cloned().collect(),
    }
}

/// Whatever number is asked for is stored (`meta/meta_service.cpp:844-866`).
pub(super) fn control_meta(server: &Server, asked: &ControlMetaRequest) -> ControlMetaReply {
    let old_level = server.state().level;
    if asked.level != Level::ASK {
        server.state().level = asked.level;
    }
    ControlMetaReply { err: ErrorCode::OK.into(), old_level }
}

pub(super) fn ping(server: &Server, beacon: &Beacon) -> BeaconAck {
    let is_master = server.state().phase != Phase::Follower;
    let primary = server.state().leader.clone().filter(|_| !is_master).unwrap_or_else(|| server.settings.name.clone());
    BeaconAck {
        time: beacon.time,
        this_node: own_address(server),
        primary_node: address(&primary),
        is_master,
        allowed: true,
        hp_this_node: server.settings.name.parse().ok(),
        hp_primary_node: primary.parse().ok(),
    }
}
