//! The journal: what was intended, and what came of it, on the disk before each act.
//!
//! A file of lines, each a JSON object: `{"check":"…","seq":1,"at_ms":…,"record":…}`. `check` is the beginning of a BLAKE3
//! digest over the check of the line before and the rest of this line, so a line that was changed, lost or moved is found.
//! Only the last line may be torn, for each one is on the disk before the next is begun: it is then left out, and that is
//! said. Damage before it is an error, since what follows can't be trusted.
//!
//! The journal says what to look at; what is so is asked of the world. Files: `journal`, mode 0600, and `lock` beside it,
//! which one program holds while it writes. The calls block for as long as the disk takes: an act waits for its intent.

mod line;
mod record;

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::marker::PhantomData;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::line::Check;
pub use self::line::parse;
pub use self::record::Record;
use crate::error::{Error, ErrorKind, Result};

/// The journal's name in its directory.
pub const FILE: &str = "journal";

/// The lock's name in its directory.
pub const LOCK: &str = "lock";

/// The largest journal that is read. A migration writes some hundred lines.
pub const JOURNAL_BYTES_MAX: u64 = 256 << 20;

/// A journal that is written, and that nobody else writes.
#[derive(Debug)]
pub struct Journal<R = Record> {
    file: File,
    subject: String,
    next_sequence: u64,
    check: Check,
    /// Set when a write failed: what is on the disk is not known then, and nothing may follow it.
    is_broken: bool,
    _lock: Flock<File>,
    _records: PhantomData<fn(R)>,
}

/// A line of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<R = Record> {
    /// Counts from 1, without gaps.
    pub sequence: u64,
    /// When it was written, in ms since the epoch, by this machine's clock.
    pub at_ms: u64,
    /// What it says.
    pub record: R,
}

/// What a journal holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entries<R = Record> {
    /// Its lines, the oldest first.
    pub entries: Vec<Entry<R>>,
    /// Bytes at the end that are no whole line: of a write that was cut off. Its act was not begun.
    pub torn_bytes: u64,
}

impl<R: Serialize + DeserializeOwned> Journal<R> {
    /// A new journal; an error where there is one already. The directory is made if need be, its parent is not.
    pub fn create(dir: &Path) -> Result<Self> {
        let subject = subject(dir);
        let failed = |op: &str, error: io::Error| local(&subject, op, error.to_string());
        match DirBuilder::new().mode(0o700).create(dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed("create", error)),
            _ => {}
        }
        let lock = lock(dir, &subject)?;
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(dir.join(FILE))
            .map_err(|error| failed("create", error))?;
        // The file, its name, and the name of its directory.
        let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let synced = file.sync_all().and_then(|()| sync(dir)).and_then(|()| sync(parent));
        synced.map_err(|error| failed("create", error))?;
        Ok(Self::at(file, lock, subject, 1, Check::first()))
    }

    /// What a journal holds, and the journal to go on with. A torn end is cut off; the caller is told.
    pub fn open(dir: &Path) -> Result<(Entries<R>, Self)> {
        let subject = subject(dir);
        let failed = |op: &str, error: io::Error| local(&subject, op, error.to_string());
        let lock = lock(dir, &subject)?;
        let bytes = bytes(dir, &subject)?;
        let (entries, check) = parse(&bytes).map_err(|why| local(&subject, "read", why))?;
        let file = OpenOptions::new().append(true).open(dir.join(FILE)).map_err(|error| failed("open", error))?;
        if entries.torn_bytes > 0 {
            let whole = bytes.len() as u64 - entries.torn_bytes;
            let cut = file.set_len(whole).and_then(|()| file.sync_all());
            cut.map_err(|error| failed("cut off its torn end", error))?;
        }
        let next = entries.entries.len() as u64 + 1;
        Ok((entries, Self::at(file, lock, subject, next, check)))
    }

    /// What a journal holds, for somebody who only looks. Whoever writes it is not disturbed; a line that is being written is
    /// a torn one.
    pub fn read(dir: &Path) -> Result<Entries<R>> {
        let subject = subject(dir);
        let (entries, _) = parse(&bytes(dir, &subject)?).map_err(|why| local(&subject, "read", why))?;
        Ok(entries)
    }

    /// Writes a line. It is on the disk when this comes back; when this fails, nothing more can be written, and what it was
    /// for must not be done.
    pub fn write(&mut self, record: &R) -> Result<()> {
        if self.is_broken {
            return Err(local(&self.subject, "write", "an earlier write failed".to_owned()));
        }
        let (line, check) = line::encode(self.check, self.next_sequence, now_ms(), record)
            .map_err(|error| local(&self.subject, "write", error.to_string()))?;
        let written = self.file.write_all(&line).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            self.is_broken = true;
            return Err(local(&self.subject, "write", error.to_string()));
        }
        self.check = check;
        self.next_sequence += 1;
        Ok(())
    }

    fn at(file: File, lock: Flock<File>, subject: String, next_sequence: u64, check: Check) -> Self {
        Self { file, subject, next_sequence, check, is_broken: false, _lock: lock, _records: PhantomData }
    }
}

fn subject(dir: &Path) -> String {
    format!("journal {}", dir.display())
}

fn local(subject: &str, op: &str, why: String) -> Error {
    Error::new(ErrorKind::Local, subject, op, why)
}

/// Goes when the program does, however that ends.
fn lock(dir: &Path, subject: &str) -> Result<Flock<File>> {
    let failed = |error: io::Error| local(subject, "lock", error.to_string());
    let path = dir.join(LOCK);
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).map_err(failed)?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(lock),
        Err((_, Errno::EWOULDBLOCK)) => {
            Err(Error::new(ErrorKind::Refused, subject, "lock", "another zkmigrator is working with it"))
        }
        Err((_, errno)) => Err(failed(errno.into())),
    }
}

fn bytes(dir: &Path, subject: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let opened = File::open(dir.join(FILE)).map(|file| file.take(JOURNAL_BYTES_MAX + 1));
    let read = opened.and_then(|mut file| file.read_to_end(&mut bytes));
    read.map_err(|error| local(subject, "read", error.to_string()))?;
    if bytes.len() as u64 > JOURNAL_BYTES_MAX {
        return Err(local(subject, "read", format!("it is larger than {JOURNAL_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}

fn sync(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

fn now_ms() -> u64 {
    // A clock before the epoch, or one that has run for 500 million years, is shown as 0.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
