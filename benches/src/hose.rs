//! A fire-hose: prebuilt frames go out, replies are counted and thrown away. What it takes is the server's own limit.

use std::collections::HashSet;
use std::error::Error;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use harness::tree::TreeZnode;
use replicator::connect::Chroot;
use replicator::jute::{self, ConnectRequest, Decoder, op};
use replicator::znode::{Acl, Kind, ZnodePath};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Anything that may go wrong in a benchmark ends it.
pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Deep paths must not reach a server's `jute.maxbuffer`: it would close the connection.
const REQUEST_BYTES_MAX: usize = 500_000;

/// Session timeout of a hose, which sends no pings.
const SESSION_TIMEOUT_MS: i32 = 60_000;

/// A session that only pours.
#[derive(Debug)]
pub struct Hose {
    stream: TcpStream,
    replies: BytesMut,
}

impl Hose {
    /// Opens a session.
    pub async fn connect(server: SocketAddr) -> Result<Self> {
        let mut stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        let mut buffer = BytesMut::new();
        let request = ConnectRequest { timeout_ms: SESSION_TIMEOUT_MS, ..ConnectRequest::default() };
        jute::frame(&mut buffer, |encoder| encoder.connect(request))
            .map_err(|len| format!("a frame of {len} bytes"))?;
        stream.write_all(&buffer).await?;
        let mut hose = Self { stream, replies: BytesMut::with_capacity(1 << 20) };
        hose.next_reply().await?;
        Ok(hose)
    }

    /// Sends all frames, at most `window` of them unanswered; every answer must be without error.
    pub async fn pour(&mut self, frames: &[Bytes], window: usize) -> Result<Duration> {
        let started = Instant::now();
        let (mut sent, mut answered) = (0, 0);
        while answered < frames.len() {
            while sent < frames.len() && sent - answered < window {
                self.stream.write_all(&frames[sent]).await?;
                sent += 1;
            }
            let reply = self.next_reply().await?;
            let header = Decoder::new(reply).reply_header().map_err(|malformed| malformed.0)?;
            if header.code.0 != 0 {
                return Err(format!("frame {answered} was answered with error {}", header.code.0).into());
            }
            answered += 1;
        }
        Ok(started.elapsed())
    }

    async fn next_reply(&mut self) -> Result<Bytes> {
        loop {
            if let Some(len) = self.replies.get(..4) {
                let len = usize::try_from(i32::from_be_bytes(len.try_into()?))?;
                if self.replies.len() >= 4 + len {
                    self.replies.advance(4);
                    return Ok(self.replies.split_to(len).freeze());
                }
            }
            if self.stream.read_buf(&mut self.replies).await? == 0 {
                return Err("the server closed the connection".into());
            }
        }
    }
}

/// Frames that read every znode of a tree as the line does: data of all, children of those that have some, `ops`
/// znodes a request.
pub fn read_frames(root: &str, tree: impl Iterator<Item = TreeZnode>, ops: usize) -> Result<Vec<Bytes>> {
    let chroot = Chroot::new(root)?;
    let paths: Vec<ZnodePath> = tree.map(|znode| ZnodePath::new(&znode.path)).collect();
    let parents: HashSet<&str> = paths.iter().filter_map(|path| Some(path.as_str().rsplit_once('/')?.0)).collect();
    let mut frames = Vec::new();
    let mut rest = &paths[..];
    while !rest.is_empty() {
        let mut bytes = 0;
        let fitting = rest.iter().take(ops).take_while(|path| {
            bytes += 2 * (chroot.locate(path).len() + 16);
            bytes < REQUEST_BYTES_MAX
        });
        let (batch, behind) = rest.split_at(fitting.count().max(1));
        rest = behind;
        frames.push(frame(frames.len(), op::MULTI_READ, |encoder| {
            for path in batch {
                encoder.multi_read(op::GET_DATA, chroot.locate(path));
                if parents.contains(path.as_str()) {
                    encoder.multi_read(op::GET_CHILDREN, chroot.locate(path));
                }
            }
            encoder.multi_end();
        })?);
    }
    Ok(frames)
}

/// Frames that read every ACL, spread over `lanes` sessions; none without a lane.
pub fn acl_frames(root: &str, tree: impl Iterator<Item = TreeZnode>, lanes: usize) -> Result<Vec<Vec<Bytes>>> {
    let chroot = Chroot::new(root)?;
    let mut frames = vec![Vec::new(); lanes];
    if frames.is_empty() {
        return Ok(frames);
    }
    for (index, znode) in tree.enumerate() {
        let path = ZnodePath::new(&znode.path);
        frames[index % lanes].push(frame(index, op::GET_ACL, |encoder| encoder.path(chroot.locate(&path)))?);
    }
    Ok(frames)
}

/// Frames that create a tree below `root`, which is created by the first, in multis of at most `ops` and 900,000 bytes.
pub fn write_frames(root: &str, tree: impl Iterator<Item = TreeZnode>, ops: usize) -> Result<Vec<Bytes>> {
    let chroot = Chroot::new(root)?;
    let first = TreeZnode::new("/", Vec::new());
    let mut znodes = std::iter::once(first).chain(tree).peekable();
    let mut frames = Vec::new();
    while znodes.peek().is_some() {
        frames.push(frame(frames.len(), op::MULTI, |encoder| {
            let mut bytes = 0;
            for _ in 0..ops {
                let Some(znode) =
                    znodes.next_if(|znode| bytes == 0 || bytes + znode.data.len() + znode.path.len() < 900_000)
                else {
                    break;
                };
                bytes += znode.data.len() + znode.path.len() + root.len() + 100;
                let path = ZnodePath::new(&znode.path);
                encoder.multi_create(chroot.locate(&path), Some(&znode.data), &Acl::open(), Kind::Persistent);
            }
            encoder.multi_end();
        })?);
    }
    Ok(frames)
}

fn frame(index: usize, op: i32, body: impl FnOnce(&mut jute::Encoder<'_>)) -> Result<Bytes> {
    let mut buffer = BytesMut::new();
    let xid = i32::try_from(index + 1)?;
    jute::request(&mut buffer, xid, op, body).map_err(|len| format!("a frame of {len} bytes"))?;
    Ok(buffer.freeze())
}
