//! A rate: how much may pass in a second.
//!
//! What passes is paid for afterwards, so that a request larger than what a second allows passes too, and makes the next
//! one wait. Not the well-known crate `governor`: it knows the cells of a request before it passes, and refuses for ever
//! those that exceed its burst; the bytes of a reply are known when it is there.
//!
//! Invariant: what passes between any two moments is at most the rate times the time between them, what passes in
//! [`limits::PACE_BURST`], and the largest single weight.

use std::time::{Duration, Instant};

use crate::limits;

/// Longer than anybody waits, and no time overflows by it.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3_600);

/// A rate and what it has let through.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    per_second: u64,
    /// When everything that has passed will have been paid for.
    paid: Instant,
}

impl Bucket {
    /// A bucket that lets `per_second` pass, 1 at least.
    pub(super) fn new(per_second: u64, now: Instant) -> Self {
        Self { per_second: per_second.max(1), paid: now }
    }

    /// How long nothing may pass.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        self.paid.saturating_duration_since(now).saturating_sub(limits::PACE_BURST)
    }

    /// Lets `weight` pass.
    pub(super) fn take(&mut self, weight: u64, now: Instant) {
        let seconds = weight as f64 / self.per_second as f64;
        let takes = Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST).min(LONGEST);
        let paid = self.paid.max(now);
        self.paid = paid.checked_add(takes).unwrap_or(paid);
    }

    /// The rate.
    pub(super) fn per_second(&self) -> u64 {
        self.per_second
    }

    /// Changes the rate. What is still to be paid takes as long as it did.
    pub(super) fn set_per_second(&mut self, per_second: u64) {
        self.per_second = per_second.max(1);
    }
}

#[cfg(test)]
mod tests;
