//! Commands over ssh: one connection a host, made by the system's own `ssh`.
//!
//! The operator's configuration, keys, agent and jump hosts decide how a host is reached; nothing is asked of a person
//! (`BatchMode`), and a host whose key is not known is refused. A connection that broke is made again before the next
//! command; a command is never sent twice.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use openssh::{ControlPersist, KnownHosts, Session, SessionBuilder, Stdio};
use tokio::sync::Mutex;

use super::exchange::exchange;
use super::{Command, Output, SshOptions};
use crate::error::{Error, ErrorKind, Result};

/// How often a silent server is asked whether it is still there; ssh gives up after three times.
const ALIVE_EVERY: Duration = Duration::from_secs(5);

/// How long a connection stays when this program was killed and nobody closes it.
const IDLE_SECONDS_MAX: NonZeroUsize = NonZeroUsize::new(600).expect("600 is not 0");

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
        let failed = |error: openssh::Error| unreachable(&self.name, &command.what, &error);
        let mut child = session
            .command("sh")
            .args(["-c", &command.script, "sh"])
            .args(&command.args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .await
            .map_err(failed)?;
        let unknown = |error| failed(error).with_unknown_outcome();
        let pipes = (child.stdin().take(), child.stdout().take(), child.stderr().take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(unknown(openssh::Error::Disconnected));
        };
        let exchanged = exchange(command, stdin, stdout, stderr).await;
        let (stdout, stderr) = exchanged.map_err(|error| unknown(openssh::Error::ChildIo(error)))?;
        let code = match child.wait().await {
            Ok(status) => status.code(),
            // The crate takes this exit code for the shell's word that a command is missing.
            Err(openssh::Error::Remote(error)) if error.kind() == std::io::ErrorKind::NotFound => Some(127),
            // ssh's own exit code for a broken connection; also that of a command which exits with 255.
            Err(error) => return Err(unknown(error)),
        };
        Ok(Output { code, stdout, stderr })
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
    match tokio::time::timeout(options.connect_max, builder.connect(name)).await {
        Ok(Ok(session)) => Ok(session),
        Ok(Err(error)) => Err(unreachable(name, "connect", &error)),
        Err(_) => {
            let why = format!("no connection within {}", humantime::format_duration(options.connect_max));
            Err(Error::new(ErrorKind::TimedOut, format!("host ssh:{name}"), "connect", why))
        }
    }
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
