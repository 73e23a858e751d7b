//! How long somebody has waited, and why: times in which at least one has, however many did.

use std::time::{Duration, Instant};

/// Why somebody waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A rate was set.
    Rate,
    /// Replies take long.
    Latency,
    /// A file says so.
    Paused,
}

/// How long somebody has waited, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// For a rate that was set.
    pub rate: Duration,
    /// For replies that took long.
    pub latency: Duration,
    /// For a file to go.
    pub paused: Duration,
    /// How often the rate was halved because replies took long.
    pub backed_off: u64,
}

/// Who waits, and how long somebody did.
#[derive(Debug, Default)]
pub(super) struct Board([Spell; 3]);

/// One reason.
#[derive(Debug, Default)]
struct Spell {
    waiting: usize,
    /// Since when anybody has, if somebody does.
    since: Option<Instant>,
    before: Duration,
}

impl Board {
    pub(super) fn begin(&mut self, reason: Reason, now: Instant) {
        let spell = &mut self.0[reason as usize];
        spell.waiting += 1;
        spell.since.get_or_insert(now);
    }

    pub(super) fn end(&mut self, reason: Reason, now: Instant) {
        let spell = &mut self.0[reason as usize];
        spell.waiting = spell.waiting.saturating_sub(1);
        if spell.waiting == 0 {
            spell.before = spell.so_far(now);
            spell.since = None;
        }
    }

    /// Why somebody waits now; of several reasons the gravest.
    pub(super) fn now(&self) -> Option<Reason> {
        [Reason::Paused, Reason::Latency, Reason::Rate].into_iter().find(|reason| self.0[*reason as usize].waiting > 0)
    }

    pub(super) fn so_far(&self, now: Instant) -> Waits {
        let [rate, latency, paused] =
            [Reason::Rate, Reason::Latency, Reason::Paused].map(|reason| self.0[reason as usize].so_far(now));
        Waits { rate, latency, paused, backed_off: 0 }
    }
}

impl Spell {
    fn so_far(&self, now: Instant) -> Duration {
        self.before + self.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }
}
