//! A session that comes back: on which connection, as whom, and what it sends there.

use super::*;
use crate::error::Result;
use crate::retry::Retries;

/// What a session said of itself when it came.
struct Came {
    seen: i64,
    id: i64,
    password: Bytes,
}

impl Peer {
    async fn comes(listener: &TcpListener) -> (Self, Came) {
        let mut peer = Self(listener.accept().await.expect("a connection").0);
        let mut request = Decoder::new(peer.frame().await);
        let _protocol_version = request.int().expect("a connect request");
        let seen = request.long().expect("a zxid");
        let _timeout_ms = request.int().expect("a timeout");
        let id = request.long().expect("a session");
        let password = request.buffer().expect("a password").expect("a password");
        (peer, Came { seen, id, password })
    }

    async fn grants(&mut self, id: i64, password: u8) {
        self.send(|encoder| {
            encoder.int(0);
            encoder.int(if id == 0 { 0 } else { 600 });
            encoder.long(id);
            encoder.buffer(Some(&[password; 16]));
        })
        .await;
    }

    async fn answers(&mut self, op: i32, zxid: i64) {
        let (xid, asked) = self.request().await;
        assert_eq!(asked, op);
        self.reply(xid, zxid, 0, |encoder| if op == op::EXISTS { put_stat(encoder, 1) } else { encoder.text("/") })
            .await;
    }
}

/// A session that has read as far as zxid 9 on its first connection, which is given too.
async fn opened(listener: &TcpListener, retry: Retry) -> (Session, Peer) {
    let address = listener.local_addr().expect("an address");
    let mut options = EnsembleOptions::to(address.to_string().parse().expect("a connect string"));
    (options.server_version, options.retry) = (Some((3, 8)), retry);
    let (session, peer) = tokio::join!(Session::connect(&options, Zxid(0)), async {
        let (mut peer, came) = Peer::comes(listener).await;
        assert_eq!((came.seen, came.id, &came.password[..]), (0, 0, &[0; 16][..]));
        peer.grants(7, 1).await;
        peer.answers(op::SYNC, 9).await;
        peer
    });
    (session.expect("a session"), peer)
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a port")
}

fn create_at(session: &Session, path: &str) -> BoxFuture<'static, Result<(), (Option<usize>, Error)>> {
    let path = ZnodePath::new(path);
    let create = WriteOp::Create { path: path.clone(), data: None, acl: Acl::open(), kind: Kind::Persistent };
    session.write([(&create, Chroot::none().locate(&path))].into_iter(), flight())
}

#[tokio::test]
async fn it_comes_back_as_itself_and_asks_again_what_was_not_answered() {
    let listener = listener().await;
    let retry = Retry::default();
    let (session, mut peer) = opened(&listener, retry.clone()).await;
    let answers = ["/a", "/b", "/c"].map(|path| stat_of(&session, path));
    let serve = async {
        peer.answers(op::EXISTS, 11).await;
        drop(peer);
        let (mut peer, came) = Peer::comes(&listener).await;
        assert_eq!((came.seen, came.id, &came.password[..]), (11, 7, &[1; 16][..]));
        peer.grants(7, 1).await;
        peer.answers(op::EXISTS, 11).await;
        peer.answers(op::EXISTS, 12).await;
        peer
    };
    let (answers, _peer) =
        timeout(WITHIN, async { tokio::join!(futures::future::try_join_all(answers), serve) }).await.expect("in time");
    assert_eq!(answers.expect("all were answered").len(), 3);
    assert_eq!((session.last_zxid(), retry.counts().reconnects), (Zxid(12), 1));
}

#[tokio::test]
async fn a_session_that_has_expired_is_replaced_behind_what_it_has_seen() {
    let listener = listener().await;
    let retry = Retry::default();
    let (session, peer) = opened(&listener, retry.clone()).await;
    let answer = stat_of(&session, "/a");
    let serve = async {
        drop(peer);
        let (mut peer, _) = Peer::comes(&listener).await;
        peer.grants(0, 0).await;
        let (mut peer, came) = Peer::comes(&listener).await;
        assert_eq!((came.seen, came.id, &came.password[..]), (9, 0, &[0; 16][..]));
        peer.grants(8, 2).await;
        peer.answers(op::EXISTS, 11).await;
        // From now on it is the new one.
        drop(peer);
        let (peer, came) = Peer::comes(&listener).await;
        assert_eq!((came.seen, came.id, &came.password[..]), (11, 8, &[2; 16][..]));
        peer
    };
    let (answer, _peer) = timeout(WITHIN, async { tokio::join!(answer, serve) }).await.expect("in time");
    assert!(answer.expect("it was answered").is_some());
    assert_eq!((retry.counts().sessions_replaced, retry.counts().reconnects), (1, 0));
}

#[tokio::test]
async fn writes_are_not_sent_again_and_wait_for_a_look() {
    let listener = listener().await;
    let (session, mut peer) = opened(&listener, Retry::default()).await;
    let lost = create_at(&session, "/a");
    let serve = async {
        assert_eq!(peer.request().await.1, op::MULTI);
        drop(peer);
        let (mut peer, _) = Peer::comes(&listener).await;
        peer.grants(7, 1).await;
        // The look, and nothing before it.
        peer.answers(op::SYNC, 10).await;
        let (xid, op) = peer.request().await;
        assert_eq!(op, op::MULTI);
        peer.reply(xid, 11, 0, |encoder| {
            encoder.int(op::CREATE);
            encoder.boolean(false);
            encoder.int(0);
            encoder.text("/a");
            encoder.multi_end();
        })
        .await;
        peer
    };
    let test = async {
        let is_lost = |(_, error): (_, Error)| matches!(error.kind, ErrorKind::Lost(_));
        assert!(lost.await.is_err_and(is_lost));
        assert!(create_at(&session, "/b").await.is_err_and(is_lost), "it would overtake the first");
        session.settle().await.expect("it comes back");
        create_at(&session, "/a").await.expect("it is written");
    };
    timeout(WITHIN, async { tokio::join!(test, serve) }).await.expect("in time");
}

#[tokio::test]
async fn it_ends_when_nobody_takes_it_back_in_time_and_says_why() {
    let listener = listener().await;
    let (session, peer) = opened(&listener, Retry::within(Duration::from_millis(300))).await;
    drop((peer, listener));
    let failed = timeout(WITHIN, stat_of(&session, "/a")).await.expect("in time").expect_err("nobody is there");
    let text = failed.to_string();
    assert!(text.contains("--retry-for") && text.contains("refuses the connection"), "{text}");
    let later = stat_of(&session, "/a").await.expect_err("it has ended");
    assert_eq!(later.kind, failed.kind);
}

#[tokio::test]
async fn servers_that_take_it_back_and_answer_nothing_are_not_tried_for_ever() {
    let listener = listener().await;
    let (session, peer) = opened(&listener, Retry::within(Duration::from_millis(900))).await;
    let serve = async {
        // It goes unheard for two thirds of 600 ms each time.
        let mut silent = vec![peer];
        loop {
            let mut peer = Peer(listener.accept().await.expect("a connection").0);
            // In the end each server is asked what it says of itself.
            if peer.0.read_i32().await.is_ok_and(|length| length < 100) {
                peer.grants(7, 1).await;
                silent.push(peer);
            }
        }
    };
    let test = async {
        let failed = stat_of(&session, "/a").await.expect_err("nobody answers");
        assert!(failed.to_string().contains("has not answered for"), "{failed}");
    };
    let in_time = async {
        tokio::select! {
            () = serve => {}
            () = test => {}
        }
    };
    timeout(WITHIN, in_time).await.expect("in time");
}

#[tokio::test]
async fn one_that_is_closed_does_not_come_back() {
    let listener = listener().await;
    let retry = Retry::default();
    let (session, mut peer) = opened(&listener, retry.clone()).await;
    let serve = async {
        let (xid, op) = peer.request().await;
        assert_eq!(op, op::CLOSE_SESSION);
        peer.reply(xid, 10, 0, |_| {}).await;
        peer.end().await;
    };
    timeout(WITHIN, async { tokio::join!(session.close(), serve) }).await.expect("in time");
    assert_eq!(retry.counts(), Retries::default());
}
