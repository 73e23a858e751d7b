//! The journal: what is about to be done, written and fsynced before it is done.
//!
//! One line a record: a checksum, a blank, JSON, a newline. A line that was torn by a crash is the last one, and what it
//! was going to say had not begun; it is cut off. A line that is damaged in any other place is an error: somebody has
//! written there. Beside it lies a file whose lock keeps two migrators off one migration; it ends with the process.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::state::{State, now_ms};

/// How long the lock is asked for.
const LOCK_WITHIN: Duration = Duration::from_secs(1);

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Entry {
    /// The migration begins.
    Begun {
        /// Who writes this.
        tool: String,
        /// `copy` or `recovery`.
        method: String,
        /// blake3 of the plan.
        plan: String,
    },
    /// Another process goes on with it.
    Resumed,
    /// A step begins.
    Step(String),
    /// Something is about to be done.
    Act {
        /// What.
        what: String,
        /// How long it may go on by itself when the process that does it is killed, in ms.
        outlives_ms: u64,
    },
    /// It is done; what a command said, if it was one.
    Acted {
        /// What.
        what: String,
        /// The command's own words, shortened.
        output: Option<String>,
    },
    /// The step is done.
    StepDone(String),
    /// From here on everything is taken back: whoever resumes goes on with that.
    GoingBack,
    /// There was no way back any more: whoever resumes goes forward.
    GoingOn,
    /// A step is about to be taken back.
    Undo(String),
    /// It is taken back.
    Undone(String),
    /// Something failed: the error's own words.
    Failed(String),
    /// It stopped before this step, as it was told.
    Paused(String),
    /// All of it is done.
    Done,
    /// The old tree is kept, and is about to be removed.
    CleanupBegun,
    /// The old tree is gone.
    CleanedUp,
    /// All of it is taken back.
    RolledBack,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begun { method, .. } => write!(f, "begun by {method}"),
            Self::Resumed => f.write_str("resumed"),
            Self::Step(step) => write!(f, "{step} begins"),
            Self::Act { what, .. } => write!(f, "about to {what}"),
            Self::Acted { what, .. } => write!(f, "done: {what}"),
            Self::StepDone(step) => write!(f, "{step} is done"),
            Self::GoingBack => f.write_str("goes back"),
            Self::GoingOn => f.write_str("goes on: there is no way back"),
            Self::Undo(step) => write!(f, "{step} is taken back"),
            Self::Undone(step) => write!(f, "{step} was taken back"),
            Self::Failed(why) => write!(f, "failed: {why}"),
            Self::Paused(step) => write!(f, "paused before {step}"),
            Self::Done => f.write_str("all is done"),
            Self::CleanupBegun => f.write_str("about to remove the old tree"),
            Self::CleanedUp => f.write_str("the old tree is gone"),
            Self::RolledBack => f.write_str("all was taken back"),
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// 0 for the first, one more for each.
    pub number: u64,
    /// When it was written, in ms since the epoch.
    pub at_ms: u64,
    /// What it says.
    pub entry: Entry,
    /// All that is known by then.
    pub state: State,
}

/// A journal that is written. While it lives nobody else can open it.
#[derive(Debug)]
pub struct Journal {
    file: File,
    directory: PathBuf,
    next: u64,
    /// A write failed: nothing may follow it.
    is_broken: bool,
    _lock: Flock<File>,
}

/// What a journal holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// All whole records.
    pub records: Vec<Record>,
    /// Bytes of a record that a crash has torn, at the end.
    pub torn: usize,
    whole: usize,
}

impl Contents {
    /// What is known.
    pub fn state(&self) -> Option<&State> {
        self.records.last().map(|record| &record.state)
    }

    /// Whether there is nothing left to do: it was done, or taken back.
    pub fn is_ended(&self) -> bool {
        use Entry::{CleanedUp, CleanupBegun, Done, RolledBack};
        let last = self.records.last().map(|record| &record.entry);
        matches!(last, None | Some(Done | RolledBack | CleanupBegun | CleanedUp))
    }

    /// Whether it was on its way back when it was left.
    pub fn is_going_back(&self) -> bool {
        let ways = |record: &&Record| matches!(record.entry, Entry::GoingBack | Entry::GoingOn);
        self.records.iter().rev().find(ways).is_some_and(|record| record.entry == Entry::GoingBack)
    }

    /// What was under way when the journal was left, since when, in ms since the epoch, and for how many ms at most: a
    /// command goes on when the process that has started it is killed.
    pub fn under_way(&self) -> Option<(&str, u64, u64)> {
        let acts = |record: &&Record| matches!(record.entry, Entry::Act { .. } | Entry::Acted { .. });
        let last = self.records.iter().rev().find(acts)?;
        match &last.entry {
            Entry::Act { what, outlives_ms } => Some((what, last.at_ms, *outlives_ms)),
            _ => None,
        }
    }

    /// Why it goes back, where it does so by itself.
    pub fn failed(&self) -> Option<&str> {
        let back = self.records.iter().rposition(|record| record.entry == Entry::GoingBack)?;
        match &self.records[back.checked_sub(1)?].entry {
            Entry::Failed(why) => Some(why),
            _ => None,
        }
    }

    /// How it was begun.
    pub fn method(&self) -> Option<&str> {
        self.records.iter().rev().find_map(|record| match &record.entry {
            Entry::Begun { method, .. } => Some(method.as_str()),
            _ => None,
        })
    }

    /// The plan that it was begun with, by its digest.
    pub fn plan(&self) -> Option<&str> {
        self.records.iter().rev().find_map(|record| match &record.entry {
            Entry::Begun { plan, .. } => Some(plan.as_str()),
            _ => None,
        })
    }
}

impl Journal {
    /// Opens the journal in `directory`, which is made if it is not there, and gives what it holds. Refused while another
    /// process has it open.
    pub fn open(directory: &Path) -> Result<(Self, Contents)> {
        let failed = |op: &str, error: io::Error| local(directory, op, error.to_string());
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| failed("create it", error))?;
        let lock = lock(directory)?;
        let mut file = options().open(path(directory)).map_err(|error| failed("open it", error))?;
        let bytes = read_bounded(&mut file, directory)?;
        let contents = parse(&bytes).map_err(|why| local(directory, "read it", why))?;
        if contents.torn > 0 {
            file.set_len(contents.whole as u64).map_err(|error| failed("cut off a torn record", error))?;
        }
        // A file that is only in the cache is not there after a crash.
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(|error| failed("sync it", error))?;
        let next = contents.records.len() as u64;
        Ok((Self { file, directory: directory.to_owned(), next, is_broken: false, _lock: lock }, contents))
    }

    /// Reads a journal without opening it: also while another process writes it. Where there is none it is empty.
    pub fn look(directory: &Path) -> Result<Contents> {
        let mut file = match File::open(path(directory)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Contents::default()),
            opened => opened.map_err(|error| local(directory, "open it", error.to_string()))?,
        };
        let bytes = read_bounded(&mut file, directory)?;
        parse(&bytes).map_err(|why| local(directory, "read it", why))
    }

    /// Puts the journal of a migration that has ended out of the way, under that migration's name.
    pub fn put_away(&mut self, id: &str) -> Result<()> {
        let failed = |error: io::Error| local(&self.directory, "put the last journal away", error.to_string());
        fs::rename(path(&self.directory), self.directory.join(format!("journal.{id}"))).map_err(failed)?;
        self.file = options().open(path(&self.directory)).map_err(failed)?;
        // A name that is only in the cache is the old one's again after a crash.
        File::open(&self.directory).and_then(|directory| directory.sync_all()).map_err(failed)?;
        self.next = 0;
        Ok(())
    }

    /// Where it lies; files of the migration lie beside it.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Adds a record. When this returns it survives a crash.
    pub fn write(&mut self, entry: Entry, state: &State) -> Result<()> {
        let record = Record { number: self.next, at_ms: now_ms(), entry, state: state.clone() };
        if self.is_broken {
            return Err(local(
                &self.directory,
                "write it",
                "an earlier write failed: what it holds is not known".to_owned(),
            ));
        }
        let line = line(&record);
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|error| {
            self.is_broken = true;
            local(&self.directory, "write it", error.to_string())
        })?;
        self.next += 1;
        Ok(())
    }
}

/// The lock beside the journal. A child of a process that was killed may hold it for the moment between fork and exec.
fn lock(directory: &Path) -> Result<Flock<File>> {
    let failed = |op: &str, why: String| local(directory, op, why);
    let until = Instant::now() + LOCK_WITHIN;
    let mut file =
        options().open(directory.join("lock")).map_err(|error| failed("open its lock", error.to_string()))?;
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((back, Errno::EWOULDBLOCK)) if Instant::now() < until => file = back,
            Err((_, Errno::EWOULDBLOCK)) => {
                let why = "another zkmigrator works on this migration: wait for it, or end it";
                return Err(failed("lock it", why.to_owned()));
            }
            Err((_, errno)) => return Err(failed("lock it", errno.to_string())),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn path(directory: &Path) -> PathBuf {
    directory.join("journal")
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true).mode(0o600);
    options
}

fn read_bounded(file: &mut File, directory: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let max = limits::JOURNAL_BYTES_MAX;
    file.take(max + 1).read_to_end(&mut bytes).map_err(|error| local(directory, "read it", error.to_string()))?;
    if bytes.len() as u64 > max {
        return Err(local(directory, "read it", format!("it is larger than {max} bytes: it is no journal of ours")));
    }
    Ok(bytes)
}

/// Reads what a journal's file holds. The error says which line is damaged.
pub fn parse(bytes: &[u8]) -> Result<Contents, String> {
    let mut contents = Contents::default();
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').enumerate().peekable();
    while let Some((index, line)) = lines.next() {
        match record(line) {
            Ok(record) if record.number == index as u64 => {
                contents.records.push(record);
                contents.whole += line.len();
            }
            Ok(record) => return Err(format!("line {} is record {}: lines are missing", index + 1, record.number)),
            Err(Unreadable::Foreign(why)) => {
                return Err(format!(
                    "line {} was written by another version of zkmigrator, and this one can't read it ({why}): go on with \
                     the version that has begun it",
                    index + 1
                ));
            }
            // What a crash leaves is at the end. It may even have its newline: of a record across two pages of a disk the
            // second may be there, and the first not.
            Err(Unreadable::Damaged(_)) if lines.peek().is_none() => contents.torn = line.len(),
            Err(Unreadable::Damaged(why)) => return Err(format!("line {} is damaged: {why}", index + 1)),
        }
    }
    Ok(contents)
}

/// Why a line is no record.
enum Unreadable {
    /// It is not what was written.
    Damaged(&'static str),
    /// It is whole, and says what this version does not know.
    Foreign(String),
}

fn record(line: &[u8]) -> Result<Record, Unreadable> {
    let line = line.strip_suffix(b"\n").ok_or(Unreadable::Damaged("it has no end"))?;
    let line = std::str::from_utf8(line).map_err(|_| Unreadable::Damaged("it is no text"))?;
    let (sum, json) = line.split_once(' ').ok_or(Unreadable::Damaged("it has no checksum"))?;
    if sum != checksum(json) {
        return Err(Unreadable::Damaged("its checksum is another"));
    }
    serde_json::from_str(json).map_err(|error| Unreadable::Foreign(error.to_string()))
}

/// A record as it stands in the file.
pub fn line(record: &Record) -> String {
    let json =
        serde_json::to_string(record).expect("a record holds nothing that JSON can't: no map has other keys than text");
    sealed(&json)
}

/// A record's line: its checksum, and its JSON.
pub fn sealed(json: &str) -> String {
    format!("{} {json}\n", checksum(json))
}

fn checksum(json: &str) -> String {
    blake3::hash(json.as_bytes()).to_hex()[..16].to_owned()
}

fn local(directory: &Path, op: &str, why: String) -> Error {
    Error::new(ErrorKind::Local, format!("journal {}", directory.display()), op, why)
}

#[cfg(test)]
mod tests;
