//! What a meta server makes of the tree and the configuration file that it starts on.

use std::collections::BTreeMap;

use harness::golden::GoldenZnode;
use harness::{read_tree, until};
use migrator::pegasus::client::Role;
use migrator::pegasus::types::Level;
use serde_json::json;
use zookeeper_client::{Acls, CreateMode};

use super::{APPS, Cluster, LIMIT, LOCK, recorded};

/// How a process ends that aborts.
const ABORT: i32 = 134;

async fn apps(cluster: &Cluster) -> BTreeMap<String, (Vec<u8>, i64)> {
    let tree = read_tree(&cluster.client, APPS).await.expect("it can be read");
    tree.into_iter().map(|(path, seen)| (path, (seen.data, seen.stat.mzxid))).collect()
}

/// Starts the only server on a tree or a file that is not as it should be; what it says as it aborts.
async fn aborts(cluster: &Cluster) -> String {
    cluster.servers[0].start().expect("there is a shell");
    assert_eq!(cluster.servers[0].ended().await.expect("it ends"), ABORT, "{}", cluster.servers[0].log());
    cluster.servers[0].log()
}

/// The tree with other data at one path; none: without it.
fn with(path: &str, data: Option<&str>) -> Vec<GoldenZnode> {
    let mut tree = recorded();
    let at = tree.iter().position(|znode| znode.path == path).expect("it was recorded");
    match data {
        Some(data) => tree[at].data = data.as_bytes().to_vec(),
        None => drop(tree.remove(at)),
    }
    tree
}

#[tokio::test]
async fn a_clean_copy_is_served_and_no_table_is_changed() {
    let cluster = Cluster::prepare(1, &recorded(), |_| {}).await;
    let before = apps(&cluster).await;
    cluster.start(0).await;
    let info = cluster.meta().cluster_info().await.expect("it answers");
    assert_eq!((info.zookeeper_root.as_str(), info.level), ("/pegasus/onebox", Some(Level::Steady)));
    assert_eq!(apps(&cluster).await, before);
}

#[tokio::test]
async fn a_persistent_lock_child_ahead_of_the_counter_aborts_each_start() {
    let cluster = Cluster::prepare(1, &recorded(), |_| {}).await;
    let options = CreateMode::Persistent.with_acls(Acls::anyone_all());
    let child = format!("{LOCK}/LOCKNODE0000000001");
    cluster.client.create(&child, b"localhost:1", &options).await.expect("it can be created");
    for _ in 0..2 {
        assert!(aborts(&cluster).await.contains("node already exists"), "{}", cluster.servers[0].log());
    }
}

#[tokio::test]
async fn a_persistent_lock_child_of_the_lowest_number_is_waited_for_and_named() {
    let cluster = Cluster::prepare(1, &recorded(), |_| {}).await;
    let options = CreateMode::Persistent.with_acls(Acls::anyone_all());
    let child = format!("{LOCK}/LOCKNODE0000000000");
    cluster.client.create(&child, b"localhost:1", &options).await.expect("it can be created");
    cluster.start(0).await;
    let named = Role::Follower(vec!["localhost:1".to_owned(), "127.0.0.1:1".to_owned()]);
    assert_eq!(cluster.meta().role(cluster.servers[0].name()).await.expect("it answers"), named);
    cluster.client.delete(&child, None).await.expect("it can be deleted");
    cluster.until_primary(0).await;
}

#[tokio::test]
async fn an_empty_tree_becomes_default_tables() {
    let cluster = Cluster::prepare(1, &[], |_| {}).await;
    cluster.start(0).await;
    let apps = cluster.meta().list_apps(None).await.expect("it answers");
    let shown: Vec<_> = apps.iter().map(|app| (app.app_id, app.app_name.as_str(), app.partition_count)).collect();
    assert_eq!(shown, [(1, "stat", 4), (2, "temp", 8)]);
    assert_eq!(cluster.data(APPS).await, "unlock");
    assert!(cluster.data(&format!("{APPS}/2/7")).await.contains(r#""ballot":0"#));
}

#[tokio::test]
async fn a_missing_partition_is_made_again_empty() {
    let cluster = Cluster::prepare(1, &with("/pegasus/onebox/apps/4/7", None), |_| {}).await;
    cluster.start(0).await;
    let partitions = cluster.meta().partitions("orders").await.expect("it answers").partitions;
    assert_eq!((partitions[7].ballot, partitions[7].primary_name()), (0, None));
    assert!(cluster.data(&format!("{APPS}/4/7")).await.starts_with(r#"{"pid":"4.7","ballot":0,"#));
}

#[tokio::test]
async fn an_empty_table_and_a_locked_tree_abort() {
    let cluster = Cluster::prepare(1, &with("/pegasus/onebox/apps/3", Some("")), |_| {}).await;
    assert!(aborts(&cluster).await.contains("invalid json data"));
    let cluster = Cluster::prepare(1, &with(APPS, Some("lock")), |_| {}).await;
    assert!(aborts(&cluster).await.contains("invalid transaction state(lock)"));
}

#[tokio::test]
async fn recovery_mode_with_data_aborts() {
    let cluster = Cluster::prepare(1, &recorded(), |config| config.recover = true).await;
    assert!(aborts(&cluster).await.contains("find apps from remote storage"));
}

#[tokio::test]
async fn an_unreachable_zookeeper_and_a_missing_chroot_abort() {
    let cluster = Cluster::prepare(1, &[], |config| {
        config.zookeeper = "127.0.0.1:1".to_owned();
        config.zookeeper_timeout_ms = 1_000;
    })
    .await;
    assert!(aborts(&cluster).await.contains("zookeeper 127.0.0.1:1"));
    let cluster = Cluster::prepare(1, &[], |config| config.zookeeper += "/nowhere").await;
    aborts(&cluster).await;
}

#[tokio::test]
async fn the_file_is_read_by_the_servers_rules() {
    let cluster = Cluster::prepare(1, &[], |_| {}).await;
    let zookeeper = cluster.zookeeper.connect_string();
    let edit = |text: String| {
        let text =
            text.replace("  timeout_ms = ", "  hosts_list = 127.0.0.1:1 # the first one wins\r\n  timeout_ms = ");
        text.replace("cluster_root = /pegasus/onebox", "cluster_root = /pegasus/one^#box ; not the rest")
    };
    cluster.servers[0].edit(edit).expect("it can be edited");
    cluster.start(0).await;
    let (meta, server) = (cluster.meta(), cluster.servers[0].name());
    assert_eq!(meta.config_value(server, "hosts_list").await.expect("it answers"), zookeeper);
    assert_eq!(meta.config_value(server, "cluster_root").await.expect("it answers"), "/pegasus/one#box");
    assert_eq!(meta.cluster_info().await.expect("it answers").zookeeper_root, "/pegasus/one#box");
    let unknown = meta.config_value(server, "no_such_value").await.expect_err("it is none");
    assert!(unknown.to_string().contains("'no_such_value' is not found"), "{unknown}");
}

#[tokio::test]
async fn files_that_the_server_refuses_abort() {
    for (edit, why) in [
        (("[replication]", "[zookeeper]\n[replication]"), "section [zookeeper] is redefined"),
        (("hosts_list = 1", "hosts_list = %{zk.server.list} # 1"), "was never filled in"),
        (("on_start = steady", "on_start = steadfast"), "invalid function level"),
        (("distributed_lock_service_parameters", "parameters"), "distributed_lock_service_parameters is missing"),
        (("[apps..default]", "a = b\n[apps..default]"), "unexpected configuration in line 2"),
    ] {
        let cluster = Cluster::prepare(1, &[], |_| {}).await;
        cluster.servers[0].edit(|text| text.replace(edit.0, edit.1)).expect("it can be edited");
        let log = aborts(&cluster).await;
        assert!(log.contains(why), "{log}");
    }
}

#[tokio::test]
async fn a_replica_server_answers_for_its_configuration_alone() {
    let cluster = Cluster::prepare(1, &[], |config| config.app = "replica").await;
    cluster.servers[0].start().expect("there is a shell");
    let (meta, server) = (cluster.meta(), cluster.servers[0].name());
    let lease = until("it to listen", LIMIT, async || meta.config_value(server, "fd_lease_seconds").await.ok()).await;
    assert_eq!(lease.expect("it listens"), "20");
    assert_eq!(meta.config_value(server, "config_sync_interval_ms").await.expect("it answers"), "30000");
    assert!(meta.role(server).await.is_err());
}

#[tokio::test]
async fn one_that_is_told_not_to_start_does_not() {
    let cluster = Cluster::prepare(1, &[], |_| {}).await;
    cluster.servers[0].tell(&json!({ "refuse_start": true })).expect("it can be told");
    aborts(&cluster).await;
    cluster.servers[0].tell(&json!({})).expect("it can be told");
    cluster.start(0).await;
}

#[tokio::test]
async fn a_supervisor_starts_again_what_ended() {
    let cluster = Cluster::prepare(1, &[], |_| {}).await;
    std::fs::write(cluster.servers[0].file("respawn"), "").expect("it can be written");
    cluster.start(0).await;
    let pid = std::fs::read_to_string(cluster.servers[0].file("pid")).expect("it runs");
    cluster.servers[0].script("stop.sh").expect("there is a shell");
    until("another process", LIMIT, async || {
        let now = std::fs::read_to_string(cluster.servers[0].file("pid")).unwrap_or_default();
        (now != pid && cluster.servers[0].is_running()).then_some(())
    })
    .await
    .expect("it is started again");
}
