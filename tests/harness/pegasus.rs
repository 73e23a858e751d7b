//! Stand-in meta servers as processes: each with a directory of its own, a real configuration file, and scripts to start,
//! stop and look at it, as an operator has them.
//!
//! A test and the migrator under test use the same scripts, so it is the same to both who started a process. In the
//! directory: `config.ini`, `admin.json` (what the stand-in is told while it runs, see `stand_in/admin.rs`), `log`, `pid`,
//! `status` (how the last process ended), `start.sh`, `stop.sh`, `check.sh`. While a file `respawn` is there, a process that
//! ends is started again, as by a supervisor.
//!
//! Invariants: no process outlives the one that made it, whatever ends that: a shell whose stdin we hold kills it. Nothing
//! is started by [`MetaServer::prepare`].

mod config;
mod recorded;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub use config::MetaConfig;
pub use recorded::recorded_replicas;
use serde_json::Value;

use crate::{Error, ports, until};

/// A stop takes a moment, and a machine that runs many at once takes longer.
const END_LIMIT: Duration = Duration::from_secs(30);

/// What each script begins with: `pid` is the process, if there is one.
const HEAD: &str = "#!/bin/sh\ncd \"$(dirname \"$0\")\" || exit 1\n";
/// Waits until the process is there, not until it serves.
const START: &str = r#"
rm -f pid
setsid sh -c '
  while :; do
    rm -f status; "$1" config.ini -app_list APP >>log 2>&1 </dev/null & echo $! >pid.new; mv pid.new pid
    wait $!; echo $? >status
    [ -e respawn ] || break
    sleep 0.1
  done' sh "PROGRAM" >/dev/null 2>&1 </dev/null &
until [ -s pid ]; do sleep 0.01; done
"#;
const STOP: &str = "kill \"$(cat pid)\"\n";
const CHECK: &str = "kill -0 \"$(cat pid)\" 2>/dev/null\n";
/// `$1` is the directory. Its stdin ends when we do. The directory goes when nobody writes into it any more.
const GUARD: &str = r#"
read -r _; cd "$1" || exit 1
rm -f respawn
if [ -s pid ]; then
  kill -s KILL "$(cat pid)"
  tries=0; until [ -s status ] || [ $tries -eq 500 ]; do tries=$((tries + 1)); sleep 0.01; done
fi
rm -rf "$1""#;

/// A place where a stand-in meta server runs, or does not.
#[derive(Debug)]
pub struct MetaServer {
    directory: PathBuf,
    /// What it calls itself: `localhost:34601`.
    name: String,
    guard: Child,
}

impl MetaServer {
    /// Makes the places of so many meta servers of one cluster, with their configuration files; starts none. `program` is
    /// the stand-in; `change` has the last word on each configuration, and makes replica servers of them with `app`.
    ///
    /// # Errors
    /// [`Error::Io`] if files can't be written, [`Error::NoPort`].
    pub fn prepare(
        program: &Path,
        servers: usize,
        zookeeper: &str,
        change: impl Fn(&mut MetaConfig),
    ) -> Result<Vec<Self>, Error> {
        let ports = (0..servers).map(|_| ports::free()).collect::<Result<Vec<_>, _>>()?;
        let names: Vec<String> = ports.iter().map(|port| format!("localhost:{port}")).collect();
        let place = |port| {
            let mut config = MetaConfig::new(port, &names, zookeeper);
            change(&mut config);
            Self::place(program, &config)
        };
        ports.iter().map(|port| place(*port)).collect()
    }

    fn place(program: &Path, config: &MetaConfig) -> Result<Self, Error> {
        let directory = tempfile::Builder::new().prefix("meta-server-").tempdir();
        let directory = directory.map_err(Error::io("a temporary directory"))?.keep();
        let start =
            format!("{HEAD}{}", START.replace("APP", config.app).replace("PROGRAM", &program.display().to_string()));
        let admin = directory.join("admin.json");
        for (name, text, mode) in [
            ("config.ini", config.text(&admin), 0o640),
            ("admin.json", "{}".to_owned(), 0o644),
            ("start.sh", start, 0o755),
            ("stop.sh", format!("{HEAD}{STOP}"), 0o755),
            ("check.sh", format!("{HEAD}{CHECK}"), 0o755),
        ] {
            let path = directory.join(name);
            fs::write(&path, text).map_err(Error::io(name))?;
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).map_err(Error::io(name))?;
        }
        let guard = Command::new("sh")
            .args(["-c", GUARD, "sh"])
            .arg(&directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(Error::io("sh, to guard a meta server"))?;
        Ok(Self { directory, name: format!("localhost:{}", config.port), guard })
    }

    /// What it calls itself, and where it is asked: `localhost:port`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A file of its directory: `config.ini`, `start.sh`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Runs one of its scripts; whether it succeeded.
    ///
    /// # Errors
    /// [`Error::Io`] if it can't be run.
    pub fn script(&self, name: &str) -> Result<bool, Error> {
        let status = Command::new(self.file(name)).stdin(Stdio::null()).stderr(Stdio::null()).status();
        status.map(|status| status.success()).map_err(Error::io(name))
    }

    /// Starts it; it does not serve yet.
    ///
    /// # Errors
    /// As [`Self::script`].
    pub fn start(&self) -> Result<(), Error> {
        self.script("start.sh").map(drop)
    }

    /// Sends it a signal by its name, `KILL` or `TERM`; none if it does not run.
    ///
    /// # Errors
    /// [`Error::Io`] if there is no `sh`.
    pub fn signal(&self, name: &str) -> Result<(), Error> {
        let script = format!("kill -s {name} \"$(cat '{}')\"", self.file("pid").display());
        let status = Command::new("sh").args(["-c", &script]).stderr(Stdio::null()).status();
        status.map(drop).map_err(Error::io("kill"))
    }

    /// Stops it by a signal and waits for its end; its exit status, 128 and more for a signal's.
    ///
    /// # Errors
    /// [`Error::Timeout`] if it does not end.
    pub async fn end(&self, signal: &str) -> Result<i32, Error> {
        self.signal(signal)?;
        self.ended().await
    }

    /// Waits for its end; its exit status, 128 and more for a signal's (134: an abort).
    ///
    /// # Errors
    /// [`Error::Timeout`] if it does not end.
    pub async fn ended(&self) -> Result<i32, Error> {
        until(&format!("the end of meta server {}", self.name), END_LIMIT, async || self.status()).await
    }

    /// How it ended, if it has.
    pub fn status(&self) -> Option<i32> {
        fs::read_to_string(self.file("status")).ok()?.trim().parse().ok()
    }

    /// Whether its process runs.
    pub fn is_running(&self) -> bool {
        self.script("check.sh").unwrap_or(false)
    }

    /// What it wrote so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.file("log")).unwrap_or_default()
    }

    /// Tells it something while it runs.
    ///
    /// # Errors
    /// [`Error::Io`] if the file can't be written.
    pub fn tell(&self, admin: &Value) -> Result<(), Error> {
        let new = self.file("admin.new");
        fs::write(&new, admin.to_string()).map_err(Error::io("admin.json"))?;
        fs::rename(new, self.file("admin.json")).map_err(Error::io("admin.json"))
    }

    /// Changes its configuration file.
    ///
    /// # Errors
    /// [`Error::Io`] if the file can't be read or written.
    pub fn edit(&self, edit: impl FnOnce(String) -> String) -> Result<(), Error> {
        let path = self.file("config.ini");
        let text = fs::read_to_string(&path).map_err(Error::io("config.ini"))?;
        fs::write(path, edit(text)).map_err(Error::io("config.ini"))
    }
}

impl Drop for MetaServer {
    fn drop(&mut self) {
        // The guard's order is the end of its stdin; a line before it does no harm.
        if let Some(mut stdin) = self.guard.stdin.take() {
            let _ = stdin.write_all(b"\n");
        }
        let _ = self.guard.wait();
    }
}
