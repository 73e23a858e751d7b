//! `/meta/apps?detail` and `/meta/nodes?detail`: the shell's lists as JSON, in the server's order, all values text
//! (`meta/meta_http_service.cpp`).

use std::time::{Duration, UNIX_EPOCH};

use migrator::pegasus::metadata::StoredApp;
use migrator::pegasus::shell::Health;
use migrator::pegasus::types::AppStatus;

use super::{object, text};
use crate::nodes::Nodes;
use crate::server::Server;
use crate::state::State;

pub(super) fn apps(state: &State) -> String {
    let available: Vec<&StoredApp> =
        state.apps.values().filter(|app| app.info.status == AppStatus::Available).collect();
    let ids: Vec<String> = available.iter().map(|app| app.info.app_id.to_string()).collect();
    let keyed = |rows: Vec<String>| object(ids.iter().map(String::as_str).zip(rows));
    let health: Vec<Health> =
        available.iter().map(|app| Health::of(&app.partitions.values().cloned().collect::<Vec<_>>())).collect();
    let general = keyed(available.iter().map(|app| general(app)).collect());
    let healthy = keyed(available.iter().zip(&health).map(|(app, health)| healthy(app, *health)).collect());
    let count = |matches: &dyn Fn(&StoredApp, &Health) -> bool| {
        text(&available.iter().zip(&health).filter(|(app, health)| matches(app, health)).count())
    };
    let is_whole = |app: &StoredApp, health: &Health| i64::from(app.info.partition_count) == health.fully_healthy;
    let summary = object([
        ("total_app_count", text(&available.len())),
        ("fully_healthy_app_count", count(&is_whole)),
        ("unhealthy_app_count", count(&|app, health| !is_whole(app, health))),
        ("write_unhealthy_app_count", count(&|_, health| health.write_unhealthy > 0)),
        ("read_unhealthy_app_count", count(&|_, health| health.read_unhealthy > 0)),
    ]);
    object([("general_info", general), ("healthy_info", healthy), ("summary", summary)])
}

fn general(app: &StoredApp) -> String {
    let info = &app.info;
    let created = UNIX_EPOCH + Duration::from_secs(u64::try_from(info.create_second).unwrap_or_default());
    let created = humantime::format_rfc3339_millis(created).to_string().replace('T', " ").replace('Z', "");
    object([
        ("app_id", text(&info.app_id)),
        ("status", text(&info.status)),
        ("app_name", text(&info.app_name)),
        ("app_type", text(&info.app_type)),
        ("partition_count", text(&info.partition_count)),
        ("replica_count", text(&info.max_replica_count)),
        ("is_stateful", text(&info.is_stateful)),
        ("create_time", text(&created)),
        ("drop_time", text("-")),
        ("drop_expire", text("-")),
        ("envs_count", text(&info.envs.len())),
    ])
}

fn healthy(app: &StoredApp, health: Health) -> String {
    object([
        ("app_id", text(&app.info.app_id)),
        ("app_name", text(&app.info.app_name)),
        ("partition_count", text(&app.info.partition_count)),
        ("fully_healthy", text(&health.fully_healthy)),
        ("unhealthy", text(&(i64::from(app.info.partition_count) - health.fully_healthy))),
        ("write_unhealthy", text(&health.write_unhealthy)),
        ("read_unhealthy", text(&health.read_unhealthy)),
    ])
}

pub(super) fn nodes(server: &Server) -> String {
    let Nodes { alive, dead } = server.nodes();
    let replicas = server.state().replicas();
    let row = |name: &String, status: &str| {
        let [primaries, secondaries] = replicas.get(name).copied().unwrap_or_default();
        object([
            ("address", text(&name)),
            ("status", text(&status)),
            ("replica_count", text(&(primaries + secondaries))),
            ("primary_count", text(&primaries)),
            ("secondary_count", text(&secondaries)),
        ])
    };
    let mut rows: Vec<(&String, String)> = alive.iter().map(|name| (name, row(name, "ALIVE"))).collect();
    rows.extend(dead.iter().map(|name| (name, row(name, "UNALIVE"))));
    rows.sort();
    let details = object(rows.iter().map(|(name, row)| (name.as_str(), row.clone())));
    let summary = object([
        ("total_node_count", text(&rows.len())),
        ("alive_node_count", text(&alive.len())),
        ("unalive_node_count", text(&dead.len())),
    ]);
    object([("details", details), ("summary", summary)])
}
