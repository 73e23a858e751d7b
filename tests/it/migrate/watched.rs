//! What is noticed while the proof at blind goes on, and not only behind it. The target is held still meanwhile, so that the
//! proof can't come to its end by itself.

use std::cell::Cell;
use std::path::Path;

use harness::proxy::{Direction, Flow, Proxy, Reach};
use harness::until;
use migrator::pegasus::types::Level;

use super::cluster::{Cluster, Fallible, LIMIT};

/// A cluster whose way to the target can be held.
pub(super) async fn behind_proxy(name: &str) -> Fallible<(Cluster, Proxy)> {
    let cluster = Cluster::start(name).await?;
    let proxy = Proxy::start(cluster.target.address())?;
    let target = |hosts: &str| format!("[target]\nconnect = {hosts:?}");
    let (from, to) = (target(&cluster.target.connect_string()), target(&proxy.connect_string()));
    Ok((cluster.replacing(&from, &to), proxy))
}

/// Holds it, and notes how many connections there were.
fn hold(proxy: &Proxy, before: &Cell<u64>) {
    before.set(proxy.connections());
    for direction in Direction::BOTH {
        proxy.flow(direction, Flow::Hold, Reach::All);
    }
}

/// Waits until the proof asks the target: the level was set and read back by then.
async fn until_proving(proxy: &Proxy, before: &Cell<u64>) -> Fallible<()> {
    until("the proof to begin", LIMIT, async || (before.get() > 0 && proxy.connections() > before.get()).then_some(()))
        .await?;
    Ok(())
}

/// How often the journal says so.
fn said(journal: &Path, words: &str) -> usize {
    std::fs::read_to_string(journal).unwrap_or_default().matches(words).count()
}

const SET: &str = r#"{"acted":{"what":"set the level to blind""#;

#[tokio::test]
async fn a_level_that_is_lost_during_the_proof_is_set_again_before_the_proof_ends() -> Fallible<()> {
    let (cluster, proxy) = behind_proxy("migrate-watched").await?;
    let before = Cell::new(0);
    let (client, journal) = (cluster.client()?, cluster.file("journal").join("journal"));
    let run =
        cluster.run_and(&["run", "--execute", "--pause-before", "stop-leader"], ("before", "blind"), async |_| {
            hold(&proxy, &before);
            Ok(())
        });
    let meddle = async {
        until_proving(&proxy, &before).await?;
        let sets = said(&journal, SET);
        client.set_level(Level::Steady).await?;
        // The proof is still held.
        until("the level to be set again", LIMIT, async || (said(&journal, SET) > sets).then_some(())).await?;
        proxy.release();
        Ok::<_, Box<dyn std::error::Error>>(())
    };
    let ((cluster, run), ()) = tokio::try_join!(run, meddle)?;
    let run = run.expect(0);
    assert!(run.stdout.contains("note: the level was steady again, and is set to blind again"), "{run:?}");
    assert_eq!(cluster.client()?.level().await?, Level::Blind);
    Ok(())
}

#[tokio::test]
async fn a_leader_that_is_lost_during_the_proof_sends_it_back_before_the_proof_ends() -> Fallible<()> {
    let (cluster, proxy) = behind_proxy("migrate-watched-leader").await?;
    let before = Cell::new(0);
    let (configs, journal) = (cluster.configs()?, cluster.file("journal").join("journal"));
    let leader = cluster.leader().await?.file("pid");
    let run = cluster.run_and(&["run", "--execute"], ("before", "blind"), async |_| {
        hold(&proxy, &before);
        Ok(())
    });
    let meddle = async {
        until_proving(&proxy, &before).await?;
        let script = format!("kill -s KILL $(cat '{}')", leader.display());
        assert!(tokio::process::Command::new("sh").args(["-c", &script]).status().await?.success());
        until("it to go back", LIMIT, async || (said(&journal, "going-back") == 1).then_some(())).await?;
        proxy.release();
        Ok::<_, Box<dyn std::error::Error>>(())
    };
    let ((cluster, run), ()) = tokio::try_join!(run, meddle)?;
    let run = run.expect(4);
    // The proof itself would have noticed that the target says nothing, and not these.
    assert!(
        ["it is no longer in line for the lock", "the level could not be read"]
            .iter()
            .any(|words| run.stdout.contains(words)),
        "{run:?}"
    );
    cluster.expect_as_before(&configs).await
}
