//! What a person is told while a migration works: messages, and below them a line that says which step it is at, what it waits
//! for, and for how long at most. A thread of its own writes them to stderr: a terminal that is stopped, or that nobody reads,
//! must not hold up a cluster that has no meta server.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use replicator::progress::Progress;
use replicator::report::grouped;
use replicator::status::{Field, Line, Shown, State, clock, percent};
use replicator::terminal;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::limits::{SAID_WITHIN, WORDS_WAITING_MAX};

/// How often the line changes.
const EVERY: Duration = Duration::from_millis(200);

/// What is going on, and where it is shown; clones share it.
#[derive(Clone, Debug)]
pub struct Teller(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    began: Instant,
    /// How many steps there are.
    steps: usize,
    step: String,
    /// What is waited for, since when, and for how long at most; zero: nobody knows.
    wait: Option<(String, Instant, Duration)>,
    /// What goes through a tree now, by its name.
    counting: Option<(&'static str, Arc<Progress>)>,
    writer: Option<Writer>,
}

/// The thread that writes.
#[derive(Debug)]
struct Writer {
    words: SyncSender<Words>,
    /// Whether a line waits to be shown: a newer one says more than one that waits behind it.
    is_behind: Arc<AtomicBool>,
    ended: Receiver<()>,
}

enum Words {
    /// Above the line.
    Said(String),
    /// The line, and the time from the beginning.
    Line { elapsed: Duration, state: State, plain: String },
}

impl Default for Teller {
    fn default() -> Self {
        let (steps, step) = (0, "begin".to_owned());
        let inner = Inner { began: Instant::now(), steps, step, wait: None, counting: None, writer: None };
        Self(Arc::new(Mutex::new(inner)))
    }
}

impl Teller {
    /// Says something, above the line. Nobody is left to tell when stderr is gone, or takes nothing.
    pub fn say(&self, text: &str) {
        match &self.inner().writer {
            Some(writer) => drop(writer.words.try_send(Words::Said(text.to_owned()))),
            None => write(text),
        }
    }

    /// The method has so many steps.
    pub fn of(&self, steps: usize) {
        self.inner().steps = steps;
    }

    /// A step begins, the first one is 1.
    pub fn step(&self, number: usize, name: &str) {
        let mut inner = self.inner();
        inner.step = format!("step {number}/{} {name}", inner.steps);
        (inner.wait, inner.counting) = (None, None);
    }

    /// A step is taken back.
    pub fn step_back(&self, name: &str) {
        let mut inner = self.inner();
        inner.step = format!("back from {name}");
        (inner.wait, inner.counting) = (None, None);
    }

    /// It is waited for something, for so long at most, until something else is.
    pub fn waits(&self, what: impl Into<String>, max: Duration) {
        self.inner().wait = Some((what.into(), Instant::now(), max));
    }

    /// What was waited for is there.
    pub fn goes_on(&self) {
        let mut inner = self.inner();
        (inner.wait, inner.counting) = (None, None);
    }

    /// Work that goes through a tree begins, and counts into this.
    pub fn counting(&self, what: &'static str) -> Arc<Progress> {
        let progress = Arc::new(Progress::default());
        self.inner().counting = Some((what, Arc::clone(&progress)));
        progress
    }

    /// Does `work`, and shows how it goes; the line is gone when it ends.
    pub async fn shown<T>(&self, shown: Shown, work: impl Future<Output = T>) -> T {
        // A migration's future is large, and whoever holds it would be as large again.
        let mut work = Box::pin(work);
        self.inner().writer = Writer::new(shown);
        // Where the signal can't be had, nobody is shown anything; it is no reason not to work.
        let mut asked = signal(SignalKind::user_defined1()).ok();
        let mut tick = tokio::time::interval(EVERY);
        loop {
            tokio::select! {
                biased;
                done = &mut work => {
                    let writer = self.inner().writer.take();
                    writer.into_iter().for_each(Writer::end);
                    return done;
                }
                () = asked_for(&mut asked) => {
                    let plain = self.inner().plain();
                    self.say(&plain);
                }
                _ = tick.tick() => self.inner().show(),
            }
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn show(&self) {
        let Some(writer) = &self.writer else { return };
        if !writer.is_behind.swap(true, Ordering::Relaxed) {
            let (elapsed, state, plain) = (self.began.elapsed(), self.state(), self.plain());
            drop(writer.words.try_send(Words::Line { elapsed, state, plain }));
        }
    }

    /// For a terminal.
    fn state(&self) -> State {
        let (read, written) = self.counts();
        let fields = vec![
            Field::left(&self.step, 26, 0),
            Field::right(self.time(), 16, 1),
            Field::right(self.far(), 12, 2),
            Field::right(read, 16, 3),
            Field::right(written, 19, 4),
        ];
        State { fields, waits: format!("waits: {}", self.what()) }
    }

    /// For a log, and for who asks.
    fn plain(&self) -> String {
        let (read, written) = self.counts();
        let parts = [self.step.clone(), self.time(), self.far(), read, written];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        format!("{}; waits: {}", parts.join(", "), self.what())
    }

    fn what(&self) -> &str {
        self.wait.as_ref().map_or("meta servers and hosts", |(what, ..)| what)
    }

    /// How long it has waited, and may wait.
    fn time(&self) -> String {
        match &self.wait {
            None => String::new(),
            Some((_, since, Duration::ZERO)) => clock(since.elapsed()),
            Some((_, since, max)) => format!("{}, max {}", clock(since.elapsed()), clock(*max)),
        }
    }

    fn far(&self) -> String {
        let Some((what, progress)) = &self.counting else { return String::new() };
        let counts = progress.counts();
        let done = counts.read.max(counts.written());
        percent(done, progress.size()).map_or((*what).to_owned(), |far| format!("{what} {far} %"))
    }

    fn counts(&self) -> (String, String) {
        let Some((_, progress)) = &self.counting else { return Default::default() };
        let counts = progress.counts();
        (format!("{} read", grouped(counts.read)), format!("{} written", grouped(counts.written())))
    }
}

impl Writer {
    /// `None` where there can be no thread: what is said is written by whoever says it, and no line is shown.
    fn new(shown: Shown) -> Option<Self> {
        let (words, waiting) = mpsc::sync_channel(WORDS_WAITING_MAX);
        let (ending, ended) = mpsc::channel();
        let is_behind = Arc::new(AtomicBool::new(false));
        let behind = Arc::clone(&is_behind);
        let writes = move || {
            write_all(shown, &waiting, &behind);
            // Nobody may wait for it any more.
            let _ = ending.send(());
        };
        thread::Builder::new().name("stderr".to_owned()).spawn(writes).ok()?;
        Some(Self { words, is_behind, ended })
    }

    /// Lets the last words go out, and the line go.
    fn end(self) {
        drop(self.words);
        // What does not go out by then nobody reads.
        let _ = self.ended.recv_timeout(SAID_WITHIN);
    }
}

/// Writes until nobody can say anything any more.
fn write_all(shown: Shown, waiting: &Receiver<Words>, is_behind: &AtomicBool) {
    let mut line = Line::new(shown);
    for words in waiting {
        match words {
            Words::Said(text) => line.aside(|| write(&text)),
            Words::Line { elapsed, state, plain } => {
                if line.is_due(elapsed) {
                    line.show(elapsed, &state, || plain, write);
                }
                is_behind.store(false, Ordering::Relaxed);
            }
        }
    }
}

fn write(text: &str) {
    let _ = writeln!(std::io::stderr(), "zkmigrator: {}", terminal::lines(text));
}

/// Ready when somebody has asked.
async fn asked_for(signal: &mut Option<Signal>) {
    match signal {
        // It never ends: the process has its signals as long as it lives.
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
