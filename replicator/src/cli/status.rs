//! What a command's status line says, and what it is told from: looks at its counters, a few times a second.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::error::Side;
use crate::latency::Busy;
use crate::progress::Counts;
use crate::report::{bytes, grouped, rate};
use crate::status::{Field, Load, Size, State, clock, left, percent, waits_for};

/// What is waited for is told from a while that is not longer than what a person takes for now.
const LATELY: Duration = Duration::from_secs(1);
/// The rate is that of a while in which it does not jump about.
const RATE_OF: Duration = Duration::from_secs(2);
/// How long the rest takes is told from a longer one.
const LEFT_OF: Duration = Duration::from_secs(10);

/// What is going on at a moment.
#[derive(Clone, Debug)]
pub(super) struct Now {
    pub(super) what: &'static str,
    pub(super) counts: Counts,
    pub(super) size: Size,
    /// Why nothing is asked, where somebody wants it so, or a server is lost.
    pub(super) held: Option<String>,
    pub(super) at: Instant,
    /// Processor time of the thread that drives the work until now.
    pub(super) processor: Duration,
    /// For how long each side had something to answer until now.
    pub(super) sides: Vec<(Side, Busy)>,
}

impl Now {
    /// Znodes that are done: those that were read, where they are not made up or removed without being read.
    fn done(&self) -> u64 {
        match self.what {
            "generate" => self.counts.created,
            "rm" | "remove" => self.counts.deleted,
            _ => self.counts.read,
        }
    }
}

/// The looks of the last seconds, the newest at the end; there is always one.
pub(super) struct Status {
    began: Instant,
    looks: VecDeque<Now>,
}

impl Status {
    pub(super) fn begin(now: Now) -> Self {
        Self { began: now.at, looks: VecDeque::from([now]) }
    }

    /// Looks again.
    pub(super) fn look(&mut self, now: Now) {
        if self.looks.back().is_some_and(|last| last.what != now.what) {
            // Another phase counts anew.
            self.looks.clear();
        }
        // The oldest is one that is old enough.
        while self.looks.get(1).is_some_and(|second| now.at.duration_since(second.at) >= LEFT_OF) {
            self.looks.pop_front();
        }
        self.looks.push_back(now);
    }

    /// From the beginning to the last look.
    pub(super) fn elapsed(&self) -> Duration {
        self.last().at.duration_since(self.began)
    }

    /// For a terminal.
    pub(super) fn state(&self) -> State {
        let Now { what, counts, size, .. } = self.last();
        let far = percent(self.last().done(), *size);
        // What is known of the rest is worth more than how much was read, and nothing where nothing is known.
        let (rank_read, rank_left) = if far.is_some() { (4, 3) } else { (3, 10) };
        let far = far.map(|far| format!("{far} %")).unwrap_or_default();
        let left = self.left().map(|left| format!("~{} left", clock(left))).unwrap_or_default();
        let mut fields = vec![Field::left(what, 8, 0)];
        fields.extend(match self.later_pass() {
            // No figure says how far it is: what it looks for stands where they would, in the same columns.
            Some((pass, wanted)) => vec![Field::left(pass, 7, 1), Field::left(wanted, 23, 2)],
            None => vec![
                Field::right(far, 4, 1),
                Field::right(format!("{}/s", grouped(self.rate())), 11, 2),
                Field::right(left, 13, rank_left),
            ],
        });
        fields.extend([
            Field::right(format!("{} read", grouped(counts.read)), 16, rank_read),
            Field::right(format!("{} written", grouped(counts.written())), 19, 5),
            Field::right(clock(self.elapsed()), 8, 6),
            Field::left(self.size_text().unwrap_or_default(), 20, 7),
            Field::right(bytes(counts.read_bytes), 10, 8),
            Field::right(format!("{} kept", grouped(counts.kept)), 16, 9),
        ]);
        // Where there is little room its end is what tells most.
        let waits = self.waits().replace("the source is ", "source ").replace("the target is ", "target ");
        State { fields, waits: waits.replace("held back: ", "held: ") }
    }

    /// For a log, and for who asks.
    pub(super) fn plain(&self) -> String {
        let Now { what, counts, size, .. } = self.last();
        let mut parts = vec![
            format!("{what}: {} read", grouped(counts.read)),
            format!("{} written", grouped(counts.written())),
            format!("{} kept", grouped(counts.kept)),
            bytes(counts.read_bytes),
        ];
        let later = self.later_pass().map(|(pass, wanted)| format!("{pass}: {wanted}"));
        parts.push(later.unwrap_or_else(|| format!("{} znodes/s", grouped(self.rate()))));
        parts.push(format!("{} s", self.elapsed().as_secs()));
        let far = percent(self.last().done(), *size).map(|far| format!("{far} % "));
        parts.extend(self.size_text().map(|of| format!("{}{of}", far.unwrap_or_default())));
        parts.extend(self.left().map(|left| format!("~{} left", clock(left))));
        format!("{}; {}", parts.join(", "), self.waits())
    }

    /// Which pass it is and what it looks for, where all of the source was read before.
    fn later_pass(&self) -> Option<(String, String)> {
        let Size::Changes { pass } = self.last().size else { return None };
        Some((format!("pass {pass}"), format!("changes since pass {}", pass - 1)))
    }

    fn size_text(&self) -> Option<String> {
        match self.last().size.beside(self.last().done()) {
            Size::Unknown | Size::Changes { .. } => None,
            Size::AtLeast(count) => Some(format!("of at least {}", grouped(count))),
            Size::About(count) => Some(format!("of ~{}", grouped(count))),
        }
    }

    fn waits(&self) -> String {
        let (last, then) = (self.last(), self.before(LATELY));
        if let Some(held) = &last.held {
            return held.clone();
        }
        let before = |side: Side| then.sides.iter().find(|(of, _)| *of == side).map(|(_, busy)| *busy);
        let sides = last.sides.iter().map(|(side, now)| {
            let then = before(*side).unwrap_or_default();
            let (reads, writes) = (now.reads.saturating_sub(then.reads), now.writes.saturating_sub(then.writes));
            (*side, Busy { reads, writes })
        });
        waits_for(&Load {
            lasted: last.at.duration_since(then.at),
            processor: last.processor.saturating_sub(then.processor),
            sides: sides.collect(),
        })
    }

    /// Znodes a second.
    fn rate(&self) -> u64 {
        let (last, then) = (self.last(), self.before(RATE_OF));
        rate(last.done().saturating_sub(then.done()), last.at.duration_since(then.at))
    }

    fn left(&self) -> Option<Duration> {
        let (last, then) = (self.last(), self.before(LEFT_OF));
        let lately = last.done().saturating_sub(then.done());
        left(last.done(), last.size, lately, last.at.duration_since(then.at))
    }

    fn last(&self) -> &Now {
        self.looks.back().expect("there was a first look, and the last one is kept")
    }

    /// The newest look that is so old, or the oldest.
    fn before(&self, while_ago: Duration) -> &Now {
        let old = |look: &&Now| self.last().at.duration_since(look.at) >= while_ago;
        self.looks.iter().rev().find(old).or(self.looks.front()).unwrap_or(self.last())
    }
}

#[cfg(test)]
mod tests;
