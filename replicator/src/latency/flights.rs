//! What is under way to one side, and for how long at least one request was: who looks on sees who waits for whom.
//!
//! A request costs two relaxed additions here, and the first and the last of a spell a clock that was read anyway. Counters are
//! moved one by one, so two threads may leave a spell out or count it twice: it is to be looked at, and nothing rests on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::{Latencies, Request};

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

/// A request that is under way until it is dropped. Whoever takes answers off the connection drops it: what is waited for
/// is the server, and not who wants the answer and has no time for it yet.
#[derive(Debug)]
pub struct Flight {
    latencies: Arc<Latencies>,
    request: Request,
    since: Instant,
    took: Took,
}

/// How long a request was under way, for who wants its answer; zero as long as it is.
#[derive(Clone, Debug, Default)]
pub struct Took(Arc<AtomicU64>);

impl Took {
    /// How long it was.
    pub fn get(&self) -> Duration {
        Duration::from_micros(self.0.load(Relaxed))
    }
}

impl Flight {
    /// A request is sent now.
    pub(super) fn begin(latencies: Arc<Latencies>, request: Request) -> (Self, Took) {
        let (since, took) = (latencies.flights.begin(request), Took::default());
        (Self { latencies, request, since, took: took.clone() }, took)
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let now = Instant::now();
        self.took.0.store(micros(self.since, now), Relaxed);
        self.latencies.flights.end(self.request, now);
        self.latencies.record(self.request, now.saturating_duration_since(self.since));
    }
}

impl Default for Flights {
    fn default() -> Self {
        Self { began: Instant::now(), reads: Spells::default(), writes: Spells::default() }
    }
}

impl Flights {
    /// A request is sent now.
    fn begin(&self, request: Request) -> Instant {
        let (spells, since) = (self.spells(request), Instant::now());
        if spells.under_way.fetch_add(1, Relaxed) == 0 {
            spells.since_us.store(micros(self.began, since), Relaxed);
        }
        since
    }

    /// Its answer has come.
    fn end(&self, request: Request, now: Instant) {
        let spells = self.spells(request);
        if spells.under_way.fetch_sub(1, Relaxed) == 1 {
            let spell = micros(self.began, now).saturating_sub(spells.since_us.load(Relaxed));
            spells.before_us.fetch_add(spell, Relaxed);
        }
    }

    fn spells(&self, request: Request) -> &Spells {
        match request {
            Request::MultiRead | Request::GetAcl => &self.reads,
            Request::Multi | Request::SetAcl => &self.writes,
        }
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

fn micros(began: Instant, now: Instant) -> u64 {
    u64::try_from(now.saturating_duration_since(began).as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
