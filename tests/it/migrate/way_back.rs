//! What a way back takes, what it waits for, and what it looks at last.

use harness::proxy::{Ending, Proxy};
use harness::until;

use super::cluster::{Cluster, Fallible, LIMIT};

/// A meta server that asks for more than its ZooKeeper grants is gone from the line sooner than it asked for.
#[tokio::test]
async fn the_worst_way_back_counts_what_sessions_are_granted() -> Fallible<()> {
    let cluster = Cluster::start_with("migrate-granted", |config| config.zookeeper_timeout_ms = 200_000).await?;
    let plan = cluster.run(&["plan", "--format", "json"]).await?.expect(0).json();
    let granted = u64::from(harness::ServerOptions::SESSION_TIMEOUT_MS_MAX);
    assert_eq!(plan["lock_outlives_ms"], granted);
    // The target asked again, a stop and its end, a file, a start, serving: the plan's limits and the tool's own.
    assert_eq!(plan["way_back_within_ms"], 20_000 + 3_000 + 60_000 + 5_000 + 3_000 + 60_000 + granted);
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
    let cluster = Cluster::start("migrate-reach").await?;
    let proxy = Proxy::start(cluster.target.address())?;
    let target = |hosts: &str| format!("[target]\nconnect = {hosts:?}");
    let (from, to) = (target(&cluster.target.connect_string()), target(&proxy.connect_string()));
    let cluster = cluster.replacing(&from, &to);
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
