//! Everything that a recovery needs is looked at, nothing is changed. Meta servers that are dead, and a ZooKeeper that is
//! gone, may be why there is one: what they can't tell is taken from the plan and the configuration files, and said.

use std::time::Duration;

use futures::future::LocalBoxFuture;
use futures::{FutureExt, StreamExt, stream};
use replicator::connect::endpoint;
use tokio::time::timeout;

use crate::accounts;
use crate::config_file::{ConfigFile, HOSTS_LIST, META_SERVER, RECOVER, START_LEVEL, ZOOKEEPER};
use crate::error::{Error, ErrorKind, Result};
use crate::lock;
use crate::migration::Migration;
use crate::pegasus::shell::read;
use crate::pegasus::types::NodeStatus;
use crate::plan::{Recovery, StepName};
use crate::server::{Process, Server};
use crate::state::File;
use crate::step::{Standing, Step, Touches};
use crate::steps::Findings;
use crate::steps::end_state::as_it_was;
use crate::steps::pre_copy::remove_from_target;
use crate::steps::preflight::{one, refresh_tables, same_hosts, sessions, written_hosts};

/// How long the old ZooKeeper may take to say who stands in line for the lock: it may be gone.
const SOURCE_WITHIN: Duration = Duration::from_secs(5);
/// Replica servers that are asked at the same time.
const ASKED_AT_ONCE: usize = 16;

/// See the room.
pub(super) struct Preflight;

impl Step for Preflight {
    fn name(&self) -> StepName {
        StepName::Preflight
    }

    fn purpose(&self) -> &'static str {
        "looks at meta servers, replica servers and the new ZooKeeper, and changes nothing"
    }

    fn touches(&self) -> Touches {
        Touches::Nothing
    }

    fn holds_until(&self) -> Option<StepName> {
        Some(StepName::Backup)
    }

    fn describe(&self, _: &Migration) -> Vec<String> {
        vec![
            "ask every meta server that runs, every replica server, the target and every configuration file".to_owned(),
        ]
    }

    fn check<'a>(&'a self, _: &'a mut Migration) -> LocalBoxFuture<'a, Result<Standing>> {
        async { Ok(Standing::Open("the world may have changed".to_owned())) }.boxed_local()
    }

    fn run<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move { look(migration).await.judge(migration) }.boxed_local()
    }

    fn undo<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            // It was empty when this began.
            remove_from_target(migration).await?;
            as_it_was(migration, |server| migration.state.recovery.ran.contains(&server.address)).await
        }
        .boxed_local()
    }
}

/// Looks at everything, as far as it gets: what can't be looked at is wrong too.
pub async fn look(migration: &mut Migration) -> Findings {
    let mut found = Findings::default();
    found.notes.push(
        "a recovery is an outage: nothing is served from stop-all until the tables are rebuilt; it loses duplications, backup \
         policies and the names of dropped tables, and what was dropped may come back to life"
            .to_owned(),
    );
    if let Err(error) = look_into(migration, &mut found).await {
        found.wrong.push(error.to_string());
    }
    found
}

async fn look_into(migration: &mut Migration, found: &mut Findings) -> Result<()> {
    processes(migration, found).await?;
    if !configuration(migration, found).await {
        return Ok(());
    }
    sessions(migration, found).await?;
    lock_line(migration, found).await?;
    lists(migration, found).await;
    leases(migration, found).await;
    target(migration, found).await
}

/// Which meta servers run.
async fn processes(migration: &mut Migration, found: &mut Findings) -> Result<()> {
    let mut ran = Vec::new();
    for server in &migration.servers {
        match server.process().await? {
            Process::Running(_) => ran.push(server.address.clone()),
            Process::Gone => found.notes.push(format!("meta server {} does not run", server.address)),
            Process::Unclear(why) => found.wrong.push(format!("meta server {}: {why}", server.address)),
        }
    }
    found.fine.push(format!("{} of {} meta server(s) run", ran.len(), migration.servers.len()));
    migration.state.recovery.ran = ran;
    Ok(())
}

/// What the files say, whether they can be edited, and whether those that run were started with them; gives whether anything
/// else can be looked at.
async fn configuration(migration: &mut Migration, found: &mut Findings) -> bool {
    let (mut roots, mut locks, mut without_root) = (Vec::new(), Vec::new(), Vec::new());
    for server in migration.servers.clone() {
        let file = match server.config().await {
            Ok(file) => file,
            Err(error) => {
                found.wrong.push(error.to_string());
                continue;
            }
        };
        match read_file(&server, &file, migration, found) {
            Ok((root, lock)) => {
                if root.is_none() {
                    without_root.push(server.address.clone());
                }
                roots.push(root.unwrap_or_else(|| "/".to_owned()));
                locks.push(lock);
            }
            Err(error) => found.wrong.push(format!("configuration file of {}: {error}", server.address)),
        }
        let target = written_hosts(&migration.plan.target.connect);
        let edits = [(META_SERVER, RECOVER, Some("true")), (ZOOKEEPER, HOSTS_LIST, Some(target.as_str()))];
        if let Err(error) = server.edited(&edits).await {
            found.wrong.push(error.to_string());
        }
        if migration.state.recovery.ran.contains(&server.address) {
            asked(migration, &server, roots.last(), found).await;
        }
    }
    match one(&roots) {
        Some("/") => {
            let why = if without_root.is_empty() {
                String::new()
            } else {
                let servers = without_root.join(", ");
                format!(
                    " ([{META_SERVER}] cluster_root is missing in the configuration file of {servers}, and / is its default)"
                )
            };
            found.wrong.push(format!("cluster_root is /: the whole ensemble would be the cluster's{why}"));
        }
        Some(root) => root.clone_into(&mut migration.state.cluster_root),
        // Why there is none was said of each file.
        None if roots.is_empty() => {}
        None => found.wrong.push(format!("the configuration files do not agree on cluster_root: {roots:?}")),
    }
    match one(&locks) {
        Some(lock) => lock.split_whitespace().next().unwrap_or("/").clone_into(&mut migration.state.lock_root),
        None if locks.is_empty() => {}
        None => found.wrong.push(format!("the configuration files do not agree on the lock's place: {locks:?}")),
    }
    !migration.state.cluster_root.is_empty() && !migration.state.lock_root.is_empty()
}

/// Notes what one file has; gives its root, if it has one, and its lock's place.
fn read_file(
    server: &Server,
    file: &ConfigFile,
    migration: &mut Migration,
    found: &mut Findings,
) -> Result<(Option<String>, String)> {
    let get = |section, key| file.get(section, key).map(|value| value.map(str::to_owned));
    let address = &server.address;
    found.notes.extend(file.notes().into_iter().map(|note| format!("{address}: {note}")));
    let source = written_hosts(&migration.plan.source.connect);
    let hosts_list = get(ZOOKEEPER, HOSTS_LIST)?.unwrap_or_default();
    if !same_hosts(&hosts_list, &source) {
        found.wrong.push(format!(
            "the configuration file of {address} has [{ZOOKEEPER}] {HOSTS_LIST} {hosts_list:?}, and the plan's source is \
             {source:?}: is it the file that the server is started with?"
        ));
    }
    let recover = get(META_SERVER, RECOVER)?;
    if recover.as_deref() == Some("true") {
        found
            .wrong
            .push(format!("the configuration file of {address} has {RECOVER} = true already: was one begun by hand?"));
    }
    match get(META_SERVER, "server_list") {
        Ok(Some(list)) => {
            let planned = |name: &&str| migration.servers.iter().any(|server| server.address == *name);
            let unknown: Vec<&str> =
                list.split(',').map(str::trim).filter(|name| !name.is_empty()).filter(|name| !planned(name)).collect();
            if !unknown.is_empty() {
                found.wrong.push(format!("{} in the server_list of {address} is not in the plan", unknown.join(", ")));
            }
        }
        _ => found.unchecked.push(format!("whether {address} knows of a meta server that is not in the plan")),
    }
    match get("replication", "cluster_name") {
        Ok(Some(name)) if name != migration.plan.cluster => found
            .wrong
            .push(format!("{address} is of the cluster {name:?}, and the plan is for {:?}", migration.plan.cluster)),
        Ok(Some(_)) => {}
        _ => found.unchecked.push(format!("the cluster's name, which the file of {address} does not tell")),
    }
    let timeout = get(ZOOKEEPER, "timeout_ms").ok().flatten().and_then(|text| text.parse().ok());
    migration.state.session_timeout_ms = migration.state.session_timeout_ms.max(timeout);
    let start_level = get(META_SERVER, START_LEVEL)?;
    let digest = blake3::hash(file.bytes()).to_hex().to_string();
    migration.state.files.insert(address.clone(), File { hosts_list, start_level, recover, digest });
    let root = get(META_SERVER, "cluster_root")?;
    let lock = get(META_SERVER, "distributed_lock_service_parameters")?.unwrap_or_default();
    Ok((root, lock))
}

/// What one that runs really uses.
async fn asked(migration: &Migration, server: &Server, root: Option<&String>, found: &mut Findings) {
    let source = written_hosts(&migration.plan.source.connect);
    match migration.meta.config_value(&server.address, HOSTS_LIST).await {
        Ok(hosts) if same_hosts(&hosts, &source) => {}
        Ok(hosts) => found
            .wrong
            .push(format!("meta server {} uses {hosts:?}, and the plan's source is {source:?}", server.address)),
        Err(error) => found.unchecked.push(error.to_string()),
    }
    match migration.meta.config_value(&server.address, "cluster_root").await {
        Ok(used) if Some(&used) == root => {}
        Ok(used) => {
            found
                .wrong
                .push(format!("meta server {} uses the root {used:?}, and its file has another", server.address));
        }
        Err(error) => found.unchecked.push(error.to_string()),
    }
}

/// Whoever stands in line for the old lock is a meta server of the plan: another would live on.
async fn lock_line(migration: &mut Migration, found: &mut Findings) -> Result<()> {
    let trees = migration.trees()?;
    let holders = timeout(SOURCE_WITHIN, async {
        let lane = trees.lock_at_source().await?;
        let holders = lock::holders(&lane).await;
        lane.close().await;
        holders
    });
    let Ok(Ok(holders)) = holders.await else {
        let why = "whether a meta server that is not in the plan uses the old ZooKeeper, which does not answer";
        found.unchecked.push(why.to_owned());
        return Ok(());
    };
    let addresses: Vec<String> = migration.servers.iter().map(|server| server.address.clone()).collect();
    let line = lock::beside(&holders, &addresses).await;
    let (unknown, strangers): (Vec<&String>, Vec<&String>) =
        line.strangers.iter().partition(|name| line.unknown.contains(name));
    found.unchecked.extend(unknown.iter().map(|name| {
        format!(
            "whether {name}, who stands in line for the lock, is a meta server of the plan: the name can't be looked up"
        )
    }));
    found.wrong.extend(
        strangers.iter().map(|name| format!("{name} stands in line for the lock, and is no meta server of the plan")),
    );
    Ok(())
}

/// Tables and replica servers: as the leader lists them, otherwise as the plan does.
async fn lists(migration: &mut Migration, found: &mut Findings) {
    let skips = migration.plan.recovery.skip_bad_nodes;
    // Known only where a leader gives the lists.
    migration.state.level = None;
    let listed = match live_nodes(migration).await {
        Ok(nodes) => {
            let apps = migration.apps.as_ref().map_or(0, Vec::len);
            found.fine.push(format!("{apps} table(s), dropped ones among them, and {} replica server(s)", nodes.len()));
            Ok(nodes)
        }
        Err(error) => {
            found.notes.push(format!("no meta server gives the lists ({error}): those of the plan are used"));
            planned_lists(&migration.plan.recovery, found)
        }
    };
    let listed = listed.unwrap_or_else(|error: Error| {
        found.wrong.push(error.to_string());
        Vec::new()
    });
    let explicit: Vec<String> =
        migration.plan.recovery.replica_servers.iter().map(|server| server.address.to_string()).collect();
    migration.state.recovery.nodes = if explicit.is_empty() {
        for (name, _) in listed.iter().filter(|(_, status)| *status != NodeStatus::Alive) {
            let what = format!("replica server {name} is not ALIVE: what only it holds would be lost");
            if skips { found.notes.push(what) } else { found.wrong.push(what) }
        }
        listed.into_iter().filter(|(_, status)| *status == NodeStatus::Alive).map(|(name, _)| name).collect()
    } else {
        for (name, _) in listed.iter().filter(|(name, _)| !explicit.contains(name)) {
            found.notes.push(format!("replica server {name} is not among those of the plan: it takes no part"));
        }
        explicit
    };
    match migration.state.recovery.nodes.len() {
        0 => found.wrong.push("no replica server is known: name them in the plan ([recovery] node_list)".to_owned()),
        nodes => found.fine.push(format!("tables are rebuilt from {nodes} replica server(s)")),
    }
}

type Listed = (String, NodeStatus);

async fn live_nodes(migration: &mut Migration) -> Result<Vec<Listed>> {
    if migration.state.recovery.ran.is_empty() {
        return Err(Error::new(ErrorKind::Unreachable, "meta servers", "list the tables", "none runs"));
    }
    refresh_tables(migration).await?;
    migration.state.level = Some(migration.meta.level().await?.name().to_owned());
    let nodes = migration.meta.list_nodes(None).await?;
    Ok(nodes.iter().map(|node| (node.name(), node.status)).collect())
}

fn planned_lists(plan: &Recovery, found: &mut Findings) -> Result<Vec<Listed>> {
    match &plan.app_list {
        Some(file) => {
            let apps = accounts::from_file(file, read::apps)?;
            found.fine.push(format!("{} lists {} table(s)", file.display(), apps.len()));
        }
        None => found.unchecked.push(
            "whether every table comes back: there is no list of them ([recovery] app_list) to compare with".to_owned(),
        ),
    }
    let nodes = plan.node_list.as_ref().map(|file| accounts::from_file(file, read::nodes)).transpose()?;
    Ok(nodes.unwrap_or_default().into_iter().map(|node| (node.address, node.status)).collect())
}

/// How long each replica server goes on after the last meta server: asked while it can be.
async fn leases(migration: &mut Migration, found: &mut Findings) {
    let plan = &migration.plan.recovery;
    let port_of = |name: &String| {
        let server = plan.replica_servers.iter().find(|server| server.address.to_string() == *name);
        server.map_or(name.clone(), |server| endpoint(&server.address.host, server.http_port()))
    };
    let meta = &migration.meta;
    let ask = |name: &String| {
        let (name, http) = (name.clone(), port_of(name));
        async move {
            let number = async |key: &str| {
                let text = meta.config_value(&http, key).await?;
                text.parse::<u64>()
                    .map_err(|_| Error::new(ErrorKind::Protocol, &http, key, format!("{text:?} is no number")))
            };
            let (lease, sync) = (number("fd_lease_seconds").await, number("config_sync_interval_ms").await);
            (name, lease.map(Duration::from_secs), sync.map(Duration::from_millis))
        }
    };
    let answers: Vec<_> = stream::iter(migration.state.recovery.nodes.clone().iter().map(ask).collect::<Vec<_>>())
        .buffered(ASKED_AT_ONCE)
        .collect()
        .await;
    let mut longest = Duration::ZERO;
    for (name, lease, sync) in answers {
        if let Some(error) = lease.as_ref().err().or(sync.as_ref().err()) {
            found.unchecked.push(format!("the lease of replica server {name} ({error}): the plan's is taken for it"));
        }
        // The document waits for config_sync_interval_ms; a lease may be longer.
        longest = longest.max(lease.unwrap_or(plan.lease)).max(sync.unwrap_or(plan.config_sync_interval));
    }
    let wait = longest + plan.lease_margin;
    found.fine.push(format!(
        "replica servers are inactive {} after the last meta server has gone, {} of it the plan's margin",
        humantime::format_duration(wait),
        humantime::format_duration(plan.lease_margin)
    ));
    migration.state.recovery.lease_ms = Some(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
}

/// The target answers, and has nothing below the root: a meta server that shall recover aborts where there is something
/// (`meta/server_state.cpp`, `initialize_data_structure`).
async fn target(migration: &mut Migration, found: &mut Findings) -> Result<()> {
    let copied = migration.state.copied;
    let trees = migration.trees()?;
    match trees.at_target().await? {
        there if there > 0 && !copied => found.wrong.push(format!(
            "{} has {there} znode(s) below the cluster's root already: look what they are (zkreplicator scan), and remove them \
             (zkreplicator rm)",
            trees.target()
        )),
        _ => found.fine.push(format!("{} is empty", trees.target())),
    }
    Ok(())
}
