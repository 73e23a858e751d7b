//! Care for a weak server: how fast one side may be asked, and when nothing may be asked at all.
//!
//! Three things can hold a side up: a rate that a user has set, in operations and in bytes of data; its own replies, when
//! they take longer than a user wants (`backoff`); and a file that is there. A [`Pace`] is one side's;
//! all sessions to that side share it. Whoever sends waits until it is [`Pace::free`]; the lane counts what was sent and
//! what came back. So a request passes whole, and is paid for afterwards: what is sent in a time `t` is at most the rate times
//! `t`, what passes in [`limits::PACE_BURST`], and one request for each stage that sends.
//!
//! Without limits there is no `Pace`, and the line pays one branch a request. Requests that were sent are answered and
//! counted whatever holds up the next ones, and sessions are kept alive.

mod backoff;
mod bucket;
mod sides;
mod waits;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use self::backoff::Backoff;
use self::bucket::Bucket;
pub use self::sides::Sides;
pub use self::waits::{Reason, Waits};
use crate::limits;

/// What a user wants of one side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaceOptions {
    /// Operations a second at most: each getData, getChildren, getACL, create, set and delete is one.
    pub ops_per_second: Option<u64>,
    /// Bytes of data a second at most, read and written.
    pub bytes_per_second: Option<u64>,
    /// Where nine of ten replies take longer than this, less is asked.
    pub latency_max: Option<Duration>,
    /// While this file exists, nothing new is asked.
    pub pause_file: Option<PathBuf>,
}

/// One side's pace, shared by all that ask it.
#[derive(Clone, Debug)]
pub struct Pace(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    operations: Option<Bucket>,
    bytes: Option<Bucket>,
    backoff: Option<Backoff>,
    pause: Option<PauseFile>,
    waits: waits::Board,
}

/// A file that holds everything up while it is there.
#[derive(Debug)]
struct PauseFile {
    file: PathBuf,
    looked: Option<Instant>,
    is_there: bool,
}

impl PauseFile {
    /// Looks again where the last look is old. The look is a call that blocks for a moment, a few times a second.
    fn holds(&mut self, now: Instant) -> bool {
        if self.looked.is_none_or(|looked| now.saturating_duration_since(looked) >= limits::PAUSE_LOOKED_AT_EVERY) {
            self.looked = Some(now);
            // A file that can't be looked at is not there: who can't remove it must not be held up for ever.
            self.is_there = self.file.exists();
        }
        self.is_there
    }
}

impl State {
    /// Why nothing may be sent now, and how long it makes sense to wait before the next look.
    fn obstacle(&mut self, now: Instant) -> Option<(Reason, Duration)> {
        if self.pause.as_mut().is_some_and(|pause| pause.holds(now)) {
            return Some((Reason::Paused, limits::PAUSE_LOOKED_AT_EVERY));
        }
        let buckets = [self.operations.as_ref(), self.bytes.as_ref()].into_iter().flatten();
        let rate = buckets.map(|bucket| bucket.wait(now)).max().unwrap_or_default();
        let latency = self.backoff.as_mut().map_or(Duration::ZERO, |backoff| backoff.wait(now));
        let longest = rate.max(latency);
        let reason = if latency > rate { Reason::Latency } else { Reason::Rate };
        // A pause must be seen, and a limit that is lifted, also by who waits for long.
        (longest > Duration::ZERO).then(|| (reason, longest.min(limits::PAUSE_LOOKED_AT_EVERY)))
    }
}

impl Pace {
    /// A pace; `None` where nothing is wanted.
    pub fn of(options: &PaceOptions) -> Option<Self> {
        let PaceOptions { ops_per_second, bytes_per_second, latency_max, pause_file } = options.clone();
        if *options == PaceOptions::default() {
            return None;
        }
        let now = Instant::now();
        let state = State {
            operations: ops_per_second.map(|rate| Bucket::new(rate, now)),
            bytes: bytes_per_second.map(|rate| Bucket::new(rate, now)),
            backoff: latency_max.map(|max| Backoff::new(max, now)),
            pause: pause_file.map(|file| PauseFile { file, looked: None, is_there: false }),
            waits: waits::Board::default(),
        };
        Some(Self(Arc::new(Mutex::new(state))))
    }

    /// Waits until a request may be sent; whoever sends then sends in the same breath. Dropped, it leaves nothing behind.
    ///
    /// Those that wait stand in no queue: one that nobody polls, because its stage waits for another, would hold up the
    /// others. They wake up together, so not too often.
    pub async fn free(&self) {
        loop {
            let obstacle = self.state().obstacle(Instant::now());
            let Some((reason, wait)) = obstacle else { return };
            let _shown = Waiting::begin(self, reason);
            tokio::time::sleep(wait.max(limits::PACE_TICK)).await;
        }
    }

    /// Whether a request may be sent now.
    pub fn is_free(&self) -> bool {
        self.state().obstacle(Instant::now()).is_none()
    }

    /// Notes what is sent.
    pub fn sent(&self, operations: usize, bytes: usize) {
        let now = Instant::now();
        let mut state = self.state();
        if let Some(bucket) = &mut state.operations {
            bucket.take(operations as u64, now);
        }
        if let Some(backoff) = &mut state.backoff {
            backoff.sent(operations as u64, now);
        }
        take_bytes(&mut state, bytes, now);
    }

    /// Notes an answer, and the bytes of data in it.
    pub fn answered(&self, latency: Duration, bytes: usize) {
        let now = Instant::now();
        let mut state = self.state();
        if let Some(backoff) = &mut state.backoff {
            backoff.answered(latency, now);
        }
        take_bytes(&mut state, bytes, now);
    }

    /// How long somebody has waited until now, by reason.
    pub fn waits(&self) -> Waits {
        let state = self.state();
        let backed_off = state.backoff.as_ref().map_or(0, Backoff::times);
        Waits { backed_off, ..state.waits.so_far(Instant::now()) }
    }

    /// Why somebody waits now, for a person; `None` where nobody does.
    pub fn waits_for(&self) -> Option<String> {
        let state = self.state();
        Some(match state.waits.now()? {
            Reason::Paused => {
                let file = state.pause.as_ref().map(|pause| pause.file.display().to_string()).unwrap_or_default();
                format!("paused, {} is there", file.escape_debug())
            }
            Reason::Latency => state.backoff.as_ref().map(Backoff::to_string).unwrap_or_default(),
            Reason::Rate => "at the rate that was set".to_owned(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn take_bytes(state: &mut State, bytes: usize, now: Instant) {
    if let Some(bucket) = &mut state.bytes {
        bucket.take(bytes as u64, now);
    }
}

/// Somebody who waits, until it is dropped.
struct Waiting<'a> {
    pace: &'a Pace,
    reason: Reason,
}

impl<'a> Waiting<'a> {
    fn begin(pace: &'a Pace, reason: Reason) -> Self {
        pace.state().waits.begin(reason, Instant::now());
        Self { pace, reason }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.pace.state().waits.end(self.reason, Instant::now());
    }
}

#[cfg(test)]
mod tests;
