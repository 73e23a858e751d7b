//! A run over time: what was read and written, how long the servers took, and when they were waited for.
//!
//! Whoever watches a run takes a [`Sample`] now and then; what came between two samples goes into a [`Point`]. There are no
//! more points than the series was made for: when they are as many, neighbours are merged and each is twice as long from
//! then on. Nothing is lost by that: counts are added, and of latencies the spreads are ([`spread`]), so that a quantile of
//! merged points is that of all their answers, and not a mean of quantiles.

pub mod spread;

use std::time::Duration;

use hdrhistogram::Histogram;

use self::spread::Spread;
use crate::error::Side;
use crate::latency::{Request, Totals};
use crate::progress::Counts;

/// What is seen of a run at one moment. Everything is counted from the beginning, but `counts` from that of the phase.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// What the phase has counted.
    pub counts: Counts,
    /// What each side has measured.
    pub latencies: Vec<(Side, Totals)>,
    /// How often any side was tried again.
    pub retries: u64,
    /// Whether a side is held back by a pace now.
    pub held_back: bool,
    /// Whether a side is lost now.
    pub lost: bool,
}

/// A part of a run that has a name: copy, verify.
#[derive(Clone, Debug)]
pub struct Phase {
    /// Its name.
    pub name: &'static str,
    /// When it began.
    pub began: Duration,
    /// When it was seen last.
    pub ended: Duration,
    /// What it has counted until then.
    pub counts: Counts,
}

/// What came in one interval.
#[derive(Clone, Debug, Default)]
pub struct Point {
    /// The phase, as an index of [`Series::phases`].
    pub phase: usize,
    /// When it begins.
    pub from: Duration,
    /// When it ends.
    pub to: Duration,
    /// Znodes read.
    pub read: u64,
    /// Writes of any kind that were acknowledged.
    pub written: u64,
    /// Bytes of data read.
    pub read_bytes: u64,
    /// Bytes of data written.
    pub written_bytes: u64,
    /// How often a side was tried again.
    pub retries: u64,
    /// How long a side was held back by a pace, as far as samples tell.
    pub held_back: Duration,
    /// How long a side was lost, as far as samples tell.
    pub lost: Duration,
    answers: Vec<(Side, Request, Spread)>,
}

impl Point {
    /// How long it is.
    pub fn span(&self) -> Duration {
        self.to.saturating_sub(self.from)
    }

    /// So much a second; `None` where no time has passed.
    pub fn a_second(&self, count: u64) -> Option<f64> {
        let seconds = self.span().as_secs_f64();
        (seconds > 0.0).then(|| count as f64 / seconds)
    }

    /// How long the answers took that came in it.
    pub fn answers(&self, side: Side, request: Request) -> Option<&Spread> {
        self.answers.iter().find(|(of, kind, _)| (*of, *kind) == (side, request)).map(|(.., spread)| spread)
    }

    /// Adds what came after it.
    fn merge(&mut self, next: &Self) {
        self.to = self.to.max(next.to);
        self.read += next.read;
        self.written += next.written;
        self.read_bytes += next.read_bytes;
        self.written_bytes += next.written_bytes;
        self.retries += next.retries;
        self.held_back += next.held_back;
        self.lost += next.lost;
        for (side, request, spread) in &next.answers {
            match self.answers.iter_mut().find(|(of, kind, _)| (of, kind) == (side, request)) {
                Some((.., mine)) => mine.merge(spread),
                None => self.answers.push((*side, *request, spread.clone())),
            }
        }
    }
}

/// A run over time.
#[derive(Clone, Debug)]
pub struct Series {
    points_max: usize,
    /// How far samples are apart.
    step: Duration,
    /// How long a point is by now.
    interval: Duration,
    points: Vec<Point>,
    phases: Vec<Phase>,
    last_at: Duration,
    last: Sample,
}

impl Series {
    /// An empty one, of `points_max` points at most, each of them one `step` long at first.
    pub fn new(points_max: usize, step: Duration) -> Self {
        let (points, phases) = (Vec::new(), Vec::new());
        // Fewer can't be halved.
        Self {
            points_max: points_max.max(2),
            step,
            interval: step,
            points,
            phases,
            last_at: Duration::ZERO,
            last: Sample::default(),
        }
    }

    /// A phase begins.
    pub fn begin(&mut self, at: Duration, name: &'static str) {
        self.phases.push(Phase { name, began: at, ended: at, counts: Counts::default() });
        self.last_at = at;
        self.last.counts = Counts::default();
    }

    /// Takes what is seen `at` a moment of the phase that has begun last.
    pub fn record(&mut self, at: Duration, sample: Sample) {
        let Some(phase) = self.phases.last_mut() else { return };
        (phase.ended, phase.counts) = (at, sample.counts);
        let span = at.saturating_sub(self.last_at);
        let (now, then) = (&sample.counts, &self.last.counts);
        let point = Point {
            phase: self.phases.len() - 1,
            from: self.last_at,
            to: at,
            // A counter never goes back; one that did would be another's.
            read: now.read.saturating_sub(then.read),
            written: now.written().saturating_sub(then.written()),
            read_bytes: now.read_bytes.saturating_sub(then.read_bytes),
            written_bytes: now.written_bytes.saturating_sub(then.written_bytes),
            retries: sample.retries.saturating_sub(self.last.retries),
            held_back: if sample.held_back { span } else { Duration::ZERO },
            lost: if sample.lost { span } else { Duration::ZERO },
            answers: answers(&sample.latencies, &self.last.latencies),
        };
        self.add(point);
        (self.last_at, self.last) = (at, sample);
    }

    fn add(&mut self, point: Point) {
        // A point is full a little early, so that one that a timer has made late by as little does not make it twice as long.
        let full = self.interval * 7 / 8;
        // The end of a phase is no point of its own where it came right behind a sample.
        let full_with_end = self.interval + self.step / 2;
        match self.points.last_mut().filter(|last| last.phase == point.phase) {
            Some(last) if last.span() < full || last.span() + point.span() < full_with_end => last.merge(&point),
            _ => self.points.push(point),
        }
        if self.points.len() >= self.points_max {
            self.halve();
        }
    }

    /// Merges neighbours, so that half as many are left; where there are too many phases for that, across them.
    fn halve(&mut self) {
        self.interval *= 2;
        let all = std::mem::take(&mut self.points);
        for of_one_phase in [true, false] {
            let of = if of_one_phase { &all[..] } else { &std::mem::take(&mut self.points)[..] };
            self.points = merged(of, of_one_phase);
            if self.points.len() <= self.points_max * 3 / 4 {
                return;
            }
        }
    }

    /// What came, in order.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The parts of the run, in order.
    pub fn phases(&self) -> &[Phase] {
        &self.phases
    }

    /// What was seen last.
    pub fn last(&self) -> &Sample {
        &self.last
    }

    /// When it was seen last.
    pub fn ended(&self) -> Duration {
        self.last_at
    }

    /// Kinds of requests that were answered at all, by side.
    pub fn requests(&self) -> Vec<(Side, Request)> {
        let mut kinds = Vec::new();
        for (side, totals) in &self.last.latencies {
            let asked = Request::ALL.into_iter().filter(|request| !totals.of(*request).is_empty());
            kinds.extend(asked.map(|request| (*side, request)));
        }
        kinds
    }
}

/// Every two neighbours in one.
fn merged(points: &[Point], of_one_phase: bool) -> Vec<Point> {
    let mut merged: Vec<Point> = Vec::with_capacity(points.len() / 2 + 1);
    let mut is_open = false;
    for point in points {
        if let Some(last) = merged.last_mut().filter(|last| is_open && (last.phase == point.phase || !of_one_phase)) {
            last.merge(point);
            is_open = false;
        } else {
            merged.push(point.clone());
            is_open = true;
        }
    }
    merged
}

/// What was answered between two moments.
fn answers(now: &[(Side, Totals)], then: &[(Side, Totals)]) -> Vec<(Side, Request, Spread)> {
    let mut answers = Vec::new();
    for (side, totals) in now {
        let before = then.iter().find(|(of, _)| of == side).map(|(_, before)| before);
        for request in Request::ALL {
            let (before, now) = (before.map(|before| before.of(request)), totals.of(request));
            if now.len() > before.map_or(0, Histogram::len) {
                answers.push((*side, request, Spread::since(before, now)));
            }
        }
    }
    answers
}

#[cfg(test)]
mod tests;
