//! Who writes to stderr while work is shown: a thread of its own. A terminal that is stopped, or that nobody reads, must not hold
//! up the work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::Duration;

use super::State;
use super::line::{Line, Shown};
use crate::limits;

/// The thread that writes: the line of one piece of work, and what is said above it.
#[derive(Debug)]
pub struct Writer {
    /// `None` where there can be no thread: what is said is written by whoever says it, and no line is shown.
    words: Option<SyncSender<Words>>,
    write: fn(&str),
    /// Whether a line waits to be shown: a newer one says more than one that waits behind it.
    is_behind: Arc<AtomicBool>,
    ended: Receiver<Duration>,
    logged: Duration,
}

enum Words {
    /// Above the line.
    Said(String),
    /// The line, and the time from the beginning.
    Line { elapsed: Duration, state: State, plain: String },
}

impl Writer {
    /// One that has written nothing yet, through `write`. A log was last written to when the work was `logged` old
    /// ([`Self::end`] says it of the piece of work before).
    pub fn begin(shown: Shown, logged: Duration, write: fn(&str)) -> Self {
        let (words, waiting) = mpsc::sync_channel(limits::WORDS_WAITING_MAX);
        let (ending, ended) = mpsc::channel();
        let is_behind = Arc::new(AtomicBool::new(false));
        let behind = Arc::clone(&is_behind);
        let writes = move || {
            let logged = write_all(Line::new(shown, logged), &waiting, &behind, write);
            // Nobody may wait for it any more.
            let _ = ending.send(logged);
        };
        let thread = thread::Builder::new().name("stderr".to_owned()).spawn(writes);
        Self { words: thread.is_ok().then_some(words), write, is_behind, ended, logged }
    }

    /// Says something, above the line. Nobody is left to tell when stderr is gone, or takes nothing.
    pub fn say(&self, text: &str) {
        match &self.words {
            Some(words) => drop(words.try_send(Words::Said(text.to_owned()))),
            None => (self.write)(text),
        }
    }

    /// Shows how it goes, `elapsed` from the beginning, unless what was shown before is still to be written. A log gets `plain`.
    pub fn show(&self, elapsed: Duration, look: impl FnOnce() -> (State, String)) {
        let Some(words) = &self.words else { return };
        if !self.is_behind.swap(true, Ordering::Relaxed) {
            let (state, plain) = look();
            if words.try_send(Words::Line { elapsed, state, plain }).is_err() {
                self.is_behind.store(false, Ordering::Relaxed);
            }
        }
    }

    /// Lets the last words go out, and the line go; gives when a log was last written to.
    pub fn end(self) -> Duration {
        drop(self.words);
        // What does not go out by then nobody reads.
        self.ended.recv_timeout(limits::SAID_WITHIN).unwrap_or(self.logged)
    }
}

/// Writes until nobody can say anything any more; gives when a log was last written to.
fn write_all(mut line: Line, waiting: &Receiver<Words>, is_behind: &AtomicBool, write: fn(&str)) -> Duration {
    for words in waiting {
        match words {
            Words::Said(text) => line.aside(|| write(&text)),
            Words::Line { elapsed, state, plain } => {
                if line.is_due(elapsed) {
                    line.show(elapsed, &state, &plain, write);
                }
                is_behind.store(false, Ordering::Relaxed);
            }
        }
    }
    line.logged()
}

#[cfg(test)]
mod tests;
