//! How a throwaway server differs from ZooKeeper's defaults.
//!
//! The defaults here make a server small and quick: no fsync, small transaction logs, no snapshots of its own accord,
//! no admin server. Whatever a test is about, it sets.
//!
//! Invariant: what a test sets comes last, in `zoo.cfg` and on the command line, and there the last wins.

use std::{fmt::Write, net::SocketAddr, path::Path};

/// What to start a server with.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// The java heap, in MiB.
    pub heap_mb: u32,
    /// Whether the transaction log is forced to disk (`zookeeper.forceSync`).
    pub fsync: bool,
    /// `tickTime`, in ms. Sessions may ask for 2 ticks up to [`ServerOptions::SESSION_TIMEOUT_MS_MAX`].
    pub tick_time_ms: u32,
    /// More lines of `zoo.cfg`.
    pub config: Vec<(String, String)>,
    /// More system properties.
    pub properties: Vec<(String, String)>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self { heap_mb: 512, fsync: false, tick_time_ms: 500, config: Vec::new(), properties: Vec::new() }
    }
}

impl ServerOptions {
    /// The longest session timeout that is granted, unless `maxSessionTimeout` is set in `config`.
    pub const SESSION_TIMEOUT_MS_MAX: u32 = 120_000;

    /// Sets the java heap, in MiB.
    #[must_use]
    pub fn heap_mb(mut self, heap_mb: u32) -> Self {
        self.heap_mb = heap_mb;
        self
    }

    /// Sets whether the transaction log is forced to disk.
    #[must_use]
    pub fn fsync(mut self, fsync: bool) -> Self {
        self.fsync = fsync;
        self
    }

    /// Sets `tickTime`, in ms.
    #[must_use]
    pub fn tick_time_ms(mut self, tick_time_ms: u32) -> Self {
        self.tick_time_ms = tick_time_ms;
        self
    }

    /// Adds a line to `zoo.cfg`.
    #[must_use]
    pub fn config(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.config.push((key.into(), value.into()));
        self
    }

    /// Adds a system property.
    #[must_use]
    pub fn property(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.properties.push((key.into(), value.into()));
        self
    }

    /// The text of `zoo.cfg` for a server at `address` with its data below `directory`.
    pub(crate) fn zoo_cfg(&self, address: SocketAddr, directory: &Path) -> String {
        let mut text = format!(
            "tickTime={}\ninitLimit=40\nsyncLimit=20\nmaxSessionTimeout={}\n\
             dataDir={}\nclientPortAddress={}\nclientPort={}\nmaxClientCnxns=0\n\
             admin.enableServer=false\n4lw.commands.whitelist=*\nsnapCount=100000000\npreAllocSize=1024\n",
            self.tick_time_ms,
            Self::SESSION_TIMEOUT_MS_MAX,
            directory.join("data").display(),
            address.ip(),
            address.port(),
        );
        for (key, value) in &self.config {
            writeln!(text, "{key}={value}").expect("a String takes all that is written to it");
        }
        text
    }

    /// The options of the java command, those that name files of `directory` included.
    pub(crate) fn java_options(&self, directory: &Path) -> Vec<String> {
        let mut options = vec![
            format!("-Xmx{}m", self.heap_mb),
            "-XX:+UseSerialGC".to_owned(),
            "-XX:-UsePerfData".to_owned(),
            "-XX:+ExitOnOutOfMemoryError".to_owned(),
            "-Djava.awt.headless=true".to_owned(),
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn".to_owned(),
            format!("-Dlogback.configurationFile={}", directory.join("logback.xml").display()),
            format!("-Dlog4j.configuration=file:{}", directory.join("log4j.properties").display()),
        ];
        if !self.fsync {
            options.push("-Dzookeeper.forceSync=no".to_owned());
        }
        options.extend(self.properties.iter().map(|(key, value)| format!("-D{key}={value}")));
        options
    }
}
