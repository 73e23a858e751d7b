//! Where a status line is shown: at a terminal all the time, in a log now and then.

use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::State;
use crate::terminal;

/// Between two lines of a log.
const LOGGED_EVERY: Duration = Duration::from_secs(60);
/// The same where lines are wanted wherever they go.
const ALWAYS_EVERY: Duration = Duration::from_secs(5);
/// Columns of a terminal that does not tell its own.
const COLUMNS: u16 = 80;
/// Columns in front of the line: what turns, and a space.
const TURNS: usize = 2;

/// Who is shown how it goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Shown {
    /// A line that changes at a terminal; elsewhere a line each minute
    #[default]
    Auto,
    /// A line each 5 seconds, wherever it goes
    Always,
    /// Only who asks by SIGUSR1
    Never,
}

/// The line of one piece of work on stderr; it is gone when this is dropped.
#[derive(Debug)]
pub(super) struct Line {
    bar: ProgressBar,
    /// The fields, and what is waited for.
    texts: Arc<Mutex<(String, String)>>,
    every: Option<Duration>,
    /// When the last one went to a log, from the beginning of the work.
    logged: Duration,
}

impl Line {
    /// One that shows nothing yet.
    ///
    /// A log was last written to when the work was `logged` old: the next piece of work of a command goes on from there.
    pub(super) fn new(shown: Shown, logged: Duration) -> Self {
        let target = match shown {
            Shown::Auto => ProgressDrawTarget::stderr_with_hz(10),
            Shown::Always | Shown::Never => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(None, target);
        // Color is for the one thing that a person looks for; none with NO_COLOR.
        let texts = Arc::new(Mutex::new((String::new(), String::new())));
        let (fields, waits) = (Arc::clone(&texts), Arc::clone(&texts));
        let style = ProgressStyle::with_template("{spinner} {fields}{waits:.yellow}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner())
            .with_key("fields", move |_: &ProgressState, out: &mut dyn Write| {
                // Writing to a line can't fail.
                let _ = out.write_str(&fields.lock().unwrap_or_else(PoisonError::into_inner).0);
            })
            .with_key("waits", move |_: &ProgressState, out: &mut dyn Write| {
                let _ = out.write_str(&waits.lock().unwrap_or_else(PoisonError::into_inner).1);
            });
        bar.set_style(style);
        let every = match shown {
            Shown::Auto => bar.is_hidden().then_some(LOGGED_EVERY),
            Shown::Always => Some(ALWAYS_EVERY),
            Shown::Never => None,
        };
        Self { bar, texts, every, logged }
    }

    /// When a log was last written to, from the beginning.
    pub(super) fn logged(&self) -> Duration {
        self.logged
    }

    /// Whether anybody looks at it now: a terminal always does, a log when it is time, `elapsed` from the beginning.
    pub(super) fn is_due(&self, elapsed: Duration) -> bool {
        !self.bar.is_hidden() || self.every.is_some_and(|every| elapsed.saturating_sub(self.logged) >= every)
    }

    /// Shows it. A log gets `plain`, through `tell`.
    pub(super) fn show(&mut self, elapsed: Duration, state: &State, plain: &str, tell: fn(&str)) {
        if self.bar.is_hidden() {
            self.logged = elapsed;
            tell(plain);
            return;
        }
        let (fields, waits) = state.within(columns().saturating_sub(TURNS + 1));
        let texts = (terminal::line(&fields).into_owned(), terminal::line(&waits).into_owned());
        *self.texts.lock().unwrap_or_else(PoisonError::into_inner) = texts;
        self.bar.tick();
    }

    /// Lets something else be written to the terminal; the line comes back below it.
    pub(super) fn aside(&self, write: impl FnOnce()) {
        self.bar.suspend(write);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// How wide the terminal is now.
fn columns() -> usize {
    usize::from(terminal_size::terminal_size_of(std::io::stderr()).map_or(COLUMNS, |(width, _)| width.0))
}
