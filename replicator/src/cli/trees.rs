//! What every command wants to know about trees: where they are, how they are reached, and what of them is meant.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::archive::{self, PREFIX};
use super::credentials::Credentials;
use crate::amounts;
use crate::certificate;
use crate::connect::ConnectString;
use crate::error::{Error, Result};
use crate::filter::Filter;
use crate::latency::Observed;
use crate::limits;
use crate::options::{Auth, EnsembleOptions, ReadFrom, Transport};
use crate::report::{Acls, Task};
use crate::retry::Retry;

/// Two trees.
#[derive(Args)]
pub(super) struct Trees {
    /// Servers and root of the tree to read: host:port,host:port/path
    pub(super) source: String,
    /// Servers and root of the other tree
    pub(super) target: String,
    #[command(flatten)]
    pub(super) access: Access,
}

impl Trees {
    pub(super) fn understand(&self) -> Result<(EnsembleOptions, EnsembleOptions)> {
        self.access.sides(&self.source, &self.target)
    }
}

/// How trees are reached, and how the report is written.
#[derive(Args)]
pub(super) struct Access {
    /// How the report is written to stdout
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    /// File with lines of scheme:credentials for both sides; may be given several times
    #[arg(long, value_name = "FILE")]
    auth_file: Vec<PathBuf>,
    /// The same for the source alone; replaces what is for both sides there
    #[arg(long, value_name = "FILE")]
    source_auth_file: Vec<PathBuf>,
    /// The same for the target alone
    #[arg(long, value_name = "FILE")]
    target_auth_file: Vec<PathBuf>,
    /// Session timeout asked of the servers, in ms
    #[arg(long, value_name = "MS", default_value_t = 30_000, value_parser = amounts::milliseconds)]
    session_timeout: u64,
    /// How long a side may take to give a session, in ms
    #[arg(long, value_name = "MS", default_value_t = 10_000, value_parser = amounts::milliseconds)]
    connect_timeout: u64,
    /// How long a server that was lost is tried again without any success, for example 30s, 5m or 0; after any success the
    /// time begins anew. Only the transport wire comes back
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = parse_retry_for)]
    retry_for: Duration,
    /// What speaks to the servers of both sides
    #[arg(long, value_enum, default_value_t = TransportName::Wire)]
    pub(super) transport: TransportName,
    /// What the servers of both sides are taken for, for example 3.4; otherwise they are asked (srvr), or tried on a
    /// session of its own
    #[arg(long, value_name = "VERSION", value_parser = parse_version)]
    server_version: Option<(u32, u32)>,
    /// The largest reply that the wire transport takes; a parent with a million children answers 40 MB or more
    #[arg(long, value_name = "BYTES", default_value_t = limits::REPLY_BYTES_MAX)]
    max_reply: usize,
    /// Which servers of an ensemble are read from
    #[arg(long, value_enum, default_value_t = ReadFromName::Followers)]
    read_from: ReadFromName,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ReadFromName {
    /// Followers and observers, several at once; the leader only when there is nothing else
    Followers,
    /// All of those that are named, the leader too
    Any,
}

impl From<ReadFromName> for ReadFrom {
    fn from(name: ReadFromName) -> Self {
        match name {
            ReadFromName::Followers => Self::Followers,
            ReadFromName::Any => Self::Any,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TransportName {
    /// Our own: the fast one; tells null data from empty data
    Wire,
    /// The zookeeper-client crate; reads null data as empty
    ZookeeperClient,
}

impl From<TransportName> for Transport {
    fn from(name: TransportName) -> Self {
        match name {
            TransportName::Wire => Self::Wire,
            TransportName::ZookeeperClient => Self::ZookeeperClient,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// One JSON document
    Json,
}

impl Access {
    pub(super) fn task(&self, command: &'static str, source: &str, target: &str, acls: Acls, globs: &Globs) -> Task {
        let (source, target) = (reported(source), reported(target));
        let (include, exclude) = (globs.include.clone(), globs.exclude.clone());
        Task { command, source, target, transport: self.transport.into(), acls, include, exclude }
    }

    /// A source and a target, each with its own credentials.
    pub(super) fn sides(&self, source: &str, target: &str) -> Result<(EnsembleOptions, EnsembleOptions)> {
        let credentials = self.credentials()?;
        Ok((self.ensemble(source, credentials.source)?, self.ensemble(target, credentials.target)?))
    }

    /// A source alone.
    pub(super) fn source(&self, connect: &str) -> Result<EnsembleOptions> {
        self.ensemble(connect, self.credentials()?.source)
    }

    /// A target alone.
    pub(super) fn target(&self, connect: &str) -> Result<EnsembleOptions> {
        self.ensemble(connect, self.credentials()?.target)
    }

    /// A tree that is neither, with the credentials that are for both.
    pub(super) fn tree(&self, connect: &str) -> Result<EnsembleOptions> {
        self.ensemble(connect, self.credentials()?.both)
    }

    /// Whether the certificate that is asked for could be written, before anything is read for it.
    pub(super) fn check_certificate(&self, file: Option<&Path>) -> Result<()> {
        file.map_or(Ok(()), |file| self.check_certifiable().and_then(|()| certificate::check_free(file)))
    }

    /// A certificate rests on what only our own transport sees.
    pub(super) fn check_certifiable(&self) -> Result<()> {
        match self.transport {
            TransportName::Wire => Ok(()),
            TransportName::ZookeeperClient => Err(Error::bad_input(
                "a certificate needs --transport wire, so leave --transport out: the zookeeper-client transport does not tell null data from \
                 empty data, nor behind which zxid it reads",
            )),
        }
    }

    /// An archive keeps what only our own transport sees.
    pub(super) fn check_wire(&self) -> Result<()> {
        match self.transport {
            TransportName::Wire => Ok(()),
            TransportName::ZookeeperClient => Err(Error::bad_input(
                "an archive needs --transport wire, so leave --transport out: the zookeeper-client transport does not tell null data from empty data",
            )),
        }
    }

    pub(super) fn credentials(&self) -> Result<Credentials> {
        Credentials::read(&self.auth_file, &self.source_auth_file, &self.target_auth_file)
    }

    pub(super) fn ensemble(&self, connect: &str, auths: Vec<Auth>) -> Result<EnsembleOptions> {
        archive::refuse_bare_file(connect)?;
        Ok(EnsembleOptions {
            connect: connect.parse::<ConnectString>()?,
            auths,
            session_timeout: Duration::from_millis(self.session_timeout),
            connect_timeout: Duration::from_millis(self.connect_timeout),
            transport: self.transport.into(),
            server_version: self.server_version,
            reply_bytes_max: self.max_reply,
            retry: Retry::within(self.retry_for),
            read_from: self.read_from.into(),
            spared: Vec::new(),
            acl_memory: None,
            observed: Observed::default(),
            pace: None,
        })
    }
}

/// A tree as reports name it. What is not understood may hold anything, be it a password.
pub(super) fn reported(tree: &str) -> String {
    let is_understood = tree.is_empty() || tree.starts_with(PREFIX) || tree.parse::<ConnectString>().is_ok();
    if is_understood { tree } else { "(not understood)" }.to_owned()
}

/// Whether two texts name the same tree, however each was written: `zk1/a/` is `zk1:2181/a`.
pub(super) fn same_tree(one: &str, other: &str) -> bool {
    let parsed = |tree: &str| tree.parse::<ConnectString>().ok().filter(|_| !tree.starts_with(PREFIX));
    one == other || parsed(one).is_some_and(|one| parsed(other) == Some(one))
}

fn parse_retry_for(text: &str) -> Result<Duration, String> {
    let within = match text {
        "0" | "0s" => Duration::ZERO,
        text => amounts::duration(text)?,
    };
    if within <= limits::RETRY_FOR_MAX {
        Ok(within)
    } else {
        Err(format!("it is {} at most", humantime::format_duration(limits::RETRY_FOR_MAX)))
    }
}

/// `3.4` or `3.4.14`: what comes after the minor release decides nothing.
fn parse_version(text: &str) -> Result<(u32, u32), String> {
    let mut parts = text.split('.').map(str::parse::<u32>);
    match (parts.next(), parts.next(), parts.all(|rest| rest.is_ok())) {
        (Some(Ok(major)), Some(Ok(minor)), true) => Ok((major, minor)),
        _ => Err("a version is two numbers and a dot between them, for example 3.4".to_owned()),
    }
}

/// What of the trees is meant.
#[derive(Args)]
pub(super) struct Globs {
    /// Take only what the glob matches, with everything below it and the parents it needs; may be given several times
    #[arg(long, value_name = "GLOB")]
    pub(super) include: Vec<String>,
    /// Leave out what the glob matches, with everything below it, even if it is included; may be given several times
    #[arg(long, value_name = "GLOB")]
    pub(super) exclude: Vec<String>,
}

impl Globs {
    pub(super) fn understand(&self) -> Result<Filter> {
        Filter::new(&self.include, &self.exclude)
    }
}
