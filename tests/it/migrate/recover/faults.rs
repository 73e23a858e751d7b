//! What goes wrong: before `start recovery` is sent it goes back by itself; behind that it says what a person can do.

use harness::{read_tree, until};
use migrator::pegasus::types::NodeStatus;
use serde_json::json;

use super::{NODES, expect_recovered, ready, tell};
use crate::migrate::cluster::{Cluster, Fallible, LIMIT};

const RUN: [&str; 4] = ["run", "--method", "recovery", "--execute"];

/// The way back is refused, and nothing is done.
async fn expect_no_way_back(cluster: &Cluster) -> Fallible<()> {
    let refused = cluster.run(&["rollback"]).await?.expect(5);
    for said in ["start recovery was sent", "skip_bad_nodes", "give the configuration files their former content"] {
        assert!(refused.stdout.contains(said), "it does not say {said:?}: {refused:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_replica_server_that_does_not_answer_ends_it_until_it_does() -> Fallible<()> {
    let cluster = ready("recover-node").await?;
    let configs = cluster.configs()?;
    tell(&cluster, |admin| drop(admin["recovery"]["nodes"].as_object_mut().and_then(|nodes| nodes.remove(NODES[1]))))?;
    let failed = cluster.run(&RUN).await?.expect(5);
    for said in ["ERR_TRY_AGAIN", NODES[1], "skip_bad_nodes", "resume"] {
        assert!(failed.stdout.contains(said), "it does not say {said:?}: {failed:?}");
    }
    expect_no_way_back(&cluster).await?;
    tell(&cluster, |_| {})?;
    cluster.run(&["resume"]).await?.expect(0);
    expect_recovered(&cluster, &configs).await
}

/// What it holds is on the others too, so nothing is lost but redundancy; nobody makes that up here.
#[tokio::test]
async fn a_replica_server_that_does_not_answer_is_skipped_where_the_plan_says_so() -> Fallible<()> {
    let cluster = ready("recover-skip").await?.policy("skip_bad_nodes = true").limit("healthy_max = \"2s\"");
    let configs = cluster.configs()?;
    tell(&cluster, |admin| drop(admin["recovery"]["nodes"].as_object_mut().and_then(|nodes| nodes.remove(NODES[2]))))?;
    let ran = cluster.run(&RUN).await?.expect(0);
    for said in ["skip the bad node", "only collects 2/3 of replicas", "lack replicas"] {
        assert!(ran.stdout.contains(said), "it does not say {said:?}: {ran:?}");
    }
    expect_recovered(&cluster, &configs).await
}

/// The documents' `grep ALIVE` would take it for one that lives.
#[tokio::test]
async fn an_unalive_replica_server_is_not_left_out_silently() -> Fallible<()> {
    let cluster = ready("recover-unalive").await?;
    tell(&cluster, |admin| admin["alive_nodes"] = json!([NODES[0], NODES[1]]))?;
    // Behind the grace time.
    let client = cluster.client()?;
    let unalive = async || client.list_nodes(Some(NodeStatus::Unalive)).await.ok().filter(|nodes| !nodes.is_empty());
    until("a replica server to be UNALIVE", LIMIT, unalive).await?;
    let refused = cluster.run(&RUN).await?.expect(2);
    assert!(refused.stdout.contains(&format!("replica server {} is not ALIVE", NODES[2])), "{refused:?}");
    let cluster = cluster.policy("skip_bad_nodes = true");
    let planned = cluster.run(&["plan", "--method", "recovery"]).await?.expect(0);
    assert!(planned.stdout.contains(&format!("start recovery from {}, {} (", NODES[0], NODES[1])), "{planned:?}");
    assert!(planned.stdout.contains("skip bad nodes: yes"), "{planned:?}");
    Ok(())
}

#[tokio::test]
async fn a_table_that_is_lost_is_an_alarm_until_that_is_accepted() -> Fallible<()> {
    let cluster = ready("recover-lost").await?;
    tell(&cluster, |admin| {
        for node in NODES {
            let node = &mut admin["recovery"]["nodes"][node];
            node["apps"].as_array_mut().expect("they are tables").retain(|app| app["app_id"] != 4);
            node["replicas"].as_object_mut().expect("they are replicas").retain(|pid, _| !pid.starts_with("4."));
        }
    })?;
    let failed = cluster.run(&RUN).await?.expect(5);
    assert!(failed.stdout.contains("table 4 (orders) with 8 partitions is not there"), "{failed:?}");
    // All else serves.
    cluster.settled().await?;
    assert_eq!(cluster.hosts().await?, vec![cluster.target.connect_string(); 3]);
    cluster.run(&["resume"]).await?.expect(5);
    let cluster = cluster.policy("skip_lost_partitions = true");
    let accepted = cluster.run(&["resume"]).await?.expect(0);
    assert!(accepted.stdout.contains("1 lost"), "{accepted:?}");
    Ok(())
}

#[tokio::test]
async fn lost_partitions_come_back_empty_only_where_the_plan_accepts_it() -> Fallible<()> {
    let cluster = ready("recover-partition").await?;
    tell(&cluster, |admin| {
        for node in NODES {
            admin["recovery"]["nodes"][node]["replicas"].as_object_mut().expect("they are").remove("4.7");
        }
    })?;
    let failed = cluster.run(&RUN).await?.expect(5);
    assert!(failed.stdout.contains("partition(4.7) has no replica collected"), "{failed:?}");
    // Its replicas are made anew by the real one; here nobody does, and it is not waited for.
    let cluster = cluster.policy("skip_lost_partitions = true").limit("healthy_max = \"2s\"");
    let accepted = cluster.run(&["resume"]).await?.expect(0);
    assert!(accepted.stdout.contains("force recover the lost partition to empty"), "{accepted:?}");
    Ok(())
}

/// Its end is seen by what stands at the target, in the same process or in the next.
#[tokio::test]
async fn an_answer_that_comes_too_late_is_looked_for() -> Fallible<()> {
    for (name, delay_ms, first) in [("recover-late", 1_500, 0), ("recover-later", 3_500, 5)] {
        let cluster = ready(name).await?.policy("wait = \"1s\"");
        let configs = cluster.configs()?;
        tell(&cluster, |admin| admin["recovery"]["delay_ms"] = json!(delay_ms))?;
        let ran = cluster.run(&RUN).await?.expect(first);
        if first != 0 {
            assert!(ran.stdout.contains("it may have happened nevertheless"), "{ran:?}");
            assert!(ran.stdout.contains("its outcome is not known"), "{ran:?}");
            tell(&cluster, |_| {})?;
            cluster.run(&["resume"]).await?.expect(0);
        }
        expect_recovered(&cluster, &configs).await?;
    }
    Ok(())
}

/// The server does it, and its answer gets lost.
#[tokio::test]
async fn an_answer_that_gets_lost_is_not_needed() -> Fallible<()> {
    let cluster = ready("recover-silent").await?.policy("wait = \"1s\"");
    let configs = cluster.configs()?;
    tell(&cluster, |admin| admin["silent"] = json!(["RPC_CM_START_RECOVERY"]))?;
    let ran = cluster.run(&RUN).await?.expect(0);
    assert!(ran.stdout.contains("its answer was lost"), "{ran:?}");
    expect_recovered(&cluster, &configs).await
}

#[tokio::test]
async fn another_error_than_a_bad_node_is_told_in_its_own_words() -> Fallible<()> {
    let cluster = ready("recover-error").await?;
    let configs = cluster.configs()?;
    tell(&cluster, |admin| admin["recovery"]["error"] = json!("ERR_WRONG_CHECKSUM"))?;
    let failed = cluster.run(&RUN).await?.expect(5);
    assert!(failed.stdout.contains("it answers ERR_WRONG_CHECKSUM"), "{failed:?}");
    expect_no_way_back(&cluster).await?;
    tell(&cluster, |_| {})?;
    cluster.run(&["resume"]).await?.expect(0);
    expect_recovered(&cluster, &configs).await
}

/// A way on is open: it is started again, and told again.
#[tokio::test]
async fn a_meta_server_that_dies_when_it_is_told_is_told_again() -> Fallible<()> {
    let cluster = ready("recover-dies").await?.policy("wait = \"1s\"");
    let configs = cluster.configs()?;
    tell(&cluster, |admin| admin["crash_at"] = json!(["RPC_CM_START_RECOVERY"]))?;
    let ran = cluster.run(&RUN).await?.expect(5);
    assert!(ran.stdout.contains("its outcome is not known"), "{ran:?}");
    tell(&cluster, |_| {})?;
    cluster.run(&["resume"]).await?.expect(0);
    expect_recovered(&cluster, &configs).await
}

/// Nobody knows what is missing in them.
#[tokio::test]
async fn tables_that_are_half_written_need_a_person() -> Fallible<()> {
    let cluster = ready("recover-half").await?.policy("wait = \"1s\"");
    let configs = cluster.configs()?;
    tell(&cluster, |admin| admin["crash_at"] = json!(["RPC_CM_START_RECOVERY"]))?;
    cluster.run(&RUN).await?.expect(5);
    tell(&cluster, |_| {})?;
    let (client, apps) = (cluster.target.client().await?, format!("{}/apps", cluster.root));
    let open = zookeeper_client::CreateMode::Persistent.with_acls(zookeeper_client::Acls::anyone_all());
    client.create(&apps, b"lock", &open).await?;
    let failed = cluster.run(&["resume"]).await?.expect(5);
    assert!(failed.stdout.contains("its tables at the target are half written"), "{failed:?}");
    client.delete(&apps, None).await?;
    cluster.run(&["resume"]).await?.expect(0);
    expect_recovered(&cluster, &configs).await
}

#[tokio::test]
async fn a_meta_server_that_does_not_start_on_the_new_zookeeper_takes_it_back() -> Fallible<()> {
    let cluster = ready("recover-start").await?;
    let configs = cluster.configs()?;
    let start = cluster.leader().await?.file("start.sh");
    let script = std::fs::read_to_string(&start)?;
    let unable =
        format!("\ngrep -q 'hosts_list = {}' config.ini && exit 0\nrm -f pid", cluster.target.connect_string());
    std::fs::write(&start, script.replacen("\nrm -f pid", &unable, 1))?;
    let ran = cluster.run(&RUN).await?.expect(4);
    assert!(ran.stdout.contains("its process is gone"), "{ran:?}");
    cluster.expect_as_before(&configs).await
}

#[tokio::test]
async fn a_target_that_is_not_empty_is_refused_and_nothing_is_changed() -> Fallible<()> {
    let cluster = ready("recover-not-empty").await?;
    let client = cluster.target.client().await?;
    let open = zookeeper_client::CreateMode::Persistent.with_acls(zookeeper_client::Acls::anyone_all());
    client.mkdir(&format!("{}/apps", cluster.root), &open).await?;
    let refused = cluster.run(&RUN).await?.expect(2);
    assert!(refused.stdout.contains("znode(s) below the cluster's root already"), "{refused:?}");
    cluster.expect_on(cluster.source).await?;
    assert_eq!(read_tree(&client, &cluster.root).await?.len(), 2);
    Ok(())
}

/// A supervisor that brings a meta server back prolongs every lease: it is taken back.
#[tokio::test]
async fn a_meta_server_that_comes_back_while_leases_run_out_takes_it_back() -> Fallible<()> {
    let cluster = ready("recover-respawn").await?;
    let configs = cluster.configs()?;
    std::fs::write(cluster.metas[1].file("respawn"), "")?;
    let ran = cluster.run(&RUN).await?.expect(4);
    assert!(ran.stdout.contains("does a supervisor bring it back?"), "{ran:?}");
    std::fs::remove_file(cluster.metas[1].file("respawn"))?;
    cluster.expect_as_before(&configs).await
}
