//! What a person is told while a migration works: messages, and below them a line that says which step it is at, what it waits
//! for, and for how long at most.

use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use replicator::progress::Progress;
use replicator::report::grouped;
use replicator::status::{Field, Look, Shown, State, Writer, clock, looked_at, percent};
use replicator::terminal;

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
            Some(writer) => writer.say(text),
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
        self.inner().writer = Some(Writer::begin(shown, Duration::ZERO, write));
        // A migration's future is large, and whoever holds it would be as large again.
        let done = looked_at(Box::pin(work), |why| self.inner().show(why)).await;
        let writer = self.inner().writer.take();
        writer.map(Writer::end);
        done
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn show(&self, why: Look) {
        let Some(writer) = &self.writer else { return };
        match why {
            Look::Asked => writer.say(&self.plain()),
            Look::Line => writer.show(self.began.elapsed(), || (self.state(), self.plain())),
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

fn write(text: &str) {
    let _ = writeln!(std::io::stderr(), "zkmigrator: {}", terminal::lines(text));
}

#[cfg(test)]
mod tests;
