//! When somebody looks how work goes: a few times a second, and whenever it is asked by SIGUSR1.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::MissedTickBehavior;

/// How often the line changes.
const EVERY: Duration = Duration::from_millis(200);

/// Why somebody looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// It is time for the line.
    Line,
    /// By SIGUSR1, which wants words.
    Asked,
}

/// Does `work`, and calls `look` meanwhile.
pub async fn looked_at<T>(mut work: impl Future<Output = T> + Unpin, mut look: impl FnMut(Look)) -> T {
    // Where the signal can't be had, nobody is shown anything; it is no reason not to work.
    let mut asked = signal(SignalKind::user_defined1()).ok();
    let mut tick = tokio::time::interval(EVERY);
    // What was missed is not made up for: there is nothing to be seen in no time.
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = asked_for(&mut asked) => look(Look::Asked),
            _ = tick.tick() => look(Look::Line),
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
