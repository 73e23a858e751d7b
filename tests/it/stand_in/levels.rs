//! What the levels allow: less is forbidden than their names say.

use std::collections::BTreeMap;
use std::time::Duration;

use harness::golden::GoldenZnode;
use harness::{read_tree, until};
use migrator::pegasus::client::MetaClient;
use migrator::pegasus::frame::{Reply, Request};
use migrator::pegasus::record::{Value, decode_body, encode_body};
use migrator::pegasus::types::{AppStatus, Level, NodeStatus};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::records::{
    AddBackupPolicyRequest, AddDuplicationReply, AddDuplicationRequest, CreateAppOptions, CreateAppReply,
    CreateAppRequest, DropAppReply, DropAppRequest, HintReply, RecallAppReply, RecallAppRequest, RenameAppRequest,
    StartBulkLoadRequest, UpdateEnvRequest,
};
use super::{APPS, Cluster, LIMIT, recorded};

/// How long an answer is waited for that may never come.
const NEVER: Duration = Duration::from_millis(500);

/// The answer to a request that a migration never sends.
async fn ask<A: Value>(cluster: &Cluster, rpc: &str, request: &impl Value) -> A {
    ask_within(cluster, rpc, request, LIMIT).await.unwrap_or_else(|| panic!("no answer: {}", cluster.servers[0].log()))
}

/// The same, if it comes in time.
async fn ask_within<A: Value>(cluster: &Cluster, rpc: &str, request: &impl Value, limit: Duration) -> Option<A> {
    let mut stream = TcpStream::connect(cluster.servers[0].name()).await.expect("it listens");
    stream.write_all(&Request::new(rpc, 1, 1000, encode_body(1, request)).encode()).await.expect("it reads");
    let mut reply = Vec::new();
    let read = async {
        while stream.read_buf(&mut reply).await.is_ok_and(|read| read > 0) && Reply::decode(&reply).is_err() {}
    };
    timeout(limit, read).await.ok()?;
    let Ok(Reply::Thrift(reply)) = Reply::decode(&reply) else { panic!("no reply: {}", cluster.servers[0].log()) };
    Some(decode_body(&reply.body).expect("it is the reply's record"))
}

fn create(name: &str) -> CreateAppRequest {
    let options = CreateAppOptions {
        partition_count: 4,
        replica_count: 3,
        app_type: "pegasus".to_owned(),
        is_stateful: true,
        ..CreateAppOptions::default()
    };
    CreateAppRequest { app_name: name.to_owned(), options }
}

fn env(app: &str) -> UpdateEnvRequest {
    let (keys, values) = (Some(vec!["a".to_owned()]), Some(vec!["b".to_owned()]));
    UpdateEnvRequest { app_name: app.to_owned(), op: 1, keys, values, clear_prefix: None }
}

async fn tree(cluster: &Cluster) -> BTreeMap<String, Vec<u8>> {
    let tree = read_tree(&cluster.client, APPS).await.expect("it can be read");
    tree.into_iter().map(|(path, seen)| (path, seen.data)).collect()
}

async fn blind(cluster: &Cluster) -> MetaClient {
    let meta = cluster.meta();
    assert_eq!(meta.set_level(Level::Blind).await.expect("it answers"), Level::Steady);
    assert_eq!(meta.level().await.expect("it answers"), Level::Blind);
    meta
}

#[tokio::test]
async fn blind_refuses_new_tables_and_lets_environments_through() {
    let cluster = Cluster::prepare(1, &recorded(), |_| {}).await;
    cluster.start(0).await;
    blind(&cluster).await;
    let before = tree(&cluster).await;
    let refused: CreateAppReply = ask(&cluster, "RPC_CM_CREATE_APP", &create("t")).await;
    assert_eq!(refused.err.0, "ERR_STATE_FREEZED");
    assert_eq!(tree(&cluster).await, before);
    let written: HintReply = ask(&cluster, "RPC_CM_UPDATE_APP_ENV", &env("temp")).await;
    assert_eq!(written.err.0, "ERR_OK");
    assert!(cluster.data(&format!("{APPS}/2")).await.contains(r#""envs":{"a":"b"}"#));
}

#[tokio::test]
async fn blind_lets_renames_recalls_duplications_and_backups_through() {
    let cluster = Cluster::prepare(1, &recorded(), |_| {}).await;
    cluster.start(0).await;
    blind(&cluster).await;
    let (old, new) = ("renamed".to_owned(), "again".to_owned());
    let rename = RenameAppRequest { old_app_name: old, new_app_name: new };
    let renamed: HintReply = ask(&cluster, "RPC_CM_RENAME_APP", &rename).await;
    let recall = RecallAppRequest { app_id: 6, new_app_name: String::new() };
    let recalled: RecallAppReply = ask(&cluster, "RPC_CM_RECALL_APP", &recall).await;
    let duplicate = AddDuplicationRequest { app_name: "temp".to_owned(), ..AddDuplicationRequest::default() };
    let duplicated: AddDuplicationReply = ask(&cluster, "RPC_CM_ADD_DUPLICATION", &duplicate).await;
    let backup = AddBackupPolicyRequest { policy_name: "daily".to_owned(), ..AddBackupPolicyRequest::default() };
    let backed_up: HintReply = ask(&cluster, "RPC_CM_ADD_BACKUP_POLICY", &backup).await;
    for err in [renamed.err, recalled.err, duplicated.err, backed_up.err] {
        assert_eq!(err.0, "ERR_OK");
    }
    assert!(cluster.data(&format!("{APPS}/7")).await.contains(r#""app_name":"again""#));
    assert!(cluster.data(&format!("{APPS}/6")).await.contains("app_status::AS_AVAILABLE"));
    assert!(cluster.data(&format!("{APPS}/2/duplication/{}", duplicated.dupid)).await.contains("DS_PREPARE"));
    assert!(cluster.data("/pegasus/onebox/backup/daily").await.contains(r#""policy_name":"daily""#));
}

#[tokio::test]
async fn a_table_dropped_in_blind_is_written_and_never_answered() {
    let cluster = Cluster::prepare(1, &recorded(), |_| {}).await;
    cluster.start(0).await;
    let meta = blind(&cluster).await;
    let partition = cluster.data(&format!("{APPS}/4/0")).await;
    let request = DropAppRequest { app_name: "orders".to_owned(), ..DropAppRequest::default() };
    assert!(ask_within::<DropAppReply>(&cluster, "RPC_CM_DROP_APP", &request, NEVER).await.is_none());
    assert!(cluster.data(&format!("{APPS}/4")).await.contains("app_status::AS_DROPPED"));
    assert_eq!(cluster.data(&format!("{APPS}/4/0")).await, partition);
    let apps = meta.list_apps(Some(AppStatus::Dropping)).await.expect("it answers");
    assert_eq!(apps.iter().map(|app| app.app_id).collect::<Vec<_>>(), [4]);
}

#[tokio::test]
async fn steady_drops_and_creates_tables() {
    let cluster = Cluster::prepare(1, &recorded(), |_| {}).await;
    cluster.start(0).await;
    let request = DropAppRequest { app_name: "orders".to_owned(), ..DropAppRequest::default() };
    let dropped: DropAppReply = ask(&cluster, "RPC_CM_DROP_APP", &request).await;
    assert_eq!(dropped.err.0, "ERR_OK");
    assert!(cluster.data(&format!("{APPS}/4/0")).await.contains(r#""ballot":4"#));
    let created: CreateAppReply = ask(&cluster, "RPC_CM_CREATE_APP", &create("t")).await;
    assert_eq!((created.err.0.as_str(), created.appid), ("ERR_OK", 8));
    assert!(cluster.data(&format!("{APPS}/8/3")).await.contains(r#""pid":"8.3","ballot":0"#));
}

#[tokio::test]
async fn a_bulk_load_sets_the_level_back_to_steady() {
    let cluster = Cluster::prepare(1, &recorded(), |_| {}).await;
    cluster.start(0).await;
    let meta = blind(&cluster).await;
    let request = StartBulkLoadRequest { app_name: "temp".to_owned(), ..StartBulkLoadRequest::default() };
    let started: HintReply = ask(&cluster, "RPC_CM_START_BULK_LOAD", &request).await;
    assert_eq!(started.err.0, "ERR_OK");
    assert_eq!(meta.level().await.expect("it answers"), Level::Steady);
}

#[tokio::test]
async fn a_dead_node_is_written_only_when_the_level_is_raised() {
    let cluster = Cluster::prepare(1, &recorded(), |config| config.min_live_nodes = 1).await;
    cluster.start(0).await;
    let meta = blind(&cluster).await;
    let before = tree(&cluster).await;
    let alive = json!({ "alive_nodes": ["localhost:34801", "localhost:34802"] });
    cluster.servers[0].tell(&alive).expect("it can be told");
    until("a node to be unalive", LIMIT, async || {
        (!meta.list_nodes(Some(NodeStatus::Unalive)).await.expect("it answers").is_empty()).then_some(())
    })
    .await
    .expect("its grace time ends");
    assert_eq!(tree(&cluster).await, before);
    meta.set_level(Level::Steady).await.expect("it answers");
    until("its partitions to lose their primary", LIMIT, async || {
        cluster.data(&format!("{APPS}/4/2")).await.contains(r#""primary":"invalid address""#).then_some(())
    })
    .await
    .expect("it is written now");
}

#[tokio::test]
async fn too_few_nodes_make_the_effective_level_freezed() {
    let tree: Vec<GoldenZnode> = recorded();
    let cluster = Cluster::prepare(1, &tree, |config| config.min_live_nodes = 4).await;
    cluster.start(0).await;
    let meta = cluster.meta();
    assert_eq!(meta.cluster_info().await.expect("it answers").level, Some(Level::Freezed));
    assert_eq!(meta.level().await.expect("it answers"), Level::Steady);
}

#[tokio::test]
async fn a_restart_forgets_the_level_unless_the_file_says_blind() {
    let cluster = Cluster::prepare(1, &recorded(), |_| {}).await;
    cluster.start(0).await;
    blind(&cluster).await;
    cluster.servers[0].end("KILL").await.expect("it ends");
    cluster.start(0).await;
    assert_eq!(cluster.meta().level().await.expect("it answers"), Level::Steady);
    cluster.servers[0].end("TERM").await.expect("it ends");
    let edit =
        |text: String| text.replace("meta_function_level_on_start = steady ", "meta_function_level_on_start = blind ");
    cluster.servers[0].edit(edit).expect("it can be edited");
    cluster.start(0).await;
    assert_eq!(cluster.meta().level().await.expect("it answers"), Level::Blind);
}
