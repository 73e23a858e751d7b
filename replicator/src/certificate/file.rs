//! A certificate on the disk: never overwritten, never half there, never read without bound.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::whole_file::{self, Existing};

/// Finds out, before hours of work, whether a certificate can be written to `file`: it must not be there, and its
/// directory must take files.
pub fn check_free(file: &Path) -> Result<()> {
    let wrong = |why: String| Error::bad_input(format!("certificate {}: {why}", file.display()));
    if file.symlink_metadata().is_ok() {
        return Err(wrong("the file is there already, and no certificate is overwritten; name another one".to_owned()));
    }
    whole_file::check(file).map_err(wrong)
}

/// Writes `text` to `file`, which must not be there: in full or not at all.
pub(super) fn write_new(file: &Path, text: &str) -> Result<()> {
    whole_file::write(file, text, Existing::Kept).map_err(|error| {
        Error::new(ErrorKind::Io(error.to_string()), "write certificate").on(file.display().to_string())
    })
}

/// The bytes of a certificate's file.
pub(super) fn read(file: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|opened| opened.take(limits::CERTIFICATE_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(|error| Error::bad_input(error.to_string()))?;
    Ok(bytes)
}
