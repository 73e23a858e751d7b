//! Files on a host: read in full, written at once or not at all, with a copy of what was there before.
//!
//! Each is one script, the same here and over ssh, in POSIX `sh` with what GNU and busybox both have. Contents go over
//! standard input and output, never through a command line. A symbolic link is followed: the file behind it is replaced, the
//! link stays.

use std::path::Path;
use std::time::Duration;

use super::{Command, Host, Output};
use crate::error::{Error, ErrorKind, Result};

/// The largest file that is read or written: Pegasus's own configuration has 50 KiB.
pub const FILE_BYTES_MAX: usize = 4 << 20;

/// The exit code of our scripts for a file that is not there.
const ABSENT: i32 = 44;

/// The exit code of our scripts when they would not, and nothing was changed.
const REFUSED: i32 = 45;

/// Reads `$1$2`, `$3` bytes at most.
const READ: &str = r#"
file=$(readlink -f -- "$1")$2
[ -e "$file" ] || exit 44
[ -f "$file" ] || { echo 'it is no regular file' >&2; exit 45; }
exec head -c "$3" -- "$file"
"#;

/// Replaces `$1` by the `$3` bytes of the input. What was there before stays in `$1$2`, unless that is there already.
/// The new file has the mode and owner of the old one before it gets its name, and is on the disk before that.
const WRITE: &str = r#"
set -eu
umask 077
file=$(readlink -f -- "$1")
backup=$file$2
new=$file$2.new
[ -e "$file" ] || exit 44
[ -f "$file" ] || { echo 'it is no regular file' >&2; exit 45; }
[ "$(stat -c %h -- "$file")" = 1 ] || { echo 'it has other hard links, which would keep the old content' >&2; exit 45; }
trap 'rm -f -- "$new"' EXIT
rm -f -- "$new"
if ! [ -e "$backup" ]; then
  cp -p -- "$file" "$new"
  sync "$new"
  mv -- "$new" "$backup"
fi
cp -p -- "$file" "$new"
was=$(stat -c '%u:%g:%a' -- "$file")
chmod u+w -- "$new"
cat >"$new"
chmod -- "${was##*:}" "$new"
[ "$(wc -c <"$new")" -eq "$3" ] || { echo 'the content did not arrive in full' >&2; exit 45; }
[ "$(stat -c '%u:%g:%a' -- "$new")" = "$was" ] || { echo 'owner and mode can not be kept' >&2; exit 45; }
sync "$new"
mv -f -- "$new" "$file"
sync "$(dirname -- "$file")"
cat -- "$file"
"#;

/// Removes `$1$2`.
const REMOVE: &str = r#"
set -eu
file=$(readlink -f -- "$1")
rm -f -- "$file$2"
sync "$(dirname -- "$file")"
"#;

/// What one migration's backups are called by: letters, digits and `-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationId(String);

impl MigrationId {
    /// `None` where a file can't be called so.
    pub fn new(id: impl Into<String>) -> Option<Self> {
        let id = id.into();
        let fits = (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        fits.then_some(Self(id))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands behind a file's own name in its backup's: `config.ini.zkmigrator-ID`.
    pub fn suffix(&self) -> String {
        format!(".zkmigrator-{}", self.0)
    }
}

impl Host {
    /// A file's content; an error where it is not there.
    pub async fn read_file(&self, path: &Path, time_limit: Duration) -> Result<Vec<u8>> {
        let command = read(path, "")?;
        self.read(&command, time_limit)
            .await?
            .ok_or_else(|| self.error(ErrorKind::Local, &command, "it does not exist"))
    }

    /// What a file held before this migration first wrote it; `None` where it has not.
    pub async fn read_backup(&self, path: &Path, id: &MigrationId, time_limit: Duration) -> Result<Option<Vec<u8>>> {
        self.read(&read(path, &id.suffix())?, time_limit).await
    }

    /// Replaces a file's content, at once or not at all, on the disk when this comes back; mode and owner stay. What it held
    /// before this migration first wrote it is kept beside it (see [`MigrationId::suffix`]). The file is read back.
    pub async fn write_file(&self, path: &Path, content: &[u8], id: &MigrationId, time_limit: Duration) -> Result<()> {
        let command = write_command(path, content, id)?;
        if content.len() > FILE_BYTES_MAX {
            return Err(self.error(ErrorKind::Input, &command, format!("it has more than {FILE_BYTES_MAX} bytes")));
        }
        let output = self.run(&command, time_limit).await?;
        match output.code {
            Some(0) if output.stdout.bytes == content => Ok(()),
            Some(0) => {
                let why = "it was written and holds something else now";
                Err(self.error(ErrorKind::Local, &command, why).with_unknown_outcome())
            }
            Some(ABSENT) => Err(self.error(ErrorKind::Local, &command, "it does not exist")),
            Some(REFUSED) => Err(self.complaint(&command, &output)),
            // Which of the script's lines failed is not known: the rename may have been before it.
            _ => Err(self.complaint(&command, &output).with_unknown_outcome()),
        }
    }

    /// Removes a file's backup of this migration, if there is one.
    pub async fn remove_backup(&self, path: &Path, id: &MigrationId, time_limit: Duration) -> Result<()> {
        let command = command("remove the backup of", REMOVE, path)?.arg(id.suffix());
        let output = self.run(&command, time_limit).await?;
        if output.is_success() { Ok(()) } else { Err(self.complaint(&command, &output)) }
    }

    async fn read(&self, command: &Command, time_limit: Duration) -> Result<Option<Vec<u8>>> {
        let output = self.run(command, time_limit).await?;
        match output.code {
            Some(0) if output.stdout.bytes.len() > FILE_BYTES_MAX => {
                Err(self.error(ErrorKind::Local, command, format!("it is larger than {FILE_BYTES_MAX} bytes")))
            }
            Some(0) => Ok(Some(output.stdout.bytes)),
            Some(ABSENT) => Ok(None),
            _ => Err(self.complaint(command, &output)),
        }
    }

    fn complaint(&self, command: &Command, output: &Output) -> Error {
        let code = output.code.map_or("a signal".to_owned(), |code| format!("exit code {code}"));
        self.error(ErrorKind::Local, command, format!("{} ({code})", output.stderr))
    }
}

fn read(path: &Path, suffix: &str) -> Result<Command> {
    let bytes_max = FILE_BYTES_MAX + 1;
    Ok(command("read", READ, path)?.arg(suffix).arg(bytes_max.to_string()).output_bytes_max(bytes_max))
}

pub(super) fn write_command(path: &Path, content: &[u8], id: &MigrationId) -> Result<Command> {
    let (suffix, length) = (id.suffix(), content.len().to_string());
    let command = command("write", WRITE, path)?;
    Ok(command.arg(suffix).arg(length).input(content).output_bytes_max(FILE_BYTES_MAX))
}

fn command(verb: &str, script: &str, path: &Path) -> Result<Command> {
    // The shell's $(...) would take a line break off the end of a name.
    let Some(text) = path.to_str().filter(|text| path.is_absolute() && !text.contains(['\n', '\0'])) else {
        let (subject, why) = (format!("file {}", path.display()), "it is no absolute path of one line of UTF-8");
        return Err(Error::new(ErrorKind::Input, subject, verb, why));
    };
    Ok(Command::new(format!("{verb} {text}"), script).arg(text))
}
