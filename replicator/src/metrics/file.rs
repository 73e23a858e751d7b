//! The file that a monitoring system reads, kept up to date while something works. Nobody who works waits for it, whatever its
//! disk does.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use crate::limits;
use crate::whole_file;

/// The file of `--metrics-file`. One text is written at a time, so that none takes the place of a newer one, and a file system
/// that hangs holds one thread.
#[derive(Debug)]
pub struct MetricsFile {
    file: PathBuf,
    /// How a person is told.
    tell: fn(&str),
    state: Mutex<Writing>,
    /// Told when nobody writes any more.
    free: Condvar,
}

#[derive(Debug, Default)]
struct Writing {
    is_under_way: bool,
    /// Behind the end nothing is written any more.
    has_ended: bool,
    /// A person is told once.
    has_failed: bool,
}

impl MetricsFile {
    /// Of a file to which nothing is written yet. `tell` says to a person that it can't be written, from any thread.
    pub fn new(file: PathBuf, tell: fn(&str)) -> Arc<Self> {
        Arc::new(Self { file, tell, state: Mutex::default(), free: Condvar::new() })
    }

    /// Writes what the work has come to, unless the text before it is still being written. A slow disk must not hold up the
    /// line: nobody waits for it.
    ///
    /// # Panics
    /// Outside a runtime.
    pub fn begin(self: &Arc<Self>, text: impl FnOnce() -> String) {
        let mut state = self.state();
        if !state.is_under_way && !state.has_ended {
            state.is_under_way = true;
            let (under_way, text) = (UnderWay(Arc::clone(self)), text());
            drop(tokio::task::spawn_blocking(move || under_way.0.write(&text)));
        }
    }

    /// Writes what came of it, behind what is still being written; gives whether it was written. It takes no longer than
    /// [`limits::METRICS_ENDED_WITHIN`].
    pub fn conclude(self: &Arc<Self>, text: String) -> bool {
        self.state().has_ended = true;
        let (done, written) = mpsc::channel();
        let this = Arc::clone(self);
        let thread = thread::Builder::new().spawn(move || {
            let is_under_way = |state: &mut Writing| state.is_under_way;
            let free = this.free.wait_while(this.state(), is_under_way).unwrap_or_else(PoisonError::into_inner);
            drop(free);
            // Nobody hears it who has waited for too long.
            let _ = done.send(this.write(&text));
        });
        if let Err(error) = thread {
            self.failed(&error);
            return false;
        }
        written.recv_timeout(limits::METRICS_ENDED_WITHIN).unwrap_or_else(|_| {
            self.failed(&io::Error::other("its file system does not answer"));
            false
        })
    }

    fn write(&self, text: &str) -> bool {
        let written = whole_file::publish(&self.file, text);
        written.as_ref().err().into_iter().for_each(|error| self.failed(error));
        written.is_ok()
    }

    fn failed(&self, error: &io::Error) {
        let had_failed = std::mem::replace(&mut self.state().has_failed, true);
        if !had_failed {
            (self.tell)(&whole_file::unwritten(&self.file, error));
        }
    }

    fn state(&self) -> MutexGuard<'_, Writing> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A text on its way to the file. A runtime that ends drops what it has not begun: that is no longer under way either.
struct UnderWay(Arc<MetricsFile>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.state().is_under_way = false;
        self.0.free.notify_all();
    }
}

#[cfg(test)]
mod tests;
