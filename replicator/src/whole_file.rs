//! Files that are there in full or not at all, and that only their owner may read, unless they are published.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

/// What becomes of a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It is an error.
    Kept,
    /// The new one takes its place.
    Replaced,
}

/// Finds out, before hours of work, whether `file` can be written: that it names a file, and that its directory takes files.
/// The error is a text for a person.
pub fn check(file: &Path) -> Result<(), String> {
    if file.file_name().is_none() || file.is_dir() {
        return Err("this is no name of a file; give one, for example /tmp/name".to_owned());
    }
    let file = place(file).map_err(|error| error.to_string())?;
    temporary(&file).map(drop).map_err(|error| {
        format!("its directory does not take files: {error}; name a directory that exists and that you may write to")
    })
}

/// The same of a file that replaces only what is its like: what is there is empty, or begins with `begins`.
pub fn check_like(file: &Path, begins: &str) -> Result<(), String> {
    check(file)?;
    let mut begun = Vec::new();
    match File::open(file).and_then(|there| there.take(begins.len() as u64).read_to_end(&mut begun)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(format!("it is there and can't be read: {error}; name another file")),
        Ok(_) if begun.is_empty() || begun == begins.as_bytes() => Ok(()),
        Ok(_) => Err("it is there already and is no page of ours: nothing was changed; name another file".to_owned()),
    }
}

/// Writes `text` to `file`, and returns when both it and its name are on the disk.
pub fn write(file: &Path, text: &str, existing: Existing) -> io::Result<()> {
    let mut unfinished = Unfinished::beside(file)?;
    unfinished.write_all(text.as_bytes())?;
    unfinished.finish(file, existing)
}

/// What a person is told when `file` could not be written.
pub fn unwritten(file: &Path, error: &io::Error) -> String {
    format!("{} could not be written: {error}; see to its directory and to the room there", file.display())
}

/// Writes `text` to `file` for others to read, as often as it changes: always in full, but not waiting for the disk. After a
/// crash nobody wants it.
pub fn publish(file: &Path, text: &str) -> io::Result<()> {
    let file = place(file)?;
    let mut temporary = Builder::new()
        .prefix(".zkreplicator-")
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(directory(&file))?;
    temporary.write_all(text.as_bytes())?;
    temporary.persist(file)?;
    Ok(())
}

/// A file that has no name of its own yet. It goes when it is dropped.
#[derive(Debug)]
pub struct Unfinished(NamedTempFile);

impl Unfinished {
    /// One in the directory of `file`.
    pub fn beside(file: &Path) -> io::Result<Self> {
        temporary(&place(file)?).map(Self)
    }

    /// Gives it its name, and returns when both it and its name are on the disk.
    pub fn finish(self, file: &Path, existing: Existing) -> io::Result<()> {
        let Self(temporary) = self;
        temporary.as_file().sync_all()?;
        let file = place(file)?;
        match existing {
            Existing::Kept => temporary.persist_noclobber(&file)?,
            Existing::Replaced => temporary.persist(&file)?,
        };
        File::open(directory(&file))?.sync_all()
    }
}

impl Write for Unfinished {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A file beside `file`; it goes when it is dropped.
fn temporary(file: &Path) -> io::Result<NamedTempFile> {
    Builder::new().prefix(".zkreplicator-").tempfile_in(directory(file))
}

/// Whether both are one file, or would be, whatever they are called.
pub fn is_same(one: &Path, other: &Path) -> bool {
    let full = |file: &Path| {
        let named = || Some(fs::canonicalize(directory(file)).ok()?.join(file.file_name()?));
        fs::canonicalize(file).ok().or_else(named)
    };
    let inode = |file: &Path| fs::metadata(file).ok().map(|found| (found.dev(), found.ino()));
    let is_same = |one: Option<(u64, u64)>, other| one.is_some() && one == other;
    one == other || full(one).is_some_and(|one| Some(one) == full(other)) || is_same(inode(one), inode(other))
}

/// Where `file` is to be: behind a symbolic link what it leads to. What is there and no regular file keeps its place.
fn place(file: &Path) -> io::Result<PathBuf> {
    let is_link = fs::symlink_metadata(file).is_ok_and(|found| found.is_symlink());
    let place = if is_link { fs::canonicalize(file)? } else { file.to_owned() };
    match fs::metadata(&place) {
        Ok(found) if !found.is_file() => {
            Err(io::Error::other("there is something that is no regular file; name one, or what does not exist yet"))
        }
        _ => Ok(place),
    }
}

fn directory(file: &Path) -> &Path {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests;
