//! How long the servers take to answer, by kind of request.
//!
//! From the call to the decoded reply, so the time that a request waits in our own window before it is called does not
//! count, and the time that it waits behind others on its connection does.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;

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

/// Histograms of one run, shared by its sessions.
#[derive(Debug)]
pub struct Latencies([Mutex<Histogram<u64>>; 4]);

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

impl Default for Latencies {
    fn default() -> Self {
        let histogram = || Histogram::new_with_max(MICROS_MAX, 2).expect("two digits up to ten minutes are in range");
        Self([(); 4].map(|()| Mutex::new(histogram())))
    }
}

impl Latencies {
    /// Counts one answer.
    pub fn record(&self, request: Request, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(MICROS_MAX);
        self.0[request as usize].lock().unwrap_or_else(PoisonError::into_inner).saturating_record(micros);
    }

    /// What was seen so far; kinds that were not used are left out.
    pub fn summary(&self) -> Vec<Latency> {
        let summaries = Request::ALL.into_iter().map(|request| {
            let histogram = self.0[request as usize].lock().unwrap_or_else(PoisonError::into_inner);
            Latency {
                request,
                count: histogram.len(),
                p50: histogram.value_at_quantile(0.5),
                p99: histogram.value_at_quantile(0.99),
                max: histogram.max(),
            }
        });
        summaries.filter(|latency| latency.count > 0).collect()
    }
}
