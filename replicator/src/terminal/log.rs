//! The log on stderr. A thread of its own writes it: a terminal that is stopped, or that nobody reads, must not hold up who works.

use std::io::{self, Write};
use std::thread;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::lines;
use crate::limits;

/// Where events go; clones share it.
#[derive(Clone, Debug)]
pub struct Log {
    /// `None` where there can be no thread: whoever logs writes.
    entries: Option<Sender<Entry>>,
    keeps_all: bool,
}

#[derive(Debug)]
enum Entry {
    Event(String),
    /// All that was logged before it is written.
    Written(Sender<()>),
}

/// Whose end waits for what was logged, as long as a terminal may take.
#[derive(Debug)]
pub struct Logging(Log);

impl Log {
    /// One that has nothing yet. Where more comes than goes out, events are lost, unless it `keeps_all`: then who logs waits.
    pub fn begin(keeps_all: bool) -> (Self, Logging) {
        let (entries, waiting) = bounded(limits::WORDS_WAITING_MAX);
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

impl Logging {
    /// Waits until what was logged is written: all of it where the log keeps all, and otherwise as long as a terminal may take,
    /// for what does not go out by then nobody reads.
    pub fn flush(&self) {
        let Some(entries) = &self.0.entries else { return };
        let (done, written) = bounded(1);
        if self.0.keeps_all {
            // The thread lives as long as this does.
            let _ = entries.send(Entry::Written(done)).map(|()| written.recv());
        } else {
            let until = Instant::now() + limits::SAID_WITHIN;
            let _ = entries.send_deadline(Entry::Written(done), until).map(|()| written.recv_deadline(until));
        }
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        self.flush();
    }
}

fn write_all(waiting: &Receiver<Entry>, write: fn(&str)) {
    for entry in waiting {
        match entry {
            Entry::Event(text) => write(&text),
            // Nobody may wait for it any more.
            Entry::Written(done) => drop(done.send(())),
        }
    }
}

/// Events hold what others have said. Nobody is left to tell when stderr is gone.
fn write(text: &str) {
    let _ = io::stderr().write_all(lines(text).as_bytes());
}

#[cfg(test)]
mod tests;
