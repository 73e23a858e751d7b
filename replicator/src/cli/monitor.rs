//! Whoever looks on while a command works: a terminal, and who asks by SIGUSR1. Each piece of the command's work goes through
//! [`Monitor::shown`].

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::time::MissedTickBehavior;

use super::process::tell;
use super::recorder::Recorder;
use super::status::{Now, Status};
use crate::bench::Ended;
use crate::limits;
use crate::pace::Sides;
use crate::progress::{Counts, Progress};
use crate::resources;
use crate::status::{Look, Shown, Size, Writer, looked_at};

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
        work: impl Future<Output = T> + Unpin,
    ) -> T {
        let now = || {
            let (what, counts, size) = counters();
            let (at, processor, held) = (Instant::now(), resources::of_this_thread(), self.sides.waits_for());
            Now { what, counts, size, held, at, processor, sides: self.sides.busy(at) }
        };
        let mut status = Status::begin(now());
        let writer = Writer::begin(self.shown, self.logged.get(), tell);
        let work = std::pin::pin!(self.recorded(&counters, &ended, work));
        let done = looked_at(work, |why| {
            status.look(now());
            match why {
                Look::Asked => writer.say(&status.plain()),
                Look::Line => writer.show(self.began.elapsed(), || (status.state(), status.plain())),
            }
        });
        let done = done.await;
        self.logged.set(writer.end());
        done
    }

    /// Does `work`, and lets the recorder look at it.
    async fn recorded<T>(
        &self,
        counters: &impl Fn() -> (&'static str, Counts, Size),
        ended: &impl Fn() -> Vec<Ended>,
        mut work: impl Future<Output = T> + Unpin,
    ) -> T {
        let Some(recorder) = &self.recorder else { return work.await };
        let look = || {
            let (what, counts, _) = counters();
            recorder.look(&ended(), (what, counts));
        };
        recorder.begin(counters().0);
        let mut sampled = tokio::time::interval(limits::SAMPLED_EVERY);
        sampled.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                done = &mut work => {
                    look();
                    return done;
                }
                _ = sampled.tick() => look(),
            }
        }
    }
}
