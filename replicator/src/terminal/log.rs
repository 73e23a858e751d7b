//! The log on stderr. A thread of its own writes it: a terminal that is stopped, or that nobody reads, must not hold up who works.

use std::io::{self, Write};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::thread;

use super::lines;
use crate::limits;

/// Where events go; clones share it.
#[derive(Clone, Debug)]
pub struct Log {
    /// `None` where there can be no thread: whoever logs writes.
    entries: Option<SyncSender<Entry>>,
    keeps_all: bool,
}

#[derive(Debug)]
enum Entry {
    Event(String),
    /// What was logged before is written.
    End(Sender<()>),
}

/// Whose end waits for what was logged, as long as a terminal may take.
#[derive(Debug)]
pub struct Logging(Log);

impl Log {
    /// One that has nothing yet. Where more comes than goes out, events are lost, unless it `keeps_all`: then who logs waits.
    pub fn begin(keeps_all: bool) -> (Self, Logging) {
        let (entries, waiting) = mpsc::sync_channel(limits::WORDS_WAITING_MAX);
        let thread = thread::Builder::new().name("log".to_owned()).spawn(move || write_all(&waiting, write));
        let log = Self { entries: thread.is_ok().then_some(entries), keeps_all };
        (log.clone(), Logging(log))
    }
}

impl Write for Log {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event).into_owned();
        match &self.entries {
            Some(entries) if self.keeps_all => drop(entries.send(Entry::Event(text))),
            Some(entries) => drop(entries.try_send(Entry::Event(text))),
            None => write(&text),
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        let (done, ended) = mpsc::channel();
        let entries = self.0.entries.as_ref();
        if entries.is_some_and(|entries| entries.try_send(Entry::End(done)).is_ok()) {
            // What does not go out by then nobody reads.
            let _ = ended.recv_timeout(limits::SAID_WITHIN);
        }
    }
}

fn write_all(waiting: &Receiver<Entry>, write: fn(&str)) {
    for entry in waiting {
        match entry {
            Entry::Event(text) => write(&text),
            // Nobody may wait for it any more.
            Entry::End(done) => drop(done.send(())),
        }
    }
}

/// Events hold what others have said. Nobody is left to tell when stderr is gone.
fn write(text: &str) {
    let _ = io::stderr().write_all(lines(text).as_bytes());
}

#[cfg(test)]
mod tests;
