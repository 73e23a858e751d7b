//! Servers of an ensemble that go, and sessions that move from one to another.

use harness::proxy::Direction::ToServer;
use harness::proxy::{Flow, Fuse, Then};
use harness::{Ensemble, Proxy, Server, ServerOptions, load, shared_pair, tree, unique_root, until};

use super::{LIMIT, SESSION_TIMEOUT, copy_args, difference, make_source, retries};
use crate::product::{Outcome, finish, run, zkreplicator};

#[tokio::test]
async fn the_leader_may_die_under_a_copy_and_sessions_move_on() -> Outcome {
    let (source, _) = shared_pair().await?;
    let from = unique_root("recovery-leader");
    load(&source.client().await?, &from, tree::small(3, 40_000)).await?;
    let ensemble = Ensemble::start(3, ServerOptions::default().heap_mb(256)).await?;
    let leader = ensemble.leader().await?;
    let survivor = ensemble.server((leader + 1) % 3);
    let args = ["copy", "--session-timeout", "6000", "--retry-for", "60s", "--format", "json"];
    let child = zkreplicator(&[&args[..], &[&source.at(&from), &ensemble.at("/a")]].concat()).spawn()?;
    let client = survivor.client().await?;
    until("the copy has written something", LIMIT, async || client.check_stat("/a").await.ok().flatten()).await?;
    ensemble.kill(leader).await?;
    let ran = finish(child).await.expect(0);
    let came_back = retries(&ran, "target", "reconnects") + retries(&ran, "target", "sessions_replaced");
    assert!(came_back > 0, "{ran:?}");
    ensemble.leader().await?;
    assert_eq!(difference((source, &from), (survivor, "/a")).await?, None);
    Ok(())
}

/// The bytes that one server is owed arrive there after the session has gone to another one: the leader refuses them.
#[tokio::test]
async fn late_writes_of_a_session_that_moved_are_refused() -> Outcome {
    let (source, _) = shared_pair().await?;
    let from = make_source(source).await?;
    let ensemble = Ensemble::start(3, ServerOptions::default().heap_mb(256)).await?;
    let leader = ensemble.leader().await?;
    let [one, other] = [1, 2].map(|turn| ensemble.server((leader + turn) % 3));
    for (to, bytes) in [("/a", 8_000), ("/b", 50_000)] {
        let proxies = [Proxy::start(one.address())?, Proxy::start(other.address())?];
        for proxy in &proxies {
            proxy.arm(Fuse { direction: ToServer, bytes, then: Then::Flow(Flow::Hold) });
        }
        let connect = format!("{},{}{to}", proxies[0].connect_string(), proxies[1].connect_string());
        let child = zkreplicator(&copy_args("copy", &source.at(&from), &connect)).spawn()?;
        let held =
            until("bytes to be held", LIMIT, async || proxies.iter().position(|proxy| !proxy.is_armed(ToServer)))
                .await?;
        let (old, new) = (&proxies[held], &proxies[1 - held]);
        new.heal();
        // Its session can't come back to where it was.
        old.refuse();
        let before = new.connections();
        old.hang_up();
        until("it to move", LIMIT, async || (new.connections() > before).then_some(())).await?;
        let delivered = new.traffic(ToServer).delivered;
        new.until_delivered(ToServer, delivered + 1_000, LIMIT).await?;
        old.release();
        let ran = finish(child).await.expect(0);
        assert!(retries(&ran, "target", "reconnects") > 0, "{ran:?}");
        other.client().await?.sync("/").await?;
        assert_eq!(difference((source, &from), (synced(other).await?, to)).await?, None);
    }
    Ok(())
}

/// A server that has come as far as the leader.
async fn synced(server: &Server) -> Result<&Server, Box<dyn std::error::Error>> {
    server.client().await?.sync("/").await?;
    Ok(server)
}

#[tokio::test]
async fn a_read_only_server_is_told_apart() -> Outcome {
    let (source, _) = shared_pair().await?;
    let from = unique_root("recovery-read-only");
    load(&source.client().await?, &from, tree::small(1, 3)).await?;
    let options = ServerOptions::default().heap_mb(256).property("readonlymode.enabled", "true");
    let ensemble = Ensemble::start(3, options).await?;
    ensemble.kill(0).await?;
    ensemble.kill(1).await?;
    let left = ensemble.server(2);
    until("it to be read-only", LIMIT, async || (left.mode().await? == "read-only").then_some(())).await?;
    let args = ["copy", "--session-timeout", SESSION_TIMEOUT, &source.at(&from), &left.at("/a")];
    run(&args).await.expect(2).says(&["target: ", "is in read-only mode: it has lost its quorum"]);
    Ok(())
}
