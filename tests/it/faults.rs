//! What breaks in the middle: every failure is told, nothing half-done is called done, and the same command finishes it.

use std::time::Duration;

use harness::{Server, ServerOptions, load, tree, until};
use tokio::process::Child;

use crate::product::{Outcome, finish, run, zkreplicator};

const LIMIT: Duration = Duration::from_secs(30);

/// Two servers of this test's own, a tree on the first, and a copy under way that has written something.
async fn copy_under_way(znodes: usize) -> Result<(Server, Server, Child), Box<dyn std::error::Error>> {
    let source = Server::start(ServerOptions::default()).await?;
    let target = Server::start(ServerOptions::default()).await?;
    load(&source.client().await?, "/a", tree::small(1, znodes)).await?;
    let child = zkreplicator(&[
        "copy",
        "--session-timeout",
        "4000",
        "--retry-for",
        "300ms",
        &source.at("/a"),
        &target.at("/a"),
    ])
    .spawn()?;
    let client = target.client().await?;
    until("the copy has written something", LIMIT, async || client.check_stat("/a").await.ok().flatten()).await?;
    Ok((source, target, child))
}

#[tokio::test]
async fn tells_of_a_target_killed_in_mid_write_and_finishes_when_run_again() -> Outcome {
    let (source, target, child) = copy_under_way(60_000).await?;
    target.kill().await?;
    finish(child).await.expect(2).says(&["target: "]);
    target.restart().await?;
    let (from, to) = (source.at("/a"), target.at("/a"));
    run(&["verify", &from, &to]).await.expect(1);
    run(&["copy", "--update", "--verify", &from, &to]).await.expect(0);
    Ok(())
}

#[tokio::test]
async fn tells_of_a_source_killed_in_mid_read() -> Outcome {
    let (source, target, child) = copy_under_way(60_000).await?;
    source.kill().await?;
    finish(child).await.expect(2).says(&["source: "]);
    source.restart().await?;
    run(&["copy", "--update", "--verify", &source.at("/a"), &target.at("/a")]).await.expect(0);
    Ok(())
}

#[tokio::test]
async fn an_interrupt_ends_it_within_a_second_and_it_can_be_run_again() -> Outcome {
    for signal in ["-INT", "-TERM"] {
        let (source, target, child) = copy_under_way(60_000).await?;
        let pid = child.id().expect("it runs").to_string();
        let sent = std::time::Instant::now();
        assert!(std::process::Command::new("kill").args([signal, &pid]).status()?.success());
        let ran = finish(child).await.expect(130).says(&["interrupted", "--update"]);
        assert!(sent.elapsed() < Duration::from_secs(1), "it took {:?}", sent.elapsed());
        assert_eq!(ran.stdout, "");
        // Its sessions are closed, not left to time out: only the test's own client may be connected.
        until("the sessions are closed", Duration::from_secs(2), async || {
            let sessions = source.command("cons").await.ok()?;
            (sessions.matches("sid=0x").count() == 0).then_some(())
        })
        .await?;
        run(&["copy", "--update", "--verify", &source.at("/a"), &target.at("/a")]).await.expect(0);
    }
    Ok(())
}
