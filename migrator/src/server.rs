//! One meta server: its process, stopped, started and looked at by the plan's commands, and its configuration file.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep, timeout};

use crate::config_file::{ConfigFile, HOSTS_LIST, META_SERVER, START_LEVEL, ZOOKEEPER};
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Command, Host, MigrationId, Output, SshOptions};
use crate::migration::LOOK_EVERY;
use crate::pegasus::client::MetaClient;
use crate::pegasus::messages::ClusterInfoRequest;
use crate::pegasus::types::ErrorCode;
use crate::plan::{Limits, MetaServer};

/// How long a process may take to be there after its start command: systemd and its like come back before it is.
const STARTED_WITHIN: Duration = Duration::from_secs(3);
/// How long a file may take to be read or written: one of some KiB, over a connection that is there.
pub const FILE_MAX: Duration = Duration::from_secs(5);
/// How long its port may take to say whether anybody listens.
const PORT_WITHIN: Duration = Duration::from_secs(2);

/// A meta server of the plan.
#[derive(Clone, Debug)]
pub struct Server {
    /// `host:port`, as the cluster calls it.
    pub address: String,
    /// What the plan says of it.
    pub plan: MetaServer,
    host: Arc<OnceCell<Host>>,
    limits: Limits,
}

/// Whether its process is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Process {
    /// The check command says so, or its port takes connections.
    Running(String),
    /// The check command says that it is gone, and its port refuses.
    Gone,
    /// Neither.
    Unclear(String),
}

impl Server {
    /// Of the plan. Its host is connected to when it is first needed: one that can't be reached must not keep the others from
    /// being seen to.
    pub fn new(plan: &MetaServer, limits: &Limits) -> Self {
        let (address, host) = (plan.address.to_string(), Arc::default());
        Self { address, plan: plan.clone(), host, limits: limits.clone() }
    }

    async fn host(&self) -> Result<&Host> {
        let options = SshOptions { connect_max: self.limits.ssh_connect_max, config_file: None };
        self.host.get_or_try_init(|| async { Host::connect(&self.plan.host, &options).await }).await
    }

    /// Looks for its process: by the check command, and by its port.
    pub async fn process(&self) -> Result<Process> {
        let check = Command::new("check the meta server", self.plan.check.as_str());
        let host = self.host().await?;
        let (checked, port) = tokio::join!(host.run(&check, self.limits.check_max), self.listens());
        let checked = checked?;
        Ok(match (checked.code, port) {
            (Some(0), _) => Process::Running("its check command says that it runs".to_owned()),
            (Some(1), Ok(false)) => Process::Gone,
            (Some(1), Ok(true)) => {
                Process::Running("its check command says that it is gone, but its port answers".to_owned())
            }
            (Some(1), Err(why)) => {
                Process::Unclear(format!("its check command says that it is gone, but its port: {why}"))
            }
            (code, _) => {
                let code = code.map_or("a signal".to_owned(), |code| format!("exit code {code}"));
                Process::Unclear(format!("its check command ended with {code}, which says neither (0: runs, 1: gone)"))
            }
        })
    }

    /// Whether somebody listens on its port.
    async fn listens(&self) -> Result<bool, String> {
        let address = (self.plan.address.host.as_str(), self.plan.address.port);
        match timeout(PORT_WITHIN, TcpStream::connect(address)).await {
            Ok(Ok(_)) => Ok(true),
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => Ok(false),
            // The connection was there and is gone again: somebody listens.
            Ok(Err(error))
                if matches!(error.kind(), std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe) =>
            {
                Ok(true)
            }
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("it does not answer".to_owned()),
        }
    }

    /// Tells it to stop; gives what the command said.
    pub async fn stop(&self) -> Result<String> {
        self.told(&Command::new("stop the meta server", self.plan.stop.as_str()), self.limits.stop_max).await
    }

    /// Tells it to start; gives what the command said.
    pub async fn start(&self) -> Result<String> {
        self.told(&Command::new("start the meta server", self.plan.start.as_str()), self.limits.start_max).await
    }

    async fn told(&self, command: &Command, max: Duration) -> Result<String> {
        let output = self.host().await?.run(command, max).await?;
        said(&output).map_err(|why| self.error(ErrorKind::Refused, command.what(), why))
    }

    /// Waits until its process is gone.
    pub async fn wait_gone(&self) -> Result<()> {
        let until = Instant::now() + self.limits.gone_max;
        loop {
            let last = match self.process().await {
                Ok(Process::Gone) => return Ok(()),
                Ok(Process::Running(why) | Process::Unclear(why)) => why,
                // Its host may be out of reach for a moment.
                Err(error) => error.to_string(),
            };
            if Instant::now() >= until {
                let max = humantime::format_duration(self.limits.gone_max);
                return Err(self.error(
                    ErrorKind::TimedOut,
                    "stop it",
                    format!("not gone within gone_max, {max}: {last}"),
                ));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until it answers, whoever leads.
    pub async fn wait_answers(&self, meta: &MetaClient) -> Result<()> {
        self.wait("answer", self.limits.serving_max, async || meta.role(&self.address).await.map(|_| ())).await
    }

    /// Waits until it leads and has loaded its state; `longer` than it may take anyway, where it has to wait for the lock.
    pub async fn wait_leads(&self, meta: &MetaClient, longer: Duration) -> Result<()> {
        self.wait("lead", self.limits.serving_max + longer, async || {
            let reply = meta.ask_one(&self.address, &ClusterInfoRequest).await?;
            if reply.err.is(ErrorCode::OK) {
                return Ok(());
            }
            Err(self.error(ErrorKind::Unreachable, "lead", format!("it answers {}", reply.err)))
        })
        .await
    }

    /// Waits until it leads, and serves or waits for a recovery; gives its word: `ERR_OK`, `ERR_UNDER_RECOVERY`.
    pub async fn wait_settled(&self, meta: &MetaClient, longer: Duration) -> Result<ErrorCode> {
        self.wait("lead", self.limits.serving_max + longer, async || {
            let reply = meta.ask_one(&self.address, &ClusterInfoRequest).await?;
            if reply.err.is(ErrorCode::OK) || reply.err.is(ErrorCode::UNDER_RECOVERY) {
                return Ok(reply.err);
            }
            Err(self.error(ErrorKind::Unreachable, "lead", format!("it answers {}", reply.err)))
        })
        .await
    }

    async fn wait<T>(&self, op: &str, max: Duration, look: impl AsyncFn() -> Result<T>) -> Result<T> {
        let begun = Instant::now();
        loop {
            let last = match look().await {
                Ok(found) => return Ok(found),
                Err(last) => last,
            };
            if begun.elapsed() >= max {
                let max = humantime::format_duration(max);
                return Err(self.error(ErrorKind::TimedOut, op, format!("not within {max}: {}", last.why)));
            }
            // One that has ended does not come back by being waited for.
            if begun.elapsed() >= STARTED_WITHIN && self.process().await? == Process::Gone {
                let why =
                    format!("its process is gone, {} s after it was started: see its log", STARTED_WITHIN.as_secs());
                return Err(self.error(ErrorKind::Refused, op, why));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Its configuration file, as the server would read it.
    pub async fn config(&self) -> Result<ConfigFile> {
        let bytes = self.host().await?.read_file(&self.plan.config_file, FILE_MAX).await?;
        ConfigFile::parse(bytes).map_err(|error| self.error(error.kind, "read its configuration file", error.why))
    }

    /// Puts another in its place; the file as it was stays beside it, named after `id`.
    pub async fn put_config(&self, file: &ConfigFile, id: &MigrationId) -> Result<()> {
        self.host().await?.write_file(&self.plan.config_file, file.bytes(), id, FILE_MAX).await
    }

    /// Takes away what stands beside its configuration file since `id` first wrote it, where the file holds that again; gives
    /// whether it does.
    pub async fn forget_backup(&self, id: &MigrationId) -> Result<bool> {
        let file = &self.plan.config_file;
        let Some(before) = self.host().await?.read_backup(file, id, FILE_MAX).await? else { return Ok(true) };
        let is_as_before = self.host().await?.read_file(file, FILE_MAX).await? == before;
        if is_as_before {
            self.host().await?.remove_backup(file, id, FILE_MAX).await?;
        }
        Ok(is_as_before)
    }

    /// The file as it is, and with these values; `None` takes the line away.
    pub async fn edited(&self, edits: &[(&str, &str, Option<&str>)]) -> Result<(ConfigFile, ConfigFile)> {
        let before = self.config().await?;
        let mut after = before.clone();
        for (section, key, value) in edits {
            let there = after.get(section, key).map_err(|error| self.of_file(error))?;
            if there == *value {
                continue;
            }
            after = match value {
                Some(value) => after.with_value(section, key, value),
                None => after.without(section, key),
            }
            .map_err(|error| self.of_file(error))?;
        }
        Ok((before, after))
    }

    /// What `[zookeeper] hosts_list` and the start level are in the file.
    pub async fn configured(&self) -> Result<(Option<String>, Option<String>)> {
        let file = self.config().await?;
        let get = |section, key| {
            file.get(section, key).map(|value| value.map(str::to_owned)).map_err(|error| self.of_file(error))
        };
        Ok((get(ZOOKEEPER, HOSTS_LIST)?, get(META_SERVER, START_LEVEL)?))
    }

    /// An error of this server.
    pub fn error(&self, kind: ErrorKind, op: impl Into<String>, why: impl Into<String>) -> Error {
        Error::new(kind, format!("meta server {}", self.address), op, why)
    }

    fn of_file(&self, error: Error) -> Error {
        let subject = format!("meta server {}: {}", self.address, self.plan.config_file.display());
        Error { subject, ..error }
    }
}

/// What a command said; an error where it did not exit with 0.
pub fn said(output: &Output) -> Result<String, String> {
    let said = [&output.stdout, &output.stderr].map(ToString::to_string).join(" ").trim().to_owned();
    match output.code {
        Some(0) => Ok(said),
        code => {
            let code = code.map_or("a signal".to_owned(), |code| format!("exit code {code}"));
            Err(format!("it ended with {code}: {said}"))
        }
    }
}
