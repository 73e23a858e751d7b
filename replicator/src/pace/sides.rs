//! Both sides of a command, as a person and a report see them.

use super::{Pace, Waits};
use crate::error::Side;
use crate::options::EnsembleOptions;

/// The paces of the sides that have one.
#[derive(Clone, Debug, Default)]
pub struct Sides(Vec<(Side, Pace)>);

impl Sides {
    /// Those of a source and of a target, if there is one.
    pub fn of(source: &EnsembleOptions, target: Option<&EnsembleOptions>) -> Self {
        Self::those_of([(Side::Source, Some(source)), (Side::Target, target)])
    }

    /// That of a target alone.
    pub fn of_target(target: &EnsembleOptions) -> Self {
        Self::those_of([(Side::Target, Some(target))])
    }

    fn those_of<'a>(sides: impl IntoIterator<Item = (Side, Option<&'a EnsembleOptions>)>) -> Self {
        Self(sides.into_iter().filter_map(|(side, ensemble)| Some((side, ensemble?.pace.clone()?))).collect())
    }

    /// Who is waited for now, and why; for a person.
    pub fn waits_for(&self) -> Option<String> {
        let waits: Vec<String> = self
            .0
            .iter()
            .filter_map(|(side, pace)| pace.waits_for().map(|why| format!("the {side} is held back: {why}")))
            .collect();
        if waits.is_empty() { None } else { Some(waits.join("; ")) }
    }

    /// How long each was waited for.
    pub fn waits(&self) -> Vec<(Side, Waits)> {
        self.0.iter().map(|(side, pace)| (*side, pace.waits())).collect()
    }
}
