//! A server that the test plays: it speaks ZooKeeper's protocol well enough to be taken for one, until it is wicked.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Buf, BufMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const PING: i32 = -2;

mod op {
    pub(super) const EXISTS: i32 = 3;
    pub(super) const GET_DATA: i32 = 4;
    pub(super) const GET_ACL: i32 = 6;
    pub(super) const GET_CHILDREN: i32 = 8;
    pub(super) const SYNC: i32 = 9;
    pub(super) const PING: i32 = 11;
    pub(super) const MULTI_READ: i32 = 22;
}

/// What is wrong with it.
#[derive(Clone, Debug)]
pub(super) enum Wicked {
    /// The root has children of these names.
    Names(Vec<Vec<u8>>),
    /// Every znode has an ACL with this id.
    AclId(String),
    /// Behind the session's begin, these bytes are the answer to the first multiRead.
    Answers(Vec<u8>),
    /// The answer to a multiRead, made of its number, with these bytes behind the header of the reply.
    Replies(Vec<u8>),
    /// It answers nothing any more, as soon as it is asked for the tree.
    FallsSilent,
    /// It answers pings, and no multiRead.
    AnswersPingsAlone,
    /// It answers nothing, and sends events of watches instead.
    SendsEventsAlone,
    /// It begins an answer and sends a byte of it now and then.
    Drips,
    /// Instead of a session it gives these bytes.
    Greets(Vec<u8>),
}

/// A server on a port of its own, until it is dropped.
pub(super) struct Hostile {
    address: SocketAddr,
    _serving: JoinSet<()>,
}

impl Hostile {
    pub(super) async fn start(wicked: Wicked) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let wicked = Arc::new(wicked);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut peers = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let peer = Peer { stream, wicked: Arc::clone(&wicked), mute: false };
                // An error is the other side's end.
                peers.spawn(async move { drop(peer.serve().await) });
            }
        });
        Ok(Self { address, _serving: serving })
    }

    pub(super) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }
}

struct Peer {
    stream: TcpStream,
    wicked: Arc<Wicked>,
    /// Whether it answers nothing any more.
    mute: bool,
}

impl Peer {
    async fn serve(mut self) -> std::io::Result<()> {
        let first = self.stream.read_i32().await?;
        if first.to_be_bytes() == *b"srvr" {
            let said = b"Zookeeper version: 3.8.0-0, built on 2022\nMode: standalone\n";
            return self.stream.write_all(said).await;
        }
        let asked = self.frame(first).await?;
        if let Wicked::Greets(bytes) = &*self.wicked {
            self.stream.write_all(bytes).await?;
            // It is the other side that ends it.
            return self.stream.read_to_end(&mut Vec::new()).await.map(drop);
        }
        let mut granted = Vec::new();
        granted.put_i32(0);
        // The timeout that was asked for (ConnectRequest: protocolVersion, lastZxidSeen, timeOut).
        granted.put_slice(&asked[12..16]);
        granted.put_i64(0x1234);
        put_bytes(&mut granted, &[0; 16]);
        granted.put_u8(0);
        self.send(&granted).await?;
        loop {
            let length = self.stream.read_i32().await?;
            let frame = self.frame(length).await?;
            self.answer(&frame).await?;
        }
    }

    async fn frame(&mut self, length: i32) -> std::io::Result<Vec<u8>> {
        let mut frame = vec![0; usize::try_from(length).unwrap_or_default()];
        self.stream.read_exact(&mut frame).await?;
        Ok(frame)
    }

    async fn send(&mut self, frame: &[u8]) -> std::io::Result<()> {
        let mut bytes = Vec::with_capacity(frame.len() + 4);
        bytes.put_i32(i32::try_from(frame.len()).expect("frames of tests are small"));
        bytes.extend_from_slice(frame);
        self.stream.write_all(&bytes).await
    }

    async fn answer(&mut self, mut request: &[u8]) -> std::io::Result<()> {
        let (xid, op) = (request.get_i32(), request.get_i32());
        let mut reply = Vec::new();
        header(&mut reply, if op == op::PING { PING } else { xid });
        match op {
            op::PING if matches!(*self.wicked, Wicked::AnswersPingsAlone) => {}
            _ if self.mute => return Ok(()),
            op::SYNC => put_bytes(&mut reply, b"/"),
            op::EXISTS => put_stat(&mut reply, 1),
            op::GET_ACL => self.put_acl(&mut reply),
            op::MULTI_READ => return self.read(xid, request).await,
            _ => {}
        }
        self.send(&reply).await
    }

    async fn read(&mut self, xid: i32, request: &[u8]) -> std::io::Result<()> {
        match &*Arc::clone(&self.wicked) {
            Wicked::Answers(bytes) => self.stream.write_all(bytes).await,
            Wicked::Replies(bytes) => {
                let mut reply = Vec::new();
                header(&mut reply, xid);
                reply.extend_from_slice(bytes);
                self.send(&reply).await
            }
            Wicked::SendsEventsAlone => {
                let mut event = Vec::new();
                header(&mut event, -1);
                event.put_i32(1);
                event.put_i32(3);
                put_bytes(&mut event, b"/x");
                loop {
                    self.send(&event).await?;
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            }
            Wicked::Drips => {
                self.stream.write_all(&500_000_i32.to_be_bytes()).await?;
                loop {
                    self.stream.write_all(&[0]).await?;
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            }
            Wicked::FallsSilent | Wicked::AnswersPingsAlone => {
                self.mute = true;
                Ok(())
            }
            Wicked::Names(_) | Wicked::AclId(_) | Wicked::Greets(_) => {
                let reply = self.honest(xid, request);
                self.send(&reply).await
            }
        }
    }

    /// What a server would answer that has such a tree.
    fn honest(&self, xid: i32, mut request: &[u8]) -> Vec<u8> {
        let mut reply = Vec::new();
        header(&mut reply, xid);
        loop {
            let op = request.get_i32();
            let done = request.get_u8() != 0;
            request.advance(4);
            if done {
                multi_header(&mut reply, -1, true);
                return reply;
            }
            let length = usize::try_from(request.get_i32()).expect("a path has a length");
            let path = request.copy_to_bytes(length);
            request.advance(1);
            let names: Vec<Vec<u8>> = match &*self.wicked {
                Wicked::Names(names) if &path[..] == b"/x" => names.clone(),
                _ => Vec::new(),
            };
            multi_header(&mut reply, op, false);
            if op == op::GET_DATA {
                put_bytes(&mut reply, b"data");
                put_stat(&mut reply, i32::try_from(names.len()).expect("a few names"));
            } else {
                assert_eq!(op, op::GET_CHILDREN, "a multiRead asks for nothing else");
                reply.put_i32(i32::try_from(names.len()).expect("a few names"));
                for name in &names {
                    put_bytes(&mut reply, name);
                }
            }
        }
    }

    fn put_acl(&self, reply: &mut Vec<u8>) {
        let (scheme, id) = match &*self.wicked {
            Wicked::AclId(id) => ("digest", &**id),
            _ => ("world", "anyone"),
        };
        reply.put_i32(1);
        reply.put_i32(31);
        put_bytes(reply, scheme.as_bytes());
        put_bytes(reply, id.as_bytes());
        put_stat(reply, 0);
    }
}

fn header(reply: &mut Vec<u8>, xid: i32) {
    reply.put_i32(xid);
    reply.put_i64(1);
    reply.put_i32(0);
}

fn multi_header(reply: &mut Vec<u8>, op: i32, done: bool) {
    reply.put_i32(op);
    reply.put_u8(u8::from(done));
    reply.put_i32(if done { -1 } else { 0 });
}

fn put_bytes(reply: &mut Vec<u8>, bytes: &[u8]) {
    reply.put_i32(i32::try_from(bytes.len()).expect("short"));
    reply.extend_from_slice(bytes);
}

fn put_stat(reply: &mut Vec<u8>, children: i32) {
    for _ in 0..4 {
        reply.put_i64(1);
    }
    for value in [0, children, 0] {
        reply.put_i32(value);
    }
    reply.put_i64(0);
    for value in [4, children] {
        reply.put_i32(value);
    }
    reply.put_i64(1);
}
