//! A certificate on the disk: never overwritten, never half there, never read without bound.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

use crate::error::{Error, ErrorKind, Result};
use crate::limits;

/// Finds out, before hours of work, whether a certificate can be written to `file`: it must not be there, and its
/// directory must take files.
pub fn check_free(file: &Path) -> Result<()> {
    let wrong = |why: String| Error::bad_input(format!("certificate {}: {why}", file.display()));
    if file.symlink_metadata().is_ok() {
        return Err(wrong("the file is there already, and no certificate is overwritten; name another one".to_owned()));
    }
    if file.file_name().is_none() {
        return Err(wrong("this is no name of a file".to_owned()));
    }
    temporary(file).map(drop).map_err(|error| wrong(format!("its directory does not take files: {error}")))
}

/// Writes `text` to `file`, which must not be there: in full or not at all.
pub(super) fn write_new(file: &Path, text: &str) -> Result<()> {
    write(file, text).map_err(|error| {
        Error::new(ErrorKind::Io(error.to_string()), "write certificate").on(file.display().to_string())
    })
}

fn write(file: &Path, text: &str) -> io::Result<()> {
    let mut temporary = temporary(file)?;
    temporary.write_all(text.as_bytes())?;
    temporary.as_file().sync_all()?;
    temporary.persist_noclobber(file)?;
    // The name is as durable as the text.
    File::open(directory(file))?.sync_all()
}

/// A file beside `file` that only its owner may read; it goes when it is dropped.
fn temporary(file: &Path) -> io::Result<NamedTempFile> {
    Builder::new().prefix(".zkreplicator-certificate-").tempfile_in(directory(file))
}

fn directory(file: &Path) -> &Path {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The bytes of a certificate's file.
pub(super) fn read(file: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|opened| opened.take(limits::CERTIFICATE_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(|error| Error::bad_input(error.to_string()))?;
    Ok(bytes)
}
