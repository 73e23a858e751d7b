//! The task that owns a session's socket: sends what has gathered, splits what comes into replies, keeps the session
//! alive, notices when the server is gone, and then takes the session to another connection ([`reattach`](super::reattach)).
//!
//! A server that has too much to do (globalOutstandingLimit) stops reading the sockets of those who wait for answers, and
//! so answers no pings either (ServerCnxn.java:142-152). It answers what it has read, though, and each answer is a sign of
//! life: only a silence of two thirds of the session timeout is taken for death, after which the server would soon forget
//! the session anyway.
//!
//! Invariant: however the task ends, by an error, by a panic or because the session was dropped, whoever waits is told.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::outbox::{Shared, closed};
use super::reattach::Home;
use crate::error::ErrorKind;
use crate::jute::{Decoder, LENGTH_BYTES, Malformed, xid};
use crate::limits;
use crate::retry::Patience;

/// How many times within a session timeout the clock is looked at.
const TICKS: u32 = 12;

/// A socket on which a session was opened.
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) inbound: Inbound,
    pub(super) home: Home,
    pub(super) shared: Arc<Shared>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.shared.end(closed());
    }
}

impl Connection {
    /// Runs until the session ends: closed, or lost for good.
    pub(super) async fn run(mut self) {
        let mut patience = self.home.options.retry.patience();
        let why = loop {
            let (answered, since) = (self.shared.count_answered(), Instant::now());
            let why = self.serve().await;
            tracing::debug!(%why, server = %self.home.server, "connection ended");
            if !matches!(why, ErrorKind::Lost(_)) || !self.shared.outlives_its_connection() {
                break why;
            }
            // One that nobody asks anything has done all it should when it has lived for a while.
            let served = !self.shared.is_waited_for() && since.elapsed() >= self.home.session_timeout / 3;
            if served || self.shared.count_answered() > answered {
                patience.restore();
            }
            self.shared.detach(&why);
            match self.home.come_back(&self.shared, &mut patience, &why).await {
                Ok((stream, inbound)) => (self.stream, self.inbound) = (stream, inbound),
                Err(why) => break why,
            }
            self.shared.attach();
        };
        self.shared.end(why);
    }

    async fn serve(&mut self) -> ErrorKind {
        let Self { stream, inbound, home, shared } = self;
        let session_timeout = home.session_timeout;
        let (mut reader, mut writer) = stream.split();
        let mut outbound = BytesMut::new();
        let mut pulse = Pulse::new(session_timeout);
        let mut overload = Overload::new(home.options.retry.patience());
        let mut clock = interval((session_timeout / TICKS).max(Duration::from_millis(1)));
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if outbound.is_empty() {
                shared.take(&mut outbound);
            }
            inbound.make_room();
            tokio::select! {
                read = reader.read_buf(&mut inbound.bytes) => match read {
                    Ok(0) => return ErrorKind::Lost("the server closed the connection".to_owned()),
                    Ok(_) => {
                        if let Err(why) = receive(inbound, shared, &mut pulse) {
                            return why;
                        }
                        pulse.heard(shared.is_waited_for());
                        overload.look(shared);
                    }
                    Err(error) => return lost(&error),
                },
                written = writer.write_buf(&mut outbound), if !outbound.is_empty() => match written {
                    Ok(_) => pulse.sent(),
                    Err(error) => return lost(&error),
                },
                () = shared.filled(), if outbound.is_empty() => {}
                () = overload.over() => shared.send_again(),
                _ = clock.tick() => match pulse.beat() {
                    Beat::Quiet => {}
                    Beat::Ping => shared.send_ping(),
                    Beat::Stuck(unanswered) => {
                        let s = unanswered.as_secs();
                        return ErrorKind::Protocol(format!("it goes on sending, and has answered no request for {s} s"));
                    }
                    Beat::Gone(silent) => {
                        let ms = silent.as_millis();
                        return ErrorKind::Lost(format!("the server has not answered for {ms} ms"));
                    }
                },
            }
        }
    }
}

/// Hands out the replies that have arrived in full.
fn receive(inbound: &mut Inbound, shared: &Shared, pulse: &mut Pulse) -> Result<(), ErrorKind> {
    while let Some(frame) = inbound.next_frame()? {
        let mut body = Decoder::new(frame);
        let header = body.reply_header().map_err(|Malformed(text)| ErrorKind::Protocol(text.to_owned()))?;
        if header.xid == xid::NOTIFICATION {
            // Its zxid is that of a transaction which is perhaps not applied in full.
            shared.notify(header, body)?;
            continue;
        }
        shared.saw(header.zxid);
        if header.xid == xid::PING {
            pulse.ping_answered();
        } else {
            shared.answer(header, body)?;
            pulse.answered();
        }
    }
    Ok(())
}

fn lost(error: &io::Error) -> ErrorKind {
    ErrorKind::Lost(format!("the connection broke: {error}"))
}

/// A server that throws requests away, until it executes them again.
struct Overload {
    patience: Patience,
    /// When what it has thrown away is sent again.
    again: Option<Instant>,
    answered: u64,
}

impl Overload {
    fn new(patience: Patience) -> Self {
        Self { patience, again: None, answered: 0 }
    }

    /// Behind replies that have come: plans when to send again, or gives up where that has led nowhere for too long.
    fn look(&mut self, shared: &Shared) {
        if self.again.is_some() || !shared.has_thrown_away() {
            return;
        }
        let answered = shared.count_answered();
        if answered > self.answered {
            self.patience.restore();
        }
        self.answered = answered;
        match self.patience.next_wait() {
            Some(wait) => self.again = Some(Instant::now() + wait),
            None => shared.give_up(),
        }
    }

    /// Ready when it is time to send again; never where nothing was thrown away.
    async fn over(&mut self) {
        match self.again {
            Some(again) => sleep_until(again).await,
            None => std::future::pending().await,
        }
        self.again = None;
    }
}

/// Behind a frame of at least this many bytes the next one begins in a buffer of its own: growing by doubling has left as
/// much room behind it as it is long, and what came to lie there would keep all of it in memory.
const LARGE_FRAME_BYTES_MIN: usize = 1024 * 1024;

/// What has arrived and was not handed out yet.
#[derive(Debug)]
pub(super) struct Inbound {
    pub(super) bytes: BytesMut,
    frame_bytes_max: usize,
    /// How long the longest frame of late was, with its length: the next one is taken to be as long until it says
    /// otherwise.
    expected: usize,
}

impl Inbound {
    /// Takes frames of `frame_bytes_max` bytes at most.
    pub(super) fn new(frame_bytes_max: usize) -> Self {
        Self { bytes: BytesMut::new(), frame_bytes_max, expected: 0 }
    }

    /// Makes room for the next read: for the whole of a frame that is not long, so that its beginning is not copied once
    /// half of it is here. A frame that claims much at most doubles what it has: so what is allocated follows what has
    /// arrived, and not the length that the frame claims.
    pub(super) fn make_room(&mut self) {
        let (len, room) = (self.bytes.len(), self.bytes.capacity() - self.bytes.len());
        let frame = match self.claimed() {
            Some(length) => LENGTH_BYTES.saturating_add(usize::try_from(length).unwrap_or(0)),
            None => self.expected,
        };
        let missing = frame.saturating_sub(len);
        let trusted = missing <= limits::CLAIM_TRUSTED_BYTES;
        if room < limits::READ_BLOCK_BYTES / 4 || (trusted && room < missing) {
            self.bytes.reserve(missing.min(len.max(limits::CLAIM_TRUSTED_BYTES)).max(limits::READ_BLOCK_BYTES));
        }
    }

    /// The length that stands before the frame that comes next.
    fn claimed(&self) -> Option<i32> {
        self.bytes.first_chunk::<LENGTH_BYTES>().map(|length| i32::from_be_bytes(*length))
    }

    /// The next frame that has arrived in full, without its length: a slice of what was read.
    pub(super) fn next_frame(&mut self) -> Result<Option<Bytes>, ErrorKind> {
        let Some(length) = self.claimed() else { return Ok(None) };
        let Ok(length) = usize::try_from(length) else {
            return Err(ErrorKind::Protocol(format!("a reply of {length} bytes")));
        };
        if length > self.frame_bytes_max {
            return Err(ErrorKind::Protocol(format!(
                "a reply of {length} bytes, more than the {} that --max-reply allows",
                self.frame_bytes_max
            )));
        }
        if self.bytes.len() < LENGTH_BYTES + length {
            return Ok(None);
        }
        self.expected = (LENGTH_BYTES + length).max(self.expected - self.expected / 8);
        self.bytes.advance(LENGTH_BYTES);
        let frame = self.bytes.split_to(length).freeze();
        if length >= LARGE_FRAME_BYTES_MIN {
            self.bytes = BytesMut::from(&self.bytes[..]);
        }
        Ok(Some(frame))
    }
}

/// When to ping, and when the server is gone: as ZooKeeper's own client has it (ClientCnxn.java:1204-1240), a third
/// and two thirds of the session timeout.
struct Pulse {
    session_timeout: Duration,
    sent: Instant,
    ping_sent: bool,
    /// Since when the server has left something unanswered without a sign of life.
    silent_since: Option<Instant>,
    /// Since when somebody waits for an answer and none has come, whatever else has.
    unanswered_since: Option<Instant>,
}

enum Beat {
    Quiet,
    Ping,
    /// It shows signs of life, and has answered nothing for that long.
    Stuck(Duration),
    /// Nothing was heard for that long, and something should have been.
    Gone(Duration),
}

impl Pulse {
    fn new(session_timeout: Duration) -> Self {
        Self { session_timeout, sent: Instant::now(), ping_sent: false, silent_since: None, unanswered_since: None }
    }

    fn sent(&mut self) {
        self.sent = Instant::now();
        self.silent_since.get_or_insert(self.sent);
    }

    fn heard(&mut self, waited_for: bool) {
        self.silent_since = (waited_for || self.ping_sent).then(Instant::now);
        self.unanswered_since = if waited_for { self.unanswered_since.or_else(|| Some(Instant::now())) } else { None };
    }

    fn answered(&mut self) {
        self.unanswered_since = None;
    }

    fn ping_answered(&mut self) {
        self.ping_sent = false;
    }

    fn beat(&mut self) -> Beat {
        let silent = self.silent_since.map_or(Duration::ZERO, |since| since.elapsed());
        let unanswered = self.unanswered_since.map_or(Duration::ZERO, |since| since.elapsed());
        if silent >= self.session_timeout * 2 / 3 {
            Beat::Gone(silent)
        } else if unanswered >= self.session_timeout * limits::ANSWER_WITHIN_TIMEOUTS {
            Beat::Stuck(unanswered)
        } else if !self.ping_sent && self.sent.elapsed() >= self.session_timeout / 3 {
            self.ping_sent = true;
            Beat::Ping
        } else {
            Beat::Quiet
        }
    }
}
