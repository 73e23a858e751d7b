//! Less where replies take long, more again where they do not.
//!
//! Replies are looked at in windows, one behind the other: [`limits::BACKOFF_WINDOW`], or as long as the replies of the
//! last one took if that is longer, so that what is decided has had time to show. Where nine of ten replies of a window
//! were quick enough, the rate grows by a quarter; where not, it is halved. There is no rate until it is first halved,
//! from what passed until then, and none any more when it has grown to twice that.
//!
//! Nine of ten, and not 99 of 100: a window has a few dozen replies where batches are large, and a garbage collection
//! that holds up one of them is no reason to slow down for. Kinds of requests are not told apart: whichever of them the
//! server is slow with, it is the server that is spared.

use std::fmt;
use std::time::{Duration, Instant};

use super::bucket::Bucket;
use crate::limits;

/// The replies of a window that are kept: of more than these the first ones speak for all.
const REPLIES_MAX: usize = 4_096;

/// A limit that follows the replies.
#[derive(Debug)]
pub(super) struct Backoff {
    max: Duration,
    /// When the window began, and what was sent and answered since.
    began: Instant,
    sent: u64,
    replies: Vec<Duration>,
    /// What nine of ten replies of the last window stayed below.
    seen: Duration,
    limit: Option<Limit>,
    times: u64,
}

#[derive(Debug)]
struct Limit {
    bucket: Bucket,
    /// What passed in a second before there was a limit.
    before: u64,
}

impl Backoff {
    /// No limit, until replies take longer than `max`.
    pub(super) fn new(max: Duration, now: Instant) -> Self {
        Self { max, began: now, sent: 0, replies: Vec::new(), seen: Duration::ZERO, limit: None, times: 0 }
    }

    /// How long nothing may be sent.
    pub(super) fn wait(&mut self, now: Instant) -> Duration {
        self.decide(now);
        self.limit.as_ref().map_or(Duration::ZERO, |limit| limit.bucket.wait(now))
    }

    /// Notes what is sent.
    pub(super) fn sent(&mut self, operations: u64, now: Instant) {
        self.sent += operations;
        if let Some(limit) = &mut self.limit {
            limit.bucket.take(operations, now);
        }
    }

    /// Notes a reply.
    pub(super) fn answered(&mut self, latency: Duration, now: Instant) {
        if self.replies.len() < REPLIES_MAX {
            self.replies.push(latency);
        }
        self.decide(now);
    }

    /// How often the rate was halved.
    pub(super) fn times(&self) -> u64 {
        self.times
    }

    /// Decides at the end of a window. One without replies tells nothing, and goes on.
    fn decide(&mut self, now: Instant) {
        let window = now.saturating_duration_since(self.began);
        if window < limits::BACKOFF_WINDOW.max(self.seen.min(limits::BACKOFF_WINDOW_MAX)) || self.replies.is_empty() {
            return;
        }
        let ninth = self.replies.len() * 9 / 10;
        let (_, seen, _) = self.replies.select_nth_unstable(ninth);
        self.seen = *seen;
        if self.seen > self.max {
            self.less(window, now);
        } else {
            self.more();
        }
        self.began = now;
        self.sent = 0;
        self.replies.clear();
    }

    fn less(&mut self, window: Duration, now: Instant) {
        self.times += 1;
        let used = u128::from(self.sent) * 1_000_000 / window.as_micros().max(1);
        let used = u64::try_from(used).unwrap_or(u64::MAX);
        let limit = self.limit.get_or_insert_with(|| Limit { bucket: Bucket::new(used, now), before: used });
        let halved = limit.bucket.per_second() / 2;
        limit.bucket.set_per_second(halved.max(limits::BACKOFF_OPS_PER_SECOND_MIN));
    }

    fn more(&mut self) {
        let Some(limit) = &mut self.limit else { return };
        let rate = limit.bucket.per_second();
        let rate = rate.saturating_add(rate / 4 + 1);
        limit.bucket.set_per_second(rate);
        if rate >= limit.before.saturating_mul(2).max(2 * limits::BACKOFF_OPS_PER_SECOND_MIN) {
            self.limit = None;
        }
    }
}

impl fmt::Display for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seen, max) = (self.seen.as_millis(), self.max.as_millis());
        match &self.limit {
            Some(limit) => {
                write!(f, "replies took {seen} ms, {max} are wanted: {} operations/s", limit.bucket.per_second())
            }
            None => write!(f, "replies took {seen} ms, {max} are wanted"),
        }
    }
}

#[cfg(test)]
mod tests;
