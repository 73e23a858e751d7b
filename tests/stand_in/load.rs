//! From the start to serving: the session, the lock, the tables; and what it makes of a tree that is not whole
//! (`meta/meta_service.cpp:383-475`, `meta/server_state.cpp:590-830`).

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use migrator::pegasus::messages::{AppInfo, PartitionConfig};
use migrator::pegasus::metadata::{StoredApp, app_info, partition_config};
use migrator::pegasus::types::{AppStatus, Gpid, HostPort, Level};
use tokio::time::Instant;

use crate::keeper::Keeper;
use crate::server::{Server, now};
use crate::state::Phase;
use crate::{fail, json, say};

/// How many partitions are read at the same time.
const READS: usize = 256;
/// How often dead nodes are looked for; the real one's is `fd_check_interval_seconds`.
const DEAD_NODES: Duration = Duration::from_millis(100);

pub(crate) async fn run(server: Arc<Server>) {
    let settings = &server.settings;
    let keeper = Arc::new(Keeper::connect(&settings.zookeeper_hosts, settings.zookeeper_timeout).await);
    tokio::task::spawn_local({
        let keeper = Arc::clone(&keeper);
        async move { keeper.keep().await }
    });
    keeper.create_path(&settings.cluster_root).await;
    server.set_keeper(Arc::clone(&keeper));
    server.state().phase = Phase::Follower;
    keeper.lock(&settings.lock_root, &settings.name, |holder| server.state().leader = Some(holder)).await;
    say("has the lock");
    server.state().phase = Phase::Loading;
    keeper.create_path(&server.path("backup")).await;
    keeper.create_path(&server.path("bulk_load")).await;
    let found = load_apps(&server, &keeper).await;
    match (found, settings.recover) {
        (true, true) => fail("find apps from remote storage, but [meta_server].recover_from_replica_server = true"),
        (false, true) => {
            say("waits for a recovery");
            let mut state = server.state();
            state.phase = Phase::Recovering;
            state.level = state.level.min(Level::Steady.number());
            return;
        }
        (true, false) => {}
        (false, false) => default_apps(&server, &keeper).await,
    }
    serve(&server);
    loop {
        tokio::time::sleep(DEAD_NODES).await;
        downgrade(&server).await;
        if server.admin().cures {
            cure(&server).await;
        }
    }
}

/// From here on it answers.
pub(crate) fn serve(server: &Server) {
    let mut state = server.state();
    state.nodes = state.nodes_of_partitions();
    state.serving_since = Some(Instant::now());
    state.phase = Phase::Serving;
    say("serves");
}

/// Whether there are tables.
async fn load_apps(server: &Server, keeper: &Keeper) -> bool {
    let root = server.path("apps");
    let Some(data) = keeper.data(&root).await else { return false };
    if !matches!(&data[..], b"unlock" | b"") {
        fail(&format!("invalid transaction state({})", String::from_utf8_lossy(&data)));
    }
    for name in keeper.children(&root).await {
        let path = format!("{root}/{name}");
        let data = keeper.data(&path).await.unwrap_or_default();
        let mut info = app_info(&data).unwrap_or_else(|damage| fail(&format!("{path}: invalid json data: {damage}")));
        if !matches!(info.status, AppStatus::Available | AppStatus::Dropped) {
            fail(&format!("invalid status({}) for app({})", info.status, info.app_name));
        }
        info.duplicating = Some(duplicates(keeper, &path).await);
        let mut app = StoredApp { info, ..StoredApp::default() };
        let indices = futures::stream::iter(0..app.info.partition_count);
        let loads = indices.map(|index| load_partition(keeper, &path, &app.info, index)).buffered(READS);
        let partitions: Vec<Option<PartitionConfig>> = loads.collect().await;
        app.partitions = partitions.into_iter().flatten().map(|config| (config.pid.index, config)).collect();
        server.state().apps.insert(app.info.app_id, app);
    }
    !server.state().apps.is_empty()
}

/// A partition that is not there is made again, empty, and nobody is told; unless a split was to make it.
async fn load_partition(keeper: &Keeper, app_path: &str, info: &AppInfo, index: i32) -> Option<PartitionConfig> {
    let path = format!("{app_path}/{index}");
    let Some(data) = keeper.data(&path).await else {
        if info.init_partition_count > 0 && index >= info.init_partition_count {
            return None;
        }
        say(&format!("partition node {path} not exist on remote storage, may half create before"));
        let config = empty_partition(info, index);
        keeper.create(&path, &json::partition(&config)).await;
        return Some(config);
    };
    let config = partition_config(&data).unwrap_or_else(|damage| fail(&format!("{path}: {damage}")));
    if config.pid != (Gpid { app_id: info.app_id, index }) {
        fail(&format!("{path}: invalid partition config"));
    }
    Some(config)
}

/// Whether the table has duplications that were not removed.
async fn duplicates(keeper: &Keeper, app_path: &str) -> bool {
    let root = format!("{app_path}/duplication");
    for id in keeper.children(&root).await {
        let data = keeper.data(&format!("{root}/{id}")).await.unwrap_or_default();
        if !String::from_utf8_lossy(&data).contains("DS_REMOVED") {
            return true;
        }
    }
    false
}

/// A partition without replicas. The name of its primary is left out until it is read from ZooKeeper, where it is written as
/// an invalid one.
pub(crate) fn empty_partition(info: &AppInfo, index: i32) -> PartitionConfig {
    PartitionConfig {
        pid: Gpid { app_id: info.app_id, index },
        max_replica_count: info.max_replica_count,
        hp_secondaries: Some(Vec::new()),
        hp_last_drops: Some(Vec::new()),
        ..PartitionConfig::default()
    }
}

/// Those that the configuration file names.
async fn default_apps(server: &Server, keeper: &Keeper) {
    say("can't find apps from remote storage, start to initialize default apps");
    let config = &server.config;
    let mut apps = Vec::new();
    for section in config.sections("meta_server.apps") {
        let number = |key, default| config.get(section, key).and_then(|value| value.parse().ok()).unwrap_or(default);
        let Some(name) = config.get(section, "app_name") else { continue };
        apps.push(AppInfo {
            status: AppStatus::Available,
            app_type: config.get(section, "app_type").unwrap_or_default().to_owned(),
            app_name: name.to_owned(),
            app_id: i32::try_from(apps.len() + 1).unwrap_or(i32::MAX),
            partition_count: number("partition_count", 1),
            is_stateful: true,
            max_replica_count: number("max_replica_count", 3),
            create_second: now(),
            duplicating: Some(false),
            init_partition_count: -1,
            is_bulk_loading: Some(false),
            atomic_idempotent: Some(false),
            ..AppInfo::default()
        });
    }
    let with_partitions = |info: AppInfo| {
        let partitions = (0..info.partition_count).map(|index| (index, empty_partition(&info, index))).collect();
        StoredApp { info, partitions }
    };
    write_apps(server, keeper, apps.into_iter().map(with_partitions).collect()).await;
}

/// Makes a tree of tables where there is none.
pub(crate) async fn write_apps(server: &Server, keeper: &Keeper, apps: Vec<StoredApp>) {
    let root = server.path("apps");
    keeper.create(&root, b"lock").await;
    keeper.set(&root, b"lock").await;
    for app in apps {
        let path = format!("{root}/{}", app.info.app_id);
        keeper.create(&path, &json::app(&app.info, app.info.status)).await;
        for config in app.partitions.values() {
            keeper.create(&format!("{path}/{}", config.pid.index), &json::partition(config)).await;
        }
        server.state().apps.insert(app.info.app_id, app);
    }
    keeper.set(&root, b"unlock").await;
}

/// A primary on a dead node is taken away from its partitions, unless the level forbids it.
async fn downgrade(server: &Server) {
    let dead = server.nodes().dead;
    if dead.is_empty() || server.effective_level() <= Level::Blind.number() {
        return;
    }
    let hit: Vec<PartitionConfig> = {
        let state = server.state();
        let available = state.apps.values().filter(|app| app.info.status == AppStatus::Available);
        let partitions = available.flat_map(|app| app.partitions.values());
        partitions.filter(|config| config.primary_name().is_some_and(|name| dead.contains(&name))).cloned().collect()
    };
    for mut config in hit {
        config.ballot += 1;
        config.last_drops.push(std::mem::take(&mut config.primary));
        let name = config.hp_primary.replace(HostPort::default()).unwrap_or_default();
        config.hp_last_drops.get_or_insert_default().push(name);
        server.write_partition(config).await;
    }
}

/// Replicas that were dropped are secondaries again (`meta/partition_guardian.cpp`).
async fn cure(server: &Server) {
    if server.effective_level() <= Level::Freezed.number() || server.state().phase != Phase::Serving {
        return;
    }
    let hit: Vec<PartitionConfig> = {
        let state = server.state();
        let available = state.apps.values().filter(|app| app.info.status == AppStatus::Available);
        let partitions = available.flat_map(|app| app.partitions.values());
        partitions.filter(|config| !config.last_drops.is_empty()).cloned().collect()
    };
    for mut config in hit {
        config.ballot += 1;
        config.secondaries.append(&mut config.last_drops);
        let names = config.hp_last_drops.take().unwrap_or_default();
        config.hp_secondaries.get_or_insert_default().extend(names);
        config.hp_last_drops = Some(Vec::new());
        server.write_partition(config).await;
    }
}
