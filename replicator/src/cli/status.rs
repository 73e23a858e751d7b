//! The one line that a terminal shows while the work goes on. Where stderr is no terminal there is none.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::progress::Progress;
use crate::report::{bytes, grouped, rate};

/// How often the line changes.
const EVERY: Duration = Duration::from_millis(200);

/// Runs `work` with the status line above what follows; the line is gone when it ends.
pub(super) async fn shown<T>(what: &str, progress: &Progress, work: impl Future<Output = T>) -> T {
    let line = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5));
    if line.is_hidden() {
        return work.await;
    }
    line.set_style(
        ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    let started = Instant::now();
    let mut tick = tokio::time::interval(EVERY);
    let mut work = std::pin::pin!(work);
    let mut last = (started, 0);
    loop {
        tokio::select! {
            done = &mut work => {
                line.finish_and_clear();
                return done;
            }
            _ = tick.tick() => {
                let (then, read_then) = last;
                let now = Instant::now();
                let counts = progress.counts();
                let rate = rate(counts.read.saturating_sub(read_then), now - then);
                last = (now, counts.read);
                let written = counts.created + counts.data_set + counts.acl_set;
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
