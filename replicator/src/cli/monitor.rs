//! Whoever looks on while a command works: a terminal, and who asks by SIGUSR1. Each piece of the command's work goes through
//! [`Monitor::shown`].

use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::process::tell;
use super::status::{Now, Status};
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
}

impl Monitor {
    /// Of a command that speaks to these.
    pub(super) fn of(sides: Sides, shown: Shown) -> Self {
        Self { sides, shown }
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
        self.shown_by(move || (what, progress.counts(), progress.size()), work)
    }

    /// The same for work whose name and counters change; `now` tells them.
    pub(super) fn shown_by<T>(
        &self,
        now: impl Fn() -> (&'static str, Counts, Size),
        work: impl Future<Output = T>,
    ) -> impl Future<Output = T> {
        // A command's future is large, and whoever holds it would be as large again.
        self.show(now, Box::pin(work))
    }

    async fn show<T>(
        &self,
        now: impl Fn() -> (&'static str, Counts, Size),
        mut work: impl Future<Output = T> + Unpin,
    ) -> T {
        let now = || {
            let (what, counts, size) = now();
            let (at, processor, held) = (Instant::now(), resources::processor(), self.sides.waits_for());
            Now { what, counts, size, held, at, processor, sides: self.sides.busy(at) }
        };
        let mut line = Line::new(self.shown);
        // Where the signal can't be had, nobody is shown anything; it is no reason not to work.
        let mut asked = signal(SignalKind::user_defined1()).ok();
        let mut tick = tokio::time::interval(EVERY);
        let mut status = Status::begin(now());
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = asked_for(&mut asked) => {
                    status.look(now());
                    line.aside(|| tell(&status.plain()));
                }
                _ = tick.tick() => {
                    status.look(now());
                    if line.is_due(status.elapsed()) {
                        line.show(status.elapsed(), &status.state(), || status.plain(), tell);
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
