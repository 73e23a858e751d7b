//! Meta servers that are dead already, an old ZooKeeper that is gone, and leases as replica servers really have them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use harness::{MetaServer, Server, ServerOptions, load, until};

use super::{NODES, end_all, expect_recovered, ready};
use crate::migrate::cluster::{self, Cluster, Fallible, LIMIT};

const RUN: [&str; 4] = ["run", "--method", "recovery", "--execute"];

/// A list that the real shell wrote of the recorded cluster.
fn recorded_list(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden/pegasus-shell").join(name)
}

#[tokio::test]
async fn dead_meta_servers_are_recovered_by_the_plans_lists() -> Fallible<()> {
    let cluster = ready("recover-dead").await?;
    let configs = cluster.configs()?;
    end_all(&cluster).await?;
    let refused = cluster.run(&RUN).await?.expect(2);
    assert!(refused.stdout.contains("no replica server is known"), "{refused:?}");
    let cluster = cluster
        .policy(&format!("app_list = {:?}", recorded_list("apps.list")))
        .policy(&format!("node_list = {:?}", recorded_list("nodes.list")));
    let ran = cluster.run(&[&RUN[..], &["--format", "json"]].concat()).await?.expect(0);
    let accounts = &ran.json()["recovery"]["accounts"];
    assert_eq!((&accounts["tables"], &accounts["is_compared"]), (&6.into(), &true.into()), "{accounts:#}");
    expect_recovered(&cluster, &configs).await
}

/// Those that did not run are not started by a rollback.
#[tokio::test]
async fn a_rollback_leaves_dead_meta_servers_dead() -> Fallible<()> {
    let cluster = ready("recover-dead-back").await?.policy(&format!("node_list = {:?}", recorded_list("nodes.list")));
    let configs = cluster.configs()?;
    end_all(&cluster).await?;
    cluster.run(&[&RUN[..], &["--pause-before", "recover"]].concat()).await?.expect(0);
    cluster.run(&["rollback"]).await?.expect(0);
    assert!(!cluster.metas.iter().any(MetaServer::is_running));
    assert_eq!(cluster.configs()?, configs);
    Ok(())
}

/// The cluster on a ZooKeeper of its own, which then goes.
async fn without_source(name: &str) -> Fallible<Cluster> {
    let mut cluster = ready(name).await?;
    end_all(&cluster).await?;
    let own: &'static Server = Box::leak(Box::new(Server::start(ServerOptions::default().tick_time_ms(500)).await?));
    load(&own.client().await?, &cluster.root, cluster::recorded()).await?;
    let before = cluster.source.connect_string();
    for meta in &cluster.metas {
        meta.edit(|text| text.replace(&before, &own.connect_string()))?;
        meta.start()?;
    }
    cluster.source = own;
    cluster.settled().await?;
    own.kill().await?;
    Ok(cluster)
}

/// The leader goes on answering for a while, and gives the lists.
#[tokio::test]
async fn an_old_zookeeper_that_is_gone_is_not_needed() -> Fallible<()> {
    let cluster = without_source("recover-gone").await?;
    let configs = cluster.configs()?;
    let offered = cluster.run(&["run", "--method", "auto", "--execute"]).await?.expect(2);
    assert!(offered.stderr.contains("zkmigrator run --method recovery --plan"), "{offered:?}");
    let ran = cluster.run(&RUN).await?.expect(0);
    assert!(ran.stdout.contains("compared with the lists"), "{ran:?}");
    assert!(ran.stderr.contains("the old ZooKeeper, which does not answer"), "{ran:?}");
    expect_recovered(&cluster, &configs).await
}

#[tokio::test]
async fn leases_are_waited_for_as_the_replica_servers_have_them() -> Fallible<()> {
    let mut cluster = ready("recover-lease").await?;
    let program = Path::new(env!("CARGO_BIN_EXE_stand-in-meta-server"));
    let replicas = MetaServer::prepare(program, 3, "", |config| config.app = "replica")?;
    for ((node, replica), sync_ms) in NODES.iter().zip(&replicas).zip(["500", "1700", "500"]) {
        replica.edit(|text| {
            let text = text.replace("fd_lease_seconds = 20", "fd_lease_seconds = 1");
            text.replace("config_sync_interval_ms = 30000", &format!("config_sync_interval_ms = {sync_ms}"))
        })?;
        replica.start()?;
        let asked = async || cluster.client().ok()?.config_value(replica.name(), "fd_lease_seconds").await.ok();
        until("the replica server to answer", LIMIT, asked).await?;
        let port = replica.name().rsplit(':').next().unwrap_or_default();
        cluster = cluster.policy(&format!("[[recovery.replica_server]]\naddress = {node:?}\nhttp_port = {port}"));
    }
    let rehearsed = cluster.run(&["plan", "--method", "recovery"]).await?.expect(0);
    assert!(rehearsed.stdout.contains("inactive 1s 750ms after the last meta server has gone"), "{rehearsed:?}");
    assert!(!rehearsed.stdout.contains("the lease of replica server"), "{rehearsed:?}");
    let ran = cluster.run(&[&RUN[..], &["--format", "json"]].concat()).await?.expect(0);
    let times = &ran.json()["times_ms"];
    let since = |from: &str, to: &str| times[to].as_u64().zip(times[from].as_u64()).map(|(to, from)| to - from);
    let waited = Duration::from_millis(since("leader_gone", "leader_starting").expect("both happened"));
    assert!(waited >= Duration::from_millis(1_750), "{waited:?}");
    Ok(())
}
