//! What can go wrong in the harness, told so that the reader need not open a log.
//!
//! A failed start is the commonest, and the server's own log is in a directory that is gone by then: so the error
//! carries it.

use std::{io, time::Duration};

/// Why the harness could not do what a test asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// ZooKeeper, java, sshd or a browser is not on this machine.
    #[error("{what} was not found (looked at {places}); install it: {}", Error::INSTALL)]
    NotInstalled {
        /// What is missing.
        what: &'static str,
        /// Where it was looked for.
        places: String,
    },

    /// An environment variable names something that can't be used.
    #[error("{variable}={value}: {problem}")]
    Variable {
        /// Its name.
        variable: &'static str,
        /// Its value.
        value: String,
        /// What is wrong with the value.
        problem: &'static str,
    },

    /// A server did not come to serve.
    #[error("the server did not start: {reason}\ncommand: {command}\nend of its log:\n{log}")]
    Start {
        /// How it ended, or how long it was waited for.
        reason: String,
        /// The exact command line.
        command: String,
        /// The end of what it wrote to stdout and stderr.
        log: String,
    },

    /// A condition did not come true in time.
    #[error("waited {limit:?} for {what}")]
    Timeout {
        /// What was waited for.
        what: String,
        /// For how long.
        limit: Duration,
    },

    /// No free port was found.
    #[error("no free port on 127.0.0.1 after {0} tries")]
    NoPort(u16),

    /// The operating system refused.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// Why it failed.
        source: io::Error,
    },

    /// ZooKeeper refused.
    #[error("{what}: {source}")]
    ZooKeeper {
        /// The operation and its path.
        what: String,
        /// Why it failed.
        source: zookeeper_client::Error,
    },
}

impl Error {
    /// The command that installs all the harness needs on Debian and Ubuntu.
    pub const INSTALL: &str = "apt-get install -y --no-install-recommends zookeeper default-jre-headless openssh-server openssh-client chromium";

    /// Wraps an I/O error, with what was being done.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// Wraps a ZooKeeper error, with what was being done.
    pub(crate) fn zookeeper(what: impl Into<String>) -> impl FnOnce(zookeeper_client::Error) -> Self {
        let what = what.into();
        move |source| Self::ZooKeeper { what, source }
    }
}
