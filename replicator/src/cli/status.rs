//! The one line that a terminal shows while the work goes on. Where stderr is no terminal there is none.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::progress::{Counts, Progress};
use crate::report::{bytes, grouped, rate};

/// How often the line changes.
const EVERY: Duration = Duration::from_millis(200);

/// Runs `work` with the status line above what follows; the line is gone when it ends.
pub(super) fn shown<T>(
    what: &'static str,
    progress: &Progress,
    work: impl Future<Output = T>,
) -> impl Future<Output = T> {
    shown_by(move || (what, progress.counts()), work)
}

/// The same for work whose name and counters change; `now` tells them.
pub(super) fn shown_by<T>(
    now: impl Fn() -> (&'static str, Counts),
    work: impl Future<Output = T>,
) -> impl Future<Output = T> {
    // A command's future is large, and whoever holds it would be as large again.
    show(now, Box::pin(work))
}

async fn show<T>(now: impl Fn() -> (&'static str, Counts), mut work: impl Future<Output = T> + Unpin) -> T {
    let line = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5));
    if line.is_hidden() {
        return work.await;
    }
    line.set_style(
        ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    let started = Instant::now();
    let mut tick = tokio::time::interval(EVERY);
    let mut last = (started, 0_u64);
    loop {
        tokio::select! {
            done = &mut work => {
                line.finish_and_clear();
                return done;
            }
            _ = tick.tick() => {
                let (then, done_then) = last;
                let (what, counts) = now();
                let written = counts.written();
                // What is made up, or removed, is written and not read first.
                let done = counts.read.max(written);
                let rate = rate(done.saturating_sub(done_then), then.elapsed());
                last = (Instant::now(), done);
                line.set_message(format!(
                    "{what}: {} read, {} written, {} kept, {}, {} znodes/s, {} s",
                    grouped(counts.read),
                    grouped(written),
                    grouped(counts.kept),
                    bytes(counts.read_bytes),
                    grouped(rate),
                    started.elapsed().as_secs(),
                ));
                line.tick();
            }
        }
    }
}
