//! Whoever looks on while a command works: a terminal, and who asks by SIGUSR1. Each piece of the command's work goes through
//! [`Monitor::shown`].

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::MissedTickBehavior;

use super::process::tell;
use super::recorder::Recorder;
use super::status::{Now, Status};
use crate::bench::Ended;
use crate::limits;
use crate::pace::Sides;
use crate::progress::{Counts, Progress};
use crate::resources;
use crate::status::{Line, Shown, Size};

/// How often the line changes.
const EVERY: Duration = Duration::from_millis(200);

/// What is seen of one command.
pub(super) struct Monitor {
    sides: Sides,
    shown: Shown,
    recorder: Option<Rc<Recorder>>,
    began: Instant,
    /// When a log was last written to, whichever piece of work it was about.
    logged: Cell<Duration>,
}

impl Monitor {
    /// Of a command that speaks to these.
    pub(super) fn of(sides: Sides, shown: Shown, recorder: Option<Rc<Recorder>>) -> Self {
        if let Some(recorder) = &recorder {
            recorder.watch(sides.clone());
        }
        Self { sides, shown, recorder, began: Instant::now(), logged: Cell::default() }
    }

    /// Counters for a piece of its work.
    pub(super) fn progress(&self) -> Progress {
        self.recorder.as_deref().map(Recorder::progress).unwrap_or_default()
    }

    /// What the command speaks to.
    pub(super) fn sides(&self) -> &Sides {
        &self.sides
    }

    /// Runs `work` and shows how it goes; the line is gone when it ends.
    pub(super) fn shown<T>(
        &self,
        what: &'static str,
        progress: &Progress,
        work: impl Future<Output = T>,
    ) -> impl Future<Output = T> {
        let shown = self.shown_by(move || (what, progress.counts(), progress.size()), Vec::new, work);
        async move {
            let done = shown.await;
            if let Some(recorder) = &self.recorder {
                recorder.note(progress.notable());
            }
            done
        }
    }

    /// The same for work whose name and counters change; `now` tells them, and `ended` those of before.
    pub(super) fn shown_by<T>(
        &self,
        now: impl Fn() -> (&'static str, Counts, Size),
        ended: impl Fn() -> Vec<Ended>,
        work: impl Future<Output = T>,
    ) -> impl Future<Output = T> {
        // A command's future is large, and whoever holds it would be as large again.
        self.show(now, ended, Box::pin(work))
    }

    async fn show<T>(
        &self,
        counters: impl Fn() -> (&'static str, Counts, Size),
        ended: impl Fn() -> Vec<Ended>,
        mut work: impl Future<Output = T> + Unpin,
    ) -> T {
        let record = || {
            let (what, counts, _) = counters();
            self.recorder.iter().for_each(|recorder| recorder.look(&ended(), (what, counts)));
        };
        self.recorder.iter().for_each(|recorder| recorder.begin(counters().0));
        let now = || {
            let (what, counts, size) = counters();
            let (at, processor, held) = (Instant::now(), resources::of_this_thread(), self.sides.waits_for());
            Now { what, counts, size, held, at, processor, sides: self.sides.busy(at) }
        };
        let mut line = Line::new(self.shown);
        line.logged_before(self.logged.get());
        // Where the signal can't be had, nobody is shown anything; it is no reason not to work.
        let mut asked = signal(SignalKind::user_defined1()).ok();
        let mut tick = tokio::time::interval(EVERY);
        let mut sampled = tokio::time::interval(limits::SAMPLED_EVERY);
        // What was missed is not made up for: there is nothing to be seen in no time.
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        sampled.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut status = Status::begin(now());
        loop {
            tokio::select! {
                biased;
                done = &mut work => {
                    record();
                    self.logged.set(line.logged());
                    return done;
                }
                () = asked_for(&mut asked) => {
                    status.look(now());
                    line.aside(|| tell(&status.plain()));
                }
                _ = sampled.tick(), if self.recorder.is_some() => record(),
                _ = tick.tick() => {
                    status.look(now());
                    let elapsed = self.began.elapsed();
                    if line.is_due(elapsed) {
                        line.show(elapsed, &status.state(), || status.plain(), tell);
                    }
                }
            }
        }
    }
}

/// Ready when somebody has asked.
async fn asked_for(signal: &mut Option<Signal>) {
    match signal {
        // It never ends: the process has its signals as long as it lives.
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}
