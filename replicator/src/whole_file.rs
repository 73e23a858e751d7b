//! Files that are there in full or not at all, and that only their owner may read.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

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
        return Err("this is no name of a file".to_owned());
    }
    temporary(file).map(drop).map_err(|error| format!("its directory does not take files: {error}"))
}

/// Writes `text` to `file`, and returns when both it and its name are on the disk.
pub fn write(file: &Path, text: &str, existing: Existing) -> io::Result<()> {
    let mut temporary = temporary(file)?;
    temporary.write_all(text.as_bytes())?;
    temporary.as_file().sync_all()?;
    match existing {
        Existing::Kept => temporary.persist_noclobber(file)?,
        Existing::Replaced => temporary.persist(file)?,
    };
    File::open(directory(file))?.sync_all()
}

/// A file beside `file`; it goes when it is dropped.
fn temporary(file: &Path) -> io::Result<NamedTempFile> {
    Builder::new().prefix(".zkreplicator-").tempfile_in(directory(file))
}

fn directory(file: &Path) -> &Path {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
