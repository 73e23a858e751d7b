//! The recovery: tables and partitions made again from what replica servers have (`meta/server_state.cpp:2440-2770`,
//! `meta/meta_data.cpp`, `construct_replica`). What the replica servers have, the test says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use migrator::pegasus::frame::Request;
use migrator::pegasus::messages::{AppInfo, PartitionConfig, RecoveryReply, RecoveryRequest};
use migrator::pegasus::metadata::{StoredApp, app_info};
use migrator::pegasus::record::decode_body;
use migrator::pegasus::types::{AppStatus, ErrorCode};

use super::{Answered, body};
use crate::admin::{Node, Recovery};
use crate::fail;
use crate::load::{empty_partition, serve, write_apps};
use crate::nodes::address;
use crate::records::Refusal;
use crate::server::{Server, now};
use crate::state::Phase;

/// What a node that nobody listens at gives.
const NOBODY: &str = "ERR_NETWORK_FAILURE";

/// One at a time: whoever asks meanwhile is answered by what became of the first (`meta/meta_service.cpp`,
/// `on_start_recovery`, under its lock).
pub(super) async fn answer(server: &Server, request: &Request) -> Answered {
    let _one = server.writing.lock().await;
    let phase = server.state().phase;
    match phase {
        Phase::Starting | Phase::Follower => body(&RecoveryReply::refuse(ErrorCode::FORWARD_TO_OTHERS)),
        Phase::Serving => body(&RecoveryReply::refuse(ErrorCode::SERVICE_ALREADY_RUNNING)),
        Phase::Loading | Phase::Recovering => match decode_body::<RecoveryRequest>(&request.body) {
            Ok(asked) => body(&recover(server, &asked).await),
            Err(_) => Answered::Never,
        },
    }
}

async fn recover(server: &Server, asked: &RecoveryRequest) -> RecoveryReply {
    let found: Recovery = server.admin().recovery;
    tokio::time::sleep(Duration::from_millis(found.delay_ms)).await;
    let names: Vec<String> = match &asked.hp_recovery_nodes {
        Some(names) => names.iter().map(ToString::to_string).collect(),
        None => asked.recovery_nodes.iter().map(ToString::to_string).collect(),
    };
    let mut hint_message = String::new();
    let mut nodes = Vec::new();
    let mut failed = false;
    for name in &names {
        let node = found.nodes.get(name);
        match node.map_or(Some(NOBODY), |node| node.error.as_deref()) {
            None => nodes.extend(node.map(|node| (name, node))),
            Some(err) if asked.skip_bad_nodes => {
                let _ = write!(
                    hint_message,
                    "WARNING: collect app and replica info from node({name}) failed with err({err}), skip the bad node"
                );
            }
            Some(err) => {
                failed = true;
                let _ = write!(
                    hint_message,
                    "ERROR: collect app and replica info from node({name}) failed with err({err}), you can skip it by \
                     set skip_bad_nodes option"
                );
            }
        }
    }
    let mut apps = if failed { Vec::new() } else { tables(&nodes, &mut hint_message) };
    let lost = partitions(&mut apps, &nodes, asked.skip_lost_partitions, &mut hint_message);
    let err = match found.error {
        Some(err) => err,
        None if failed || (lost && !asked.skip_lost_partitions) => "ERR_TRY_AGAIN".to_owned(),
        None => ErrorCode::OK.to_owned(),
    };
    let err = ErrorCode(err);
    if err.is(ErrorCode::OK) {
        write_apps(server, server.keeper(), apps).await;
        serve(server);
    }
    RecoveryReply { err, hint_message }
}

/// All tables that a node has replicas of; a holder for each number between them; each name once.
fn tables(nodes: &[(&String, &Node)], hint_message: &mut String) -> Vec<StoredApp> {
    let mut infos: BTreeMap<i32, AppInfo> = BTreeMap::new();
    for app in nodes.iter().flat_map(|(_, node)| &node.apps) {
        let info =
            app_info(app.to_string().as_bytes()).unwrap_or_else(|damage| fail(&format!("a node's table: {damage}")));
        infos.entry(info.app_id).or_insert(info);
    }
    for app_id in 1..infos.keys().max().copied().unwrap_or_default() {
        infos.entry(app_id).or_insert_with(|| holder(app_id));
    }
    let mut names = BTreeSet::new();
    for info in infos.values_mut().rev() {
        let old = info.app_name.clone();
        while !names.insert(info.app_name.clone()) {
            let _ = write!(info.app_name, "__{}", info.app_id);
        }
        if info.app_name != old {
            let (app_id, new) = (info.app_id, &info.app_name);
            let _ = writeln!(
                hint_message,
                "WARNING: app({app_id})'s old name({old}) is conflict with others, rename it to ({new})"
            );
        }
    }
    let with_partitions = |info: AppInfo| {
        let partitions = (0..info.partition_count).map(|index| (index, empty_partition(&info, index))).collect();
        StoredApp { info, partitions }
    };
    infos.into_values().map(with_partitions).collect()
}

/// What stands for a table that nobody has anything of.
fn holder(app_id: i32) -> AppInfo {
    AppInfo {
        status: AppStatus::Dropped,
        app_type: "pegasus".to_owned(),
        app_name: format!("__drop_holder__{app_id}"),
        app_id,
        partition_count: 1,
        is_stateful: true,
        max_replica_count: 3,
        expire_second: now(),
        duplicating: Some(false),
        init_partition_count: -1,
        is_bulk_loading: Some(false),
        atomic_idempotent: Some(false),
        ..AppInfo::default()
    }
}

/// The replica with the highest ballot becomes the primary, the others are the last that were dropped. Whether a partition
/// has none.
fn partitions(apps: &mut [StoredApp], nodes: &[(&String, &Node)], skip_lost: bool, hint_message: &mut String) -> bool {
    let mut lost = false;
    for app in apps.iter_mut().filter(|app| app.info.status == AppStatus::Available) {
        for config in app.partitions.values_mut() {
            let (pid, wanted) = (config.pid, config.max_replica_count);
            let mut replicas: Vec<(i64, &String)> =
                nodes.iter().filter_map(|(name, node)| Some((*node.replicas.get(&pid.to_string())?, *name))).collect();
            replicas.sort_by_key(|(ballot, _)| std::cmp::Reverse(*ballot));
            replicas.truncate(usize::try_from(wanted).unwrap_or_default());
            if replicas.is_empty() {
                lost = true;
                let [word, what] = if skip_lost {
                    ["WARNING", "force recover the lost partition to empty"]
                } else {
                    ["ERROR", "you can force recover it by set skip_lost_partitions option"]
                };
                let _ = writeln!(hint_message, "{word}: partition({pid}) has no replica collected, {what}");
                continue;
            }
            fill(config, &replicas);
            if replicas.len() < usize::try_from(wanted).unwrap_or_default() {
                let collected = replicas.len();
                let _ = writeln!(
                    hint_message,
                    "WARNING: partition({pid}) only collects {collected}/{wanted} of replicas, may lost data"
                );
            }
        }
    }
    lost
}

/// The replicas stand with the one that becomes the primary first; the list of those dropped has the latest last.
fn fill(config: &mut PartitionConfig, replicas: &[(i64, &String)]) {
    let mut others = replicas.iter();
    if let Some((ballot, primary)) = others.next() {
        config.ballot = *ballot;
        config.primary = address(primary);
        config.hp_primary = primary.parse().ok();
    }
    let others: Vec<&String> = others.rev().map(|(_, name)| *name).collect();
    config.last_drops = others.iter().map(|name| address(name)).collect();
    config.hp_last_drops = Some(others.iter().filter_map(|name| name.parse().ok()).collect());
}
