//! The leader is started on the target, still blind, and looked at before anybody else is started.

use std::collections::BTreeMap;

use futures::FutureExt;
use futures::future::LocalBoxFuture;

use super::preflight::{same_hosts, written_hosts};
use super::{no_way_back, stop_followers, written_at_target};
use crate::config_file::HOSTS_LIST;
use crate::error::{ErrorKind, Result};
use crate::migration::Migration;
use crate::pegasus::messages::{AppInfo, PartitionConfig};
use crate::pegasus::types::{AppStatus, Level};
use crate::plan::StepName;
use crate::server::Server;
use crate::state::now_ms;
use crate::step::{Standing, Step, Touches};

/// See the room.
pub(super) struct StartLeader;

impl Step for StartLeader {
    fn name(&self) -> StepName {
        StepName::StartLeader
    }

    fn purpose(&self) -> &'static str {
        "starts the leader on the new ZooKeeper, and looks at what it serves"
    }

    fn touches(&self) -> Touches {
        Touches::Outage
    }

    fn holds_until(&self) -> Option<StepName> {
        Some(StepName::StartFollowers)
    }

    fn describe(&self, migration: &Migration) -> Vec<String> {
        let start = |server: &Server| format!("{}: {} (if it led)", server.plan.host, server.plan.start.as_str());
        let mut lines: Vec<String> = migration.servers.iter().map(start).collect();
        lines.push("see that it uses the target, is blind, and serves the same tables and partitions".to_owned());
        lines
    }

    fn check<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<Standing>> {
        async {
            let leader = migration.leader()?;
            Ok(match migration.meta.config_value(&leader.address, HOSTS_LIST).await {
                Ok(hosts) if same_hosts(&hosts, &written_hosts(&migration.plan.target.connect)) => Standing::Done,
                Ok(hosts) => Standing::Open(format!("{} uses {hosts}", leader.address)),
                Err(error) => Standing::Open(error.to_string()),
            })
        }
        .boxed_local()
    }

    fn run<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            let leader = migration.leader()?;
            if migration.state.times.leader_starting.is_none() {
                // The last look before there are two worlds.
                let away = migration.away();
                away.bound(migration.see_all_gone()).await?;
                migration.state.times.leader_starting = Some(now_ms());
            }
            // One that was started by a process that is gone by now may still be on its way.
            stop_followers::start(migration, &leader).await?;
            leader.wait_leads(&migration.meta, migration.lock_outlives()).await?;
            migration.end_away();
            migration.state.times.leader_serves = migration.state.times.leader_serves.or(Some(now_ms()));
            look(migration, &leader).await
        }
        .boxed_local()
    }

    fn undo<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            let leader = migration.leader()?;
            stop_followers::stop(migration, &leader).await?;
            // Until it was gone it could write.
            if migration.state.times.leader_starting.is_some() {
                if let Some(why) = written_at_target(migration).await? {
                    stop_followers::start(migration, &leader).await?;
                    return Err(no_way_back(&why));
                }
            }
            let times = &mut migration.state.times;
            (times.leader_starting, times.leader_serves) = (None, None);
            Ok(())
        }
        .boxed_local()
    }
}

/// The new leader shows what the old one had: anything else, and it must not be given more than blind.
async fn look(migration: &mut Migration, leader: &Server) -> Result<()> {
    let wrong = |why: String| leader.error(ErrorKind::Refused, "serve what there was", why);
    let target = written_hosts(&migration.plan.target.connect);
    let hosts = migration.meta.config_value(&leader.address, HOSTS_LIST).await?;
    if !same_hosts(&hosts, &target) {
        return Err(wrong(format!(
            "it uses {hosts}, and not {target}: is the file that was edited the one it is started with?"
        )));
    }
    let info = migration.meta.cluster_info().await?;
    if !same_hosts(&info.zookeeper_hosts, &target) || info.zookeeper_root != migration.state.cluster_root {
        return Err(wrong(format!("it serves {} of {}", info.zookeeper_root, info.zookeeper_hosts)));
    }
    match migration.meta.level().await? {
        Level::Blind => {}
        level => return Err(wrong(format!("its level is {level}, and not blind as its configuration file says"))),
    }
    let before = migration.apps.clone().map(|apps| (apps, migration.partitions.clone()));
    super::preflight::refresh_tables(migration).await?;
    let apps = migration.apps.clone().unwrap_or_default();
    let Some((apps_before, partitions_before)) = before else {
        let tables = migration.state.tables.unwrap_or_default();
        if tables.tables != apps.len() as u64 {
            return Err(wrong(format!("it has {} tables, and the tree {}", apps.len(), tables.tables)));
        }
        migration.note(
            "tables and partitions were only counted on the new leader: the process that had their list was ended; compare \
             apps.blind.all.list with `ls -a -d` of the shell",
        );
        return Ok(());
    };
    let differences = differences((&apps_before, &partitions_before), (&apps, &migration.partitions));
    if differences.is_empty() { Ok(()) } else { Err(wrong(differences.join("; "))) }
}

type Tables<'a> = (&'a [AppInfo], &'a BTreeMap<i32, Vec<PartitionConfig>>);

/// Where tables or partitions are not what they were.
fn differences(before: Tables<'_>, now: Tables<'_>) -> Vec<String> {
    let mut differences = Vec::new();
    let by_id = |apps: &[AppInfo]| apps.iter().map(|app| (app.app_id, app.clone())).collect::<BTreeMap<_, _>>();
    let (apps_before, apps_now) = (by_id(before.0), by_id(now.0));
    for (id, app) in &apps_before {
        match apps_now.get(id) {
            None => differences.push(format!("table {id} ({}) is missing", app.app_name)),
            Some(other) if other != app => differences.push(format!("table {id} ({}) is another", app.app_name)),
            Some(_) if app.status != AppStatus::Available => {}
            Some(_) => {
                let parts = |of: &BTreeMap<i32, Vec<PartitionConfig>>| of.get(id).cloned().unwrap_or_default();
                let (parts_before, parts_now) = (parts(before.1), parts(now.1));
                let changed = parts_before.iter().zip(&parts_now).filter(|(one, other)| !same(one, other)).count();
                if changed > 0 || parts_before.len() != parts_now.len() {
                    differences.push(format!("{changed} partition(s) of table {id} ({}) are others", app.app_name));
                }
            }
        }
    }
    let added = apps_now.keys().filter(|id| !apps_before.contains_key(id));
    differences.extend(added.map(|id| format!("table {id} is there, and was not before")));
    differences
}

/// Whether two configurations of a partition are the same; what its primary reported last is not kept in ZooKeeper.
fn same(one: &PartitionConfig, other: &PartitionConfig) -> bool {
    let kept = |config: &PartitionConfig| PartitionConfig { last_committed_decree: 0, ..config.clone() };
    kept(one) == kept(other)
}
