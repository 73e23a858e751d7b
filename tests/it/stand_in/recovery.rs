//! The recovery: what it answers and makes is what was recorded, and it fails as the real one does.

use std::collections::BTreeMap;

use harness::golden::{self, GoldenZnode};
use harness::pegasus::recorded_replicas;
use harness::read_tree;
use migrator::error::ErrorKind;
use migrator::pegasus::messages::{RecoveryReply, RecoveryRequest};
use migrator::pegasus::types::AppStatus;
use serde_json::{Value, json};

use super::answers::Recorded;
use super::{APPS, Cluster};

const NODES: [&str; 3] = ["localhost:34801", "localhost:34802", "localhost:34803"];

async fn cluster(nodes: Value) -> Cluster {
    // The recorded cluster has a second one, which is stopped.
    let cluster = Cluster::prepare(2, &[], |config| {
        config.recover = true;
        config.min_live_nodes = 1;
    })
    .await;
    cluster.servers[0].tell(&json!({ "recovery": { "nodes": nodes } })).expect("it can be told");
    cluster.start(0).await;
    cluster
}

/// Each node had its replicas with ballot 3, of all tables, and its copy of a table knows of a duplication.
fn nodes() -> Value {
    let mut nodes = recorded_replicas(&NODES);
    for node in NODES {
        for app in nodes[node]["apps"].as_array_mut().expect("they are tables") {
            app["duplicating"] = json!(i32::from(app["app_name"] == "orders"));
        }
    }
    nodes
}

async fn recover(cluster: &Cluster, change: impl Fn(&mut RecoveryRequest)) -> RecoveryReply {
    let nodes: Vec<String> = NODES.iter().take(2).map(|&node| node.to_owned()).collect();
    let mut request = RecoveryRequest::of_nodes(&nodes).await.expect("they have addresses");
    change(&mut request);
    cluster.meta().start_recovery(&request).await.expect("it answers")
}

async fn tree(cluster: &Cluster) -> BTreeMap<String, String> {
    let tree = read_tree(&cluster.client, APPS).await.expect("it can be read");
    tree.into_iter().map(|(path, seen)| (path, text(&seen.data))).collect()
}

/// Data without its times: they are another run's.
fn text(data: &[u8]) -> String {
    let text = String::from_utf8_lossy(data).into_owned();
    let Ok(mut table) = serde_json::from_str::<Value>(&text) else { return text };
    if table["app_name"].is_string() {
        for time in ["create_second", "expire_second"] {
            table[time] = json!(table[time].as_i64().map(|time| time.min(1)));
        }
        return table.to_string();
    }
    text
}

#[tokio::test]
async fn a_recovery_answers_and_writes_what_was_recorded() {
    let mut nodes = nodes();
    nodes["localhost:34801"]["error"] = json!("ERR_TIMEOUT");
    nodes.as_object_mut().expect("they are").remove("localhost:34802");
    let cluster = cluster(nodes).await;
    let recorded = Recorded::new(&cluster, 22182);
    for name in ["recovery_mode.cluster_info", "recovery_mode.control_meta", "recovery_mode.list_nodes"] {
        recorded.check(name).await;
    }
    recorded.check("recovery_mode.start_recovery.unreachable").await;
    let all = json!({ "recovery": { "nodes": self::nodes() } });
    cluster.servers[0].tell(&all).expect("it can be told");
    recorded.check("recovery_mode.start_recovery.ok").await;
    for name in ["after_recovery.list_apps", "after_recovery.query_cfg.orders", "after_recovery.start_recovery_again"] {
        recorded.check(name).await;
    }
    let wanted = golden::after_recovery().into_iter().filter_map(|GoldenZnode { path, data, .. }| {
        let below = path.strip_prefix(APPS)?;
        Some((if below.is_empty() { "/".to_owned() } else { below.to_owned() }, text(&data)))
    });
    let got = tree(&cluster).await;
    for (path, data) in wanted {
        let found = got.get(&path).or_else(|| got.get(&format!("{APPS}{path}")));
        assert_eq!(found, Some(&data), "{path}");
    }
}

#[tokio::test]
async fn a_cluster_that_was_recovered_answers_as_recorded() {
    let mut recovered = nodes();
    recovered.as_object_mut().expect("they are").remove("localhost:34803");
    let cluster = cluster(recovered).await;
    assert_eq!(recover(&cluster, |_| {}).await.err.0, "ERR_OK");
    Recorded::new(&cluster, 22182).check("after_recovery.cluster_info").await;
    let dropped = cluster.meta().list_apps(Some(AppStatus::Dropped)).await.expect("it answers");
    assert_eq!(dropped.iter().map(|app| app.app_name.as_str()).collect::<Vec<_>>(), ["__drop_holder__6"]);
}

#[tokio::test]
async fn a_bad_node_fails_a_recovery_unless_it_is_skipped() {
    let mut nodes = nodes();
    nodes["localhost:34802"]["error"] = json!("ERR_TIMEOUT");
    let cluster = cluster(nodes).await;
    assert_eq!(recover(&cluster, |_| {}).await.err.0, "ERR_TRY_AGAIN");
    assert!(cluster.client.check_stat(APPS).await.expect("it answers").is_none());
    let skipped = recover(&cluster, |request| request.skip_bad_nodes = true).await;
    assert_eq!(skipped.err.0, "ERR_OK", "{}", skipped.hint_message);
    assert!(skipped.hint_message.starts_with(
        "WARNING: collect app and replica info from node(localhost:34802) failed with err(ERR_TIMEOUT), skip the bad \
         nodeWARNING: partition(1.0) only collects 1/3"
    ));
}

#[tokio::test]
async fn lost_partitions_fail_a_recovery_unless_they_are_skipped() {
    let mut nodes = nodes();
    for node in NODES {
        nodes[node]["replicas"].as_object_mut().expect("they are").remove("4.7");
    }
    let cluster = cluster(nodes).await;
    let failed = recover(&cluster, |_| {}).await;
    assert_eq!(failed.err.0, "ERR_TRY_AGAIN");
    assert!(failed.hint_message.contains(
        "ERROR: partition(4.7) has no replica collected, you can force recover it by set skip_lost_partitions option\n"
    ));
    let skipped = recover(&cluster, |request| request.skip_lost_partitions = true).await;
    assert_eq!(skipped.err.0, "ERR_OK");
    assert!(skipped.hint_message.contains("WARNING: partition(4.7) has no replica collected, force recover"));
    assert!(cluster.data(&format!("{APPS}/4/7")).await.starts_with(r#"{"pid":"4.7","ballot":0"#));
}

#[tokio::test]
async fn tables_of_one_name_are_renamed() {
    let mut nodes = nodes();
    for node in NODES {
        nodes[node]["apps"][1]["app_name"] = json!("renamed");
    }
    let cluster = cluster(nodes).await;
    let reply = recover(&cluster, |_| {}).await;
    assert!(
        reply
            .hint_message
            .starts_with("WARNING: app(2)'s old name(renamed) is conflict with others, rename it to (renamed__2)\n")
    );
}

#[tokio::test]
async fn a_recovery_fails_or_takes_long_as_the_test_says() {
    let cluster = cluster(nodes()).await;
    let told = json!({ "recovery": { "nodes": nodes(), "error": "ERR_WRONG_CHECKSUM" } });
    cluster.servers[0].tell(&told).expect("it can be told");
    assert_eq!(recover(&cluster, |_| {}).await.err.0, "ERR_WRONG_CHECKSUM");
    let told = json!({ "recovery": { "nodes": nodes(), "delay_ms": 2_500 } });
    cluster.servers[0].tell(&told).expect("it can be told");
    let request = RecoveryRequest::of_nodes(&["localhost:34801".to_owned()]).await.expect("it has an address");
    let error = cluster.meta().ask_one(cluster.servers[0].name(), &request).await.expect_err("it takes long");
    assert_eq!((error.kind, error.outcome_unknown), (ErrorKind::TimedOut, true));
    // It goes on nevertheless.
    let again = cluster.meta().start_recovery(&request).await.expect("it answers");
    assert_eq!(again.err.0, "ERR_SERVICE_ALREADY_RUNNING");
}
