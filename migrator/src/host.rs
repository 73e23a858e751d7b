//! Hosts: how a command is run and a file is read and written where a meta server lives.
//!
//! Everything is a text for `sh -c` with arguments and input, on this machine ([`Place::Local`]) or through the operator's
//! own `ssh` ([`Place::Ssh`]): so both do the same, files too (`files`). What a command prints is kept up to a bound, its end
//! rather than its beginning. A command that does not come back in time is given up: here it is killed with all that it
//! started in its process group, over ssh it may go on; either way its outcome is unknown until somebody looks.
//!
//! Neither scripts nor input nor output are logged: what is kept of them is the journal's business.

mod exchange;
mod files;
mod local;
mod ssh;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use self::files::{FILE_BYTES_MAX, MigrationId};
use self::ssh::Ssh;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Place;

/// Bytes that are kept of each of a command's two outputs.
pub const OUTPUT_BYTES_MAX: usize = 64 << 10;

/// Where a meta server lives. Clones share one connection.
#[derive(Clone, Debug)]
pub struct Host {
    place: Place,
    ssh: Option<Arc<Ssh>>,
}

/// How ssh is used, beyond the operator's own configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshOptions {
    /// How long a connection may take.
    pub connect_max: Duration,
    /// A configuration file instead of the operator's own (`ssh -F`).
    pub config_file: Option<PathBuf>,
}

/// A text for `sh -c`, what it is given, and what it is called in errors.
#[derive(Clone)]
pub struct Command {
    what: String,
    script: String,
    args: Vec<String>,
    input: Vec<u8>,
    output_bytes_max: usize,
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The exit code; `None` where a signal ended it here (over ssh it is 128 and the signal's number then).
    pub code: Option<i32>,
    /// The end of what it printed.
    pub stdout: Printed,
    /// The end of what it complained.
    pub stderr: Printed,
}

/// The end of an output.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Printed {
    /// The last bytes.
    pub bytes: Vec<u8>,
    /// How many bytes came before them.
    pub cut: u64,
}

impl Command {
    /// `what` follows the host in an error: `stop the meta server`.
    pub fn new(what: impl Into<String>, script: impl Into<String>) -> Self {
        let (what, script) = (what.into(), script.into());
        Self { what, script, args: Vec::new(), input: Vec::new(), output_bytes_max: OUTPUT_BYTES_MAX }
    }

    /// What it is called.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// One more argument: `$1`, `$2`, ...
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// What it reads from its standard input; nothing otherwise.
    #[must_use]
    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    #[must_use]
    fn output_bytes_max(mut self, max: usize) -> Self {
        self.output_bytes_max = max;
        self
    }
}

/// Its input may be a configuration file.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command").field("what", &self.what).finish_non_exhaustive()
    }
}

impl fmt::Debug for Printed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.bytes.len())
    }
}

/// As text that a terminal does not obey; what was cut is said.
impl fmt::Display for Printed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.cut > 0 {
            write!(f, "({} bytes before) ", self.cut)?;
        }
        f.write_str(&replicator::terminal::lines(String::from_utf8_lossy(&self.bytes).trim_end()))
    }
}

impl Printed {
    /// Keeps the last `max` bytes.
    fn keep(&mut self, max: usize) {
        let over = self.bytes.len().saturating_sub(max);
        self.bytes.drain(..over);
        self.cut += over as u64;
    }
}

impl Output {
    /// Whether it exited with 0.
    pub fn is_success(&self) -> bool {
        self.code == Some(0)
    }
}

impl Host {
    /// This machine.
    pub fn local() -> Self {
        Self { place: Place::Local, ssh: None }
    }

    /// A place of the plan, and for ssh a connection to it.
    pub async fn connect(place: &Place, options: &SshOptions) -> Result<Self> {
        let ssh = match place {
            Place::Local => None,
            Place::Ssh(name) => Some(Arc::new(Ssh::connect(name, options).await?)),
        };
        Ok(Self { place: place.clone(), ssh })
    }

    /// Runs a command to its end. Whatever its exit code is, that is no error. An error has an unknown outcome where the
    /// command may have begun; kinds: [`ErrorKind::TimedOut`], [`ErrorKind::Unreachable`], [`ErrorKind::Local`].
    ///
    /// A command has come to its end when its outputs are closed too: what it leaves running must not keep them.
    pub async fn run(&self, command: &Command, time_limit: Duration) -> Result<Output> {
        let ended = match &self.ssh {
            None => tokio::time::timeout(time_limit, local::run(command)).await,
            Some(ssh) => tokio::time::timeout(time_limit, ssh.run(command)).await,
        };
        ended.unwrap_or_else(|_| {
            let why = format!(
                "it did not come to an end within {}; if it starts something, that must not keep its output open",
                humantime::format_duration(time_limit)
            );
            Err(self.error(ErrorKind::TimedOut, command, why).with_unknown_outcome())
        })
    }

    fn error(&self, kind: ErrorKind, command: &Command, why: impl Into<String>) -> Error {
        Error::new(kind, format!("host {}", self.place), &command.what, why)
    }
}

#[cfg(test)]
mod tests;
