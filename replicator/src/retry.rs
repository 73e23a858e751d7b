//! How a server that was lost is tried again: when, for how long, and how often it came to that.
//!
//! One policy for whoever tries again: the sessions, which come back to a server, and the writer, which sends again what
//! was not done. Waits grow and are spread by chance, so that many sessions do not come back in one moment. What is tried
//! without any success ends after `--retry-for`; a success begins anew, and every success is work that is done: so nothing
//! is tried for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use crate::limits;

/// What is counted; each is a field of [`Retries`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A session came back on another connection.
    Reconnect,
    /// A session had expired, and a new one took its place.
    Replaced,
    /// A server threw a request away unexecuted, being overloaded (THROTTLEDOP).
    Throttled,
    /// The outcome of a write request was unknown, and was read back.
    ReadBack,
    /// A write request was sent again.
    Repeated,
    /// A session was wanted, and no server gave it.
    Missing,
}

/// How often it came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retries {
    /// Sessions that came back on another connection.
    pub reconnects: u64,
    /// Sessions that had expired, and were replaced.
    pub sessions_replaced: u64,
    /// Requests that a server threw away unexecuted.
    pub throttled: u64,
    /// Write requests of unknown outcome that were read back.
    pub writes_read_back: u64,
    /// Write requests that were sent again.
    pub writes_repeated: u64,
    /// Sessions that were wanted for speed, and that no server gave.
    pub sessions_missing: u64,
}

impl Retries {
    /// What came after `before`.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            reconnects: self.reconnects - before.reconnects,
            sessions_replaced: self.sessions_replaced - before.sessions_replaced,
            throttled: self.throttled - before.throttled,
            writes_read_back: self.writes_read_back - before.writes_read_back,
            writes_repeated: self.writes_repeated - before.writes_repeated,
            sessions_missing: self.sessions_missing - before.sessions_missing,
        }
    }
}

/// The policy of one side, and its counters; clones share them.
#[derive(Clone, Debug)]
pub struct Retry(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    within: Duration,
    /// Whether the side has ever given a session: one that never did is rather a wrong address.
    reached: AtomicBool,
    /// Sessions that wait for a server.
    waiting: AtomicUsize,
    counters: [AtomicU64; 6],
}

impl Retry {
    /// Tries for `within` without success at most; zero tries nothing again.
    pub fn within(within: Duration) -> Self {
        let (reached, waiting, counters) = Default::default();
        Self(Arc::new(Shared { within, reached, waiting, counters }))
    }

    /// Tries nothing again.
    pub fn never() -> Self {
        Self::within(Duration::ZERO)
    }

    /// Whether anything is tried again.
    pub fn is_on(&self) -> bool {
        !self.0.within.is_zero()
    }

    /// How long it is tried without success.
    pub fn limit(&self) -> Duration {
        self.0.within
    }

    /// What is left of it for one thing that is tried.
    pub fn patience(&self) -> Patience {
        Patience { within: self.0.within, waits: waits(), since: None }
    }

    /// Notes that the side has given a session.
    pub fn reached(&self) {
        self.0.reached.store(true, Ordering::Relaxed);
    }

    /// Whether it has.
    pub fn was_reached(&self) -> bool {
        self.0.reached.load(Ordering::Relaxed)
    }

    /// Counts one.
    pub fn count(&self, kind: Kind) {
        self.0.counters[kind as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// What was counted until now.
    pub fn counts(&self) -> Retries {
        let get = |kind: Kind| self.0.counters[kind as usize].load(Ordering::Relaxed);
        Retries {
            reconnects: get(Kind::Reconnect),
            sessions_replaced: get(Kind::Replaced),
            throttled: get(Kind::Throttled),
            writes_read_back: get(Kind::ReadBack),
            writes_repeated: get(Kind::Repeated),
            sessions_missing: get(Kind::Missing),
        }
    }

    /// Says that a session waits for a server, and why, unless another one has said so and waits too. It waits until the
    /// guard is dropped.
    pub fn waits(&self, why: &str) -> Waiting<'_> {
        if self.0.waiting.fetch_add(1, Ordering::Relaxed) == 0 {
            let seconds = self.0.within.as_secs_f64();
            tracing::warn!("{why}: trying to come back for up to {seconds} s (--retry-for)");
        }
        Waiting(self)
    }
}

impl Retry {
    /// Whether a session waits for a server now.
    pub fn is_waiting(&self) -> bool {
        self.0.waiting.load(Ordering::Relaxed) > 0
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self::within(limits::RETRY_FOR)
    }
}

/// A session that waits for a server, until it is dropped.
#[derive(Debug)]
pub struct Waiting<'a>(&'a Retry);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What is left for something that is tried again and again.
#[derive(Debug)]
pub struct Patience {
    within: Duration,
    waits: ExponentialBackoff,
    /// When the first try failed.
    since: Option<Instant>,
}

impl Patience {
    /// How long to wait before the next try; `None` when it was tried for long enough.
    pub fn next_wait(&mut self) -> Option<Duration> {
        let left = self.within.checked_sub(self.since.get_or_insert_with(Instant::now).elapsed())?;
        let wait = self.waits.next().unwrap_or(limits::RETRY_WAIT_MAX);
        (!left.is_zero()).then(|| wait.min(left))
    }

    /// It succeeded: what fails from now on fails for the first time.
    pub fn restore(&mut self) {
        if self.since.take().is_some() {
            self.waits = waits();
        }
    }
}

/// Each up to twice as long as it says, by chance.
fn waits() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(limits::RETRY_WAIT_MIN)
        .with_max_delay(limits::RETRY_WAIT_MAX)
        .with_jitter()
        .without_max_times()
        .build()
}

#[cfg(test)]
mod tests;
