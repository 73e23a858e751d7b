//! A journal gives bars: which step took from when to when, and when the cluster was frozen or without a meta server.

use std::time::Duration;

use replicator::report::page::plot::Span;
use replicator::report::page::timeline::{Band, Bar, Kind};

use crate::journal::{Entry, Record};
use crate::state::Times;

/// What happened when, in time since the first record.
#[derive(Clone, Debug)]
pub(super) struct Course {
    began_ms: u64,
    last_ms: u64,
    pub(super) bars: Vec<Bar>,
    pub(super) bands: Vec<Band>,
}

impl Course {
    /// That of the records of one migration; `None` where there are none.
    pub(super) fn of(records: &[Record]) -> Option<Self> {
        let (first, last) = (records.first()?, records.last()?);
        // Of a clock that was set back nothing is before the beginning.
        let (began_ms, last_ms) = (first.at_ms, last.at_ms.max(first.at_ms));
        let mut course = Self { began_ms, last_ms, bars: Vec::new(), bands: Vec::new() };
        course.steps(records);
        for (name, is_outage, since) in [
            ("metadata frozen", false, (|times: &Times| times.frozen) as fn(&Times) -> Option<u64>),
            ("without a meta server", true, |times: &Times| times.leader_stopping),
        ] {
            course.spells(records, name, is_outage, since);
        }
        Some(course)
    }

    /// How long it is.
    pub(super) fn millis(&self) -> u64 {
        self.last_ms - self.began_ms
    }

    fn span(&self, name: &str, from: u64, to: u64) -> Span {
        let since = |at: u64| Duration::from_millis(at.clamp(self.began_ms, self.last_ms) - self.began_ms);
        Span { name: name.to_owned(), from: since(from), to: since(to).max(since(from)) }
    }

    fn steps(&mut self, records: &[Record]) {
        let mut open: Option<(String, u64)> = None;
        let mut before = self.began_ms;
        for Record { at_ms, entry, .. } in records {
            match entry {
                Entry::Step(step) | Entry::Undo(step) => {
                    let began = (step.clone(), *at_ms);
                    if let Some((step, since)) = open.replace(began) {
                        self.bar(&step, since, before, Kind::Broken);
                    }
                }
                Entry::StepDone(_) => self.close(&mut open, *at_ms, Kind::Forward),
                Entry::Undone(_) => self.close(&mut open, *at_ms, Kind::Back),
                // What has failed may be tried again: its step has ended when it goes back. What a killed process was at has
                // ended with its last record, as far as anybody knows.
                Entry::GoingBack | Entry::Resumed => self.close(&mut open, before, Kind::Broken),
                _ => {}
            }
            before = *at_ms;
        }
        self.close(&mut open, self.last_ms, Kind::Broken);
    }

    fn close(&mut self, open: &mut Option<(String, u64)>, at: u64, kind: Kind) {
        if let Some((step, since)) = open.take() {
            self.bar(&step, since, at, kind);
        }
    }

    fn bar(&mut self, step: &str, from: u64, to: u64, kind: Kind) {
        let name = match kind {
            Kind::Forward => step.to_owned(),
            Kind::Back => format!("back from {step}"),
            Kind::Broken => format!("{step}, not done"),
        };
        self.bars.push(Bar { span: self.span(&name, from, to), kind });
    }

    /// Times from `since` on until a leader serves, or until it is taken back.
    fn spells(&mut self, records: &[Record], name: &str, is_outage: bool, since: fn(&Times) -> Option<u64>) {
        let mut open = None;
        for Record { at_ms, state, .. } in records {
            let times = &state.times;
            match (open, since(times), times.leader_serves) {
                (None, Some(from), None) => open = Some(from),
                (None, Some(from), Some(to)) if self.bands.iter().all(|band| band.is_outage != is_outage) => {
                    self.bands.push(Band { span: self.span(name, from, to), is_outage });
                }
                (Some(from), Some(_), Some(to)) => {
                    self.bands.push(Band { span: self.span(name, from, to), is_outage });
                    open = None;
                }
                (Some(from), None, _) => {
                    self.bands.push(Band { span: self.span(name, from, *at_ms), is_outage });
                    open = None;
                }
                _ => {}
            }
        }
        if let Some(from) = open {
            self.bands.push(Band { span: self.span(name, from, self.last_ms), is_outage });
        }
    }
}

#[cfg(test)]
mod tests;
