//! Both sides of a command, as a person and a report see them.

use std::time::Instant;

use super::{Pace, Waits};
use crate::error::Side;
use crate::latency::{Busy, Observed, Totals};
use crate::options::EnsembleOptions;
use crate::retry::{Retries, Retry};

/// What holds up each side, how long it takes to answer, and how often it was tried again.
#[derive(Clone, Debug, Default)]
pub struct Sides(Vec<Held>);

#[derive(Clone, Debug)]
struct Held {
    side: Side,
    pace: Option<Pace>,
    retry: Retry,
    observed: Observed,
}

impl Held {
    fn waits_for(&self) -> Option<String> {
        let Self { side, pace, retry, .. } = self;
        if retry.is_waiting() {
            return Some(format!("the {side} is lost: trying to come back"));
        }
        pace.as_ref().and_then(Pace::waits_for).map(|why| format!("the {side} is held back: {why}"))
    }
}

impl Sides {
    /// Those of a source and of a target, where they are ensembles.
    pub fn of<'a>(
        source: impl Into<Option<&'a EnsembleOptions>>,
        target: impl Into<Option<&'a EnsembleOptions>>,
    ) -> Self {
        Self::those_of([(Side::Source, source.into()), (Side::Target, target.into())])
    }

    /// That of a target alone.
    pub fn of_target(target: &EnsembleOptions) -> Self {
        Self::those_of([(Side::Target, Some(target))])
    }

    fn those_of<'a>(sides: impl IntoIterator<Item = (Side, Option<&'a EnsembleOptions>)>) -> Self {
        let held = |(side, ensemble): (Side, Option<&EnsembleOptions>)| {
            let EnsembleOptions { pace, retry, observed, .. } = ensemble?;
            Some(Held { side, pace: pace.clone(), retry: retry.clone(), observed: observed.clone() })
        };
        Self(sides.into_iter().filter_map(held).collect())
    }

    /// Who is waited for now, and why; for a person.
    pub fn waits_for(&self) -> Option<String> {
        let waits: Vec<String> = self.0.iter().filter_map(Held::waits_for).collect();
        if waits.is_empty() { None } else { Some(waits.join("; ")) }
    }

    /// How long each that has a pace was waited for.
    pub fn waits(&self) -> Vec<(Side, Waits)> {
        self.0.iter().filter_map(|held| Some((held.side, held.pace.as_ref()?.waits()))).collect()
    }

    /// Whether a side is held back now by its pace.
    pub fn is_held_back(&self) -> bool {
        self.0.iter().any(|held| held.pace.as_ref().and_then(Pace::waits_for).is_some())
    }

    /// Whether a side is lost now, and waited for.
    pub fn is_lost(&self) -> bool {
        self.0.iter().any(|held| held.retry.is_waiting())
    }

    /// How long each took to answer until now.
    pub fn latencies(&self) -> Vec<(Side, Totals)> {
        self.0.iter().map(|held| (held.side, held.observed.totals())).collect()
    }

    /// For how long each had something to answer until `now`.
    pub fn busy(&self, now: Instant) -> Vec<(Side, Busy)> {
        self.0.iter().map(|held| (held.side, held.observed.busy(now))).collect()
    }

    /// How often each was tried again until now.
    pub fn retries(&self) -> Vec<(Side, Retries)> {
        self.0.iter().map(|held| (held.side, held.retry.counts())).collect()
    }
}
