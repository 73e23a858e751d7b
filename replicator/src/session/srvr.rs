//! What a server says of itself: `srvr`, the one four-letter word that is allowed by default (zookeeperAdmin.md,
//! `4lw.commands.whitelist`).

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::limits;

/// What it said; what it did not say is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Srvr {
    /// Its release, major and minor.
    pub version: Option<(u32, u32)>,
    /// Whether it leads its ensemble.
    pub leads: Option<bool>,
    /// Whether it is an ensemble by itself.
    pub stands_alone: Option<bool>,
    /// Why it gives nobody a session, if it says so.
    pub gives_none: Option<&'static str>,
}

/// Asks on a connection of its own, and waits for [`limits::VERSION_WITHIN`] at most.
pub(super) async fn ask(address: SocketAddr) -> Srvr {
    let answer = timeout(limits::VERSION_WITHIN, exchange(address)).await.ok().flatten();
    answer.map(|answer| parse(&answer)).unwrap_or_default()
}

async fn exchange(address: SocketAddr) -> Option<String> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(b"srvr").await.ok()?;
    let mut answer = Vec::new();
    stream.take(limits::VERSION_ANSWER_BYTES_MAX).read_to_end(&mut answer).await.ok()?;
    Some(String::from_utf8_lossy(&answer).into_owned())
}

/// `Zookeeper version: 3.8.0-5a02a05eddb5, built on ...`, further down `Mode: follower` (ServerStats.java).
pub fn parse(answer: &str) -> Srvr {
    let said = |key: &str| answer.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
    let mode = said("Mode:");
    let gives_none = if mode == Some("read-only") {
        Some("is in read-only mode: it has lost its quorum; start the others of its ensemble")
    } else if answer.contains("not currently serving requests") {
        Some("serves no requests: it has no quorum, or is starting; start the others of its ensemble, or wait")
    } else {
        None
    };
    Srvr {
        version: said("Zookeeper version:").and_then(version),
        leads: mode.map(|mode| mode == "leader"),
        stands_alone: mode.map(|mode| mode == "standalone"),
        gives_none,
    }
}

fn version(text: &str) -> Option<(u32, u32)> {
    let (major, rest) = text.split_once('.')?;
    let minor = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests;
