//! What is under way to one side, and for how long at least one request was: who looks on sees who waits for whom.
//!
//! A request costs two relaxed additions here, and the first and the last of a spell a clock that was read anyway. Counters are
//! moved one by one, so two threads may leave a spell out or count it twice: it is to be looked at, and nothing rests on it.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::Request;

/// Requests of one side that no answer has come to yet.
#[derive(Debug)]
pub struct Flights {
    began: Instant,
    reads: Spells,
    writes: Spells,
}

#[derive(Debug, Default)]
struct Spells {
    under_way: AtomicI64,
    /// When the first of those that are under way was sent, in us since the beginning.
    since_us: AtomicU64,
    /// How long some were, in spells that are over.
    before_us: AtomicU64,
}

/// For how long some request of a kind was under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Busy {
    /// Reads.
    pub reads: Duration,
    /// Writes.
    pub writes: Duration,
}

/// A request that is under way until it is dropped.
#[derive(Debug)]
pub struct Flight<'a> {
    spells: &'a Spells,
    began: Instant,
    /// When it was sent.
    pub since: Instant,
}

impl Default for Flights {
    fn default() -> Self {
        Self { began: Instant::now(), reads: Spells::default(), writes: Spells::default() }
    }
}

impl Flights {
    /// A request is sent now.
    pub fn begin(&self, request: Request) -> Flight<'_> {
        let spells = match request {
            Request::MultiRead | Request::GetAcl => &self.reads,
            Request::Multi | Request::SetAcl => &self.writes,
        };
        let since = Instant::now();
        if spells.under_way.fetch_add(1, Relaxed) == 0 {
            spells.since_us.store(micros(self.began, since), Relaxed);
        }
        Flight { spells, began: self.began, since }
    }

    /// For how long some were under way until `now`.
    pub fn busy(&self, now: Instant) -> Busy {
        let now = micros(self.began, now);
        Busy { reads: self.reads.until(now), writes: self.writes.until(now) }
    }
}

impl Spells {
    fn until(&self, now_us: u64) -> Duration {
        let open =
            if self.under_way.load(Relaxed) > 0 { now_us.saturating_sub(self.since_us.load(Relaxed)) } else { 0 };
        Duration::from_micros(self.before_us.load(Relaxed) + open)
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        if self.spells.under_way.fetch_sub(1, Relaxed) == 1 {
            let spell = micros(self.began, Instant::now()).saturating_sub(self.spells.since_us.load(Relaxed));
            self.spells.before_us.fetch_add(spell, Relaxed);
        }
    }
}

fn micros(began: Instant, now: Instant) -> u64 {
    u64::try_from(now.saturating_duration_since(began).as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
