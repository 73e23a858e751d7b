//! The pace of a direction: how many bytes a second go into it.
//!
//! Bytes are held back where they are read: what is too much waits in the sender's socket, as it does in front of a slow
//! link, and not in the line.

use std::time::Duration;

use tokio::time::Instant;

/// What is read at once is worth this much time: the rate is even, and timers of 1 ms suffice.
const PIECE: Duration = Duration::from_millis(5);
/// How much may be made up for after a wake-up that came late.
const LATE_MAX: Duration = Duration::from_millis(10);

/// When the bytes so far have gone into the link.
#[derive(Debug, Default)]
pub(super) struct Pace {
    free: Option<Instant>,
}

impl Pace {
    /// When the next bytes may go, if not now.
    pub(super) fn wait(&self, now: Instant) -> Option<Instant> {
        self.free.filter(|free| *free > now)
    }

    /// How many bytes may go at once at a rate in bytes a second: one at least.
    pub(super) fn piece(rate: u64) -> usize {
        let bytes = u128::from(rate) * PIECE.as_nanos() / 1_000_000_000;
        usize::try_from(bytes).unwrap_or(usize::MAX).max(1)
    }

    /// Counts bytes that went at a rate in bytes a second, which is not 0.
    pub(super) fn spend(&mut self, rate: u64, bytes: usize, now: Instant) {
        let earliest = now.checked_sub(LATE_MAX).unwrap_or(now);
        let start = self.free.map_or(now, |free| free.max(earliest));
        self.free = Some(start + Duration::from_secs_f64(bytes as f64 / rate as f64));
    }
}
