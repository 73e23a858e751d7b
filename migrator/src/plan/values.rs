//! Values of a plan, checked once: addresses, places, commands, durations, amounts.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use replicator::connect::{ConnectString, endpoint};
use serde::{Deserialize, Deserializer, de::Error as _};

/// `host:port` of a server of Pegasus; the port is never left out.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Address {
    /// A name or an address; IPv6 without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Where files are and commands run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub enum Place {
    /// This machine.
    Local,
    /// What `ssh NAME` reaches, by the operator's own configuration, keys and jump hosts: `host`, `user@host`.
    Ssh(String),
}

/// A command: a text for `sh -c`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Script(String);

impl Script {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Script {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match () {
            () if text.trim().is_empty() => Err("a command is missing".to_owned()),
            () if text.contains('\0') => Err("a command can't hold NUL".to_owned()),
            () => Ok(Self(text)),
        }
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no address: host:port");
        // Without its port, or as a list, it would be a connect string.
        let port = text.rsplit_once(':').map(|(_, port)| port);
        if port.is_none_or(|port| port.parse::<u16>().is_err()) || text.contains([',', '/']) {
            return Err(wrong());
        }
        let mut hosts = ConnectString::from_str(&text).map_err(|_| wrong())?.hosts;
        match hosts.pop() {
            Some((host, port)) if !host.starts_with('-') => Ok(Self { host, port }),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&endpoint(&self.host, self.port))
    }
}

impl TryFrom<String> for Place {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "local" {
            return Ok(Self::Local);
        }
        match text.strip_prefix("ssh:") {
            // What ssh would take for an option is never given to it.
            Some(name) if name.starts_with('-') => Err("a name for ssh does not start with -".to_owned()),
            Some(name) if !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control()) => {
                Ok(Self::Ssh(name.to_owned()))
            }
            _ => Err(format!("{text:?} is no place: local, or ssh:NAME")),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("local"),
            Self::Ssh(name) => write!(f, "ssh:{name}"),
        }
    }
}

/// `250ms`, `2s`, `1m 30s`; not 0.
pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    replicator::amounts::duration(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// The same, or `off`.
pub(super) fn duration_or_off<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    match &*String::deserialize(deserializer)? {
        "off" => Ok(None),
        text => replicator::amounts::duration(text).map(Some).map_err(D::Error::custom),
    }
}

/// `10M`; not 0.
pub(super) fn some_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    replicator::amounts::bytes(&String::deserialize(deserializer)?).map_err(D::Error::custom).map(Some)
}

/// An ensemble, in the replicator's words; what could be a password in it is not repeated.
pub(super) fn connect<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ConnectString, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.contains('@') {
        return Err(D::Error::custom(
            "a connect string holds no user and password: name their place with auth_file or auth_env",
        ));
    }
    text.parse().map_err(|error: replicator::error::Error| D::Error::custom(error))
}
