//! Servers that do not want to: overloaded, full, or given more than they take.

use harness::tree::{self, TreeZnode};
use harness::{Server, ServerOptions, load, shared_pair, unique_root, until};
use tokio::net::TcpStream;

use super::{LIMIT, difference, make_source, retries};
use crate::product::{Outcome, Run, run};

/// A copy of the usual tree, plain.
async fn copied(from: &str, to: &str) -> Run {
    run(&["copy", "--format", "json", "--retry-for", "60s", from, to]).await
}

/// Requests that a server throws away unexecuted leave holes in what is under way, behind which parents are missing.
#[tokio::test]
async fn requests_that_are_throttled_are_sent_again_in_order() -> Outcome {
    let (source, _) = shared_pair().await?;
    let from = make_source(source).await?;
    let options = ServerOptions::default()
        .property("zookeeper.request_throttle_max_requests", "2")
        .property("zookeeper.request_throttle_stall_time", "5")
        .property("zookeeper.throttled_op_wait_time", "8");
    let slow = Server::start(options).await?;
    let ran = copied(&source.at(&from), &slow.at("/a")).await.expect(0);
    assert!(retries(&ran, "target", "throttled") > 0, "nothing was throttled: {ran:?}");

    // As a source, too; what is compared in the end has come through it twice.
    let (_, target) = shared_pair().await?;
    let to = unique_root("recovery-throttled");
    let ran = copied(&slow.at("/a"), &target.at(&to)).await.expect(0);
    eprintln!("throttled as a source: {}", retries(&ran, "source", "throttled"));
    assert_eq!(difference((source, &from), (target, &to)).await?, None);
    Ok(())
}

/// Above the limit the server stops reading the sockets of all who wait, and answers no pings either: that is no death.
#[tokio::test]
async fn a_stall_at_the_servers_limit_is_not_taken_for_death() -> Outcome {
    let options = || ServerOptions::default().property("zookeeper.globalOutstandingLimit", "4");
    let (source, target) = (Server::start(options()).await?, Server::start(options()).await?);
    load(&source.client().await?, "/a", tree::small(1, 5_000)).await?;
    let ran = copied(&source.at("/a"), &target.at("/a")).await.expect(0);
    for side in ["source", "target"] {
        assert_eq!((retries(&ran, side, "reconnects"), retries(&ran, side, "sessions_replaced")), (0, 0), "{ran:?}");
    }
    assert_eq!(difference((&source, "/a"), (&target, "/a")).await?, None);
    Ok(())
}

#[tokio::test]
async fn a_request_that_the_server_cuts_off_is_explained() -> Outcome {
    let source = Server::start(ServerOptions::default()).await?;
    let target = Server::start(ServerOptions::default().property("jute.maxbuffer", "20000")).await?;
    let large = TreeZnode::new("/large", vec![7; 60_000]);
    load(&source.client().await?, "/a", tree::small(1, 100).chain([large])).await?;
    let ran = copied(&source.at("/a"), &target.at("/a")).await;
    ran.expect(2).says(&["target: ", "ends the connection over its request of 6", "jute.maxbuffer"]);
    // Told the truth, it names the znode before anything of it is sent.
    let args = ["copy", "--update", "--jute-maxbuffer", "20000", &source.at("/a"), &target.at("/a")];
    run(&args).await.expect(2).says(&["/a/large", "it needs a request of 60"]);
    Ok(())
}

#[tokio::test]
async fn a_server_that_takes_no_more_sessions_gets_one_and_the_report_says_so() -> Outcome {
    let mut options = ServerOptions::default();
    options.config.push(("maxClientCnxns".to_owned(), "4".to_owned()));
    let (source, (_, target)) = (Server::start(options).await?, shared_pair().await?);
    load(&source.client().await?, "/a", tree::small(1, 500)).await?;
    // Others take all but one. A server counts a connection a moment after it has accepted it.
    let mut others = Vec::new();
    until("the others to be counted", LIMIT, async || {
        let counted = source.command("cons").await.ok()?.matches("127.0.0.1").count() - 1;
        if counted < 3 && others.len() < 3 {
            others.push(TcpStream::connect(source.address()).await.ok()?);
        }
        (counted == 3).then_some(())
    })
    .await?;
    let to = unique_root("recovery-few");
    let args = ["copy", "--format", "json", "--server-version", "3.8", &source.at("/a"), &target.at(&to)];
    let ran = run(&args).await.expect(0).says(&["none of 16 further sessions", "maxClientCnxns"]);
    assert_eq!(retries(&ran, "source", "sessions_missing"), 16, "{ran:?}");
    drop(others);
    run(&["verify", &source.at("/a"), &target.at(&to)]).await.expect(0);
    Ok(())
}
