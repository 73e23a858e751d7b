//! What happens to a cluster while it is blind: a level that is lost, a failover, a write that slips through, silence.

use harness::until;
use migrator::pegasus::client::MetaClient;
use migrator::pegasus::frame::Request;
use migrator::pegasus::record::encode_body;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::cluster::{Cluster, Fallible, LIMIT};
use crate::stand_in::records::UpdateEnvRequest;

/// A leader that crashes and is started again takes its level from its file; here somebody has written another there.
async fn comes_back_at_steady(cluster: &Cluster) -> Fallible<()> {
    let leader = cluster.leader().await?;
    leader
        .edit(|text| text.replace("meta_function_level_on_start = blind", "meta_function_level_on_start = steady"))?;
    leader.end("KILL").await?;
    leader.start()?;
    let client = cluster.client()?;
    until("the leader to lead again", LIMIT, async || client.cluster_info().await.ok()).await?;
    assert_eq!(client.level().await?.name(), "steady");
    Ok(())
}

#[tokio::test]
async fn a_leader_that_comes_back_at_steady_is_made_blind_again_by_a_resume() -> Fallible<()> {
    let cluster = Cluster::start("migrate-steady").await?;
    let paused = cluster.run(&["run", "--execute", "--pause-before", "stop-leader"]).await?.expect(0);
    assert!(paused.stdout.contains("paused before        stop-leader"), "{paused:?}");
    assert_eq!(cluster.client()?.level().await?.name(), "blind");
    comes_back_at_steady(&cluster).await?;
    let resumed = cluster.run(&["resume", "--pause-before", "stop-leader"]).await?.expect(0);
    assert!(resumed.stderr.contains("blind is to be done again: the level is steady"), "{resumed:?}");
    assert_eq!(cluster.client()?.level().await?.name(), "blind");
    cluster.run(&["resume"]).await?.expect(0);
    cluster.expect_on(cluster.target).await
}

#[tokio::test]
async fn a_level_that_is_lost_under_way_costs_no_write_and_is_told() -> Fallible<()> {
    let cluster = Cluster::start("migrate-lost-level").await?;
    let (cluster, run) =
        cluster.run_and(&["run", "--execute"], ("before", "stop-leader"), comes_back_at_steady).await?;
    let run = run.expect(0);
    assert!(run.stdout.contains("note: the level was steady again when the leader was stopped"), "{run:?}");
    cluster.expect_on(cluster.target).await
}

/// Losing its session a leader exits with 0, and `restart: on-failure` does not bring it back: nobody else runs by then.
#[tokio::test]
async fn a_leader_that_died_and_stays_dead_is_started_again_by_the_way_back() -> Fallible<()> {
    let cluster = Cluster::start("migrate-died").await?.limit("rpc_max = \"500ms\"");
    let configs = cluster.configs()?;
    let (cluster, run) = cluster
        .run_and(&["run", "--execute"], ("before", "blind"), async |cluster| {
            cluster.leader().await?.end("KILL").await?;
            Ok(())
        })
        .await?;
    run.expect(4);
    cluster.expect_as_before(&configs).await
}

#[tokio::test]
async fn a_failover_in_the_blind_window_goes_back() -> Fallible<()> {
    let cluster = Cluster::start("migrate-failover").await?;
    let configs = cluster.configs()?;
    let (cluster, run) = cluster
        .run_and(&["run", "--execute"], ("before", "stop-leader"), async |cluster| {
            let leader = cluster.leader().await?;
            let follower = cluster.metas.iter().find(|meta| !meta.is_running()).ok_or("all run")?;
            follower.start()?;
            leader.end("KILL").await?;
            let client = cluster.client()?;
            until("the follower to lead", LIMIT, async || {
                (client.primary().await.ok()? == follower.name()).then_some(())
            })
            .await?;
            Ok(())
        })
        .await?;
    let run = run.expect(4);
    assert!(run.stdout.contains("see it gone") && run.stdout.contains("rolled back"), "{run:?}");
    cluster.expect_as_before(&configs).await
}

/// Sets a table's environment: blind lets it through.
async fn set_env(cluster: &Cluster) -> Fallible<()> {
    let leader = cluster.leader().await?;
    let (keys, values) = (Some(vec!["slipped".to_owned()]), Some(vec!["through".to_owned()]));
    let request = UpdateEnvRequest { app_name: "temp".to_owned(), op: 1, keys, values, clear_prefix: None };
    let mut stream = TcpStream::connect(leader.name()).await?;
    stream.write_all(&Request::new("RPC_CM_UPDATE_APP_ENV", 1, 1000, encode_body(1, &request)).encode()).await?;
    let client = cluster.client()?;
    until("the environment to be set", LIMIT, async || has_env(&client).await.then_some(())).await?;
    Ok(())
}

async fn has_env(client: &MetaClient) -> bool {
    let apps = client.list_apps(None).await.unwrap_or_default();
    apps.iter().any(|app| app.app_name == "temp" && app.envs.get("slipped").is_some_and(|value| value == "through"))
}

#[tokio::test]
async fn a_write_that_slips_through_blind_is_in_the_copy() -> Fallible<()> {
    let cluster = Cluster::start("migrate-slips").await?;
    let (cluster, run) = cluster.run_and(&["run", "--execute"], ("before", "stop-leader"), set_env).await?;
    run.expect(0);
    cluster.expect_on(cluster.target).await?;
    assert!(has_env(&cluster.client()?).await, "the write is lost\n{}", cluster.story());
    Ok(())
}

/// What the leader does not know of, another has written: the copy has it, and is no cluster's metadata.
#[tokio::test]
async fn a_tree_that_the_leader_does_not_know_goes_back() -> Fallible<()> {
    let cluster = Cluster::start("migrate-unknown").await?;
    let (cluster, run) = cluster
        .run_and(&["run", "--execute"], ("before", "stop-leader"), async |cluster| {
            let source = cluster.source.client().await?;
            let path = format!("{}/apps/7", cluster.root);
            let (data, _) = source.get_data(&path).await?;
            let text = String::from_utf8(data)?.replace("\"renamed\"", "\"another\"");
            source.set_data(&path, text.as_bytes(), None).await?;
            Ok(())
        })
        .await?;
    let run = run.expect(4);
    assert!(run.stdout.contains("table 7 (renamed) is another in the tree"), "{run:?}");
    cluster.settled().await?;
    assert_eq!(cluster.hosts().await?, vec![cluster.source.connect_string(); 3]);
    Ok(())
}

#[tokio::test]
async fn an_rpc_that_never_answers_is_no_known_outcome() -> Fallible<()> {
    let cluster = Cluster::start("migrate-silent").await?.limit("rpc_max = \"500ms\"");
    let configs = cluster.configs()?;
    let (cluster, run) = cluster
        .run_and(&["run", "--execute"], ("before", "blind"), async |cluster| {
            for meta in &cluster.metas {
                meta.tell(&json!({ "silent": ["RPC_CM_CONTROL_META"] }))?;
            }
            Ok(())
        })
        .await?;
    // It can't even say at which level it was, so nothing was set; and that is known.
    let run = run.expect(4);
    assert!(run.stdout.contains("no answer within") || run.stdout.contains("control"), "{run:?}");
    for meta in &cluster.metas {
        meta.tell(&json!({}))?;
    }
    cluster.expect_as_before(&configs).await
}
