//! How much may be under way on the writing session: what the way to the target and back holds.
//!
//! On a short way a few requests keep a server busy, and more of them only fill its heap; over a WAN they must cover
//! the rate times the round trip. So the window follows what is acknowledged: twice the highest rate of late times the
//! shortest round trip seen. While the way is not full, the rate grows with the window and the window with the rate, at
//! most doubling with every round trip; once the server is what limits, the rate stays and so does the window.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::limits;

/// Acknowledgements whose rates are remembered.
const RATES_REMEMBERED: usize = 64;
/// What rates are counted in: long enough for whole numbers.
const RATE_SECONDS: u128 = 1_000;
const MICROS: u128 = 1_000_000;

/// The window of one session, in requests and in bytes.
#[derive(Debug)]
pub(super) struct Window {
    requests: usize,
    bytes: usize,
    /// Requests acknowledged so far.
    acknowledged: u64,
    round_trip_min: Duration,
    /// Requests in [`RATE_SECONDS`], the newest last.
    rates: VecDeque<u128>,
    /// Requests that may be under way.
    size: usize,
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Sent {
    at: Instant,
    bytes: usize,
    /// What was acknowledged before it was sent.
    acknowledged: u64,
}

impl Window {
    pub(super) fn new() -> Self {
        Self {
            requests: 0,
            bytes: 0,
            acknowledged: 0,
            round_trip_min: Duration::MAX,
            rates: VecDeque::with_capacity(RATES_REMEMBERED),
            size: limits::WRITES_IN_FLIGHT_MIN,
        }
    }

    /// Whether one more may be sent.
    pub(super) fn has_room(&self) -> bool {
        let share = self.size / limits::WRITES_IN_FLIGHT_MIN;
        let bytes_max = (limits::WRITE_BYTES_IN_FLIGHT_MIN * share).min(limits::WRITE_BYTES_IN_FLIGHT_MAX);
        self.requests < self.size && self.bytes < bytes_max
    }

    /// Notes a request of `bytes` that is sent now.
    pub(super) fn sent(&mut self, bytes: usize, now: Instant) -> Sent {
        self.requests += 1;
        self.bytes += bytes;
        Sent { at: now, bytes, acknowledged: self.acknowledged }
    }

    /// Takes it back: it was answered.
    pub(super) fn answered(&mut self, sent: &Sent, now: Instant) {
        self.requests -= 1;
        self.bytes -= sent.bytes;
        self.acknowledged += 1;
        let round_trip = now.saturating_duration_since(sent.at).max(Duration::from_micros(1));
        self.round_trip_min = self.round_trip_min.min(round_trip);
        if self.rates.len() == RATES_REMEMBERED {
            self.rates.pop_front();
        }
        let meanwhile = u128::from(self.acknowledged - sent.acknowledged);
        self.rates.push_back(meanwhile * RATE_SECONDS * MICROS / round_trip.as_micros());
        let rate = self.rates.iter().copied().max().unwrap_or(0);
        let twice_held = (2 * rate * self.round_trip_min.as_micros()).div_ceil(RATE_SECONDS * MICROS);
        let size = usize::try_from(twice_held).unwrap_or(usize::MAX);
        self.size = size.clamp(limits::WRITES_IN_FLIGHT_MIN, limits::WRITES_IN_FLIGHT_MAX);
    }
}

#[cfg(test)]
mod tests;
