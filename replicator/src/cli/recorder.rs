//! Who keeps what is seen of a run, where somebody wants a page of it or metrics: nobody pays for it otherwise.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::process::{tell, write_out};
use super::watch::WatchArgs;
use crate::bench::Ended;
use crate::error::{Error, Result};
use crate::limits;
use crate::metrics::file::MetricsFile;
use crate::metrics::run::Run;
use crate::pace::Sides;
use crate::progress::{Counts, Notable, Progress};
use crate::report::exit;
use crate::report::page::{self, run::Watched};
use crate::resources::Resources;
use crate::retry::Retries;
use crate::series::{Sample, Series};
use crate::whole_file;

/// What is kept of one command.
pub(super) struct Recorder {
    command: &'static str,
    source: String,
    target: String,
    report: Option<PathBuf>,
    metrics: Option<Arc<MetricsFile>>,
    began: SystemTime,
    started: Instant,
    seen: RefCell<Seen>,
}

struct Seen {
    sides: Sides,
    series: Series,
    notable: Option<Notable>,
    /// Phases of the piece of work that is under way, as far as they have begun.
    begun: usize,
    metrics_written: Option<Instant>,
}

impl Recorder {
    /// One for a command, if anything is to be kept of it. Finds out whether the files can be written, and that they are none
    /// of those that the command reads or writes itself.
    pub(super) fn new(
        command: &'static str,
        source: &str,
        target: &str,
        own: &[PathBuf],
        args: WatchArgs,
    ) -> Result<Option<Rc<Self>>> {
        let WatchArgs { report, metrics } = args;
        let metrics = metrics.metrics_file;
        let is_one_of = |file: &Option<PathBuf>, others: &[PathBuf]| {
            file.as_deref().is_some_and(|file| others.iter().any(|other| whole_file::is_same(file, other)))
        };
        if is_one_of(&report, own) || is_one_of(&metrics, own) || is_one_of(&report, metrics.as_slice()) {
            return Err(Error::bad_input(
                "--report and --metrics-file name a file that is to hold something else: give each a file of its own",
            ));
        }
        for (option, file) in [("--report", &report), ("--metrics-file", &metrics)] {
            let check = |file: &Path| {
                if option == "--report" { whole_file::check_like(file, page::BEGINS) } else { whole_file::check(file) }
            };
            let checked = file.as_deref().map_or(Ok(()), check);
            checked.map_err(|why| {
                let file = file.as_deref().unwrap_or("".as_ref()).display();
                Error::bad_input(format!("{option} {file}: {why}"))
            })?;
        }
        if report.is_none() && metrics.is_none() {
            return Ok(None);
        }
        let seen = Seen {
            sides: Sides::default(),
            series: Series::new(limits::SERIES_POINTS_MAX, limits::SAMPLED_EVERY),
            notable: None,
            begun: 0,
            metrics_written: None,
        };
        Ok(Some(Rc::new(Self {
            command,
            source: source.to_owned(),
            target: target.to_owned(),
            report,
            metrics: metrics.map(|file| MetricsFile::new(file, tell)),
            began: SystemTime::now(),
            started: Instant::now(),
            seen: RefCell::new(seen),
        })))
    }

    /// What the command speaks to.
    pub(super) fn watch(&self, sides: Sides) {
        self.seen.borrow_mut().sides = sides;
    }

    /// Counters for a piece of its work.
    pub(super) fn progress(&self) -> Progress {
        if self.is_noting() { Progress::noting() } else { Progress::default() }
    }

    /// Whether the znodes that stand out are to be noted.
    pub(super) fn is_noting(&self) -> bool {
        self.report.is_some()
    }

    /// A piece of its work begins.
    pub(super) fn begin(&self, name: &'static str) {
        let mut seen = self.seen.borrow_mut();
        seen.begun = 0;
        seen.enter(0, name, self.started.elapsed());
    }

    /// Looks at the piece of work: the phases of it that have ended, and the one that is under way.
    pub(super) fn look(&self, ended: &[Ended], now: (&'static str, Counts)) {
        let ended = ended.iter().map(|Ended { name, counts, at }| {
            let at = at.saturating_duration_since(self.started);
            (*name, *counts, at)
        });
        let (name, counts) = now;
        let phases = ended.chain([(name, counts, self.started.elapsed())]);
        let mut seen = self.seen.borrow_mut();
        let sample = seen.sample();
        seen.record(phases, &sample);
        let due = seen.metrics_written.is_none_or(|written| written.elapsed() >= limits::METRICS_WRITTEN_EVERY);
        if let Some(metrics) = self.metrics.as_ref().filter(|_| due) {
            seen.metrics_written = Some(Instant::now());
            metrics.begin(|| self.metrics_text(&seen, None));
        }
    }

    /// The znodes that a piece of work has met.
    pub(super) fn note(&self, notable: Option<Notable>) {
        let mut seen = self.seen.borrow_mut();
        seen.notable = notable.or(seen.notable.take());
    }

    /// Writes the page, if one is wanted, of a command that ends with `code`; gives the code that it ends with then.
    pub(super) fn write_page(&self, code: u8, page: impl FnOnce(&Watched) -> String) -> u8 {
        let Some(file) = &self.report else { return code };
        let (took, seen) = (self.started.elapsed(), self.seen.borrow());
        let (series, notable) = (seen.series.clone(), seen.notable.clone());
        let page = page(&Watched { began: self.began, took, series, notable });
        write_out(file, &page, code)
    }

    /// Writes the metrics of its end, likewise.
    pub(super) fn write_metrics(&self, code: u8, verdict: &str) -> u8 {
        let Some(metrics) = &self.metrics else { return code };
        let is_written = metrics.conclude(self.metrics_text(&self.seen.borrow(), Some((code, verdict))));
        if is_written { code } else { code.max(exit::ERROR) }
    }

    fn metrics_text(&self, seen: &Seen, ended: Option<(u8, &str)>) -> String {
        let run = Run {
            command: self.command,
            source: &self.source,
            target: &self.target,
            began: self.began,
            took: self.started.elapsed(),
            series: &seen.series,
            retries: seen.sides.retries(),
            waits: seen.sides.waits(),
            resources: Resources::now(),
            ended,
        };
        run.text()
    }
}

impl Seen {
    fn enter(&mut self, index: usize, name: &'static str, at: Duration) {
        if index >= self.begun {
            self.series.begin(at, name);
            self.begun = index + 1;
        }
    }

    /// Takes what the phases have counted, each until it ended, the last of them until now. One that has begun since the last
    /// look did so when the one before it ended.
    fn record(&mut self, phases: impl Iterator<Item = (&'static str, Counts, Duration)>, sample: &Sample) {
        let known = self.begun.saturating_sub(1);
        for (index, (name, counts, at)) in phases.enumerate().skip(known) {
            self.enter(index, name, self.series.ended());
            self.series.record(at, Sample { counts, ..sample.clone() });
        }
    }

    /// What is seen now, but for the counters.
    fn sample(&self) -> Sample {
        let again = |retries: &Retries| {
            retries.reconnects
                + retries.sessions_replaced
                + retries.throttled
                + retries.writes_read_back
                + retries.writes_repeated
        };
        Sample {
            counts: Counts::default(),
            latencies: self.sides.latencies(),
            retries: self.sides.retries().iter().map(|(_, retries)| again(retries)).sum(),
            held_back: self.sides.is_held_back(),
            lost: self.sides.is_lost(),
        }
    }
}

#[cfg(test)]
mod tests;
