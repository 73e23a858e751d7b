//! Each example of `zkmigrator COMMAND --help` does what the sentence above it says: on three stand-in meta servers with replica
//! servers that can be asked, and two real ZooKeeper servers.

use harness::until;

use super::cluster::{Cluster, Fallible, LIMIT};
use super::recover;
use crate::documents::examples;
use crate::documents::world::World;
use crate::terminal::PROGRAMS;

/// What a migration has come to, before the examples of a command make sense.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    /// Nobody has written a plan.
    NoPlan,
    /// There is a plan.
    Planned,
    /// It waits before the leader is stopped.
    Paused,
    /// It is done, and the old sessions have ended.
    Done,
    /// Nobody is asked.
    Nothing,
}

/// The commands, and whether each example needs a cluster of its own.
const COMMANDS: [(&str, Before, bool); 9] = [
    ("init", Before::NoPlan, false),
    ("plan", Before::Planned, false),
    ("run", Before::Planned, true),
    ("resume", Before::Paused, true),
    ("rollback", Before::Paused, true),
    ("status", Before::Paused, false),
    ("cleanup", Before::Done, false),
    ("completions", Before::Nothing, false),
    ("man", Before::Nothing, false),
];

#[tokio::test(flavor = "multi_thread")]
async fn examples_that_begin_a_migration_do_what_their_sentences_say() -> Fallible<()> {
    run(&["init", "plan", "run"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn examples_that_end_a_migration_do_what_their_sentences_say() -> Fallible<()> {
    run(&["resume", "rollback", "status", "cleanup"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn examples_that_ask_nobody_do_what_their_sentences_say() -> Fallible<()> {
    run(&["completions", "man"]).await
}

#[test]
fn no_command_is_left_out() {
    assert_eq!(COMMANDS.map(|(command, ..)| command), PROGRAMS[1].2);
}

/// Runs the examples of these commands; each ends with 0.
async fn run(commands: &[&str]) -> Fallible<()> {
    let mut failed = Vec::new();
    for (command, before, alone) in COMMANDS.into_iter().filter(|(command, ..)| commands.contains(command)) {
        let mut there = None;
        for example in examples::of("zkmigrator", command)? {
            if alone || there.is_none() {
                there = Some(begin(command, before).await?);
            }
            let Some((world, cluster, place)) = &there else { continue };
            let done = example.run(world, place.path()).await?;
            if done.code != Some(0) {
                let story = cluster.as_ref().map(Cluster::story).unwrap_or_default();
                failed.push(format!("{}\n  {}\n  {done:?}\n{story}", example.what, example.script));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}

/// A cluster that has come so far, and a directory with its plan.
async fn begin(command: &str, before: Before) -> Fallible<(World, Option<Cluster>, tempfile::TempDir)> {
    let place = tempfile::tempdir()?;
    if before == Before::Nothing {
        let world = World::new("127.0.0.1:1", "127.0.0.1:2")?;
        // It reads all of it, as a pager does.
        world.stub("man", "#!/bin/sh\nexec grep -c '^[.]TH ' > /dev/null\n")?;
        return Ok((world, None, place));
    }
    let cluster = recover::ready(&format!("examples-{command}")).await?;
    let mut world = World::new(&cluster.source.connect_string(), &cluster.target.connect_string())?;
    for (number, meta) in (1..).zip(&cluster.metas) {
        world.address(&format!("a{number}:34601"), meta.name());
    }
    world.text("/pegasus/c3", &cluster.root);
    // Once, where a person would watch.
    world.stub("watch", "#!/bin/sh\nexec \"$@\"\n")?;
    if before != Before::NoPlan {
        std::fs::copy(cluster.plan()?, place.path().join("zkmigrator.toml"))?;
    }
    if before == Before::Paused {
        cluster.run(&["run", "--execute", "--pause-before", "stop-leader"]).await?.expect(0);
    }
    if before == Before::Done {
        cluster.run(&["run", "--execute"]).await?.expect(0);
        let (client, lock) = (cluster.source.client().await?, format!("{}/lock/dsn.meta.server.leader", cluster.root));
        until("the old sessions to expire", LIMIT, async || {
            client.list_children(&lock).await.ok()?.is_empty().then_some(())
        })
        .await?;
    }
    Ok((world, Some(cluster), place))
}
