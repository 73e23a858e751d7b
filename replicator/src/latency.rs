//! How long the servers take to answer, by kind of request.
//!
//! From the call to the reply on the connection, so the time that a request waits in our own window before it is called does
//! not count, nor that which its answer waits for us, and the time that it waits behind others on its connection does.

mod flights;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

pub use self::flights::{Busy, Flight, Flights, Took};

/// The longest latency that is told apart, in microseconds; longer ones count as this.
const MICROS_MAX: u64 = 600_000_000;

/// Kinds of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Many getDatas and getChildrens in one.
    MultiRead,
    /// One ACL.
    GetAcl,
    /// Many writes in one.
    Multi,
    /// One ACL set.
    SetAcl,
}

impl Request {
    /// All kinds, in the order of the report.
    pub const ALL: [Self; 4] = [Self::MultiRead, Self::GetAcl, Self::Multi, Self::SetAcl];
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MultiRead => "multiRead",
            Self::GetAcl => "getACL",
            Self::Multi => "multi",
            Self::SetAcl => "setACL",
        })
    }
}

/// Histograms of one run, shared by its sessions, and what is under way.
#[derive(Debug)]
pub struct Latencies {
    histograms: [Mutex<Histogram<u64>>; 4],
    flights: Arc<Flights>,
}

/// What all runs against one side have measured, for who looks on while they run; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    runs: Arc<Mutex<Runs>>,
    flights: Arc<Flights>,
}

#[derive(Debug, Default)]
struct Runs {
    now: Vec<Arc<Latencies>>,
    /// The sum of those that have ended.
    before: Totals,
}

/// Histograms at one moment, in microseconds, in the order of [`Request::ALL`].
#[derive(Clone, Debug)]
pub struct Totals([Histogram<u64>; 4]);

/// What a histogram says, in microseconds.
#[derive(Clone, Copy, Debug)]
pub struct Latency {
    /// What was asked.
    pub request: Request,
    /// How often.
    pub count: u64,
    /// Half of them took no longer.
    pub p50: u64,
    /// 99 of 100 took no longer.
    pub p99: u64,
    /// None took longer.
    pub max: u64,
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_max(MICROS_MAX, 2).expect("two digits up to ten minutes are in range")
}

impl Default for Latencies {
    fn default() -> Self {
        Self::with(Arc::default())
    }
}

impl Default for Totals {
    fn default() -> Self {
        Self([(); 4].map(|()| histogram()))
    }
}

impl Latencies {
    fn with(flights: Arc<Flights>) -> Self {
        Self { histograms: [(); 4].map(|()| Mutex::new(histogram())), flights }
    }

    /// A request is sent now, and is under way until the flight is dropped: then its latency is counted, and told.
    pub fn begin(self: &Arc<Self>, request: Request) -> (Flight, Took) {
        Flight::begin(Arc::clone(self), request)
    }

    /// Counts one answer.
    pub fn record(&self, request: Request, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(MICROS_MAX);
        self.of(request).saturating_record(micros);
    }

    /// What was seen so far; kinds that were not used are left out.
    pub fn summary(&self) -> Vec<Latency> {
        let summaries = Request::ALL.into_iter().map(|request| Latency::of(request, &self.of(request)));
        summaries.filter(|latency| latency.count > 0).collect()
    }

    fn of(&self, request: Request) -> MutexGuard<'_, Histogram<u64>> {
        self.histograms[request as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Latency {
    fn of(request: Request, histogram: &Histogram<u64>) -> Self {
        Self {
            request,
            count: histogram.len(),
            p50: histogram.value_at_quantile(0.5),
            p99: histogram.value_at_quantile(0.99),
            max: histogram.max(),
        }
    }
}

impl Observed {
    /// A run begins; what its sessions measure is seen here too.
    pub fn run(&self) -> Arc<Latencies> {
        let run = Arc::new(Latencies::with(Arc::clone(&self.flights)));
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let Runs { now, before } = &mut *runs;
        // Whoever connects again and again leaves no more behind than a sum.
        now.retain(|run| {
            let goes_on = Arc::strong_count(run) > 1;
            if !goes_on {
                before.add(run);
            }
            goes_on
        });
        now.push(Arc::clone(&run));
        run
    }

    /// What was measured until now.
    pub fn totals(&self) -> Totals {
        let runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut totals = runs.before.clone();
        runs.now.iter().for_each(|run| totals.add(run));
        totals
    }

    /// For how long some request was under way until `now`.
    pub fn busy(&self, now: Instant) -> Busy {
        self.flights.busy(now)
    }
}

impl Totals {
    fn add(&mut self, run: &Latencies) {
        for request in Request::ALL {
            // All have the same range.
            let _ = self.0[request as usize].add(&*run.of(request));
        }
    }

    /// What came after `before`, an earlier moment of the same.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let mut since = self.clone();
        for (now, then) in since.0.iter_mut().zip(&before.0) {
            // Nothing is ever taken away.
            let _ = now.subtract(then);
        }
        since
    }

    /// The histogram of one kind, in microseconds.
    pub fn of(&self, request: Request) -> &Histogram<u64> {
        &self.0[request as usize]
    }

    /// What they say; kinds that were not used are left out. Behind [`Totals::since`] the max is that of the bucket.
    pub fn summary(&self) -> Vec<Latency> {
        let summaries = Request::ALL.into_iter().map(|request| Latency::of(request, self.of(request)));
        summaries.filter(|latency| latency.count > 0).collect()
    }
}

#[cfg(test)]
mod tests;
