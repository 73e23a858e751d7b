//! What the proxy does with bytes: exact to the byte, on plain sockets.

use std::{
    io::ErrorKind,
    time::{Duration, Instant},
};

use futures::future::try_join_all;
use harness::{
    Proxy,
    proxy::{
        Direction::{self, ToClient, ToServer},
        Ending, Faults, Flow, Fuse, LINE_BYTES_MAX, Reach, Then, Traffic,
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime,
};

use super::{
    LIMIT,
    plain::{connect, next, numbered, sink, source},
};
use crate::product::Outcome;

#[tokio::test]
async fn the_delay_does_not_limit_the_throughput() -> Outcome {
    const BYTES: usize = 64 << 20;
    let one_way = Duration::from_millis(50);
    let upstream = source(vec![1; BYTES]).await?;
    let proxy = Proxy::start(upstream)?;
    proxy.delay(one_way);
    let started = Instant::now();
    let mut client = TcpStream::connect(proxy.address()).await?;
    client.read_exact(&mut vec![0; BYTES]).await?;
    let taken = started.elapsed();
    // 256 blocks of 256 KiB, one at a time, take 12.8 s.
    assert!(taken >= one_way && taken < Duration::from_secs(5), "{taken:?}");
    Ok(())
}

#[tokio::test]
async fn jitter_keeps_the_order() -> Outcome {
    let (upstream, seen) = sink().await?;
    let proxy = Proxy::start(upstream)?;
    proxy.delay(Duration::from_millis(1));
    proxy.jitter(Duration::from_millis(5), 7);
    let sent = numbered(200);
    let mut client = TcpStream::connect(proxy.address()).await?;
    for (n, byte) in (0..).zip(&sent) {
        client.write_all(&[*byte]).await?;
        // One chunk each: the next byte is sent when the proxy has this one.
        proxy.until_traffic(ToServer, LIMIT, |traffic| traffic.received > n).await?;
    }
    drop(client);
    assert_eq!(next(&seen).await?.bytes, sent);
    Ok(())
}

#[tokio::test]
async fn a_cut_delivers_exactly_the_bytes_it_was_told_to_the_server() -> Outcome {
    let (upstream, seen) = sink().await?;
    let proxy = Proxy::start(upstream)?;
    let sent = numbered(3_000_000);
    for (bytes, ending) in [
        (0, Ending::Close),
        (1, Ending::Close),
        (1_000, Ending::Close),
        (2_500_001, Ending::Close),
        (1, Ending::Reset),
        (1_000, Ending::Reset),
    ] {
        proxy.arm(Fuse { direction: ToServer, bytes: bytes as u64, then: Then::Cut(ending) });
        let mut client = TcpStream::connect(proxy.address()).await?;
        // Whether all of it can be sent before the cut is felt depends on the kernel's buffers.
        let (mut from, mut to) = client.split();
        let mut answer = [0; 1];
        let (written, read) = tokio::join!(to.write_all(&sent), from.read(&mut answer));
        let received = next(&seen).await?;
        assert!(received.bytes == sent[..bytes], "{bytes} {ending:?}: {} bytes", received.bytes.len());
        let reset = ErrorKind::ConnectionReset;
        match ending {
            Ending::Close => assert_eq!((read?, received.end), (0, Some(Ok(()))), "{bytes}"),
            Ending::Reset => {
                assert_eq!(received.end, Some(Err(reset)), "{bytes}");
                // The kernel tells one of them.
                assert!([written.err(), read.err()].iter().flatten().any(|error| error.kind() == reset), "{bytes}");
            }
        }
        assert!(!proxy.is_armed(ToServer));
    }
    // It happens once.
    let mut client = TcpStream::connect(proxy.address()).await?;
    client.write_all(&sent).await?;
    drop(client);
    assert!(next(&seen).await?.bytes == sent);
    Ok(())
}

#[tokio::test]
async fn a_cut_delivers_exactly_the_bytes_it_was_told_to_the_client() -> Outcome {
    let sent = numbered(3_000_000);
    let proxy = Proxy::start(source(sent.clone()).await?)?;
    proxy.delay(Duration::from_millis(2));
    for bytes in [0, 1, 1_000, 2_500_001] {
        let before = proxy.traffic(ToClient).delivered;
        proxy.arm(Fuse { direction: ToClient, bytes: bytes as u64, then: Then::Cut(Ending::Close) });
        let received = connect(proxy.address()).await;
        assert!(received.bytes == sent[..bytes], "{bytes}: {} bytes", received.bytes.len());
        assert_eq!(received.end, Some(Ok(())));
        assert_eq!(proxy.traffic(ToClient).delivered - before, bytes as u64);
    }
    let all = |traffic: Traffic| traffic.received == traffic.delivered + traffic.swallowed;
    proxy.until_traffic(ToClient, LIMIT, all).await?;
    Ok(())
}

#[tokio::test]
async fn all_present_connections_are_cut_and_later_ones_pass() -> Outcome {
    let (upstream, seen) = sink().await?;
    let proxy = Proxy::start(upstream)?;
    for (ending, felt) in [(Ending::Close, Ok(0)), (Ending::Reset, Err(ErrorKind::ConnectionReset))] {
        let mut clients = Vec::new();
        for _ in 0..3 {
            let mut client = TcpStream::connect(proxy.address()).await?;
            let before = proxy.traffic(ToServer).delivered;
            client.write_all(b"before").await?;
            proxy.until_delivered(ToServer, before + 6, LIMIT).await?;
            clients.push(client);
        }
        proxy.cut(ending);
        for client in &mut clients {
            assert_eq!(client.read(&mut [0; 1]).await.map_err(|error| error.kind()), felt);
        }
        drop(clients);
        for _ in 0..3 {
            let received = next(&seen).await?;
            assert_eq!((&received.bytes[..], received.end), (&b"before"[..], Some(felt.map(drop))));
        }
    }
    assert_eq!(proxy.connections(), 6);
    let mut later = TcpStream::connect(proxy.address()).await?;
    later.write_all(b"after").await?;
    drop(later);
    assert_eq!(next(&seen).await?.bytes, b"after");
    Ok(())
}

#[tokio::test]
async fn a_client_that_was_hung_up_on_leaves_what_it_sent() -> Outcome {
    let (upstream, seen) = sink().await?;
    let proxy = Proxy::start(upstream)?;
    proxy.flow(ToServer, Flow::Hold, Reach::Present);
    proxy.delay(Duration::from_millis(1));
    let mut client = TcpStream::connect(proxy.address()).await?;
    client.write_all(b"before").await?;
    proxy.until_traffic(ToServer, LIMIT, |traffic| traffic.received == 6).await?;
    proxy.flow(ToServer, Flow::Hold, Reach::All);
    proxy.hang_up();
    assert_eq!(client.read(&mut [0; 1]).await?, 0);
    client.write_all(b" and after").await?;
    drop(client);
    proxy.until_traffic(ToServer, LIMIT, |traffic| traffic.received == 16).await?;
    proxy.release();
    let received = next(&seen).await?;
    assert_eq!((&received.bytes[..], received.end), (&b"before and after"[..], Some(Ok(()))));
    Ok(())
}

#[tokio::test]
async fn what_is_held_is_delivered_after_the_sender_has_closed() -> Outcome {
    let (upstream, seen) = sink().await?;
    let proxy = Proxy::start(upstream)?;
    let sent = numbered(100_000);
    // In the middle of what is sent.
    proxy.arm(Fuse { direction: ToServer, bytes: 70_001, then: Then::Flow(Flow::Hold) });
    let mut client = TcpStream::connect(proxy.address()).await?;
    client.write_all(&sent).await?;
    drop(client);
    let held = proxy.until_traffic(ToServer, LIMIT, |traffic| traffic.received == 100_000).await?;
    assert_eq!((held.delivered, held.swallowed), (70_001, 0));
    proxy.release();
    let received = next(&seen).await?;
    assert!(received.bytes == sent && received.end == Some(Ok(())));
    Ok(())
}

#[tokio::test]
async fn what_comes_behind_a_fuse_that_holds_all_is_held_on_new_connections_too() -> Outcome {
    let (upstream, seen) = sink().await?;
    let proxy = Proxy::start(upstream)?;
    proxy.arm(Fuse { direction: ToServer, bytes: 6, then: Then::HoldAll });
    let mut client = TcpStream::connect(proxy.address()).await?;
    client.write_all(b"before").await?;
    proxy.until_delivered(ToServer, 6, LIMIT).await?;
    let mut later = TcpStream::connect(proxy.address()).await?;
    later.write_all(b"after").await?;
    drop(later);
    let held = proxy.until_traffic(ToServer, LIMIT, |traffic| traffic.received == 11).await?;
    assert_eq!((held.delivered, held.swallowed), (6, 0));
    proxy.release();
    assert_eq!(next(&seen).await?.bytes, b"after");
    Ok(())
}

#[tokio::test]
async fn a_full_line_stops_its_sender_and_loses_nothing() -> Outcome {
    const BYTES: usize = 4 * LINE_BYTES_MAX;
    const BLOCK_BYTES: u64 = 256 * 1024;
    let proxy = Proxy::start(source(vec![1; BYTES]).await?)?;
    proxy.flow(ToClient, Flow::Hold, Reach::All);
    let mut client = TcpStream::connect(proxy.address()).await?;
    let full = LINE_BYTES_MAX as u64 - BLOCK_BYTES;
    proxy.until_traffic(ToClient, LIMIT, |traffic| traffic.received >= full).await?;
    // The other direction goes on.
    client.write_all(b"x").await?;
    proxy.until_delivered(ToServer, 1, LIMIT).await?;
    let held = proxy.traffic(ToClient);
    assert!(held.received <= LINE_BYTES_MAX as u64 + BLOCK_BYTES && held.delivered == 0, "{held:?}");
    proxy.release();
    client.read_exact(&mut vec![0; BYTES]).await?;
    Ok(())
}

#[tokio::test]
async fn a_half_open_connection_loses_the_requests_and_not_the_replies() -> Outcome {
    let sent = numbered(1_000);
    let proxy = Proxy::start(source(sent.clone()).await?)?;
    proxy.flow(ToServer, Flow::Swallow, Reach::All);
    let mut client = TcpStream::connect(proxy.address()).await?;
    client.write_all(&[0; 500]).await?;
    let mut received = vec![0; sent.len()];
    client.read_exact(&mut received).await?;
    assert_eq!(received, sent);
    let traffic = proxy.until_traffic(ToServer, LIMIT, |traffic| traffic.swallowed == 500).await?;
    assert_eq!(traffic.delivered, 0);
    Ok(())
}

#[tokio::test]
async fn bandwidth_is_limited_for_all_connections_together_and_in_one_direction() -> Outcome {
    const BYTES: usize = 300_000;
    let proxy = Proxy::start(source(vec![1; BYTES]).await?)?;
    proxy.bandwidth(ToClient, Some(2_000_000));
    let started = Instant::now();
    let receivers = (0..2).map(async |_| {
        let mut client = TcpStream::connect(proxy.address()).await?;
        client.write_all(&vec![0; BYTES]).await?;
        client.read_exact(&mut vec![0; BYTES]).await
    });
    let sent = async { proxy.until_delivered(ToServer, 2 * BYTES as u64, LIMIT).await.map(|_| started.elapsed()) };
    let (received, sent) = tokio::join!(try_join_all(receivers), sent);
    let (_, sent, taken) = (received?, sent?, started.elapsed());
    // 600,000 bytes at 2 MB/s take 300 ms; what may be made up for is 15 ms.
    assert!(taken >= Duration::from_millis(285) && taken < Duration::from_secs(2), "{taken:?}");
    assert!(sent < taken, "{sent:?} {taken:?}");
    Ok(())
}

#[tokio::test]
async fn a_change_is_felt_by_a_connection_that_waits() -> Outcome {
    let proxy = Proxy::start(source(numbered(10)).await?)?;
    proxy.bandwidth(ToClient, Some(1));
    let mut client = TcpStream::connect(proxy.address()).await?;
    assert_eq!(client.read_u8().await?, 0);
    proxy.bandwidth(ToClient, None);
    let mut rest = [0; 9];
    client.read_exact(&mut rest).await?;
    assert_eq!(rest, numbered(10)[1..]);
    Ok(())
}

#[tokio::test]
async fn the_same_seed_breaks_at_the_same_byte() -> Outcome {
    const BYTES: usize = 50_000;
    let proxy = Proxy::start(source(numbered(BYTES)).await?)?;
    let mut cuts = Vec::new();
    for seed in 0..100 {
        let faults = Faults::random(seed, BYTES);
        assert_eq!(faults, Faults::random(seed, BYTES));
        if let (ToClient, Then::Cut(Ending::Close)) = (faults.fuse.direction, faults.fuse.then) {
            proxy.apply(&faults);
            let received = connect(proxy.address()).await;
            assert_eq!(received.bytes.len() as u64, faults.fuse.bytes, "{faults:?}");
            cuts.push(faults.fuse.bytes);
        }
    }
    assert!(cuts.len() > 5 && cuts.iter().any(|bytes| *bytes != cuts[0]), "{cuts:?}");
    proxy.heal();
    let mut whole = vec![0; BYTES];
    TcpStream::connect(proxy.address()).await?.read_exact(&mut whole).await?;
    Ok(())
}

#[test]
fn seeds_give_every_fault_in_both_directions() {
    let plans: Vec<Faults> = (0..200).map(|seed| Faults::random(seed, 1_000)).collect();
    for direction in Direction::BOTH {
        for then in
            [Then::Cut(Ending::Close), Then::Cut(Ending::Reset), Then::Flow(Flow::Hold), Then::Flow(Flow::Swallow)]
        {
            assert!(plans.iter().any(|plan| plan.fuse.direction == direction && plan.fuse.then == then), "{then:?}");
        }
    }
    assert!(plans.iter().all(|plan| plan.fuse.bytes < 1_000));
}

#[test]
fn a_proxy_outlives_the_runtime_that_started_it_and_ends_with_its_value() -> Outcome {
    let start = || runtime::Builder::new_current_thread().enable_all().build();
    let server = start()?;
    let upstream = server.block_on(source(numbered(1_000)))?;
    // The upstream's tasks go on in a thread of their own; the runtime that starts the proxy ends.
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = std::thread::spawn(move || server.block_on(stopped));
    let proxy = start()?.block_on(async { Proxy::start(upstream) })?;
    let address = proxy.address();
    start()?.block_on(async {
        let mut client = TcpStream::connect(address).await?;
        client.read_exact(&mut [0; 1_000]).await?;
        drop(proxy);
        assert_eq!(client.read(&mut [0; 1]).await?, 0);
        let refused = TcpStream::connect(address).await.expect_err("nobody listens");
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        Ok::<_, std::io::Error>(())
    })?;
    drop(stop);
    // The sender was dropped: that is how it is told to end.
    let _told = serving.join().expect("the upstream does not panic");
    Ok(())
}
