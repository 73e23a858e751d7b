//! Whoever looks on while a command works: a terminal, and who asks by SIGUSR1. Each piece of the command's work goes through
//! [`Monitor::shown`].

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::process::tell;
use super::status::{Now, Status};
use crate::pace::Sides;
use crate::progress::{Counts, Progress};

/// How often the line changes.
const EVERY: Duration = Duration::from_millis(200);

/// What is seen of one command.
pub(super) struct Monitor {
    sides: Sides,
}

impl Monitor {
    /// Of a command that speaks to these.
    pub(super) fn of(sides: Sides) -> Self {
        Self { sides }
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
        self.shown_by(move || (what, progress.counts()), work)
    }

    /// The same for work whose name and counters change; `now` tells them.
    pub(super) fn shown_by<T>(
        &self,
        now: impl Fn() -> (&'static str, Counts),
        work: impl Future<Output = T>,
    ) -> impl Future<Output = T> {
        // A command's future is large, and whoever holds it would be as large again.
        self.show(now, Box::pin(work))
    }

    async fn show<T>(&self, now: impl Fn() -> (&'static str, Counts), mut work: impl Future<Output = T> + Unpin) -> T {
        let now = || {
            let (what, counts) = now();
            Now { what, counts, waits_for: self.sides.waits_for() }
        };
        let line = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5));
        line.set_style(
            ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
        );
        // Where the signal can't be had, nobody is shown anything; it is no reason not to work.
        let mut asked = signal(SignalKind::user_defined1()).ok();
        let mut tick = tokio::time::interval(EVERY);
        let (mut shown, mut told) = (Status::begin(), Status::begin());
        loop {
            tokio::select! {
                biased;
                done = &mut work => {
                    line.finish_and_clear();
                    return done;
                }
                () = asked_for(&mut asked) => {
                    let text = told.text(&now());
                    line.suspend(|| tell(&text));
                }
                _ = tick.tick(), if !line.is_hidden() => {
                    line.set_message(shown.text(&now()));
                    line.tick();
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
