//! What a run of `zkreplicator` tells a monitoring system, while it works and when it has ended.

use std::time::{Duration, SystemTime};

use super::{Exposition, Kind};
use crate::error::Side;
use crate::pace::Waits;
use crate::progress::Counts;
use crate::resources::Resources;
use crate::retry::Retries;
use crate::series::{Phase, Series};

/// Latencies are counted by these, in seconds: from a server beside us to one that is in trouble.
const LE_SECONDS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];

/// One of the counters.
type Count = fn(&Counts) -> u64;

/// A run at one moment.
#[derive(Debug)]
pub struct Run<'a> {
    /// The command.
    pub command: &'a str,
    /// The source's connect string, which holds no credentials.
    pub source: &'a str,
    /// The target's.
    pub target: &'a str,
    /// When it began.
    pub began: SystemTime,
    /// How long it has taken until now.
    pub took: Duration,
    /// What was seen.
    pub series: &'a Series,
    /// How often each side was tried again.
    pub retries: Vec<(Side, Retries)>,
    /// How long each side that has a pace was spared.
    pub waits: Vec<(Side, Waits)>,
    /// What it has cost.
    pub resources: Resources,
    /// The exit code and the verdict, when it has ended.
    pub ended: Option<(u8, &'a str)>,
}

impl Run<'_> {
    /// The text of the file.
    pub fn text(&self) -> String {
        let Self { command, source, target, .. } = self;
        let mut text = Exposition::of(&[("command", *command), ("source", *source), ("target", *target)]);
        self.itself(&mut text);
        self.work(&mut text);
        self.latencies(&mut text);
        self.troubles(&mut text);
        text.finish()
    }

    fn itself(&self, text: &mut Exposition) {
        let Self { began, took, resources, ended, .. } = self;
        text.family("zkreplicator_info", Kind::Gauge, "The run: its command, its sides and its version.");
        text.sample("zkreplicator_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
        let since = began.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        text.single("zkreplicator_start_time_seconds", Kind::Gauge, "When the run began, since the epoch.", since);
        text.single(
            "zkreplicator_written_time_seconds",
            Kind::Gauge,
            "When this was written, since the epoch: a run that is killed leaves it behind.",
            since + took.as_secs_f64(),
        );
        text.single("zkreplicator_duration_seconds", Kind::Gauge, "How long the run has taken.", took.as_secs_f64());
        let running = u8::from(ended.is_none());
        text.single("zkreplicator_running", Kind::Gauge, "1 while the run goes on, 0 when it has ended.", running);
        if let Some((code, verdict)) = ended {
            text.single(
                "zkreplicator_exit_code",
                Kind::Gauge,
                "The exit code; only there when the run has ended.",
                code,
            );
            text.family("zkreplicator_verdict", Kind::Gauge, "The verdict; only there when the run has ended.");
            text.sample("zkreplicator_verdict", &[("verdict", verdict)], 1);
        }
        text.single(
            "zkreplicator_process_cpu_seconds_total",
            Kind::Counter,
            "Processor time of the process.",
            resources.processor().as_secs_f64(),
        );
        text.single(
            "zkreplicator_process_resident_memory_max_bytes",
            Kind::Gauge,
            "The most memory that the process had at once.",
            resources.resident_bytes_max,
        );
    }

    fn work(&self, text: &mut Exposition) {
        let phases = by_name(self.series.phases());
        if let Some(now) = self.series.phases().last() {
            text.family("zkreplicator_phase", Kind::Gauge, "What the run does now, or did last.");
            text.sample("zkreplicator_phase", &[("phase", now.name)], 1);
        }
        let single: [(&str, &str, Count); 5] = [
            ("zkreplicator_znodes_read_total", "Znodes of the source that were read.", |counts| counts.read),
            ("zkreplicator_znodes_kept_total", "Znodes that were equal already.", |counts| counts.kept),
            ("zkreplicator_read_bytes_total", "Bytes of data that were read.", |counts| counts.read_bytes),
            ("zkreplicator_written_bytes_total", "Bytes of data that were written and acknowledged.", |counts| {
                counts.written_bytes
            }),
            ("zkreplicator_write_requests_total", "Write requests that were acknowledged.", |counts| counts.requests),
        ];
        for (name, help, of) in single {
            text.family(name, Kind::Counter, help);
            for (phase, counts) in &phases {
                text.sample(name, &[("phase", phase)], of(counts));
            }
        }
        let writes: [(&str, Count); 5] = [
            ("create", |counts| counts.created),
            ("set_data", |counts| counts.data_set),
            ("set_acl", |counts| counts.acl_set),
            ("delete", |counts| counts.deleted),
            ("raise_counter", |counts| counts.counter_raised),
        ];
        let name = "zkreplicator_writes_total";
        text.family(
            name,
            Kind::Counter,
            "Writes that were acknowledged, by their kind; in the phase dry run those that would be sent.",
        );
        for (phase, counts) in &phases {
            for (kind, of) in writes {
                text.sample(name, &[("phase", phase), ("kind", kind)], of(counts));
            }
        }
        let skips: [(&str, Count); 5] = [
            ("ephemeral", |counts| counts.ephemeral),
            ("reserved", |counts| counts.reserved),
            ("filtered", |counts| counts.filtered),
            ("vanished", |counts| counts.vanished),
            ("older", |counts| counts.older),
        ];
        let name = "zkreplicator_znodes_skipped_total";
        text.family(name, Kind::Counter, "Znodes that were left out, by why.");
        for (phase, counts) in &phases {
            for (why, of) in skips {
                text.sample(name, &[("phase", phase), ("why", why)], of(counts));
            }
        }
    }

    fn latencies(&self, text: &mut Exposition) {
        let name = "zkreplicator_request_duration_seconds";
        text.family(name, Kind::Histogram, "How long the servers took to answer.");
        for (side, request) in self.series.requests() {
            let Some((_, totals)) = self.series.last().latencies.iter().find(|(of, _)| *of == side) else { continue };
            Histogram::of(totals.of(request)).write(text, name, &side.to_string(), &request.to_string());
        }
    }

    fn troubles(&self, text: &mut Exposition) {
        let name = "zkreplicator_retries_total";
        text.family(name, Kind::Counter, "How often a side was tried again, by what.");
        for (side, retries) in &self.retries {
            let side = side.to_string();
            for (kind, count) in [
                ("reconnect", retries.reconnects),
                ("session_replaced", retries.sessions_replaced),
                ("throttled", retries.throttled),
                ("write_read_back", retries.writes_read_back),
                ("write_repeated", retries.writes_repeated),
                ("session_missing", retries.sessions_missing),
            ] {
                text.sample(name, &[("side", &side), ("kind", kind)], count);
            }
        }
        if !self.waits.is_empty() {
            let name = "zkreplicator_waited_seconds_total";
            text.family(name, Kind::Counter, "How long a side was spared, by why.");
            for (side, Waits { rate, latency, paused, .. }) in &self.waits {
                for (why, waited) in [("rate", rate), ("latency", latency), ("paused", paused)] {
                    text.sample(name, &[("side", &side.to_string()), ("why", why)], waited.as_secs_f64());
                }
            }
        }
        let last = self.series.last();
        let lost = u8::from(last.lost && self.ended.is_none());
        text.single("zkreplicator_lost", Kind::Gauge, "1 while a side is lost and waited for.", lost);
        let held = u8::from(last.held_back && self.ended.is_none());
        text.single("zkreplicator_held_back", Kind::Gauge, "1 while a side is held back by its pace.", held);
    }
}

/// Phases of the same name in one: a command may compare twice.
fn by_name(phases: &[Phase]) -> Vec<(&'static str, Counts)> {
    let mut by_name: Vec<(&'static str, Counts)> = Vec::new();
    for Phase { name, counts, .. } in phases {
        match by_name.iter_mut().find(|(of, _)| of == name) {
            Some((_, sum)) => sum.add(counts),
            None => by_name.push((name, *counts)),
        }
    }
    by_name
}

/// Answers by what they took no longer than.
struct Histogram {
    below: [u64; LE_SECONDS.len()],
    count: u64,
    seconds: f64,
}

impl Histogram {
    fn of(recorded: &hdrhistogram::Histogram<u64>) -> Self {
        let mut histogram = Self { below: [0; LE_SECONDS.len()], count: recorded.len(), seconds: 0.0 };
        for value in recorded.iter_recorded() {
            // What is counted as this may be anything from the lowest value that is not told apart from it.
            let lowest = recorded.lowest_equivalent(value.value_iterated_to());
            let (seconds, count) = (lowest as f64 / 1e6, value.count_at_value());
            histogram.seconds += seconds * count as f64;
            for (below, le) in histogram.below.iter_mut().zip(LE_SECONDS) {
                *below += if seconds <= le { count } else { 0 };
            }
        }
        histogram
    }

    fn write(&self, text: &mut Exposition, name: &str, side: &str, request: &str) {
        let bucket = format!("{name}_bucket");
        for (le, count) in LE_SECONDS.iter().zip(self.below) {
            text.sample(&bucket, &[("side", side), ("request", request), ("le", &le.to_string())], count);
        }
        let labels = [("side", side), ("request", request)];
        text.sample(&bucket, &[labels[0], labels[1], ("le", "+Inf")], self.count);
        text.sample(&format!("{name}_sum"), &labels, self.seconds);
        text.sample(&format!("{name}_count"), &labels, self.count);
    }
}

#[cfg(test)]
mod tests;
