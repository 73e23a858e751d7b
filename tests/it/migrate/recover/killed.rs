//! SIGKILL at every record of the journal; then `resume` ends the recovery, or `rollback` takes it back while there is a way.

use std::ops::Range;

use futures::{StreamExt, TryStreamExt, stream};

use super::{expect_recovered, last_record, ready};
use crate::migrate::cluster::{Cluster, Fallible};
use crate::migrate::killed::kill_at;

/// Recoveries that are killed beside one another: they wait most of the time.
const AT_ONCE: usize = 6;
/// Records of a recovery before it is in the journal that `start recovery` is sent, and all of them.
const BEFORE_SENT: usize = 27;
const ALL: usize = 44;
/// Where every configuration file is rewritten, and no meta server runs.
const IN_OUTAGE: usize = 21;

/// Kills at each of `records`, and does `then` with what is left; gives how many were killed.
async fn each(records: Range<usize>, then: impl AsyncFn(&Cluster, &[String]) -> Fallible<()>) -> Fallible<usize> {
    let then = &then;
    stream::iter(records)
        .map(|records| async move {
            let cluster = ready(&format!("recover-killed-{records}")).await?.policy("wait = \"3s\"");
            let configs = cluster.configs()?;
            let killed = kill_at(&cluster, &["run", "--method", "recovery", "--execute"], records).await?;
            // Behind its last record nothing is left to do.
            if !killed || last_record(&cluster)["entry"] == "done" {
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
    if !last_record(cluster)["state"]["recovery"]["sent"].is_null() {
        let refused = cluster.run(&["rollback"]).await?.expect(5);
        assert!(refused.stdout.contains("start recovery was sent"), "{refused:?}");
        return resumed(cluster, configs).await;
    }
    cluster.run(&["rollback"]).await?.expect(0);
    cluster.expect_as_before(configs).await
}

#[tokio::test]
async fn killed_before_it_is_sent_a_recovery_is_resumed_to_the_end() -> Fallible<()> {
    let killed = each(1..BEFORE_SENT, resumed).await?;
    assert!(killed >= 20, "only {killed} were killed before they were done");
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
    assert!(killed >= 20, "only {killed} were killed before they were done");
    Ok(())
}

#[tokio::test]
async fn killed_after_it_was_sent_a_recovery_refuses_to_go_back() -> Fallible<()> {
    let killed = each(BEFORE_SENT..BEFORE_SENT + 8, rolled_back).await?;
    assert!(killed >= 6, "only {killed} were killed before they were done");
    Ok(())
}

/// A way back that was interrupted is gone on with, and not turned.
#[tokio::test]
async fn a_rollback_of_a_recovery_killed_at_any_record_is_resumed() -> Fallible<()> {
    // Its first record is that somebody is here again; the next is that it goes back.
    let rollbacks = stream::iter(2..14).map(|more| async move {
        let cluster = ready(&format!("recover-rollback-{more}")).await?;
        let configs = cluster.configs()?;
        if !kill_at(&cluster, &["run", "--method", "recovery", "--execute"], IN_OUTAGE).await? {
            return Ok(0);
        }
        if !kill_at(&cluster, &["rollback"], cluster.records() + more).await? {
            return Ok(0);
        }
        let resumed = cluster.run(&["resume"]).await?;
        if last_record(&cluster)["entry"] != "rolled-back" || resumed.code != Some(0) {
            return Err(format!("killed {more} records later: {resumed:?}\n{}", cluster.story()).into());
        }
        cluster.expect_as_before(&configs).await.map_err(|error| format!("killed {more} records later: {error}"))?;
        Ok::<usize, Box<dyn std::error::Error>>(1)
    });
    let killed = rollbacks.buffer_unordered(AT_ONCE).try_fold(0, |sum, one| async move { Ok(sum + one) }).await?;
    assert!(killed >= 8, "only {killed} were killed before they were done");
    Ok(())
}
