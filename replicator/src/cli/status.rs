//! The one line that says how a command's work goes.

use std::time::Instant;

use crate::progress::Counts;
use crate::report::{bytes, grouped, rate};

/// What is going on at a moment.
pub(super) struct Now {
    pub(super) what: &'static str,
    pub(super) counts: Counts,
    pub(super) waits_for: Option<String>,
}

/// What was done when the line was last made, for a rate.
pub(super) struct Status {
    started: Instant,
    last: (Instant, u64),
}

impl Status {
    pub(super) fn begin() -> Self {
        let started = Instant::now();
        Self { started, last: (started, 0) }
    }

    pub(super) fn text(&mut self, Now { what, counts, waits_for }: &Now) -> String {
        let (then, done_then) = self.last;
        let written = counts.written();
        // What is made up, or removed, is written and not read first.
        let done = counts.read.max(written);
        let rate = rate(done.saturating_sub(done_then), then.elapsed());
        self.last = (Instant::now(), done);
        let waits = waits_for.as_ref().map(|why| format!("; {why}")).unwrap_or_default();
        format!(
            "{what}: {} read, {} written, {} kept, {}, {} znodes/s, {} s{waits}",
            grouped(counts.read),
            grouped(written),
            grouped(counts.kept),
            bytes(counts.read_bytes),
            grouped(rate),
            self.started.elapsed().as_secs(),
        )
    }
}
