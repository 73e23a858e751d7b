//! Everything is looked at, nothing is changed. What can't be looked at is said, and is never called fine.

use std::collections::BTreeSet;

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use replicator::error::Side;
use replicator::znode::Znode;

use super::Findings;
use crate::config_file::{HOSTS_LIST, META_SERVER, RECOVER, START_LEVEL, ZOOKEEPER};
use crate::error::{Error, ErrorKind, Result};
use crate::lock;
use crate::migration::Migration;
use crate::pegasus::client::Role;
use crate::pegasus::metadata::MetadataReader;
use crate::pegasus::shell::Health;
use crate::pegasus::types::{AppStatus, NodeStatus};
use crate::plan::StepName;
use crate::server::Process;
use crate::state::{File, Tables};
use crate::step::{Standing, Step, Touches};

/// What a meta server asks for where its configuration says nothing (zookeeper_session.cpp:72).
const SESSION_TIMEOUT_MS: u64 = 30_000;

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

    fn undo<'a>(&'a self, _: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async { Ok(()) }.boxed_local()
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
    meta_servers(migration, found).await?;
    lock_line(migration, found).await?;
    replica_servers(migration, found).await?;
    tables(migration, found).await?;
    tree(migration, found).await?;
    target(migration, found).await
}

/// Which ZooKeeper each meta server really uses, by its own words and by its file; and whether the file can be edited.
async fn configuration(migration: &mut Migration, found: &mut Findings) -> Result<()> {
    let source = written_hosts(&migration.plan.source.connect);
    let target = written_hosts(&migration.plan.target.connect);
    let (mut roots, mut locks) = (Vec::new(), Vec::new());
    for server in migration.servers.clone() {
        let said = |what: &str, value: &str, server: &str| format!("meta server {server} has {what} {value:?}");
        match migration.meta.config_value(&server.address, HOSTS_LIST).await {
            Ok(hosts) if same_hosts(&hosts, &source) => {}
            Ok(hosts) => found
                .wrong
                .push(format!("{}, and the plan's source is {source:?}", said("hosts_list", &hosts, &server.address))),
            Err(error) => found.wrong.push(error.to_string()),
        }
        match migration.meta.config_value(&server.address, "cluster_root").await {
            Ok(root) => roots.push(root),
            Err(error) => found.wrong.push(error.to_string()),
        }
        let file = match server.config().await {
            Ok(file) => file,
            Err(error) => {
                found.wrong.push(error.to_string());
                continue;
            }
        };
        found.notes.extend(file.notes().into_iter().map(|note| format!("{}: {note}", server.address)));
        match file.get(ZOOKEEPER, HOSTS_LIST) {
            Ok(Some(hosts)) if same_hosts(hosts, &source) => {}
            Ok(hosts) => found.wrong.push(format!(
                "the configuration file of {} has [{ZOOKEEPER}] {HOSTS_LIST} {hosts:?}, and the plan's source is {source:?}: \
                 is it the file that the server is started with?",
                server.address
            )),
            Err(error) => found.wrong.push(error.to_string()),
        }
        match file.get(META_SERVER, "distributed_lock_service_parameters") {
            Ok(Some(lock)) => locks.push(lock.to_owned()),
            Ok(None) => found.wrong.push(format!(
                "the configuration file of {} has no [{META_SERVER}] distributed_lock_service_parameters",
                server.address
            )),
            Err(error) => found.wrong.push(error.to_string()),
        }
        let timeout = file.get(ZOOKEEPER, "timeout_ms").ok().flatten().and_then(|text| text.parse().ok());
        let timeout = timeout.unwrap_or(SESSION_TIMEOUT_MS);
        migration.state.session_timeout_ms = migration.state.session_timeout_ms.max(Some(timeout));
        let edits = [(ZOOKEEPER, HOSTS_LIST, Some(target.as_str())), (META_SERVER, START_LEVEL, Some("blind"))];
        if let Err(error) = server.edited(&edits).await {
            found.wrong.push(error.to_string());
        }
        let hosts_list = file.get(ZOOKEEPER, HOSTS_LIST).ok().flatten().unwrap_or_default().to_owned();
        let start_level = file.get(META_SERVER, START_LEVEL).ok().flatten().map(str::to_owned);
        let recover = file.get(META_SERVER, RECOVER).ok().flatten().map(str::to_owned);
        let digest = blake3::hash(file.bytes()).to_hex().to_string();
        migration.state.files.insert(server.address.clone(), File { hosts_list, start_level, recover, digest });
    }
    match one(&roots) {
        Some("/") => found.wrong.push(
            "cluster_root is /: the whole ensemble would be the cluster's; move it below a path of its own first"
                .to_owned(),
        ),
        Some(root) => root.clone_into(&mut migration.state.cluster_root),
        None => found.wrong.push(format!("the meta servers do not agree on cluster_root: {roots:?}")),
    }
    match one(&locks) {
        // Several words: the first is the path (distributed_lock_service_zookeeper.cpp, `initialize`).
        Some(lock) => lock.split_whitespace().next().unwrap_or("/").clone_into(&mut migration.state.lock_root),
        None => found.wrong.push(format!("the configuration files do not agree on the lock's place: {locks:?}")),
    }
    if found.wrong.is_empty() {
        found.fine.push(format!(
            "{} meta server(s) use {source} and root {}",
            roots.len(),
            migration.state.cluster_root
        ));
        return Ok(());
    }
    // Without these nothing else can be looked at.
    if migration.state.cluster_root.is_empty() || migration.state.lock_root.is_empty() {
        let why = "where its tree and its lock are is not known";
        return Err(Error::new(ErrorKind::Refused, "cluster", "look at anything else", why));
    }
    Ok(())
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
        match migration.meta.version(&server.address).await {
            Ok(version) => found.fine.push(format!("{} is version {}", server.address, version.version)),
            Err(error) => found.unchecked.push(format!("the version of {}: {error}", server.address)),
        }
    }
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
    if holders.len() != migration.servers.len() {
        let list: Vec<&str> = holders.iter().map(|holder| holder.address.as_str()).collect();
        found.wrong.push(format!(
            "{} stand in line for the lock ({}), and the plan names {} meta servers",
            holders.len(),
            list.join(", "),
            migration.servers.len()
        ));
    }
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

/// What no call shows is read from the tree itself.
async fn tree(migration: &mut Migration, found: &mut Findings) -> Result<()> {
    let (mut reader, mut busy, mut duplicated) = (MetadataReader::default(), Vec::new(), BTreeSet::new());
    migration
        .trees()?
        .read(Side::Source, |znode: &Znode| {
            let path = znode.path.as_str().trim_start_matches('/');
            let data = znode.data.as_deref().unwrap_or_default();
            reader.znode(path, data);
            busy.extend(under_way(path, data));
            if let ["apps", app, "duplication", _] = path.split('/').collect::<Vec<_>>()[..] {
                duplicated.insert(app.to_owned());
            }
        })
        .await?;
    found.notes.extend(duplicated.iter().map(|app| {
        format!(
            "table {app} is duplicated: its progress is written to ZooKeeper also at blind, and is in the last proof"
        )
    }));
    let metadata = reader.finish();
    found.wrong.extend(metadata.findings().listed.iter().map(|finding| format!("source: {finding}")));
    if let Some(apps) = &migration.apps {
        found.wrong.extend(metadata.beside(apps).listed.into_iter().map(|finding| format!("source: {finding}")));
    }
    let partitions = metadata.apps.values().map(|app| app.partitions.len() as u64).sum();
    migration.state.tables = Some(Tables { tables: metadata.apps.len() as u64, partitions });
    found.wrong.extend(busy);
    found
        .unchecked
        .push("whether somebody is about to start a backup, a bulk load, a split or a duplication".to_owned());
    found
        .unchecked
        .push("whether Ranger policies are being refreshed (they write now and then, also at blind)".to_owned());
    Ok(())
}

/// What a znode says is under way.
fn under_way(path: &str, data: &[u8]) -> Option<String> {
    let names: Vec<&str> = path.split('/').collect();
    match names[..] {
        // A table's own bulk load, and those of its partitions, are removed when it has ended.
        ["bulk_load", "cluster", app] | ["bulk_load", app] if app.parse::<u32>().is_ok() => {
            Some(format!("a bulk load of table {app} is under way (znode {path})"))
        }
        // A backup's own znode has no end time while it runs (meta_backup_service.h, `backup_info`).
        ["backup", policy, backup] => {
            let info: serde_json::Value = serde_json::from_slice(data).ok()?;
            (info.get("end_time_ms").and_then(serde_json::Value::as_i64) == Some(0))
                .then(|| format!("backup {backup} of policy {policy} is under way"))
        }
        _ => None,
    }
}

/// The target answers, takes what the tree holds, and has nothing below the root.
async fn target(migration: &mut Migration, found: &mut Findings) -> Result<()> {
    let must_be_empty = migration.plan.policy.target_must_be_empty && !migration.state.copied;
    let stop = migration.stop.clone();
    let trees = migration.trees()?;
    let there = trees.at_target().await?;
    if must_be_empty && there > 0 {
        found.wrong.push(format!(
            "{} has {there} znode(s) below the cluster's root already: look what they are (zkreplicator scan), and remove them \
             (zkreplicator rm)",
            trees.target()
        ));
        return Ok(());
    }
    let plan = trees.rehearse(&stop).await?;
    let listed = &plan.notes.blockers_listed;
    found.wrong.extend(listed.iter().map(|blocker| blocker.error.to_string()));
    let all: u64 = plan.notes.blockers.values().sum();
    if all > listed.len() as u64 {
        found.wrong.push(format!("{all} znodes can't be copied, the first are listed"));
    }
    found.fine.push(format!(
        "the copy: {} znodes, {} bytes of data, {} to create, in {} to {} ms",
        plan.counts.read,
        plan.counts.read_bytes,
        plan.counts.created,
        plan.estimate.least().as_millis(),
        plan.estimate.most().as_millis()
    ));
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
