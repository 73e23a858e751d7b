//! What a run looked like over time, and the znodes that stood out in it.

use std::time::{Duration, SystemTime};

use super::plot::{Line, Plot, Span, Step};
use super::{Column, moment, table};
use crate::error::Side;
use crate::latency::Latency;
use crate::progress::{Counts, Notable};
use crate::report::{bytes, grouped};
use crate::scan::Top;
use crate::series::{Point, Series};

/// What was seen of a run by who watched it.
#[derive(Clone, Debug)]
pub struct Watched {
    /// When it began.
    pub began: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// Its rates and latencies.
    pub series: Series,
    /// The znodes that stood out, if any were read.
    pub notable: Option<Notable>,
}

impl Watched {
    /// When it began, and how long it took.
    pub(super) fn facts(&self) -> [(&'static str, String); 2] {
        [("Began", moment(self.began)), ("Took", super::duration(self.took))]
    }

    /// Rates, latencies and waits over time; nothing where nothing was seen.
    pub(super) fn plots(&self) -> String {
        let drawing = Drawing::of(&self.series);
        let mut plots = String::new();
        plots += &drawing.plot(
            "znodes",
            "Znodes",
            "a second",
            &[
                ("read", &|point| drawing.rate(point, point.read, |counts| counts.read)),
                ("written", &|point| drawing.rate(point, point.written, Counts::written)),
            ],
        );
        plots += &drawing.plot(
            "bytes",
            "Data",
            "MiB a second",
            &[
                ("read", &|point| drawing.mib(point, point.read_bytes, |counts| counts.read_bytes)),
                ("written", &|point| drawing.mib(point, point.written_bytes, |counts| counts.written_bytes)),
            ],
        );
        for (side, request) in self.series.requests() {
            let quantile = |point: &Point, share| Some(point.answers(side, request)?.quantile(share)? / 1_000.0);
            plots += &drawing.plot(
                &format!("{side}-{request}"),
                &format!("{} {request}", of(side)),
                "ms",
                &[("p99", &|point| quantile(point, 0.99)), ("p50", &|point| quantile(point, 0.5))],
            );
        }
        if plots.is_empty() { plots } else { format!("<div class=\"plots\">\n{plots}</div>\n") }
    }

    /// The largest and the widest znodes.
    pub(super) fn tops(&self) -> String {
        let Some(Notable { largest, widest }) = &self.notable else { return String::new() };
        top("Largest", "Data", largest, bytes) + &top("Widest", "Children", widest, grouped)
    }
}

fn of(side: Side) -> &'static str {
    match side {
        Side::Source => "Source,",
        Side::Target => "Target,",
        Side::Tree => "Tree,",
    }
}

fn top(caption: &str, what: &str, top: &Top, tell: fn(u64) -> String) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (value, path) in top.iter().filter(|(value, _)| *value > 0) {
        let path = path.as_str().escape_debug().to_string();
        // One that changed between two passes was met with two values.
        if rows.iter().all(|row| row[1] != path) {
            rows.push(vec![tell(value), path]);
        }
    }
    table(caption, &[(what, Column::Number), ("Znode", Column::Code)], &rows)
}

/// What one kind of plots has in common.
struct Drawing<'a> {
    series: &'a Series,
    phases: Vec<Span>,
    waits: Vec<Span>,
}

type Value<'a> = (&'static str, &'a dyn Fn(&Point) -> Option<f64>);

impl<'a> Drawing<'a> {
    fn of(series: &'a Series) -> Self {
        let phases = series.phases().iter();
        let phases = phases.map(|phase| Span { name: phase.name.to_owned(), from: phase.began, to: phase.ended });
        Self { series, phases: phases.collect(), waits: waits(series) }
    }

    /// So much a second; nothing in a phase that has none of it at all: what a verify has written is no line.
    fn rate(&self, point: &Point, count: u64, of_phase: fn(&Counts) -> u64) -> Option<f64> {
        let phase = self.series.phases().get(point.phase)?;
        point.a_second(count).filter(|_| of_phase(&phase.counts) > 0)
    }

    fn mib(&self, point: &Point, bytes: u64, of_phase: fn(&Counts) -> u64) -> Option<f64> {
        self.rate(point, bytes, of_phase).map(|bytes| bytes / 1_048_576.0)
    }

    fn plot(&self, id: &str, title: &str, unit: &str, values: &[Value<'_>]) -> String {
        let points = self.series.points();
        let steps = |value: &dyn Fn(&Point) -> Option<f64>| {
            points.iter().map(|point| Step { from: point.from, to: point.to, value: value(point) }).collect()
        };
        let lines = values.iter().map(|(name, value)| Line { name, steps: steps(*value) });
        let mut lines: Vec<Line> = lines.collect();
        // What a verify has written is no line.
        let is_zero = |line: &Line| line.steps.iter().all(|step| step.value.is_none_or(|value| value == 0.0));
        if !lines.iter().all(is_zero) {
            lines.retain(|line| !is_zero(line));
        }
        let shown =
            Plot { id, title, unit, lines: &lines, phases: &self.phases, waits: &self.waits, end: self.series.ended() };
        shown.figure()
    }
}

/// Times in which a side was lost, or held back for most of an interval. Of a long interval as much is marked as it was lost, from
/// its beginning on: where in it that was is not known any more.
fn waits(series: &Series) -> Vec<Span> {
    let points = series.points().iter();
    let waits = points.filter_map(|point| {
        let (why, to) = if !point.lost.is_zero() {
            ("a side was lost, and came back or was waited for", point.to.min(point.from + point.lost))
        } else if !point.held_back.is_zero() && point.held_back * 2 >= point.span() {
            ("a side was held back by its pace", point.to)
        } else {
            return None;
        };
        Some(Span { name: why.to_owned(), from: point.from, to })
    });
    waits.collect()
}

/// How long the servers took, by kind of request, in a table.
pub(super) fn latencies(sides: &[(&str, &[Latency])]) -> String {
    let ms = |micros: u64| format!("{:.1}", micros as f64 / 1e3);
    let mut rows = Vec::new();
    for (side, latencies) in sides {
        for Latency { request, count, p50, p99, max } in *latencies {
            rows.push(vec![(*side).to_owned(), request.to_string(), grouped(*count), ms(*p50), ms(*p99), ms(*max)]);
        }
    }
    let columns = [
        ("Side", Column::Text),
        ("Request", Column::Text),
        ("Count", Column::Number),
        ("p50, ms", Column::Number),
        ("p99, ms", Column::Number),
        ("Max, ms", Column::Number),
    ];
    table("Latency by request", &columns, &rows)
}

#[cfg(test)]
mod tests;
