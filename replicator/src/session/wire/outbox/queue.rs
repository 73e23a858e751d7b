//! The requests of one session, from the call to the answer: frames to be sent, and who waits for what.
//!
//! A request that only reads may be sent twice, so its frame is kept until it is answered: when the connection breaks it
//! waits, in its order, for the next one. A write is never sent twice: when the connection breaks its outcome is unknown.
//! So that none overtakes it, every write fails from then on, until its owner has looked.
//!
//! Invariants: the answers that are waited for are those of the requests to be sent or on their way, in order. What is
//! kept is the frames of those among them that may be sent twice, in the same order. After the end, nothing waits, and
//! nothing gets in any more.

use std::collections::VecDeque;
use std::mem;

use bytes::{Buf, BytesMut};
use tokio::sync::oneshot;

use super::Reply;
use crate::error::ErrorKind;
use crate::jute::{self, Encoder, op, xid};
use crate::latency::Flight;

/// Where an answer goes.
pub(super) type Reporter = oneshot::Sender<Result<Reply, ErrorKind>>;

/// What waits in one session. The frames hold data, so there is no `Debug`.
pub(super) struct Queue {
    /// Frames that were not sent yet.
    frames: BytesMut,
    /// Who waits, in the order of the requests.
    waiting: VecDeque<Waiting>,
    /// The frames of those of them that may be sent twice.
    kept: BytesMut,
    /// Who waits for what the server threw away, and is to be sent again in a while; and the frames.
    thrown_away: (VecDeque<Waiting>, BytesMut),
    last_xid: i32,
    answered: u64,
    is_attached: bool,
    is_closing: bool,
    /// Why writes fail, if they do: one before them was lost, and nobody has looked since.
    shut_to_writes: Option<ErrorKind>,
    /// Why the session ended, if it did.
    ended: Option<ErrorKind>,
}

/// A request that was not answered yet.
pub(super) struct Waiting {
    xid: i32,
    reporter: Reporter,
    /// Ends with the wait.
    flight: Option<Flight>,
    /// Bytes of its frame among those that are kept; none of what must not be sent twice.
    kept: usize,
}

/// Whether sending it twice does nothing that sending it once does not.
fn may_be_sent_twice(op: i32) -> bool {
    matches!(
        op,
        op::EXISTS | op::GET_DATA | op::GET_ACL | op::GET_CHILDREN | op::GET_CHILDREN2 | op::MULTI_READ | op::SYNC
    )
}

impl Queue {
    /// An empty one, with a connection.
    pub(super) fn new() -> Self {
        Self {
            frames: BytesMut::new(),
            waiting: VecDeque::new(),
            kept: BytesMut::new(),
            thrown_away: (VecDeque::new(), BytesMut::new()),
            last_xid: 0,
            answered: 0,
            is_attached: true,
            is_closing: false,
            shut_to_writes: None,
            ended: None,
        }
    }

    /// Puts a request in; gives whether the task must be told, since there was none before.
    pub(super) fn put(
        &mut self,
        op: i32,
        body: impl FnOnce(&mut Encoder<'_>),
        reporter: Reporter,
        flight: Option<Flight>,
    ) -> Result<bool, ErrorKind> {
        if let Some(why) = &self.ended {
            return Err(why.clone());
        }
        let again = may_be_sent_twice(op);
        if !again {
            self.may_write(op)?;
        }
        let start = self.frames.len();
        // Numbers count from 1 and, after 2^31 - 1 requests, again.
        let xid = self.last_xid.checked_add(1).unwrap_or(1);
        if let Err(bytes) = jute::request(&mut self.frames, xid, op, body) {
            return Err(ErrorKind::TooLarge { bytes, limit: i32::MAX as usize });
        }
        self.last_xid = xid;
        let frame = &self.frames[start..];
        let kept = if again { frame.len() } else { 0 };
        self.kept.extend_from_slice(&frame[..kept]);
        self.waiting.push_back(Waiting { xid, reporter, flight, kept });
        Ok(start == 0)
    }

    /// A write that is called while there is no connection is as one that was lost with it.
    fn may_write(&mut self, op: i32) -> Result<(), ErrorKind> {
        if !self.is_attached {
            let why = ErrorKind::Lost("there is no connection".to_owned());
            return Err(self.shut_to_writes.get_or_insert(why).clone());
        }
        if op == op::CLOSE_SESSION {
            self.is_closing = true;
            return Ok(());
        }
        self.shut_to_writes.clone().map_or(Ok(()), Err)
    }

    /// Puts a ping in; nobody waits for its answer.
    pub(super) fn put_ping(&mut self) {
        let fits = jute::request(&mut self.frames, xid::PING, op::PING, |_| {});
        debug_assert_eq!(fits, Ok(()), "a ping has eight bytes");
    }

    /// Swaps the frames to be sent for `spent`, an empty buffer.
    pub(super) fn take(&mut self, spent: &mut BytesMut) {
        debug_assert!(spent.is_empty(), "what was taken before has been sent");
        if !self.frames.is_empty() {
            mem::swap(&mut self.frames, spent);
        }
    }

    /// Whether somebody waits for an answer that may come by itself.
    pub(super) fn is_waited_for(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Takes out who waits for the answer to `xid`, which is whose turn it is; the error tells what is wrong with it, and
    /// gives who was to be told.
    pub(super) fn answered(&mut self, xid: i32) -> Result<Reporter, (ErrorKind, Option<Reporter>)> {
        let Waiting { reporter, flight, kept, .. } = self.next(xid)?;
        drop(flight);
        self.kept.advance(kept);
        self.answered += 1;
        Ok(reporter)
    }

    /// The server threw the request `xid` away. One that may be sent twice waits until it is sent again; of another one
    /// who waits is given.
    pub(super) fn thrown_away(&mut self, xid: i32) -> Result<Option<Reporter>, (ErrorKind, Option<Reporter>)> {
        let waiting = self.next(xid)?;
        if waiting.kept == 0 {
            return Ok(Some(waiting.reporter));
        }
        let (again, frames) = &mut self.thrown_away;
        frames.unsplit(self.kept.split_to(waiting.kept));
        again.push_back(waiting);
        Ok(None)
    }

    fn next(&mut self, xid: i32) -> Result<Waiting, (ErrorKind, Option<Reporter>)> {
        match self.waiting.pop_front() {
            Some(waiting) if waiting.xid == xid => Ok(waiting),
            Some(Waiting { xid: next, reporter, .. }) => {
                Err((ErrorKind::Protocol(format!("a reply to request {xid} where {next} was next")), Some(reporter)))
            }
            None => Err((ErrorKind::Protocol(format!("a reply to request {xid}, which nobody sent")), None)),
        }
    }

    /// Whether something waits to be sent again.
    pub(super) fn has_thrown_away(&self) -> bool {
        !self.thrown_away.0.is_empty()
    }

    /// Sends again what was thrown away, behind everything that waits.
    pub(super) fn send_again(&mut self) {
        let (mut again, frames) = mem::take(&mut self.thrown_away);
        self.frames.extend_from_slice(&frames);
        self.kept.extend_from_slice(&frames);
        self.waiting.append(&mut again);
    }

    /// Gives up what was thrown away: gives who waits.
    pub(super) fn give_up(&mut self) -> impl Iterator<Item = Reporter> + use<> {
        mem::take(&mut self.thrown_away).0.into_iter().map(|waiting| waiting.reporter)
    }

    /// Requests that were answered until now.
    pub(super) fn count_answered(&self) -> u64 {
        self.answered
    }

    /// Whether the session is being closed, so that its connection may end.
    pub(super) fn is_closing(&self) -> bool {
        self.is_closing
    }

    /// The connection broke. What may be sent twice waits for the next one; gives who waits for anything else.
    pub(super) fn detach(&mut self, why: &ErrorKind) -> Vec<Reporter> {
        self.send_again();
        self.frames.clear();
        self.is_attached = false;
        let (again, lost): (Vec<_>, Vec<_>) = mem::take(&mut self.waiting).into_iter().partition(|one| one.kept > 0);
        self.waiting = again.into();
        if !lost.is_empty() {
            self.shut_to_writes.get_or_insert_with(|| why.clone());
        }
        lost.into_iter().map(|waiting| waiting.reporter).collect()
    }

    /// There is a new connection: what waits is sent on it.
    pub(super) fn attach(&mut self) {
        self.frames = self.kept.clone();
        self.is_attached = true;
    }

    /// The owner has looked: writes may be sent again.
    pub(super) fn open_to_writes(&mut self) {
        self.shut_to_writes = None;
    }

    /// Ends it; gives who waits. The first reason stands.
    pub(super) fn end(&mut self, why: ErrorKind) -> (ErrorKind, Vec<Reporter>) {
        let why = self.ended.get_or_insert(why).clone();
        (self.frames, self.kept) = (BytesMut::new(), BytesMut::new());
        let thrown_away = mem::take(&mut self.thrown_away).0;
        let waiting = mem::take(&mut self.waiting).into_iter().chain(thrown_away);
        (why, waiting.map(|waiting| waiting.reporter).collect())
    }

    /// Why it ended, if it did.
    pub(super) fn ended(&self) -> Option<&ErrorKind> {
        self.ended.as_ref()
    }
}

#[cfg(test)]
mod tests;
