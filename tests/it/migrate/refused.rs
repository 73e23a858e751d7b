//! What is not begun at all, and what can't be taken back: each with its reason, and nothing changed.

use harness::golden;
use migrator::lock::{Beside, Holder, beside};
use serde_json::json;
use zookeeper_client::{Acls, CreateMode};

use super::cluster::{Cluster, Fallible};

const PERSISTENT: &zookeeper_client::CreateOptions<'static> = &CreateMode::Persistent.with_acls(Acls::anyone_all());

/// Fails the test unless `run` refuses for this reason and changes nothing.
async fn refuses(cluster: Cluster, reasons: &[&str]) -> Fallible<()> {
    let configs = cluster.configs()?;
    for args in [&["plan"][..], &["run", "--execute"]] {
        let run = cluster.run(args).await?.expect(2);
        let said = format!("{}{}", run.stdout, run.stderr);
        for reason in reasons {
            assert!(said.contains(reason), "{args:?} does not say {reason:?}: {run:?}");
        }
    }
    assert_eq!(cluster.configs()?, configs);
    Ok(())
}

#[tokio::test]
async fn a_target_that_is_not_empty_is_refused() -> Fallible<()> {
    let cluster = Cluster::start("migrate-full").await?;
    let target = cluster.target.client().await?;
    target.mkdir(&format!("{}/apps", cluster.root), PERSISTENT).await?;
    refuses(cluster, &["has 1 znode(s) below the cluster's root already", "zkreplicator rm"]).await
}

#[tokio::test]
async fn hosts_in_the_section_that_the_document_names_are_refused() -> Fallible<()> {
    let cluster = Cluster::start("migrate-section").await?;
    // As somebody has written the file after the server was started: the server reads none of it.
    for meta in &cluster.metas {
        meta.edit(|text| {
            let hosts = format!("  hosts_list = {}\n", cluster.source.connect_string());
            text.replace(&hosts, "").replace("[meta_server]\n", &format!("[meta_server]\n{hosts}"))
        })?;
    }
    refuses(cluster, &["[meta_server] hosts_list is never read", "has [zookeeper] hosts_list None"]).await
}

#[tokio::test]
async fn a_meta_server_that_does_not_answer_is_refused_and_named() -> Fallible<()> {
    let cluster = Cluster::start("migrate-dead").await?.limit("rpc_max = \"500ms\"");
    let dead = cluster.follower().await?;
    dead.end("KILL").await?;
    let name = dead.name().to_owned();
    refuses(cluster, &[&name]).await
}

#[tokio::test]
async fn a_host_that_does_not_answer_is_refused_and_named() -> Fallible<()> {
    let cluster = Cluster::start("migrate-host").await?;
    let cluster =
        cluster.replacing("host = \"local\"", "host = \"ssh:nobody.invalid\"").limit("ssh_connect_max = \"2s\"");
    refuses(cluster, &["ssh:nobody.invalid"]).await
}

#[tokio::test]
async fn a_template_in_a_configuration_file_is_refused() -> Fallible<()> {
    let cluster = Cluster::start("migrate-template").await?;
    let hosts = cluster.source.connect_string();
    cluster.metas[1].edit(|text| text.replace(&hosts, "%{zk.server.list}"))?;
    refuses(cluster, &["is a template"]).await
}

#[tokio::test]
async fn a_plan_for_another_zookeeper_or_cluster_is_refused() -> Fallible<()> {
    let cluster = Cluster::start("migrate-other").await?;
    let source = format!("[source]\nconnect = {:?}", cluster.source.connect_string());
    let cluster = cluster.replacing(&source, "[source]\nconnect = \"127.0.0.1:1\"");
    refuses(cluster, &["the plan's source is \"127.0.0.1:1\""]).await?;
    let cluster = Cluster::start("migrate-named").await?.replacing("cluster = \"onebox\"", "cluster = \"twobox\"");
    refuses(cluster, &["the cluster calls itself \"onebox\", and the plan is for \"twobox\""]).await
}

#[tokio::test]
async fn what_is_under_way_in_the_tree_is_refused() -> Fallible<()> {
    let cluster = Cluster::start("migrate-busy").await?;
    let source = cluster.source.client().await?;
    source.mkdir(&format!("{}/bulk_load/cluster", cluster.root), PERSISTENT).await?;
    source.create(&format!("{}/bulk_load/cluster/4", cluster.root), b"{}", PERSISTENT).await?;
    refuses(cluster, &["a bulk load of table 4 is under way"]).await
}

#[tokio::test]
async fn meta_servers_of_different_versions_are_refused_unless_the_plan_allows_them() -> Fallible<()> {
    let cluster = Cluster::start("migrate-versions").await?;
    cluster.metas[1].tell(&json!({ "version": "2.5.0" }))?;
    let versions = ["meta servers of different versions: 2.5.0 (db756dcdf", "2.6.0-SNAPSHOT (db756dcdf"];
    refuses(cluster, &versions).await?;
    let cluster = Cluster::start("migrate-versions-allowed").await?.policy("mixed_versions = true");
    cluster.metas[1].tell(&json!({ "version": "2.5.0" }))?;
    let plan = cluster.run(&["plan"]).await?.expect(0);
    assert!(plan.stdout.contains("note: meta servers of different versions"), "{plan:?}");
    Ok(())
}

/// As many as the plan names, and not those.
#[tokio::test]
async fn a_stranger_in_line_for_the_lock_is_named_and_refused() -> Fallible<()> {
    let cluster = Cluster::start("migrate-stranger").await?;
    let source = cluster.source.client().await?;
    let lock = format!("{}/lock/dsn.meta.server.leader", cluster.root);
    let missing = cluster.follower().await?.name().to_owned();
    for name in source.list_children(&lock).await? {
        let path = format!("{lock}/{name}");
        if source.get_data(&path).await?.0 == missing.as_bytes() {
            source.delete(&path, None).await?;
        }
    }
    let options = CreateMode::EphemeralSequential.with_acls(Acls::anyone_all());
    source.create(&format!("{lock}/LOCKNODE"), b"localhost:1", &options).await?;
    let missing = format!("{missing} does not stand in line for the lock");
    refuses(cluster, &["localhost:1 stands in line for the lock, and is no meta server of the plan", &missing]).await
}

/// Versions up to 2.5.0 write addresses where the plan has names.
#[tokio::test]
async fn an_address_in_line_for_the_lock_is_known_by_where_its_name_leads() -> Fallible<()> {
    let holder =
        |address: &str| Holder { name: "LOCKNODE0000000001".to_owned(), address: address.to_owned(), session: 1 };
    let planned = ["localhost:34601".to_owned(), "localhost:34602".to_owned()];
    let found = beside(&[holder("127.0.0.1:34601"), holder("127.0.0.1:34603")], &planned).await;
    let (strangers, missing) = (vec!["127.0.0.1:34603".to_owned()], vec!["localhost:34602".to_owned()]);
    assert_eq!(found, Beside { strangers, missing, ..Beside::default() });
    let found = beside(&[holder("127.0.0.1:34601"), holder("localhost:34601")], &planned[..1]).await;
    assert_eq!(found.repeated, planned[..1]);
    Ok(())
}

#[tokio::test]
async fn a_second_migrator_is_kept_away_while_one_is_at_work() -> Fallible<()> {
    let cluster = Cluster::start("migrate-two").await?;
    let (cluster, run) = cluster
        .run_and(&["run", "--execute"], ("before", "stop-followers"), async |cluster| {
            let second = cluster.run(&["resume"]).await?.expect(2);
            assert!(second.stderr.contains("another zkmigrator works on this migration"), "{second:?}");
            // With a journal of its own, the lock at the target is what it meets.
            let plan = std::fs::read_to_string(cluster.plan()?)?;
            let other = cluster.file("other.toml");
            let journal = |name: &str| format!("journal = {:?}", cluster.file(name).display().to_string());
            let plan = plan.replace(&journal("journal"), &journal("other"));
            let plan = plan.replace("[policy]\n", "[policy]\ntarget_must_be_empty = false\n");
            let (hooks, servers) = (plan.find("[hooks]"), plan.find("[[meta_server]]"));
            let (hooks, servers) = (hooks.ok_or("no hooks")?, servers.ok_or("no servers")?);
            std::fs::write(&other, format!("{}{}", &plan[..hooks], &plan[servers..]))?;
            let second = cluster.run_plan(&["run", "--execute"], &other).await?.expect(2);
            assert!(
                second.stderr.contains("another migrator holds") || second.stdout.contains("another migrator holds"),
                "{second:?}"
            );
            Ok(())
        })
        .await?;
    run.expect(0);
    cluster.expect_on(cluster.target).await
}

#[tokio::test]
async fn a_write_on_the_new_zookeeper_ends_the_way_back() -> Fallible<()> {
    let cluster = Cluster::start("migrate-written").await?;
    cluster.run(&["run", "--execute", "--pause-before", "tripwire"]).await?.expect(0);
    let target = cluster.target.client().await?;
    target.set_data(&format!("{}/apps/4/7", cluster.root), b"{}", None).await?;
    let refused = cluster.run(&["rollback"]).await?.expect(5);
    assert!(refused.stdout.contains("the new ZooKeeper has taken writes"), "{refused:?}");
    cluster.expect_on(cluster.target).await?;
    cluster.run(&["resume"]).await?.expect(0);
    cluster.expect_on(cluster.target).await
}

#[tokio::test]
async fn a_write_to_the_old_tree_is_shouted_about() -> Fallible<()> {
    let cluster = Cluster::start("migrate-tripwire").await?;
    let (cluster, run) = cluster
        .run_and(&["run", "--execute"], ("before", "tripwire"), async |cluster| {
            let source = cluster.source.client().await?;
            Ok(source.set_data(&format!("{}/apps/4/7", cluster.root), b"{}", None).await.map(drop)?)
        })
        .await?;
    let run = run.expect(5);
    assert!(run.stdout.contains("somebody still writes to the old tree"), "{run:?}");
    cluster.expect_on(cluster.target).await
}

#[tokio::test]
async fn the_old_tree_goes_when_it_is_confirmed_and_nobody_uses_it() -> Fallible<()> {
    let cluster = Cluster::start("migrate-cleanup").await?;
    let root = cluster.root.clone();
    cluster.run(&["cleanup", "--yes-remove", &root]).await?.expect(2).says(&["is not done"]);
    cluster.run(&["run", "--execute"]).await?.expect(0);
    cluster
        .run(&["cleanup", "--yes-remove", golden::CLUSTER_ROOT])
        .await?
        .expect(2)
        .says(&["is not the old tree's root"]);
    let held = cluster.limit("cleanup_hold = \"1h\"");
    held.run(&["cleanup", "--yes-remove", &root]).await?.expect(2).says(&["cleanup_hold is not over"]);
    let cluster = held.replacing("cleanup_hold = \"1h\"", "cleanup_hold = \"1ms\"");
    // The stopped servers' sessions may still stand in line for the old lock.
    harness::until("the old sessions to expire", super::cluster::LIMIT, async || {
        let run = cluster.run(&["cleanup", "--yes-remove", &root]).await.ok()?;
        (run.code == Some(0)).then_some(())
    })
    .await?;
    let source = cluster.source.client().await?;
    assert!(source.check_stat(&root).await?.is_none(), "the old tree is still there");
    cluster.expect_on(cluster.target).await
}

/// It said that nobody agreed, where nobody had answered, and showed a copy of the whole ensemble.
#[tokio::test]
async fn where_no_meta_server_answers_that_is_said_once() -> Fallible<()> {
    let cluster = Cluster::start("migrate-all-dead").await?.limit("rpc_max = \"500ms\"");
    for meta in &cluster.metas {
        meta.end("KILL").await?;
        meta.edit(|text| text.replace("distributed_lock_service_parameters", "something_else"))?;
    }
    let page = cluster.file("page.html");
    let name = page.display().to_string();
    let plan = cluster.run(&["plan", "--report", &name]).await?.expect(2);
    assert_eq!(plan.stdout.matches("no meta server answers").count(), 1, "{plan:?}");
    assert_eq!(plan.stdout.matches("no connection").count(), cluster.metas.len(), "{plan:?}");
    for said in ["--method recovery (docs/choosing.md)", "the cluster's root, which is not known"] {
        assert!(plan.stdout.contains(said), "{said}: {plan:?}");
    }
    for wrong in ["do not agree", "look at anything else", &format!("--verify {}", cluster.source.connect_string())] {
        assert!(!plan.stdout.contains(wrong), "{wrong}: {plan:?}");
    }
    let shown = std::fs::read_to_string(&page)?;
    assert!(shown.contains("not known") && !shown.contains(&format!("{}/<", cluster.source.connect_string())));

    let run = cluster.run(&["run", "--execute", "--report", &name]).await?.expect(2);
    assert!(!run.stdout.contains(" of :"), "{run:?}");
    let shown = std::fs::read_to_string(&page)?;
    assert!(shown.contains("would become; not done") && !shown.contains("as it was before"), "{shown}");
    let status = cluster.run(&["status"]).await?.expect(0);
    assert!(status.stdout.contains(": ended") && !status.stdout.contains(" of :"), "{status:?}");
    for command in ["resume", "rollback"] {
        let ended = cluster.run(&[command]).await?.expect(2);
        assert!(!ended.stderr.contains("correct that"), "{ended:?}");
        ended
            .says(&["the migration has ended", "zkmigrator status says how it ended, zkmigrator run begins a new one"]);
    }
    Ok(())
}

/// It was said twice, and not that the setting is missing.
#[tokio::test]
async fn a_recovery_whose_root_is_missing_says_so_once() -> Fallible<()> {
    let cluster = Cluster::start("migrate-no-root").await?;
    for meta in &cluster.metas {
        meta.edit(|text| text.replace("cluster_root", "something_else"))?;
    }
    let plan = cluster.run(&["plan", "--method", "recovery"]).await?.expect(2);
    assert_eq!(plan.stdout.matches("cluster_root is /").count(), 1, "{plan:?}");
    assert!(plan.stdout.contains("[meta_server] cluster_root is missing") && plan.stdout.contains("/ is its default"));
    Ok(())
}
