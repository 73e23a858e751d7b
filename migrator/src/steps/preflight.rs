//! Everything is looked at, nothing is changed. What can't be looked at is said, and is never called fine.

mod configuration;
mod sessions;
mod tree;
mod versions;

use futures::FutureExt;
use futures::future::LocalBoxFuture;

use self::configuration::configuration;
pub(super) use self::sessions::sessions;
use self::tree::{target, tree};
use super::Findings;
use super::end_state::as_it_was;
use crate::error::Result;
use crate::lock::{self, Beside};
use crate::migration::Migration;
use crate::pegasus::client::Role;
use crate::pegasus::messages::NodeInfo;
use crate::pegasus::shell::Health;
use crate::pegasus::types::{AppStatus, NodeStatus};
use crate::plan::StepName;
use crate::server::Process;
use crate::step::{Standing, Step, Touches};

/// See the room.
pub(super) struct Preflight;

impl Step for Preflight {
    fn name(&self) -> StepName {
        StepName::Preflight
    }

    fn purpose(&self) -> &'static str {
        "looks at the cluster and at both ZooKeepers, and changes nothing"
    }

    fn touches(&self) -> Touches {
        Touches::Nothing
    }

    fn holds_until(&self) -> Option<StepName> {
        Some(StepName::Backup)
    }

    fn describe(&self, _: &Migration) -> Vec<String> {
        vec!["ask every meta server, both ensembles and every configuration file".to_owned()]
    }

    fn check<'a>(&'a self, _: &'a mut Migration) -> LocalBoxFuture<'a, Result<Standing>> {
        async { Ok(Standing::Open("the world may have changed".to_owned())) }.boxed_local()
    }

    fn run<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move { look(migration).await.judge(migration) }.boxed_local()
    }

    fn undo<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async {
            // Nobody has touched a meta server before the leader was noted, and a host that is gone is no matter of ours.
            if migration.state.leader.is_none() {
                return Ok(());
            }
            // All of them ran when this began.
            as_it_was(migration, |_| true).await
        }
        .boxed_local()
    }
}

/// Looks at everything, as far as it gets: what can't be looked at is wrong too.
pub async fn look(migration: &mut Migration) -> Findings {
    let mut found = Findings::default();
    if let Err(error) = look_into(migration, &mut found).await {
        found.wrong.push(error.to_string());
    }
    found
}

async fn look_into(migration: &mut Migration, found: &mut Findings) -> Result<()> {
    configuration(migration, found).await?;
    sessions(migration, found).await?;
    meta_servers(migration, found).await?;
    lock_line(migration, found).await?;
    replica_servers(migration, found).await?;
    tables(migration, found).await?;
    tree(migration, found).await?;
    target(migration, found).await
}

/// Exactly one leads, all are there, and all that the cluster knows are in the plan.
async fn meta_servers(migration: &mut Migration, found: &mut Findings) -> Result<()> {
    let mut primaries = Vec::new();
    for server in &migration.servers {
        match migration.meta.role(&server.address).await {
            Ok(Role::Primary) => primaries.push(server.address.clone()),
            Ok(Role::Follower(_)) => {}
            Err(error) => found.wrong.push(error.to_string()),
        }
        match server.process().await? {
            Process::Running(_) => {}
            Process::Gone | Process::Unclear(_) => found.wrong.push(format!(
                "the check command of {} does not say that it runs, and it answers: see what it looks at",
                server.address
            )),
        }
    }
    let addresses: Vec<String> = migration.servers.iter().map(|server| server.address.clone()).collect();
    versions::compare(migration, "meta server", &addresses, found).await;
    if primaries.len() != 1 {
        found.wrong.push(format!("{} meta servers say that they lead: {primaries:?}", primaries.len()));
    }
    let info = migration.meta.cluster_info().await?;
    if info.zookeeper_root != migration.state.cluster_root {
        found.wrong.push(format!("the leader's root is {:?}", info.zookeeper_root));
    }
    let name = info.pairs.iter().find(|(key, _)| key == "cluster_name").map(|(_, name)| name.as_str());
    match name {
        Some(name) if name != migration.plan.cluster => {
            found
                .wrong
                .push(format!("the cluster calls itself {name:?}, and the plan is for {:?}", migration.plan.cluster));
        }
        Some(_) => {}
        None => found.unchecked.push("the cluster's name, which this version does not tell".to_owned()),
    }
    let known = info.meta_servers.len();
    if known != migration.servers.len() {
        found.wrong.push(format!(
            "the cluster knows {known} meta servers ({}), and the plan names {}",
            info.meta_servers.join(", "),
            migration.servers.len()
        ));
    }
    match info.level {
        Some(level) => found.fine.push(format!("one leader, at level {level}")),
        None => found.wrong.push("the leader's level is none that this tool knows".to_owned()),
    }
    Ok(())
}

/// Whoever stands in line for the lock is a meta server of the plan, and nothing persistent is among them.
async fn lock_line(migration: &mut Migration, found: &mut Findings) -> Result<()> {
    let lane = migration.trees()?.lock_at_source().await?;
    let holders = lock::holders(&lane).await;
    lane.close().await;
    let holders = holders?;
    for holder in holders.iter().filter(|holder| holder.session == 0) {
        found.wrong.push(format!("{} below the lock is persistent: meta servers wait at it, or abort", holder.name));
    }
    let addresses: Vec<String> = migration.servers.iter().map(|server| server.address.clone()).collect();
    let mut line = lock::beside(&holders, &addresses).await;
    if !line.unknown.is_empty() && line.may_be_the_same() {
        found.unchecked.push(format!(
            "whether {}, who stand in line for the lock, are {} of the plan: {} can't be looked up from here",
            line.strangers.join(", "),
            line.missing.join(", "),
            line.unknown.join(", ")
        ));
        (line.strangers, line.missing) = Default::default();
    }
    let Beside { strangers, missing, repeated, .. } = line;
    found.wrong.extend(strangers.iter().map(|name| {
        format!(
            "{name} stands in line for the lock, and is no meta server of the plan: add it, or see to its end (one that was \
             stopped stands there until its session expires; one that the plan has by another name is not to be added twice)"
        )
    }));
    found.wrong.extend(
        missing.iter().map(|name| {
            format!("{name} does not stand in line for the lock: does it use this ZooKeeper, and this lock?")
        }),
    );
    found.wrong.extend(repeated.iter().map(|name| {
        format!("{name} stands in line for the lock more than once: wait until its former session expires")
    }));
    let (lock, root) = (migration.trees()?.lock().to_owned(), &migration.state.cluster_root);
    if !lock.starts_with(&format!("{root}/")) {
        found.notes.push(format!(
            "the lock {lock} is not below the cluster's root {root}: it is not copied, the new leader makes it anew"
        ));
    }
    Ok(())
}

async fn replica_servers(migration: &mut Migration, found: &mut Findings) -> Result<()> {
    let nodes = migration.meta.list_nodes(None).await?;
    for node in nodes.iter().filter(|node| node.status != NodeStatus::Alive) {
        found.wrong.push(format!("replica server {} is not ALIVE", node.name()));
    }
    found.fine.push(format!("{} replica server(s)", nodes.len()));
    let names: Vec<String> = nodes.iter().map(NodeInfo::name).collect();
    versions::compare(migration, "replica server", &names, found).await;
    Ok(())
}

/// All partitions have all their replicas: while it is blind the cluster replaces none.
async fn tables(migration: &mut Migration, found: &mut Findings) -> Result<()> {
    refresh_tables(migration).await?;
    let apps = migration.apps.clone().unwrap_or_default();
    for app in apps.iter().filter(|app| app.status == AppStatus::Available) {
        let health = Health::of(migration.partitions.get(&app.app_id).map_or(&[], Vec::as_slice));
        let unhealthy = i64::from(app.partition_count) - health.fully_healthy;
        if unhealthy > 0 {
            found.wrong.push(format!("table {} has {unhealthy} partition(s) that lack replicas", app.app_name));
        }
        if app.is_bulk_loading.unwrap_or_default() {
            found.wrong.push(format!("table {} is bulk loading, which sets the level back to steady", app.app_name));
        }
        if app.init_partition_count > 0 && app.init_partition_count != app.partition_count {
            found.wrong.push(format!("table {} is splitting its partitions", app.app_name));
        }
    }
    for app in apps.iter().filter(|app| !matches!(app.status, AppStatus::Available | AppStatus::Dropped)) {
        found.wrong.push(format!("table {} is {}: wait until that is over", app.app_name, app.status));
    }
    found.fine.push(format!("{} table(s), dropped ones among them", apps.len()));
    Ok(())
}

/// Asks the leader for all tables and the partitions of those that are available.
pub(super) async fn refresh_tables(migration: &mut Migration) -> Result<()> {
    let apps = migration.meta.list_apps(None).await?;
    migration.partitions.clear();
    for app in apps.iter().filter(|app| app.status == AppStatus::Available) {
        let partitions = migration.meta.partitions(&app.app_name).await?;
        migration.partitions.insert(app.app_id, partitions.partitions);
    }
    migration.apps = Some(apps);
    Ok(())
}

/// The one value that all of them have.
pub(super) fn one(values: &[String]) -> Option<&str> {
    let first = values.first()?;
    values.iter().all(|value| value == first).then_some(first)
}

/// A connect string as it goes into `hosts_list`.
pub fn written_hosts(connect: &replicator::connect::ConnectString) -> String {
    let chroot = if connect.chroot.is_none() { "" } else { connect.chroot.as_str() };
    format!("{}{chroot}", connect.servers())
}

/// Whether two lists name the same servers, in whatever order, and the same chroot.
pub fn same_hosts(one: &str, other: &str) -> bool {
    let parts = |text: &str| {
        let connect: replicator::connect::ConnectString = text.parse().ok()?;
        let mut hosts = connect.hosts;
        hosts.sort();
        Some((hosts, connect.chroot.as_str().to_owned()))
    };
    parts(one).is_some_and(|parts_of_one| Some(parts_of_one) == parts(other))
}
