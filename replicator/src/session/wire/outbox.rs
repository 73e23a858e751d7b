//! Where callers put requests, and where the connection's task finds them and who waits for their answers.
//!
//! One lock gives a request its number, its place among those that wait, and its bytes: so the three never disagree.
//!
//! Invariants: the answers that are waited for are those of the requests in the outbox or on their way, in order. After
//! the end, nothing waits, and nothing gets in any more.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::error::{Code, ErrorKind};
use crate::jute::{self, Decoder, Encoder, Malformed, ReplyHeader, WatcherEvent, op, xid};
use crate::limits;
use crate::znode::Zxid;

/// What callers and the connection's task share.
pub(super) struct Shared {
    outbox: Mutex<Outbox>,
    /// Tells the task that the outbox is no longer empty.
    filled: Notify,
    last_zxid: AtomicI64,
    /// Who is told of what the watches see.
    events: Mutex<Option<mpsc::Sender<(Zxid, WatcherEvent)>>>,
}

struct Outbox {
    /// Frames that were not sent yet.
    frames: BytesMut,
    /// Who waits, in the order of the requests.
    waiting: VecDeque<Waiting>,
    last_xid: i32,
    /// Why the connection ended, if it did.
    ended: Option<ErrorKind>,
}

struct Waiting {
    xid: i32,
    reply: oneshot::Sender<Result<Reply, ErrorKind>>,
}

/// What the server answered.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) code: Code,
    pub(super) body: Decoder,
}

/// An answer to come. It holds no part of the session.
#[derive(Debug)]
pub(super) struct Answer(Result<oneshot::Receiver<Result<Reply, ErrorKind>>, ErrorKind>);

impl Answer {
    /// Waits for it.
    pub(super) async fn reply(self) -> Result<Reply, ErrorKind> {
        match self.0?.await {
            Ok(reply) => reply,
            Err(_) => Err(closed()),
        }
    }
}

impl Shared {
    pub(super) fn new() -> Self {
        let outbox = Outbox { frames: BytesMut::new(), waiting: VecDeque::new(), last_xid: 0, ended: None };
        Self {
            outbox: Mutex::new(outbox),
            filled: Notify::new(),
            last_zxid: AtomicI64::new(0),
            events: Mutex::default(),
        }
    }

    /// Puts a request into the outbox.
    pub(super) fn send(&self, op: i32, body: impl FnOnce(&mut Encoder<'_>)) -> Answer {
        let mut outbox = self.lock();
        let xid = outbox.next_xid();
        self.put(outbox, xid, op, body)
    }

    /// The same for an `addauth`, which has a number of its own. The server answers it in its turn.
    pub(super) fn send_auth(&self, scheme: &str, credentials: &[u8]) -> Answer {
        self.put(self.lock(), xid::AUTH, op::AUTH, |request| request.auth(scheme, credentials))
    }

    /// Puts a ping into the outbox; nobody waits for its answer.
    pub(super) fn send_ping(&self) {
        let mut outbox = self.lock();
        let fits = jute::request(&mut outbox.frames, xid::PING, op::PING, |_| {});
        debug_assert_eq!(fits, Ok(()), "a ping has eight bytes");
    }

    /// Swaps the frames to be sent for `spent`, an empty buffer.
    pub(super) fn take(&self, spent: &mut BytesMut) {
        debug_assert!(spent.is_empty(), "what was taken before has been sent");
        let mut outbox = self.lock();
        if !outbox.frames.is_empty() {
            std::mem::swap(&mut outbox.frames, spent);
        }
    }

    /// Ready when the outbox may hold something.
    pub(super) async fn filled(&self) {
        self.filled.notified().await;
    }

    /// Whether somebody waits for an answer.
    pub(super) fn is_waited_for(&self) -> bool {
        !self.lock().waiting.is_empty()
    }

    /// Hands a reply to who waits for it. The error is the end of the connection: the server lost its place.
    pub(super) fn answer(&self, header: ReplyHeader, body: Decoder) -> Result<(), ErrorKind> {
        let next = self.lock().waiting.pop_front();
        match next {
            Some(waiting) if waiting.xid == header.xid => {
                // Who no longer wants the answer has dropped the other end.
                let _ = waiting.reply.send(Ok(Reply { code: header.code, body }));
                Ok(())
            }
            next => {
                let text = match &next {
                    Some(waiting) => format!("a reply to request {} where {} was next", header.xid, waiting.xid),
                    None => format!("a reply to request {}, which nobody sent", header.xid),
                };
                let kind = ErrorKind::Protocol(text);
                if let Some(waiting) = next {
                    let _ = waiting.reply.send(Err(kind.clone()));
                }
                Err(kind)
            }
        }
    }

    /// Ends it: whoever waits, and whoever comes, gets `why`. The first reason stands.
    pub(super) fn end(&self, why: ErrorKind) {
        let mut outbox = self.lock();
        let why = outbox.ended.get_or_insert(why).clone();
        outbox.frames = BytesMut::new();
        let waiting = std::mem::take(&mut outbox.waiting);
        drop(outbox);
        self.listener().take();
        for waiting in waiting {
            let _ = waiting.reply.send(Err(why.clone()));
        }
    }

    /// What the watches see from now on; who listened before hears no more.
    pub(super) fn events(&self) -> mpsc::Receiver<(Zxid, WatcherEvent)> {
        let (events, heard) = mpsc::channel(limits::EVENTS_WAITING_MAX);
        // Under the lock of the outbox, so that a connection can't end in between and leave a stream that never does.
        let outbox = self.lock();
        if outbox.ended.is_none() {
            *self.listener() = Some(events);
        }
        heard
    }

    /// Hands out what a watch has seen. A listener that falls behind is dropped: a stream with a gap must end, and the
    /// server's replies must not wait for it.
    pub(super) fn notify(&self, header: ReplyHeader, mut body: Decoder) -> Result<(), ErrorKind> {
        let mut listener = self.listener();
        if let Some(events) = &*listener {
            let event = body.watcher_event().map_err(|Malformed(text)| ErrorKind::Protocol(text.to_owned()))?;
            if events.try_send((Zxid(header.zxid), event)).is_err() {
                *listener = None;
            }
        }
        Ok(())
    }

    /// The highest zxid of any reply.
    pub(super) fn last_zxid(&self) -> Zxid {
        Zxid(self.last_zxid.load(Ordering::Relaxed))
    }

    /// Notes the zxid of a reply.
    pub(super) fn saw(&self, zxid: i64) {
        self.last_zxid.fetch_max(zxid, Ordering::Relaxed);
    }

    fn put(
        &self,
        mut outbox: MutexGuard<'_, Outbox>,
        xid: i32,
        op: i32,
        body: impl FnOnce(&mut Encoder<'_>),
    ) -> Answer {
        if let Some(why) = &outbox.ended {
            return Answer(Err(why.clone()));
        }
        let was_empty = outbox.frames.is_empty();
        if let Err(bytes) = jute::request(&mut outbox.frames, xid, op, body) {
            return Answer(Err(ErrorKind::TooLarge { bytes, limit: i32::MAX as usize }));
        }
        let (reply, answer) = oneshot::channel();
        outbox.waiting.push_back(Waiting { xid, reply });
        drop(outbox);
        // The task takes all there is: it need not be told again.
        if was_empty {
            self.filled.notify_one();
        }
        Answer(Ok(answer))
    }

    fn listener(&self) -> MutexGuard<'_, Option<mpsc::Sender<(Zxid, WatcherEvent)>>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outbox {
    /// Counts from 1 and, after 2^31 - 1 requests, again.
    fn next_xid(&mut self) -> i32 {
        self.last_xid = self.last_xid.checked_add(1).unwrap_or(1);
        self.last_xid
    }
}

/// The frames hold credentials and data.
impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outbox = self.lock();
        f.debug_struct("Shared")
            .field("unsent_bytes", &outbox.frames.len())
            .field("waiting", &outbox.waiting.len())
            .field("ended", &outbox.ended)
            .finish_non_exhaustive()
    }
}

/// What is left to say when the session was dropped while somebody waited.
pub(super) fn closed() -> ErrorKind {
    ErrorKind::Lost("the session was closed".to_owned())
}
