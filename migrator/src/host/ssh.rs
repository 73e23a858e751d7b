//! Commands over ssh: one connection a host, made by the system's own `ssh`.
//!
//! The operator's configuration, keys, agent and jump hosts decide how a host is reached; nothing is asked of a person
//! (`BatchMode`), and a host whose key is not known is refused. A connection that broke is made again before the next
//! command; a command is never sent twice.
//! A command's exit code is believed only where the host itself said it, behind the command.

use std::num::NonZeroUsize;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use openssh::{ControlPersist, KnownHosts, Session, SessionBuilder};
use tokio::process;
use tokio::sync::Mutex;

use super::exchange::exchange;
use super::{Command, Output, SshOptions};
use crate::error::{Error, ErrorKind, Result};

/// How often a silent server is asked whether it is still there; ssh gives up after three times.
const ALIVE_EVERY: Duration = Duration::from_secs(5);

/// How long a connection stays when this program was killed and nobody closes it.
const IDLE_SECONDS_MAX: NonZeroUsize = NonZeroUsize::new(600).expect("600 is not 0");

/// Runs a script (`$0`) with its arguments, and says how it ended: that it ended at all, and with which code. ssh's own exit
/// code can't be told from a command's (255), and a login shell that runs nothing at all (`nologin`) exits with 1, which a check
/// command would mean as "gone".
const WRAPPER: &str = r#"sh -c "$0" sh "$@"; printf '\nzkmigrator: exit code %d\n' "$?""#;

/// ssh's own exit code where it failed, and not the command.
const FAILED: i32 = 255;

/// What stands before the exit code.
const END: &[u8] = b"\nzkmigrator: exit code ";

/// Bytes of the wrapper's last line at most: a code has three digits.
const END_BYTES_MAX: usize = END.len() + 4;

/// A host that ssh reaches.
#[derive(Debug)]
pub(super) struct Ssh {
    name: String,
    options: SshOptions,
    session: Mutex<Arc<Session>>,
}

impl Ssh {
    pub(super) async fn connect(name: &str, options: &SshOptions) -> Result<Self> {
        let session = Mutex::new(Arc::new(connect(name, options).await?));
        Ok(Self { name: name.to_owned(), options: options.clone(), session })
    }

    /// Runs a command to its end. When this is dropped before, the command may go on at the host.
    pub(super) async fn run(&self, command: &Command) -> Result<Output> {
        let session = self.session().await?;
        run(&session, &self.name, command).await
    }

    /// The connection, made again if it broke.
    async fn session(&self) -> Result<Arc<Session>> {
        let mut session = self.session.lock().await;
        if session.check().await.is_err() {
            *session = Arc::new(connect(&self.name, &self.options).await?);
        }
        Ok(session.clone())
    }
}

async fn run(session: &Session, name: &str, command: &Command) -> Result<Output> {
    let failed = |why: String| Error::new(ErrorKind::Unreachable, format!("host ssh:{name}"), &command.what, why);
    let mut child = carrier(session, command).spawn().map_err(|error| failed(error.to_string()))?;
    let unknown = |error: std::io::Error| failed(error.to_string()).with_unknown_outcome();
    let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(unknown(std::io::Error::other("its pipes are missing")));
    };
    let max = command.output_bytes_max;
    let exchanged = exchange(&command.input, max + END_BYTES_MAX, stdin, stdout, stderr).await;
    let (mut stdout, mut stderr) = exchanged.map_err(unknown)?;
    let ended = child.wait().await.map_err(unknown)?;
    let Some(code) = take_end(&mut stdout.bytes) else {
        if ended.code() == Some(FAILED) {
            return Err(failed(format!("the connection broke: {stderr}")).with_unknown_outcome());
        }
        let why = format!("the host did not say how it ended, but: {stdout} {stderr}");
        let error = Error::new(ErrorKind::Protocol, format!("host ssh:{name}"), &command.what, why.trim_end());
        return Err(error.with_unknown_outcome());
    };
    stdout.keep(max);
    stderr.keep(max);
    Ok(Output { code: Some(code), stdout, stderr })
}

/// The ssh that carries a command over the connection, in a process group of its own: whoever presses Ctrl-C in a terminal
/// interrupts this program, which knows when it may end, and not a command half-way. Port 9 (discard) keeps it from making
/// a connection of its own where the one that it shall use is gone.
fn carrier(session: &Session, command: &Command) -> process::Command {
    let words = ["sh", "-c", WRAPPER, &command.script].into_iter().chain(command.args.iter().map(String::as_str));
    let line: Vec<String> = words.map(quoted).collect();
    let mut ssh = process::Command::new("ssh");
    ssh.arg("-S").arg(session.control_socket()).args(["-o", "BatchMode=yes", "-T", "-p", "9", "none", "--"]);
    ssh.arg(line.join(" ")).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    ssh.process_group(0).kill_on_drop(true);
    ssh
}

/// A word as the login shell takes it for itself; csh would look into quotes for `!`.
fn quoted(word: &str) -> String {
    let word = word.split('\'').collect::<Vec<_>>().join("'\\''");
    format!("'{}'", word.split('!').collect::<Vec<_>>().join("'\\!'"))
}

/// Takes the wrapper's last line away.
fn take_end(stdout: &mut Vec<u8>) -> Option<i32> {
    let start = stdout.len().saturating_sub(END_BYTES_MAX);
    let at = start + stdout[start..].windows(END.len()).rposition(|window| window == END)?;
    let digits = stdout[at + END.len()..].strip_suffix(b"\n")?;
    let code = std::str::from_utf8(digits).ok()?.parse().ok()?;
    stdout.truncate(at);
    Some(code)
}

async fn connect(name: &str, options: &SshOptions) -> Result<Session> {
    let mut builder = SessionBuilder::default();
    builder
        .known_hosts_check(KnownHosts::Strict)
        .connect_timeout(options.connect_max)
        .server_alive_interval(ALIVE_EVERY)
        .control_directory(std::env::temp_dir())
        .control_persist(ControlPersist::IdleFor(IDLE_SECONDS_MAX));
    if let Some(file) = &options.config_file {
        builder.config_file(file);
    }
    let connected = async {
        let session = builder.connect(name).await.map_err(|error| unreachable(name, "connect", &error))?;
        try_shell(&session, name).await?;
        Ok(session)
    };
    tokio::time::timeout(options.connect_max, connected).await.unwrap_or_else(|_| {
        let why = format!("no connection within {}", humantime::format_duration(options.connect_max));
        Err(Error::new(ErrorKind::TimedOut, format!("host ssh:{name}"), "connect", why))
    })
}

/// The login shell must run what it is given, and say nothing of its own: that would be taken for a file's content.
async fn try_shell(session: &Session, name: &str) -> Result<()> {
    let command = Command::new("try the login shell", ":");
    let output = run(session, name, &command).await?;
    if output.is_success() && output.stdout.bytes.is_empty() {
        return Ok(());
    }
    let why = format!("it prints something of its own, which would be taken for a command's output: {}", output.stdout);
    Err(Error::new(ErrorKind::Protocol, format!("host ssh:{name}"), command.what, why))
}

fn unreachable(name: &str, op: &str, error: &openssh::Error) -> Error {
    let mut why = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        why = format!("{why}: {error}");
        source = error.source();
    }
    Error::new(ErrorKind::Unreachable, format!("host ssh:{name}"), op, why)
}
