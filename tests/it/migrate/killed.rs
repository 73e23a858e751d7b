//! SIGKILL at every record of the journal: before an act, in it, and behind it. Then `resume` ends it, or `rollback` does.

use futures::{StreamExt, TryStreamExt, stream};
use harness::until;

use super::cluster::{Cluster, Fallible, LIMIT};

/// Migrations that are killed beside one another.
const AT_ONCE: usize = 4;

/// Runs the program with `args`, and kills it when its journal has so many records; whether it was done before.
pub(super) async fn kill_at(cluster: &Cluster, args: &[&str], records: usize) -> Fallible<bool> {
    let mut child = cluster.spawn(args)?;
    let ended = until("so many records", LIMIT, async || {
        if cluster.records() >= records { Some(false) } else { child.try_wait().ok()?.map(|_| true) }
    })
    .await?;
    child.start_kill()?;
    let status = child.wait().await?;
    Ok(!ended && status.code().is_none())
}

/// Begins a migration, and kills it when its journal has so many records; `None` when it was done before.
async fn killed_at(records: usize) -> Fallible<Option<(Cluster, Vec<String>)>> {
    let cluster = Cluster::start(&format!("migrate-killed-{records}")).await?.limit("tripwire = \"10ms\"");
    let configs = cluster.configs()?;
    Ok(kill_at(&cluster, &["run", "--execute"], records).await?.then_some((cluster, configs)))
}

/// Kills at each of `records`, and does `then` with what is left; gives how many were killed.
async fn each(
    records: impl Iterator<Item = usize>,
    then: impl AsyncFn(Cluster, Vec<String>) -> Fallible<()>,
) -> Fallible<usize> {
    let then = &then;
    stream::iter(records)
        .map(|records| async move {
            let Some((cluster, configs)) = killed_at(records).await? else { return Ok(0) };
            then(cluster, configs).await.map_err(|error| format!("killed at record {records}: {error}"))?;
            Ok(1)
        })
        .buffer_unordered(AT_ONCE)
        .try_fold(0, |sum, one| async move { Ok(sum + one) })
        .await
}

#[tokio::test]
async fn a_migrator_killed_at_any_record_is_resumed_to_the_end() -> Fallible<()> {
    let killed = each(1..45, async |cluster, _| {
        cluster.run(&["resume"]).await?.expect(0);
        cluster.expect_on(cluster.target).await
    })
    .await?;
    assert!(killed >= 30, "only {killed} were killed before they were done");
    Ok(())
}

#[tokio::test]
async fn a_migrator_killed_at_any_record_is_rolled_back_to_what_there_was() -> Fallible<()> {
    let killed = each(1..45, async |cluster, configs| {
        cluster.run(&["rollback"]).await?.expect(0);
        cluster.expect_as_before(&configs).await
    })
    .await?;
    assert!(killed >= 30, "only {killed} were killed before they were done");
    Ok(())
}

/// A way back that was interrupted is gone on with, and not turned.
#[tokio::test]
async fn a_rollback_killed_at_any_record_is_resumed_to_what_there_was() -> Fallible<()> {
    let rollbacks = stream::iter(1..14).map(|more| async move {
        // In the outage, with every configuration file rewritten.
        let Some((cluster, configs)) = killed_at(31).await? else { return Ok(0) };
        if !kill_at(&cluster, &["rollback"], 31 + more).await? {
            return Ok(0);
        }
        let resumed = cluster.run(&["resume"]).await?.expect(0);
        assert!(resumed.stdout.contains("rolled back"), "{resumed:?}\n{}", cluster.story());
        cluster.expect_as_before(&configs).await.map_err(|error| format!("killed {more} records later: {error}"))?;
        Ok::<usize, Box<dyn std::error::Error>>(1)
    });
    let killed = rollbacks.buffer_unordered(AT_ONCE).try_fold(0, |sum, one| async move { Ok(sum + one) }).await?;
    assert!(killed >= 8, "only {killed} were killed before they were done");
    Ok(())
}

/// Between the kill and the resume the old cluster was brought back by hand, and wrote: the proof is of an older tree.
#[tokio::test]
async fn a_resume_does_not_start_a_leader_on_a_copy_of_what_was_written_since() -> Fallible<()> {
    let cluster = Cluster::start("migrate-stale-proof").await?;
    let configs = cluster.configs()?;
    // On the target a start takes too long to be over when the migrator is killed in it.
    let there = format!("grep -q {} config.ini && {{ sleep 2; exit 0; }}", cluster.target.connect_string());
    for meta in &cluster.metas {
        let start = std::fs::read_to_string(meta.file("start.sh"))?;
        let (head, rest) = start.split_once('\n').ok_or("a script of one line")?;
        std::fs::write(meta.file("start.sh"), format!("{head}\ncd \"$(dirname \"$0\")\"; {there}\n{rest}"))?;
    }
    let mut child = cluster.spawn(&["run", "--execute"])?;
    until("a leader to be started", LIMIT, async || cluster.story().contains("\"what\":\"start ").then_some(()))
        .await?;
    child.start_kill()?;
    child.wait().await?;
    let source = cluster.source.client().await?;
    let path = format!("{}/apps/4/7", cluster.root);
    let (data, _) = source.get_data(&path).await?;
    source.set_data(&path, &data, None).await?;
    let run = cluster.run(&["resume"]).await?.expect(4);
    assert!(run.stdout.contains("stand still since the proof"), "{run:?}");
    cluster.expect_as_before(&configs).await
}
