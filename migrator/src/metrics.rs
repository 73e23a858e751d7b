//! What a migration tells a monitoring system while it works and when it has ended. Whoever migrates only notes what is
//! known; others write it, so that a slow disk holds up nothing while the cluster has no meta server.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use replicator::limits::METRICS_WRITTEN_EVERY;
use replicator::metrics::file::MetricsFile;
use replicator::metrics::{Exposition, Kind};

use crate::conductor::Method;
use crate::journal::Entry;
use crate::plan::Plan;
use crate::state::{State, now_ms};

/// What is told, and where.
#[derive(Debug)]
pub struct Metrics {
    file: Arc<MetricsFile>,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    command: &'static str,
    method: &'static str,
    cluster: String,
    source: String,
    target: String,
    steps: Vec<String>,
    step: String,
    is_going_back: bool,
    state: State,
    began_ms: u64,
    ended: Option<(u8, &'static str)>,
}

impl Metrics {
    /// For a command; nothing is written yet.
    pub fn new(command: &'static str, file: Arc<MetricsFile>) -> Arc<Self> {
        let told = Told { command, began_ms: now_ms(), ..Told::default() };
        Arc::new(Self { file, told: Mutex::new(told) })
    }

    /// The migration is known.
    pub fn begin(&self, plan: &Plan, method: &Method, state: &State) {
        let mut told = self.told();
        told.method = method.name;
        told.cluster.clone_from(&plan.cluster);
        (told.source, told.target) = (plan.source.connect.to_string(), plan.target.connect.to_string());
        told.steps = method.steps.iter().map(|step| step.name().to_string()).collect();
        told.state = state.clone();
    }

    /// The journal has heard of something.
    pub fn note(&self, entry: &Entry, state: &State) {
        let mut told = self.told();
        match entry {
            Entry::Step(step) | Entry::Undo(step) => told.step.clone_from(step),
            Entry::GoingBack => told.is_going_back = true,
            Entry::GoingOn => told.is_going_back = false,
            _ => {}
        }
        told.state = state.clone();
    }

    /// Writes what is known, again and again.
    pub async fn keep(self: Arc<Self>) {
        let mut tick = tokio::time::interval(METRICS_WRITTEN_EVERY);
        loop {
            tick.tick().await;
            self.file.begin(|| self.told().text());
        }
    }

    /// It has ended. That the file could not be written is told to a person, and no reason for another exit code.
    pub fn conclude(&self, code: u8, verdict: &'static str) {
        let text = {
            let mut told = self.told();
            told.ended = Some((code, verdict));
            told.text()
        };
        self.file.conclude(text);
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    fn text(&self) -> String {
        let Self { command, method, cluster, source, target, steps, step, state, .. } = self;
        let mut text = Exposition::default();
        let now = now_ms();
        text.family("zkmigrator_info", Kind::Gauge, "The migration: its name, its cluster and its sides.");
        let labels = [
            ("command", *command),
            ("method", *method),
            ("migration", &*state.id),
            ("cluster", cluster),
            ("source", source),
            ("target", target),
            ("version", env!("CARGO_PKG_VERSION")),
        ];
        text.sample("zkmigrator_info", &labels, 1);
        let gauge =
            |text: &mut Exposition, name: &str, help: &str, value: f64| text.single(name, Kind::Gauge, help, value);
        let seconds = |millis: u64| millis as f64 / 1e3;
        let is = |yes: bool| f64::from(u8::from(yes));
        gauge(
            &mut text,
            "zkmigrator_start_time_seconds",
            "When this process began, since the epoch.",
            seconds(self.began_ms),
        );
        gauge(
            &mut text,
            "zkmigrator_written_time_seconds",
            "When this was written, since the epoch: a process that is killed leaves it behind.",
            seconds(now),
        );
        gauge(&mut text, "zkmigrator_running", "1 while it works, 0 when it has ended.", is(self.ended.is_none()));
        if let Some((code, verdict)) = self.ended {
            gauge(&mut text, "zkmigrator_exit_code", "The exit code; only there when it has ended.", f64::from(code));
            text.family("zkmigrator_verdict", Kind::Gauge, "The verdict; only there when it has ended.");
            text.sample("zkmigrator_verdict", &[("verdict", verdict)], 1);
        }
        if !step.is_empty() {
            text.family(
                "zkmigrator_step",
                Kind::Gauge,
                "The step that is under way, or was last: its number, from 1 on.",
            );
            let index = steps.iter().position(|name| name == step).map_or(0, |index| index + 1);
            text.sample("zkmigrator_step", &[("step", step)], index);
        }
        gauge(&mut text, "zkmigrator_steps", "How many steps the method has.", steps.len() as f64);
        gauge(&mut text, "zkmigrator_steps_done", "How many of them are done.", state.done as f64);
        gauge(&mut text, "zkmigrator_going_back", "1 when it takes back what it has done.", is(self.is_going_back));
        if let Some(level) = &state.level {
            text.family(
                "zkmigrator_level_before",
                Kind::Gauge,
                "The level that the cluster had before, and gets again.",
            );
            text.sample("zkmigrator_level_before", &[("level", level)], 1);
        }
        let times = state.times;
        let is_open = |since: Option<u64>| since.is_some() && times.leader_serves.is_none();
        let lasts = |since: Option<u64>| {
            seconds(since.map_or(0, |since| times.leader_serves.unwrap_or(now).saturating_sub(since)))
        };
        gauge(
            &mut text,
            "zkmigrator_frozen",
            "1 from blind until a leader serves; the level comes back behind it, when the cluster is seen healthy.",
            is(is_open(times.frozen)),
        );
        gauge(
            &mut text,
            "zkmigrator_freeze_seconds",
            "How long that takes, until now or until a leader served.",
            lasts(times.frozen),
        );
        let stopped = times.leader_stopping;
        gauge(
            &mut text,
            "zkmigrator_without_meta_server",
            "1 while no meta server serves: in a recovery until the tables are rebuilt.",
            is(is_open(stopped)),
        );
        gauge(
            &mut text,
            "zkmigrator_away_seconds",
            "How long none did, until now or until one served again.",
            lasts(stopped),
        );
        text.finish()
    }
}

#[cfg(test)]
mod tests;
