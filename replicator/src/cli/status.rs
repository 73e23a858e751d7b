//! The one line that a terminal shows while the work goes on, and that SIGUSR1 asks for. Where stderr is no terminal it is
//! shown to who asks, and not otherwise.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::process::tell;
use crate::pace::Sides;
use crate::progress::{Counts, Progress};
use crate::report::{bytes, grouped, rate};

/// How often the line changes.
const EVERY: Duration = Duration::from_millis(200);

/// What is going on at a moment.
pub(super) struct Now {
    what: &'static str,
    counts: Counts,
    waits_for: Option<String>,
}

impl Now {
    /// Work of that name, with these counters, which waits for nobody.
    pub(super) fn at((what, counts): (&'static str, Counts)) -> Self {
        Self { what, counts, waits_for: None }
    }
}

/// Runs `work` with the status line above what follows; the line is gone when it ends.
pub(super) fn shown<T>(
    what: &'static str,
    progress: &Progress,
    sides: &Sides,
    work: impl Future<Output = T>,
) -> impl Future<Output = T> {
    shown_by(move || Now { what, counts: progress.counts(), waits_for: sides.waits_for() }, work)
}

/// The same for work whose name and counters change; `now` tells them.
pub(super) fn shown_by<T>(now: impl Fn() -> Now, work: impl Future<Output = T>) -> impl Future<Output = T> {
    // A command's future is large, and whoever holds it would be as large again.
    show(now, Box::pin(work))
}

async fn show<T>(now: impl Fn() -> Now, mut work: impl Future<Output = T> + Unpin) -> T {
    let line = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5));
    line.set_style(
        ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    // Where the signal can't be had, nobody is shown anything; it is no reason not to work.
    let mut asked = signal(SignalKind::user_defined1()).ok();
    let mut tick = tokio::time::interval(EVERY);
    let (mut shown, mut told) = (Rate::begin(), Rate::begin());
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

/// Ready when somebody has asked.
async fn asked_for(signal: &mut Option<Signal>) {
    match signal {
        // It never ends: the process has its signals as long as it lives.
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// What was done when the line was last made, for a rate.
struct Rate {
    started: Instant,
    last: (Instant, u64),
}

impl Rate {
    fn begin() -> Self {
        let started = Instant::now();
        Self { started, last: (started, 0) }
    }

    fn text(&mut self, Now { what, counts, waits_for }: &Now) -> String {
        let (then, done_then) = self.last;
        let written = counts.written();
        // What is made up, or removed, is written and not read first.
        let done = counts.read.max(written);
        let rate = rate(done.saturating_sub(done_then), then.elapsed());
        self.last = (Instant::now(), done);
        let waits = waits_for.as_ref().map(|why| format!("; {why}")).unwrap_or_default();
        format!(
            "{what}: {} read, {} written, {} kept, {}, {} znodes/s, {} s{waits}",
            grouped(counts.read),
            grouped(written),
            grouped(counts.kept),
            bytes(counts.read_bytes),
            grouped(rate),
            self.started.elapsed().as_secs(),
        )
    }
}
