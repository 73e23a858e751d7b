//! Where callers put requests, and where the connection's task finds them and who waits for their answers.
//!
//! One lock gives a request its number, its place among those that wait, and its bytes: so the three never disagree. What
//! lies behind the lock, and what must stay true of it, is in [`queue`].

mod queue;

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use tokio::sync::{Notify, mpsc, oneshot};

use self::queue::Queue;
use crate::error::{Code, ErrorKind};
use crate::jute::{Decoder, Encoder, Malformed, ReplyHeader, WatcherEvent};
use crate::latency::Flight;
use crate::limits;
use crate::retry::{Kind, Retry};
use crate::znode::Zxid;

/// What callers and the connection's task share.
pub(super) struct Shared {
    queue: Mutex<Queue>,
    /// Tells the task that there is something to be sent.
    filled: Notify,
    last_zxid: AtomicI64,
    /// Whether requests outlive their connection, and where that is counted.
    retry: Retry,
    /// Who is told of what the watches see.
    events: Mutex<Option<mpsc::Sender<(Zxid, WatcherEvent)>>>,
}

/// What the server answered.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) code: Code,
    /// The last transaction that the server had applied when it answered.
    pub(super) zxid: Zxid,
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
    /// A session whose last known transaction is `seen`.
    pub(super) fn new(seen: Zxid, retry: Retry) -> Self {
        Self {
            queue: Mutex::new(Queue::new()),
            filled: Notify::new(),
            last_zxid: AtomicI64::new(seen.0),
            retry,
            events: Mutex::default(),
        }
    }

    /// Puts a request into the outbox.
    pub(super) fn send(&self, op: i32, body: impl FnOnce(&mut Encoder<'_>)) -> Answer {
        self.send_timed(op, None, body)
    }

    /// The same; the flight ends when the answer is there, or there will be none.
    pub(super) fn send_timed(&self, op: i32, flight: Option<Flight>, body: impl FnOnce(&mut Encoder<'_>)) -> Answer {
        let (reporter, answer) = oneshot::channel();
        match self.lock().put(op, body, reporter, flight) {
            Ok(first) => {
                // The task takes all there is: it need not be told again.
                if first {
                    self.filled.notify_one();
                }
                Answer(Ok(answer))
            }
            Err(why) => Answer(Err(why)),
        }
    }

    /// Puts a ping into the outbox.
    pub(super) fn send_ping(&self) {
        self.lock().put_ping();
    }

    /// Swaps the frames to be sent for `spent`, an empty buffer.
    pub(super) fn take(&self, spent: &mut BytesMut) {
        self.lock().take(spent);
    }

    /// Ready when the outbox may hold something.
    pub(super) async fn filled(&self) {
        self.filled.notified().await;
    }

    /// Whether somebody waits for an answer.
    pub(super) fn is_waited_for(&self) -> bool {
        self.lock().is_waited_for()
    }

    /// Hands a reply to who waits for it. The error is the end of the connection: the server lost its place, or the
    /// session is no longer at home there.
    pub(super) fn answer(&self, header: ReplyHeader, body: Decoder) -> Result<(), ErrorKind> {
        let next = match header.code {
            Code::SESSION_EXPIRED | Code::SESSION_MOVED if self.retry.is_on() => {
                return Err(ErrorKind::Lost(header.code.to_string()));
            }
            Code::THROTTLED_OP => {
                self.retry.count(Kind::Throttled);
                if self.retry.is_on() {
                    self.lock().thrown_away(header.xid)
                } else {
                    self.lock().answered(header.xid).map(Some)
                }
            }
            _ => self.lock().answered(header.xid).map(Some),
        };
        match next {
            Ok(Some(reporter)) => {
                // Who no longer wants the answer has dropped the other end.
                let _ = reporter.send(Ok(Reply { code: header.code, zxid: Zxid(header.zxid), body }));
                Ok(())
            }
            Ok(None) => Ok(()),
            Err((why, reporter)) => {
                if let Some(reporter) = reporter {
                    let _ = reporter.send(Err(why.clone()));
                }
                Err(why)
            }
        }
    }

    /// Whether the server threw something away that is to be sent again in a while.
    pub(super) fn has_thrown_away(&self) -> bool {
        self.lock().has_thrown_away()
    }

    /// Sends it again.
    pub(super) fn send_again(&self) {
        self.lock().send_again();
    }

    /// Lets who waits for it have what the server said.
    pub(super) fn give_up(&self) {
        let given_up = self.lock().give_up();
        for reporter in given_up {
            let zxid = self.last_zxid();
            let _ = reporter.send(Ok(Reply { code: Code::THROTTLED_OP, zxid, body: Decoder::new(Bytes::new()) }));
        }
    }

    /// Requests that were answered until now: as long as there are more and more, something is achieved.
    pub(super) fn count_answered(&self) -> u64 {
        self.lock().count_answered()
    }

    /// Whether the session may come back on another connection.
    pub(super) fn outlives_its_connection(&self) -> bool {
        self.retry.is_on() && !self.lock().is_closing()
    }

    /// The connection broke: what must not be sent twice fails. Streams of events end, for they may have missed some.
    pub(super) fn detach(&self, why: &ErrorKind) {
        let lost = self.lock().detach(why);
        self.listener().take();
        for reporter in lost {
            let _ = reporter.send(Err(why.clone()));
        }
    }

    /// There is a new connection.
    pub(super) fn attach(&self) {
        self.lock().attach();
    }

    /// Lets writes be sent again: their owner knows what became of those that were lost.
    pub(super) fn open_to_writes(&self) {
        self.lock().open_to_writes();
    }

    /// Ends it: whoever waits, and whoever comes, gets `why`. The first reason stands.
    pub(super) fn end(&self, why: ErrorKind) {
        let (why, waiting) = self.lock().end(why);
        self.listener().take();
        for reporter in waiting {
            let _ = reporter.send(Err(why.clone()));
        }
    }

    /// What the watches see from now on; who listened before hears no more.
    pub(super) fn events(&self) -> mpsc::Receiver<(Zxid, WatcherEvent)> {
        let (events, heard) = mpsc::channel(limits::EVENTS_WAITING_MAX);
        // Under the lock of the outbox, so that a connection can't end in between and leave a stream that never does.
        let queue = self.lock();
        if queue.ended().is_none() {
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

    fn listener(&self) -> MutexGuard<'_, Option<mpsc::Sender<(Zxid, WatcherEvent)>>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The frames hold credentials and data.
impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queue = self.lock();
        f.debug_struct("Shared")
            .field("waited_for", &queue.is_waited_for())
            .field("ended", &queue.ended())
            .finish_non_exhaustive()
    }
}

/// What is left to say when the session was dropped while somebody waited.
pub(super) fn closed() -> ErrorKind {
    ErrorKind::Lost("the session was closed".to_owned())
}
