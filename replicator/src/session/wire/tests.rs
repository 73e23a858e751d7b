//! The session against a server that the test plays itself: what a real one does only when it is broken.

mod reattach;

use std::future::Future;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::connection::Inbound;
use super::*;
use crate::batch::Batcher;
use crate::budget::{Budget, Weight};
use crate::connect::Chroot;
use crate::jute::{self, Decoder, LENGTH_BYTES, xid};
use crate::latency::{Latencies, Request};
use crate::retry::Retry;
use crate::znode::{AclEntry, Kind, ZnodePath};

/// Nothing here takes longer, on any machine.
const WITHIN: Duration = Duration::from_secs(20);

/// The server's end of a connection.
struct Peer(TcpStream);

impl Peer {
    async fn frame(&mut self) -> Bytes {
        let length = self.0.read_i32().await.expect("a frame");
        let mut frame = vec![0; usize::try_from(length).expect("a length")];
        self.0.read_exact(&mut frame).await.expect("a whole frame");
        frame.into()
    }

    /// The next request: its number and operation.
    async fn request(&mut self) -> (i32, i32) {
        let mut frame = self.frame().await;
        (frame.get_i32(), frame.get_i32())
    }

    async fn send(&mut self, write: impl FnOnce(&mut Encoder<'_>)) {
        let mut buffer = BytesMut::new();
        jute::frame(&mut buffer, write).expect("short");
        self.0.write_all(&buffer).await.expect("the session reads");
    }

    async fn reply(&mut self, xid: i32, zxid: i64, code: i32, write: impl FnOnce(&mut Encoder<'_>)) {
        let header = |encoder: &mut Encoder<'_>| {
            encoder.int(xid);
            encoder.long(zxid);
            encoder.int(code);
            write(encoder);
        };
        self.send(header).await;
    }

    /// Grants the session, and answers the sync.
    async fn grant(&mut self, timeout_ms: i32) {
        self.frame().await;
        self.send(|encoder| {
            encoder.int(0);
            encoder.int(timeout_ms);
            encoder.long(0x1234);
            encoder.buffer(Some(&[0; 16]));
        })
        .await;
        let (xid, op) = self.request().await;
        assert_eq!(op, op::SYNC);
        self.reply(xid, 5, 0, |encoder| encoder.text("/")).await;
    }

    /// Waits until the session is gone.
    async fn end(mut self) {
        let mut rest = Vec::new();
        // A reset is an end, too.
        let _ = self.0.read_to_end(&mut rest).await;
    }
}

/// A session with a server whose side is `serve`.
async fn with_server<S, T>(
    version: (u32, u32),
    serve: impl FnOnce(Peer) -> S,
    test: impl AsyncFnOnce(Session) -> T,
) -> T
where
    S: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut options = EnsembleOptions::to(address.to_string().parse().expect("a connect string"));
    options.server_version = Some(version);
    options.reply_bytes_max = 1_000;
    options.retry = Retry::never();
    let (session, peer) = tokio::join!(Session::connect(&options, Zxid(0)), async {
        let (stream, _) = listener.accept().await.expect("a connection");
        let mut peer = Peer(stream);
        peer.grant(600).await;
        peer
    });
    let serve = tokio::spawn(serve(peer));
    let result = timeout(WITHIN, test(session.expect("a session"))).await.expect("in time");
    timeout(WITHIN, serve).await.expect("in time").expect("the server's side did what it should");
    result
}

fn stat_of(session: &Session, path: &str) -> impl Future<Output = Result<Option<Stat>>> + Send + use<> {
    session.stat(Chroot::none().locate(&ZnodePath::new(path)))
}

fn put_stat(encoder: &mut Encoder<'_>, version: i32) {
    for _ in 0..4 {
        encoder.long(0);
    }
    for value in [version, 0, 0] {
        encoder.int(value);
    }
    encoder.long(0);
    for _ in 0..2 {
        encoder.int(0);
    }
    encoder.long(0);
}

/// What nobody looks at.
fn flight() -> Flight {
    Arc::new(Latencies::default()).begin(Request::Multi).0
}

#[tokio::test]
async fn answers_go_to_who_asked_in_whatever_order_they_are_polled() {
    let serve = |mut peer: Peer| async move {
        for version in 0..3 {
            let (xid, op) = peer.request().await;
            assert_eq!(op, op::EXISTS);
            // A watch's notification is nobody's answer.
            peer.reply(xid::NOTIFICATION, -1, 0, |encoder| encoder.int(1)).await;
            peer.reply(xid, 10 + i64::from(version), 0, |encoder| put_stat(encoder, version)).await;
        }
        let (xid, _) = peer.request().await;
        peer.reply(xid, 3, -101, |_| {}).await;
        peer.end().await;
    };
    with_server((3, 8), serve, async |session| {
        let asked = ["/a", "/b", "/c"].map(|path| stat_of(&session, path));
        for (answer, version) in asked.into_iter().zip(0..3).rev() {
            assert_eq!(answer.await.expect("a stat").expect("a znode").version, version);
        }
        assert_eq!(stat_of(&session, "/none").await, Ok(None));
        assert_eq!(session.last_zxid(), Zxid(12));
    })
    .await;
}

#[tokio::test]
async fn a_reply_to_another_request_ends_the_session() {
    let serve = |mut peer: Peer| async move {
        let (xid, _) = peer.request().await;
        peer.reply(xid + 1, 0, 0, |encoder| put_stat(encoder, 0)).await;
        peer.end().await;
    };
    with_server((3, 8), serve, async |session| {
        let (first, second) = (stat_of(&session, "/a"), stat_of(&session, "/b"));
        for failed in [first.await, second.await, stat_of(&session, "/later").await] {
            assert!(matches!(failed.as_ref().map_err(|error| &error.kind), Err(ErrorKind::Protocol(_))), "{failed:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_server_that_stops_answering_is_noticed() {
    // It answers two pings and then nothing: the silence is noticed though nobody waits for anything.
    let serve = |mut peer: Peer| async move {
        for _ in 0..2 {
            assert_eq!(peer.request().await, (xid::PING, op::PING));
            peer.reply(xid::PING, 7, 0, |_| {}).await;
        }
        peer.end().await;
    };
    with_server((3, 8), serve, async |mut session| {
        (&mut session.connection).await.expect("the task ends by itself");
        let failed = stat_of(&session, "/a").await.expect_err("the session ended");
        let ErrorKind::Lost(why) = &failed.kind else { panic!("{failed:?}") };
        assert!(why.starts_with("the server has not answered for"), "{why}");
        assert_eq!(session.last_zxid(), Zxid(7));
    })
    .await;
}

#[tokio::test]
async fn a_claimed_length_beyond_the_limit_ends_the_session() {
    let serve = |mut peer: Peer| async move {
        peer.request().await;
        peer.0.write_i32(1_001).await.expect("the session reads");
        peer.end().await;
    };
    with_server((3, 8), serve, async |session| {
        let failed = stat_of(&session, "/a").await.expect_err("too large");
        assert!(failed.to_string().contains("1001 bytes, more than the 1000 that --max-reply allows"), "{failed}");
    })
    .await;
}

#[test]
fn room_follows_what_has_arrived_and_not_what_is_claimed() {
    const CLAIMED: usize = 1 << 24;
    let mut inbound = Inbound::new(CLAIMED);
    inbound.bytes.put_i32(1 << 24);
    while inbound.bytes.len() < LENGTH_BYTES + CLAIMED {
        assert_eq!(inbound.next_frame(), Ok(None));
        inbound.make_room();
        let (len, room) = (inbound.bytes.len(), inbound.bytes.capacity());
        let bound = 2 * len + 2 * limits::READ_BLOCK_BYTES + limits::CLAIM_TRUSTED_BYTES;
        assert!(room > len && room <= bound, "{room} bytes for {len}");
        let arrives = (room - len).min(100_000).min(LENGTH_BYTES + CLAIMED - len);
        inbound.bytes.put_bytes(7, arrives);
    }
    assert_eq!(inbound.next_frame().map(|frame| frame.map(|frame| frame.len())), Ok(Some(CLAIMED)));
}

#[test]
fn frames_as_long_as_those_before_are_not_copied_on_their_way_in() {
    const LONG: usize = 3 * limits::READ_BLOCK_BYTES;
    let mut inbound = Inbound::new(LONG);
    let frame = |inbound: &mut Inbound| {
        inbound.bytes.put_i32(i32::try_from(LONG).expect("it fits"));
        inbound.bytes.put_bytes(7, LONG);
        inbound.next_frame().map(|frame| frame.map(|frame| frame.len()))
    };
    assert_eq!(frame(&mut inbound), Ok(Some(LONG)));
    inbound.make_room();
    let (start, room) = (inbound.bytes.as_ptr(), inbound.bytes.capacity());
    assert!(room >= LENGTH_BYTES + LONG, "{room} bytes before anything of it has arrived");
    inbound.bytes.put_i32(i32::try_from(LONG).expect("it fits"));
    inbound.make_room();
    assert_eq!(inbound.bytes.as_ptr(), start, "there was room for all of it");
}

#[test]
fn what_comes_behind_a_large_frame_lies_in_a_buffer_of_its_own() {
    const LARGE: usize = 4 << 20;
    let mut inbound = Inbound::new(LARGE);
    inbound.bytes.put_i32(4 << 20);
    inbound.bytes.put_bytes(7, LARGE);
    inbound.bytes.put_i32(8);
    assert_eq!(inbound.next_frame().map(|frame| frame.map(|frame| frame.len())), Ok(Some(LARGE)));
    assert_eq!(inbound.bytes[..], 8_i32.to_be_bytes());
    assert!(inbound.bytes.capacity() < limits::READ_BLOCK_BYTES, "{} bytes", inbound.bytes.capacity());
}

#[tokio::test]
async fn a_session_that_is_dropped_fails_what_is_pending() {
    with_server((3, 8), Peer::end, async |session| {
        let answer = stat_of(&session, "/a");
        drop(session);
        let failed = answer.await.expect_err("nobody answered");
        assert!(matches!(failed.kind, ErrorKind::Lost(_)), "{failed:?}");
    })
    .await;
}

#[tokio::test]
async fn malformed_answers_are_errors_of_who_asked_alone() {
    let serve = |mut peer: Peer| async move {
        let (xid, _) = peer.request().await;
        peer.reply(xid, 0, 0, |encoder| encoder.long(0)).await;
        let (xid, _) = peer.request().await;
        peer.reply(xid, 0, 0, |encoder| put_stat(encoder, 3)).await;
        peer.end().await;
    };
    with_server((3, 8), serve, async |session| {
        let (broken, whole) = (stat_of(&session, "/a"), stat_of(&session, "/b"));
        assert!(matches!(broken.await.expect_err("half a stat").kind, ErrorKind::Protocol(_)));
        assert_eq!(whole.await.expect("a stat").expect("a znode").version, 3);
    })
    .await;
}

/// What the batcher counts is what is sent, to the byte: it is what keeps a request below `jute.maxbuffer`.
#[tokio::test]
async fn a_multi_has_the_bytes_that_the_batcher_counted() {
    let chroot = Chroot::new("/a/tree").expect("a path");
    let mut batcher = Batcher::new(chroot.clone(), 100_000);
    let permit = Arc::new(Budget::of_line().try_take(Weight::default()).expect("an empty budget"));
    let create = |name: &str, data, kind| WriteOp::Create { path: ZnodePath::new(name), data, acl: Acl::open(), kind };
    let data = Some(Bytes::from_static(b"some data"));
    let set = WriteOp::SetData { path: ZnodePath::root(), data: data.clone(), version: 3 };
    for op in [
        create("/a", None, Kind::Persistent),
        create("/a/b", data.clone(), Kind::Container),
        create("/a/b/c", data, Kind::Ttl { ttl_ms: 7 }),
        set,
        WriteOp::Check { path: ZnodePath::new("/a"), version: -1 },
        WriteOp::Delete { path: ZnodePath::new("/a/b"), version: 4 },
    ] {
        batcher.push(op, &permit, &mut Vec::new()).expect("small");
    }
    let batch = batcher.take().expect("six operations");
    let bytes = batch.bytes;
    let serve = move |mut peer: Peer| async move {
        let frame = peer.frame().await;
        assert_eq!(frame.len(), bytes);
        let xid = Decoder::new(frame).int().expect("a header");
        peer.reply(xid, 9, 0, |encoder| {
            for (op, code) in [(op::NONE, 0), (op::NONE, 0), (op::NONE, -101)].into_iter().chain([(op::NONE, -2); 3]) {
                encoder.int(op);
                encoder.boolean(false);
                encoder.int(code);
                encoder.int(code);
            }
            encoder.multi_end();
        })
        .await;
        peer.end().await;
    };
    let failed = with_server((3, 8), serve, async |session| {
        session.write(batch.ops.iter().map(|op| (op, chroot.locate(op.path()))), flight()).await
    });
    let (index, error) = failed.await.expect_err("the third one failed");
    assert_eq!((index, error.code()), (Some(2), Some(Code::NO_NODE)));
}

#[tokio::test]
async fn events_come_in_order_and_a_listener_that_falls_behind_hears_no_more() {
    let many = i32::try_from(limits::EVENTS_WAITING_MAX).expect("few enough");
    let serve = move |mut peer: Peer| async move {
        let (xid, op) = peer.request().await;
        assert_eq!(op, op::ADD_WATCH);
        peer.reply(xid, 6, 0, |encoder| encoder.int(0)).await;
        for kind in 0..2 * many {
            peer.reply(xid::NOTIFICATION, 9, 0, |encoder| {
                encoder.int(kind);
                encoder.int(3);
                encoder.text("/a");
            })
            .await;
        }
        let (xid, _) = peer.request().await;
        peer.reply(xid, 8, 0, |encoder| put_stat(encoder, 0)).await;
        peer.end().await;
    };
    with_server((3, 9), serve, async |session| {
        let mut events = session.events();
        session.add_watch(Chroot::none().locate(&ZnodePath::new("/a")), 1).await.expect("it is set");
        // Behind this answer all of them have come.
        stat_of(&session, "/a").await.expect("a stat");
        for kind in 0..many {
            let event = WatcherEvent { kind, state: 3, path: "/a".to_owned() };
            assert_eq!(events.recv().await, Some((Zxid(9), event)));
        }
        assert_eq!(events.recv().await, None);
        assert_eq!(session.last_zxid(), Zxid(8), "an event's transaction may not be applied in full");
    })
    .await;
}

#[tokio::test]
async fn a_listener_is_told_when_the_session_ends() {
    let serve = |mut peer: Peer| async move {
        peer.request().await;
    };
    with_server((3, 5), serve, async |session| {
        let refused = session.add_watch(Chroot::none().locate(&ZnodePath::root()), 0).await;
        assert_eq!(refused.expect_err("3.5 knows no addWatch").code(), Some(Code::UNIMPLEMENTED));
        let mut events = session.events();
        stat_of(&session, "/a").await.expect_err("the server has gone");
        assert_eq!(events.recv().await, None);
        assert_eq!(session.events().recv().await, None);
    })
    .await;
}

#[test]
fn equal_acls_are_one_however_many_there_are() {
    let acls = Acls::default();
    let read = |acl: &Acl| {
        let mut buffer = BytesMut::new();
        jute::frame(&mut buffer, |encoder| {
            encoder.acl(acl);
            encoder.int(7);
        })
        .expect("short");
        let mut body = Decoder::new(buffer.freeze().slice(LENGTH_BYTES..));
        let read = acls.decode(&mut body).expect("well formed");
        assert_eq!((&read, body.int()), (acl, Ok(7)), "what stands behind the ACL is left");
        read
    };
    // Each one begins with the entries of the one before.
    let entry = |n: usize| AclEntry { perms: 1, scheme: "digest".into(), id: format!("user{n}:x").into() };
    let many: Vec<Acl> = (0..3 * limits::ACLS_REMEMBERED_MAX).map(|len| Acl::new((0..len).map(entry))).collect();
    for acl in many.iter().chain(&many).chain(many.iter().rev()) {
        assert!(std::ptr::eq(read(acl).entries(), read(acl).entries()));
    }
}

/// A copy takes what has changed since its sync: a later zxid would hide what was read before it.
#[tokio::test]
async fn a_sync_tells_its_own_zxid_and_not_that_of_what_was_asked_behind_it() {
    let serve = |mut peer: Peer| async move {
        let (sync, _) = peer.request().await;
        let (stat, _) = peer.request().await;
        peer.reply(sync, 5, 0, |encoder| encoder.text("/")).await;
        peer.reply(stat, 9, 0, |encoder| put_stat(encoder, 0)).await;
        peer.end().await;
    };
    with_server((3, 8), serve, async |session| {
        let mut synced = Box::pin(session.sync());
        assert!(futures::poll!(&mut synced).is_pending());
        stat_of(&session, "/a").await.expect("a stat");
        assert_eq!((synced.await, session.last_zxid()), (Ok(Zxid(5)), Zxid(9)));
    })
    .await;
}
