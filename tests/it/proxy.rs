//! The fault proxy does what the tests and benches that use it rely on.
//!
//! Here is what is about requests, on real servers; what is about bytes is in [`bytes`], on plain sockets.

mod bytes;
mod plain;

use std::{
    io::ErrorKind,
    time::{Duration, Instant},
};

use futures::{FutureExt, future::try_join_all};
use harness::{
    Proxy, Server,
    proxy::{
        Direction::{self, ToClient, ToServer},
        Flow, Reach,
    },
    shared_pair, unique_root, until,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime,
};
use zookeeper_client::{Acls, Client, CreateMode, CreateOptions};

use crate::product::Outcome;
use plain::{connect, receive};

const LIMIT: Duration = Duration::from_secs(20);
/// Longer than any test takes: no session ends because its pings were held.
const SESSION_TIMEOUT: Duration = Duration::from_secs(60);
const ONE_WAY: Duration = Duration::from_millis(10);
const PERSISTENT: CreateOptions<'static> = CreateMode::Persistent.with_acls(Acls::anyone_all());

/// A session through a proxy.
async fn client(connect: &str) -> Result<Client, zookeeper_client::Error> {
    Client::connector().with_session_timeout(SESSION_TIMEOUT).connect(connect).await
}

/// A proxy in front of a server, and a root with `data` in it.
async fn in_front_of(server: &Server, name: &str, data: &[u8]) -> Result<(Proxy, String), Box<dyn std::error::Error>> {
    let root = unique_root(name);
    server.client().await?.create(&root, data, &PERSISTENT).await?;
    Ok((Proxy::start(server.address())?, root))
}

#[tokio::test]
async fn a_round_trip_takes_the_delay_of_both_ways() -> Outcome {
    let (source, _) = shared_pair().await?;
    let (proxy, root) = in_front_of(source, "proxy-delay", b"data").await?;
    let client = client(&proxy.at(&root)).await?;
    proxy.delay(ONE_WAY);
    let mut taken = Vec::new();
    for _ in 0..30 {
        let asked = Instant::now();
        client.get_data("/").await?;
        taken.push(asked.elapsed());
    }
    // On a busy machine many take longer: it's the quickest that tells what the proxy adds.
    taken.sort_unstable();
    assert!(taken[0] >= 2 * ONE_WAY && taken[0] < Duration::from_millis(23), "{taken:?}");
    Ok(())
}

#[tokio::test]
async fn requests_in_flight_share_the_delay() -> Outcome {
    let (source, _) = shared_pair().await?;
    let (proxy, root) = in_front_of(source, "proxy-flight", &vec![7; 100_000]).await?;
    let client = client(&proxy.at(&root)).await?;
    proxy.delay(ONE_WAY);
    let asked = Instant::now();
    let answers = try_join_all((0..200).map(|_| client.get_data("/"))).await?;
    assert!(answers.iter().all(|(data, _)| data.len() == 100_000));
    // One after the other takes 4 s.
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    Ok(())
}

#[tokio::test]
async fn a_multi_that_is_held_is_executed_after_its_client_has_gone() -> Outcome {
    let (_, target) = shared_pair().await?;
    let (proxy, root) = in_front_of(target, "proxy-late", b"").await?;
    // A client in a runtime of its own is gone without a word when that is shut down, as one that was killed.
    let process = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let connect = proxy.at(&root);
    let gone = process.spawn(async move { client(&connect).await }).await??;
    proxy.flow(ToServer, Flow::Hold, Reach::Present);
    let before = proxy.traffic(ToServer);
    let mut writer = gone.new_multi_writer();
    writer.add_create("/late", b"data", &PERSISTENT)?;
    let mut answer = Box::pin(writer.commit());
    assert!(answer.as_mut().now_or_never().is_none());
    proxy.until_traffic(ToServer, LIMIT, |traffic| traffic.received > before.received).await?;
    process.shutdown_background();
    until("the client knows", LIMIT, async || answer.as_mut().now_or_never()).await?.expect_err("it was shut down");

    // The client that comes instead gets through, and the old write is still under way.
    let next = client(&proxy.at(&root)).await?;
    assert_eq!(next.check_stat("/late").await?, None);
    assert_eq!((proxy.traffic(ToServer).swallowed, proxy.open()), (0, 2));
    proxy.release();
    until("the late write", LIMIT, async || next.check_stat("/late").await.ok().flatten()).await?;
    until("the old connection ends", LIMIT, async || (proxy.open() == 1).then_some(())).await?;
    Ok(())
}

#[tokio::test]
async fn a_held_write_is_lost_when_its_session_comes_back_before_it() -> Outcome {
    let (_, target) = shared_pair().await?;
    let (proxy, root) = in_front_of(target, "proxy-back", b"").await?;
    let client = client(&proxy.at(&root)).await?;
    proxy.flow(ToServer, Flow::Hold, Reach::Present);
    let before = proxy.traffic(ToServer);
    let mut answer = Box::pin(client.create("/late", b"data", &PERSISTENT));
    assert!(answer.as_mut().now_or_never().is_none());
    proxy.until_traffic(ToServer, LIMIT, |traffic| traffic.received > before.received).await?;
    proxy.hang_up();
    answer.await.expect_err("it was hung up");
    // The server that a session comes back to closes its old connection (ZooKeeperServer, `processConnectRequest`).
    client.sync("/").await?;
    proxy.release();
    until("the old connection ends", LIMIT, async || (proxy.open() == 1).then_some(())).await?;
    assert_eq!(client.check_stat("/late").await?, None);
    Ok(())
}

#[tokio::test]
async fn an_outage_that_heals_loses_nothing() -> Outcome {
    let (source, _) = shared_pair().await?;
    let (proxy, root) = in_front_of(source, "proxy-outage", b"data").await?;
    let client = client(&proxy.at(&root)).await?;
    for direction in Direction::BOTH {
        proxy.flow(direction, Flow::Hold, Reach::All);
    }
    let before = proxy.traffic(ToServer);
    let mut answers = Box::pin(try_join_all((0..5).map(|_| client.get_data("/"))));
    assert!(answers.as_mut().now_or_never().is_none());
    proxy.until_traffic(ToServer, LIMIT, |traffic| traffic.received > before.received).await?;
    assert_eq!(proxy.traffic(ToServer).delivered, before.delivered);
    proxy.release();
    assert_eq!(answers.await?.len(), 5);
    assert_eq!(proxy.connections(), 1);
    Ok(())
}

#[tokio::test]
async fn a_black_hole_swallows_and_keeps_connections_open_until_it_ends() -> Outcome {
    let (source, _) = shared_pair().await?;
    let (proxy, root) = in_front_of(source, "proxy-black", b"data").await?;
    let lost = client(&proxy.at(&root)).await?;
    proxy.black_hole();
    let before = proxy.traffic(ToServer);
    let mut answer = Box::pin(lost.get_data("/"));
    assert!(answer.as_mut().now_or_never().is_none());
    let after = proxy.until_traffic(ToServer, LIMIT, |traffic| traffic.swallowed > before.swallowed).await?;
    assert_eq!(after.delivered, before.delivered);
    let mut new = TcpStream::connect(proxy.address()).await?;
    new.write_all(b"ruok").await?;
    proxy.until_traffic(ToServer, LIMIT, |traffic| traffic.swallowed >= after.swallowed + 4).await?;
    assert!(new.read(&mut [0; 1]).now_or_never().is_none());
    assert!(answer.as_mut().now_or_never().is_none());

    proxy.release();
    let mut answered = TcpStream::connect(proxy.address()).await?;
    answered.write_all(b"ruok").await?;
    assert_eq!(receive(&mut answered).await.bytes, b"imok");
    assert_eq!(client(&proxy.at(&root)).await?.get_data("/").await?.0, b"data");
    Ok(())
}

#[tokio::test]
async fn a_half_open_connection_loses_the_replies_and_not_the_requests() -> Outcome {
    let (_, target) = shared_pair().await?;
    let (proxy, root) = in_front_of(target, "proxy-half", b"").await?;
    let (half, direct) = (client(&proxy.at(&root)).await?, target.client().await?);
    proxy.flow(ToClient, Flow::Swallow, Reach::All);
    let mut answer = Box::pin(half.create("/unanswered", b"", &PERSISTENT));
    assert!(answer.as_mut().now_or_never().is_none());
    let path = format!("{root}/unanswered");
    until("the write", LIMIT, async || direct.check_stat(&path).await.ok().flatten()).await?;
    proxy.until_traffic(ToClient, LIMIT, |traffic| traffic.swallowed > 0).await?;
    assert!(answer.as_mut().now_or_never().is_none());
    assert_eq!(proxy.traffic(ToServer).swallowed, 0);
    Ok(())
}

#[tokio::test]
async fn refused_connections_are_reset_and_present_ones_stay() -> Outcome {
    let (source, _) = shared_pair().await?;
    let (proxy, root) = in_front_of(source, "proxy-refuse", b"data").await?;
    let present = client(&proxy.at(&root)).await?;
    proxy.refuse();
    assert_eq!(connect(proxy.address()).await.end, Some(Err(ErrorKind::ConnectionReset)));
    assert_eq!(present.get_data("/").await?.0, b"data");
    assert_eq!((proxy.connections(), proxy.refused()), (1, 1));
    proxy.admit();
    assert_eq!(client(&proxy.at(&root)).await?.get_data("/").await?.0, b"data");
    Ok(())
}

#[tokio::test]
async fn new_connections_go_to_the_server_that_was_named_last() -> Outcome {
    let (source, target) = shared_pair().await?;
    let (proxy, root) = in_front_of(source, "proxy-retarget", b"source").await?;
    target.client().await?.create(&root, b"target", &PERSISTENT).await?;
    let first = client(&proxy.at(&root)).await?;
    proxy.retarget(target.address());
    assert_eq!(client(&proxy.at(&root)).await?.get_data("/").await?.0, b"target");
    assert_eq!(first.get_data("/").await?.0, b"source");

    let nobody = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    proxy.retarget(nobody);
    assert_eq!((connect(proxy.address()).await.end, proxy.refused()), (Some(Err(ErrorKind::ConnectionReset)), 1));
    Ok(())
}
