//! SIGKILL at every record of the journal; then `resume` ends the recovery, or `rollback` takes it back while there is a way.

use std::ops::Range;

use futures::{StreamExt, TryStreamExt, stream};
use harness::{read_tree, until};

use super::cluster::{Cluster, Fallible, LIMIT};
use super::{expect_recovered, ready, state};

/// Recoveries that are killed beside one another: they wait most of the time.
const AT_ONCE: usize = 6;
/// Records of a recovery before `start recovery` is sent, and all of them; both with some to spare.
const BEFORE_SENT: usize = 22;
const ALL: usize = 50;

/// Runs the program with `args`, and kills it when its journal has so many records; whether it was not done by then.
async fn kill_at(cluster: &Cluster, args: &[&str], records: usize) -> Fallible<bool> {
    let mut child = cluster.spawn(args)?;
    let ended = until("so many records", LIMIT, async || {
        if cluster.records() >= records { Some(false) } else { child.try_wait().ok()?.map(|_| true) }
    })
    .await?;
    child.start_kill()?;
    let status = child.wait().await?;
    Ok(!ended && status.code().is_none())
}

/// Kills at each of `records`, and does `then` with what is left; gives how many were killed.
async fn each(
    records: Range<usize>,
    then: impl AsyncFn(&Cluster, &[String]) -> Fallible<()>,
) -> Fallible<usize> {
    let then = &then;
    stream::iter(records)
        .map(|records| async move {
            let cluster = ready(&format!("recover-killed-{records}")).await?.policy("wait = \"3s\"");
            let configs = cluster.configs()?;
            if !kill_at(&cluster, &["run", "--method", "recovery", "--execute"], records).await? {
                return Ok(0);
            }
            let story = cluster.story();
            then(&cluster, &configs)
                .await
                .map_err(|error| format!("killed at record {records}: {error}\nwhen it was killed:\n{story}"))?;
            Ok(1)
        })
        .buffer_unordered(AT_ONCE)
        .try_fold(0, |sum, one| async move { Ok(sum + one) })
        .await
}

async fn resumed(cluster: &Cluster, configs: &[String]) -> Fallible<()> {
    cluster.run(&["resume"]).await?.expect(0);
    expect_recovered(cluster, configs).await
}

/// Everything is as it was, or the way back is refused and the way on is open.
async fn rolled_back(cluster: &Cluster, configs: &[String]) -> Fallible<()> {
    if !state(cluster)["recovery"]["sent"].is_null() {
        let refused = cluster.run(&["rollback"]).await?.expect(5);
        assert!(refused.stdout.contains("start recovery was sent"), "{refused:?}");
        return resumed(cluster, configs).await;
    }
    cluster.run(&["rollback"]).await?.expect(0);
    cluster.expect_on(cluster.source).await?;
    assert!(cluster.configs()? == configs, "a configuration file is another\n{}", cluster.story());
    let left = read_tree(&cluster.target.client().await?, &cluster.root).await;
    assert!(left.map_or(true, |left| left.is_empty()), "something is left at the target\n{}", cluster.story());
    Ok(())
}

#[tokio::test]
async fn killed_before_it_is_sent_a_recovery_is_resumed_to_the_end() -> Fallible<()> {
    let killed = each(1..BEFORE_SENT, resumed).await?;
    assert!(killed >= 15, "only {killed} were killed before they were done");
    Ok(())
}

#[tokio::test]
async fn killed_after_it_was_sent_a_recovery_is_resumed_to_the_end() -> Fallible<()> {
    let killed = each(BEFORE_SENT..ALL, resumed).await?;
    assert!(killed >= 10, "only {killed} were killed before they were done");
    Ok(())
}

#[tokio::test]
async fn killed_before_it_is_sent_a_recovery_is_rolled_back_to_what_there_was() -> Fallible<()> {
    let killed = each(1..BEFORE_SENT, rolled_back).await?;
    assert!(killed >= 15, "only {killed} were killed before they were done");
    Ok(())
}

#[tokio::test]
async fn killed_after_it_was_sent_a_recovery_refuses_to_go_back() -> Fallible<()> {
    let killed = each(BEFORE_SENT..BEFORE_SENT + 8, rolled_back).await?;
    assert!(killed >= 6, "only {killed} were killed before they were done");
    Ok(())
}
