//! The whole way with nothing in the way; what a rehearsal shows; what `auto` chooses.

use harness::{Server, read_tree};

use super::{NODES, expect_recovered, ready, tell};
use crate::migrate::cluster::{Cluster, Fallible};

/// The tree without what comes and goes with meta servers.
async fn tree(server: &Server, cluster: &Cluster) -> Fallible<String> {
    let mut tree = read_tree(&server.client().await?, &cluster.root).await?;
    tree.retain(|path, _| !path.contains("/lock"));
    Ok(format!("{tree:?}"))
}

#[tokio::test]
async fn a_cluster_is_recovered_and_serves_what_it_served() -> Fallible<()> {
    let cluster = ready("recover-whole").await?;
    let (configs, source) = (cluster.configs()?, tree(cluster.source, &cluster).await?);
    let rehearsed = cluster.run(&["run", "--method", "recovery"]).await?.expect(0);
    for said in [
        "by recovery: can begin",
        "recover_from_replica_server = true",
        "ERR_UNDER_RECOVERY",
        "wait 350ms after the last meta server has gone",
        "skip bad nodes: no, skip lost partitions: no",
        "the lease of replica server localhost:34801",
        "nothing was changed",
    ] {
        assert!(rehearsed.stdout.contains(said), "it does not say {said:?}: {rehearsed:?}");
    }
    assert_eq!(cluster.configs()?, configs);
    cluster.expect_on(cluster.source).await?;
    assert!(cluster.target.client().await?.check_stat(&cluster.root).await?.is_none());

    let ran = cluster.run(&["run", "--method", "recovery", "--execute", "--format", "json"]).await?.expect(0);
    let report = ran.json();
    assert_eq!(
        (&report["verdict"], &report["exit_code"], &report["method"]),
        (&"done".into(), &0.into(), &"recovery".into())
    );
    let accounts = &report["recovery"]["accounts"];
    assert_eq!(
        (&accounts["tables"], &accounts["nodes"], &accounts["is_compared"]),
        (&6.into(), &3.into(), &true.into())
    );
    for what in ["lost", "renamed", "revived", "nodes_missing"] {
        assert!(accounts[what].as_array().is_some_and(Vec::is_empty), "{accounts:#}");
    }
    let notes = report["notes"].to_string();
    assert!(
        notes.contains("duplications") && notes.contains("backup policies") && notes.contains("to_drop"),
        "{notes}"
    );
    expect_recovered(&cluster, &configs).await?;
    // The source was never written.
    assert_eq!(tree(cluster.source, &cluster).await?, source);
    let nodes = std::fs::read_to_string(
        cluster.file("journal").join(report["migration"].as_str().unwrap_or_default()).join("recover_node_list"),
    )?;
    assert_eq!(nodes, NODES.join("\n") + "\n");
    let status = cluster.run(&["status"]).await?.expect(0);
    assert!(status.stdout.contains("await-leases") && status.stdout.contains("ended"), "{status:?}");
    Ok(())
}

#[tokio::test]
async fn tables_that_were_renamed_or_came_back_to_life_are_named() -> Fallible<()> {
    let cluster = ready("recover-renamed").await?;
    tell(&cluster, |admin| {
        for node in NODES {
            let apps = admin["recovery"]["nodes"][node]["apps"].as_array_mut().expect("they are tables");
            // The replica servers have not forgotten the dropped table, and another took its name meanwhile.
            let mut dropped = apps[0].clone();
            (dropped["app_id"], dropped["app_name"]) = (6.into(), "renamed".into());
            apps.push(dropped);
            let replicas = admin["recovery"]["nodes"][node]["replicas"].as_object_mut().expect("they are replicas");
            (0..4).for_each(|partition| drop(replicas.insert(format!("6.{partition}"), 3.into())));
        }
    })?;
    let ran = cluster.run(&["run", "--method", "recovery", "--execute", "--format", "json"]).await?.expect(0);
    let accounts = ran.json()["recovery"]["accounts"].clone();
    assert_eq!(accounts["lost"], serde_json::json!([]));
    assert_eq!(accounts["revived"], serde_json::json!(["table 6 (renamed__6) was DROPPED as to_drop"]));
    Ok(())
}

#[tokio::test]
async fn auto_copies_where_it_can_and_never_recovers_by_itself() -> Fallible<()> {
    let cluster = ready("recover-auto").await?;
    let fine = cluster.run(&["plan", "--method", "auto"]).await?.expect(0);
    assert!(fine.stdout.contains("by copy: can begin"), "{fine:?}");
    // A partition is missing: a copy would carry that on.
    cluster.source.client().await?.delete(&format!("{}/apps/4/7", cluster.root), None).await?;
    for args in [&["plan", "--method", "auto"][..], &["run", "--method", "auto", "--execute"]] {
        let offered = cluster.run(args).await?.expect(2);
        for said in ["source: ", "zkmigrator run --method recovery --plan", "--execute"] {
            assert!(offered.stderr.contains(said), "it does not say {said:?}: {offered:?}");
        }
    }
    assert_eq!(cluster.records(), 0);
    assert!(cluster.metas.iter().all(harness::MetaServer::is_running));
    Ok(())
}

#[tokio::test]
async fn a_recovery_is_paused_before_its_last_moment_and_taken_back() -> Fallible<()> {
    let cluster = ready("recover-paused").await?;
    let configs = cluster.configs()?;
    let refused =
        cluster.run(&["run", "--method", "recovery", "--execute", "--pause-before", "await-leases"]).await?.expect(2);
    assert!(refused.stderr.contains("no meta server"), "{refused:?}");
    let paused =
        cluster.run(&["run", "--method", "recovery", "--execute", "--pause-before", "recover"]).await?.expect(0);
    assert!(paused.stdout.contains("paused before        recover"), "{paused:?}");
    cluster.run(&["rollback"]).await?.expect(0);
    cluster.expect_as_before(&configs).await
}

/// The last moment is not passed against the will of who is there.
#[tokio::test]
async fn an_interrupt_ends_a_recovery_before_there_is_no_way_back() -> Fallible<()> {
    let cluster = ready("recover-interrupt").await?;
    let configs = cluster.configs()?;
    let interrupt = async |cluster: &Cluster| {
        let pid = std::fs::read_to_string(cluster.file("reached"))?;
        let killed = std::process::Command::new("kill").args(["-s", "INT", pid.trim()]).status()?;
        assert!(killed.success());
        Ok(())
    };
    let (cluster, ran) =
        cluster.run_and(&["run", "--method", "recovery", "--execute"], ("after", "await-leases"), interrupt).await?;
    let ran = ran.expect(130);
    assert!(ran.stdout.contains("rollback"), "{ran:?}");
    assert!(super::last_record(&cluster)["state"]["recovery"]["sent"].is_null());
    cluster.run(&["rollback"]).await?.expect(0);
    cluster.expect_as_before(&configs).await
}
