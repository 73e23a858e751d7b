//! The lock and the session that holds it: how servers follow one another, and what becomes of a leader without ZooKeeper.

use std::time::{Duration, Instant};

use harness::until;
use migrator::error::ErrorKind;
use migrator::pegasus::client::Role;
use migrator::pegasus::messages::{ControlMetaRequest, ListAppsRequest};
use migrator::pegasus::types::Level;
use serde_json::json;

use super::{Cluster, LIMIT, LOCK, recorded, rpc};

async fn lock_children(cluster: &Cluster) -> usize {
    cluster.client.list_children(LOCK).await.expect("it is there").len()
}

#[tokio::test]
async fn a_stopped_leader_exits_with_0_and_its_lock_lingers() {
    let cluster = Cluster::prepare(1, &recorded(), |config| config.zookeeper_timeout_ms = 8_000).await;
    cluster.start(0).await;
    assert_eq!(cluster.servers[0].end("TERM").await.expect("it ends"), 0);
    assert_eq!(lock_children(&cluster).await, 1);
    // Started again it waits for its own lock.
    cluster.start(0).await;
    let role = cluster.meta().role(cluster.servers[0].name()).await.expect("it answers");
    assert!(matches!(role, Role::Follower(named) if named[0] == cluster.servers[0].name()));
    cluster.until_primary(0).await;
    assert_eq!(lock_children(&cluster).await, 1);
}

#[tokio::test]
async fn a_follower_takes_over_and_blind_is_lost() {
    let cluster = Cluster::prepare(2, &recorded(), |_| {}).await;
    cluster.start(0).await;
    cluster.start(1).await;
    let meta = cluster.meta();
    assert_eq!(meta.primary().await.expect("there is one"), cluster.servers[0].name());
    meta.set_level(Level::Blind).await.expect("it answers");
    cluster.servers[0].end("KILL").await.expect("it ends");
    assert_eq!(meta.level().await.expect("the other answers"), Level::Steady);
    assert_eq!(meta.primary().await.expect("there is one"), cluster.servers[1].name());
}

#[tokio::test]
async fn a_leader_whose_session_expired_exits_with_0() {
    let cluster = Cluster::prepare(1, &recorded(), |_| {}).await;
    cluster.start(0).await;
    cluster.servers[0].signal("STOP").expect("there is a shell");
    until("its session to expire", LIMIT, async || (lock_children(&cluster).await == 0).then_some(()))
        .await
        .expect("it expires");
    cluster.servers[0].signal("CONT").expect("there is a shell");
    assert_eq!(cluster.servers[0].ended().await.expect("it ends"), 0);
}

#[tokio::test]
async fn a_leader_without_zookeeper_stays_leader_and_answers() {
    let cluster = Cluster::prepare(1, &recorded(), |config| config.zookeeper_timeout_ms = 3_000).await;
    cluster.start(0).await;
    cluster.zookeeper.stop().await.expect("it stops");
    // Longer than its client would wait by itself.
    until("its client to give up", LIMIT, async || {
        cluster.servers[0].log().contains("without zookeeper for long").then_some(())
    })
    .await
    .expect("it does");
    let meta = cluster.meta();
    assert_eq!(meta.list_apps(None).await.expect("it answers").len(), 7);
    cluster.zookeeper.restart().await.expect("it starts");
    assert_eq!(meta.primary().await.expect("it answers"), cluster.servers[0].name());
    assert!(cluster.servers[0].is_running(), "{}", cluster.servers[0].log());
}

#[tokio::test]
async fn faults_are_as_the_test_says() {
    let cluster = Cluster::prepare(1, &recorded(), |_| {}).await;
    cluster.start(0).await;
    let (meta, server) = (cluster.meta(), &cluster.servers[0]);
    server.tell(&json!({ "silent": [rpc::<ControlMetaRequest>()], "slow_exit_ms": 700 })).expect("it can be told");
    let error = meta.set_level(Level::Blind).await.expect_err("nobody answers");
    assert_eq!((error.kind, error.outcome_unknown), (ErrorKind::TimedOut, true));
    server.tell(&json!({ "slow_exit_ms": 700 })).expect("it can be told");
    assert_eq!(meta.level().await.expect("it answers"), Level::Blind);
    let start = Instant::now();
    assert_eq!(server.end("TERM").await.expect("it ends"), 0);
    assert!(start.elapsed() > Duration::from_millis(700));
    server.tell(&json!({ "crash_at": [rpc::<ListAppsRequest>()] })).expect("it can be told");
    cluster.start(0).await;
    cluster.until_primary(0).await;
    meta.ask_one(server.name(), &ListAppsRequest::default()).await.expect_err("it crashes");
    assert_eq!(server.ended().await.expect("it ends"), 134);
}
