//! What a way back takes, what it waits for, and what it looks at last.

use harness::proxy::Ending;
use harness::until;

use super::cluster::{Cluster, Fallible, LIMIT};
use super::watched::behind_proxy;

/// A meta server that asks for more than its ZooKeeper grants is gone from the line sooner than it asked for.
#[tokio::test]
async fn the_worst_way_back_counts_what_sessions_are_granted() -> Fallible<()> {
    let cluster = Cluster::start_with("migrate-granted", |config| config.zookeeper_timeout_ms = 200_000).await?;
    let plan = cluster.run(&["plan", "--format", "json"]).await?.expect(0).json();
    let granted = u64::from(harness::ServerOptions::SESSION_TIMEOUT_MS_MAX);
    assert_eq!(plan["lock_outlives_ms"], granted);
    // The target asked again twice, three stops and their ends, three files and one once more, a start, that it answers and
    // that it leads: the plan's limits and the tool's own.
    let (stops, files) = (3 * (3_000 + 60_000), 4 * 5_000);
    assert_eq!(plan["way_back_within_ms"], 2 * 20_000 + stops + files + 3_000 + 2 * 60_000 + granted);
    let said = plan["fine"]
        .as_array()
        .ok_or("no list")?
        .iter()
        .any(|fine| fine.as_str().is_some_and(|fine| fine.contains("sessions at the source: 2m (3m 20s asked)")));
    assert!(said, "{plan:#}");
    Ok(())
}

/// Without the target's word there is no way back: for a moment it is waited for.
#[tokio::test]
async fn a_target_that_is_out_of_reach_for_a_moment_is_asked_again() -> Fallible<()> {
    let (cluster, proxy) = behind_proxy("migrate-reach").await?;
    let configs = cluster.configs()?;
    cluster.run(&["run", "--execute", "--pause-before", "start-followers"]).await?.expect(0);
    proxy.refuse();
    proxy.cut(Ending::Reset);
    let mut child = cluster.spawn(&["rollback"])?;
    until("the target to be asked in vain", LIMIT, async || {
        (proxy.refused() > 3 || child.try_wait().ok()?.is_some()).then_some(())
    })
    .await?;
    proxy.admit();
    crate::product::finish(child).await.expect(0).says(&["asks again"]);
    cluster.expect_as_before(&configs).await
}

/// As a command that was given up does, when it lands behind the step that has taken it back.
#[tokio::test]
async fn a_write_that_lands_late_is_told_at_the_end_of_the_way_back() -> Fallible<()> {
    let cluster = Cluster::start("migrate-late").await?;
    cluster.run(&["run", "--execute", "--pause-before", "stop-leader"]).await?.expect(0);
    let (leader, follower) = (cluster.leader().await?, cluster.stopped()?);
    let (source, target) = (cluster.source.connect_string(), cluster.target.connect_string());
    let late = format!("sed -i 's/{source}/{target}/' {}\n", leader.file("config.ini").display());
    let start = std::fs::read_to_string(follower.file("start.sh"))?;
    std::fs::write(follower.file("start.sh"), format!("{start}{late}"))?;
    let run = cluster.run(&["rollback"]).await?.expect(5);
    assert!(
        run.stdout.contains(leader.name()) && run.stdout.contains("have its configuration file as it was"),
        "{run:?}"
    );
    // Put back, it is as it was.
    leader.edit(|text| text.replace(&target, &source))?;
    cluster.run(&["rollback"]).await?.expect(0);
    cluster.expect_on(cluster.source).await
}

/// A target that is gone from the leader's stop on can't say whether that has written: the leader, which is the only one, must
/// not stay stopped, and the migration not be stuck.
#[tokio::test]
async fn a_target_that_is_gone_in_a_way_back_leaves_a_leader_and_a_way_on() -> Fallible<()> {
    let (cluster, proxy) = behind_proxy("migrate-gone-leader").await?;
    let cluster = cluster.limit("serving_max = \"3s\"").limit("stop_max = \"30s\"");
    cluster.run(&["run", "--execute", "--pause-before", "start-followers"]).await?.expect(0);
    let leader = cluster.metas.iter().find(|meta| meta.is_running()).ok_or("nobody runs")?;
    let (stopping, go) = (cluster.file("stopping"), cluster.file("go"));
    let stop = std::fs::read_to_string(leader.file("stop.sh"))?;
    let wait = format!("touch {}; until [ -e {} ]; do sleep 0.05; done", stopping.display(), go.display());
    std::fs::write(leader.file("stop.sh"), format!("{stop}{wait}\n"))?;
    let child = cluster.spawn(&["rollback"])?;
    until("the leader to be stopped", LIMIT, async || stopping.exists().then_some(())).await?;
    proxy.refuse();
    proxy.cut(Ending::Reset);
    std::fs::write(&go, "")?;
    let run = crate::product::finish(child).await.expect(5);
    for words in ["can't be seen", "Only if it is gone for good", "zkmigrator resume"] {
        assert!(run.stdout.contains(words), "{words}: {run:?}");
    }
    assert!(cluster.story().contains("\"going-on\""), "{}", cluster.story());
    proxy.admit();
    // The same leader, by whomever it was started.
    cluster.run(&["resume"]).await?.expect(0);
    cluster.settled().await?;
    assert_eq!(cluster.hosts().await?, vec![proxy.connect_string(); 3], "{}", cluster.story());
    Ok(())
}

/// Nobody uses the copy yet, and nobody may wait for it.
#[tokio::test]
async fn a_target_that_is_gone_at_blind_does_not_keep_the_cluster_from_being_served() -> Fallible<()> {
    let (cluster, proxy) = behind_proxy("migrate-gone-blind").await?;
    let configs = cluster.configs()?;
    let (cluster, run) = cluster
        .run_and(&["run", "--execute"], ("before", "blind"), async |_| {
            proxy.refuse();
            proxy.cut(Ending::Reset);
            Ok(())
        })
        .await?;
    let run = run.expect(4);
    assert!(run.stdout.contains("remove it by hand"), "{run:?}");
    cluster.expect_on(cluster.source).await?;
    assert!(cluster.configs()? == configs, "a configuration file is another\n{}", cluster.story());
    Ok(())
}

/// Nothing was done to any of them.
#[tokio::test]
async fn a_rollback_of_what_touched_no_meta_server_needs_none_of_them() -> Fallible<()> {
    let cluster = Cluster::start("migrate-untouched").await?;
    cluster.run(&["run", "--execute", "--pause-before", "stop-followers"]).await?.expect(0);
    cluster.follower().await?.end("KILL").await?;
    cluster.run(&["rollback"]).await?.expect(0);
    Ok(())
}
