//! One real ZooKeeper server, on a free port of 127.0.0.1, in a directory of its own.
//!
//! Tests kill servers and start them again on their data, so a [`Server`] is the place and not the process: address and
//! directory stay, the process comes and goes.
//!
//! Invariants: a server that was returned answers `srvr`, and it is ours and not another that took the port. Neither the
//! process nor the directory outlives the [`Server`] or this process.

use std::{
    ffi::OsString,
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use zookeeper_client::Client;

use crate::{
    Error, Installation, ServerOptions, ports,
    supervisor::{CommandLine, Supervisor},
    until,
};

/// A start takes about a second; a machine that runs many at once takes longer.
pub(crate) const START_LIMIT: Duration = Duration::from_secs(60);
/// A server that is told to end writes nothing big.
const END_LIMIT: Duration = Duration::from_secs(30);
/// A four-letter word is answered from memory, unless the server is paused.
const COMMAND_LIMIT: Duration = Duration::from_secs(5);
/// How long a server that starts is given to answer, before it is asked anew.
const PROBE_LIMIT: Duration = Duration::from_millis(500);
/// How often another port is tried.
pub(crate) const PORT_ATTEMPTS: usize = 5;
/// What [`Server::client`] asks for: a loaded machine expires no session of it.
const SESSION_TIMEOUT: Duration = Duration::from_secs(30);
/// How much of the log goes into an error.
const LOG_TAIL_LINES: usize = 40;

const LOGBACK: &str = r#"<configuration><appender name="E" class="ch.qos.logback.core.ConsoleAppender"><encoder>
<pattern>%d %level [%thread] %logger{0} - %msg%n</pattern></encoder></appender>
<root level="WARN"><appender-ref ref="E"/></root></configuration>
"#;
const LOG4J: &str = "log4j.rootLogger=WARN, E\nlog4j.appender.E=org.apache.log4j.ConsoleAppender\n\
    log4j.appender.E.layout=org.apache.log4j.PatternLayout\nlog4j.appender.E.layout.ConversionPattern=%d %p [%t] %c{1} - %m%n\n";

/// A ZooKeeper server that ends with this value, or with this process.
#[derive(Debug)]
pub struct Server {
    // Declared, and so dropped, before the directory that it works in.
    process: Mutex<Supervisor>,
    directory: TempDir,
    address: SocketAddr,
    command: CommandLine,
}

impl Server {
    /// Starts a standalone server and waits until it serves.
    ///
    /// # Errors
    /// Those of [`Installation::find`]; [`Error::Start`], with the command line and the log, if it does not come to serve.
    pub async fn start(options: ServerOptions) -> Result<Self, Error> {
        let installation = Installation::find()?;
        let mut attempt = 1;
        loop {
            let server = Self::launch(&installation, &options, ports::free()?, None)?;
            match server.ready().await {
                Ok(()) => return Ok(server),
                Err(_taken) if attempt < PORT_ATTEMPTS && server.lost_its_port() => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The connect string of this server: `127.0.0.1:port`.
    pub fn connect_string(&self) -> String {
        self.address.to_string()
    }

    /// The connect string with a chroot: `127.0.0.1:port/path`. `/` and the empty path mean none.
    pub fn at(&self, path: &str) -> String {
        format!("{}{}", self.address, path.trim_end_matches('/'))
    }

    /// A client with a session of its own, connected.
    ///
    /// # Errors
    /// [`Error::ZooKeeper`] if no session is established.
    pub async fn client(&self) -> Result<Client, Error> {
        Client::connector()
            .with_session_timeout(SESSION_TIMEOUT)
            .connect(&self.connect_string())
            .await
            .map_err(Error::zookeeper(format!("connecting to {}", self.address)))
    }

    /// The answer to a four-letter word, such as `srvr`.
    ///
    /// # Errors
    /// [`Error::Io`] if the server can't be reached; [`Error::Timeout`] if it does not answer in 5 s.
    pub async fn command(&self, word: &str) -> Result<String, Error> {
        let what = || format!("{word} of {}", self.address);
        let exchange = async {
            let mut stream = TcpStream::connect(self.address).await?;
            stream.write_all(word.as_bytes()).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            Ok(answer)
        };
        timeout(COMMAND_LIMIT, exchange)
            .await
            .map_err(|_elapsed| Error::Timeout { what: what(), limit: COMMAND_LIMIT })?
            .map_err(Error::io(what()))
    }

    /// What the server is: `standalone`, `leader` or `follower`. None while it does not serve.
    pub async fn mode(&self) -> Option<String> {
        let answer = self.command("srvr").await.ok()?;
        answer.lines().find_map(|line| line.strip_prefix("Mode: ")).map(str::to_owned)
    }

    /// All that the server wrote to stdout and stderr, over its restarts.
    pub fn log(&self) -> String {
        fs::read(log_file(self.directory.path()))
            .map_or_else(|error| error.to_string(), |log| String::from_utf8_lossy(&log).into_owned())
    }

    /// The directory with `zoo.cfg`, the log, and the data below `data/version-2`.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The process id of the last java process, which may have ended.
    pub fn pid(&self) -> u32 {
        self.process().pid()
    }

    /// Whether the process runs, be it paused.
    pub fn is_running(&self) -> bool {
        self.process().exited().is_none()
    }

    /// Kills the server with SIGKILL, and waits for its end. The data stays.
    ///
    /// # Errors
    /// [`Error::Timeout`] if it does not end.
    pub async fn kill(&self) -> Result<(), Error> {
        self.end("KILL").await
    }

    /// Stops the server with SIGTERM, and waits for its end. The data stays.
    ///
    /// # Errors
    /// [`Error::Timeout`] if it does not end.
    pub async fn stop(&self) -> Result<(), Error> {
        self.end("TERM").await
    }

    /// Pauses the server (SIGSTOP): its connections stay open, and nothing is answered.
    ///
    /// # Errors
    /// [`Error::Timeout`] if it runs on, or has ended.
    pub async fn pause(&self) -> Result<(), Error> {
        self.process().signal("STOP");
        until("the server to pause", END_LIMIT, async || self.process().is_stopped().then_some(())).await
    }

    /// Ends a pause (SIGCONT).
    pub fn resume(&self) {
        self.process().signal("CONT");
    }

    /// Starts the server again on its port and data, and waits until it serves. Stops it before if it runs.
    ///
    /// # Errors
    /// [`Error::Start`] if it does not come to serve.
    pub async fn restart(&self) -> Result<(), Error> {
        self.stop().await?;
        self.respawn()?;
        self.ready().await
    }

    /// Starts the process alone, as a member of an ensemble if an id and lines of `zoo.cfg` are given.
    pub(crate) fn launch(
        installation: &Installation,
        options: &ServerOptions,
        port: u16,
        member: Option<(usize, &str)>,
    ) -> Result<Self, Error> {
        let directory =
            tempfile::Builder::new().prefix("zookeeper-").tempdir().map_err(Error::io("a temporary directory"))?;
        let path = directory.path();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (id, lines) = member.unwrap_or((0, ""));
        for (name, text) in [
            ("data/myid", id.to_string()),
            ("zoo.cfg", options.zoo_cfg(address, path) + lines),
            ("logback.xml", LOGBACK.to_owned()),
            ("log4j.properties", LOG4J.to_owned()),
        ] {
            fs::create_dir_all(path.join("data")).map_err(Error::io("the data directory"))?;
            fs::write(path.join(name), text).map_err(Error::io(name))?;
        }
        let command = command_line(installation, options, path);
        let process = Supervisor::spawn(&command, path, &log_file(path))?;
        Ok(Self { process: Mutex::new(process), directory, address, command })
    }

    /// Starts the process again, and does not wait for it.
    pub(crate) fn respawn(&self) -> Result<(), Error> {
        let path = self.directory.path();
        *self.process() = Supervisor::spawn(&self.command, path, &log_file(path))?;
        Ok(())
    }

    /// Waits until the server serves, or has ended.
    pub(crate) async fn ready(&self) -> Result<(), Error> {
        // `conf` tells the data directory: another process's server may have taken the port first.
        let ours = self.directory.path().display().to_string();
        let state = until("the server to serve", START_LIMIT, async || {
            if let Some(status) = self.process().exited() {
                return Some(Err(status));
            }
            let serves = async {
                self.mode().await.is_some() && (self.command("conf").await).is_ok_and(|answer| answer.contains(&ours))
            };
            // A connection that comes in the very moment of the start may never be answered.
            let serves = timeout(PROBE_LIMIT, serves).await.unwrap_or(false);
            serves.then_some(Ok(()))
        });
        match state.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(status)) => Err(self.start_error(format!("it ended, {status}"))),
            Err(late) => Err(self.start_error(late.to_string())),
        }
    }

    /// Whether the log tells that another process had a port of this server.
    pub(crate) fn lost_its_port(&self) -> bool {
        self.log().contains("BindException")
    }

    /// The error of a start, with the command line and the end of the log.
    pub(crate) fn start_error(&self, reason: String) -> Error {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let tail = &lines[lines.len().saturating_sub(LOG_TAIL_LINES)..];
        Error::Start { reason, command: self.command.to_string(), log: tail.join("\n") }
    }

    async fn end(&self, signal: &str) -> Result<(), Error> {
        self.process().signal(signal);
        // SIGTERM waits for a process that is paused.
        self.process().signal("CONT");
        let what = format!("the end of the server at {} after SIG{signal}", self.address);
        until(&what, END_LIMIT, async || self.process().exited()).await.map(drop)
    }

    fn process(&self) -> MutexGuard<'_, Supervisor> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn log_file(directory: &Path) -> PathBuf {
    directory.join("server.log")
}

fn command_line(installation: &Installation, options: &ServerOptions, directory: &Path) -> CommandLine {
    let mut command: Vec<OsString> = vec![installation.java().into()];
    command.extend(options.java_options(directory).into_iter().map(OsString::from));
    command.extend(["-cp".into(), installation.classpath().to_owned()]);
    command.push("org.apache.zookeeper.server.quorum.QuorumPeerMain".into());
    command.push(directory.join("zoo.cfg").into());
    CommandLine(command)
}
