//! Why no session could be had: each server is tried once more, to say what is wrong with it.

use std::io::ErrorKind as Io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::srvr;
use crate::connect::endpoint;
use crate::error::{Error, ErrorKind};
use crate::options::EnsembleOptions;

/// How long one server may take to say what is wrong with it.
const PROBE_WITHIN: Duration = Duration::from_millis(500);

/// What of the connect timeout is for the connect; the rest is for saying why it failed, so that both end within it.
pub(super) fn connect_share(options: &EnsembleOptions) -> Duration {
    (options.connect_timeout * 19 / 20).saturating_sub(probe_within(options))
}

fn probe_within(options: &EnsembleOptions) -> Duration {
    PROBE_WITHIN.min(options.connect_timeout / 4)
}

/// The error for a failed connect, with a reason for each server.
pub(super) async fn explain(options: &EnsembleOptions, seen: &str) -> Error {
    let servers = servers(options).await;
    let within = options.connect_timeout.as_millis();
    Error::new(ErrorKind::Unreachable(format!("{servers} ({seen}; --connect-timeout is {within} ms)")), "connect")
}

/// What is wrong with each server.
pub(super) async fn servers(options: &EnsembleOptions) -> String {
    let probes = options.connect.hosts.iter().chain(&options.spared).map(|(host, port)| async move {
        let what = match timeout(probe_within(options), probe(host, *port)).await {
            Ok(what) => what,
            Err(_) => "does not answer: wrong address, host down, or a firewall".to_owned(),
        };
        format!("{} {what}", endpoint(host, *port))
    });
    futures::future::join_all(probes).await.join("; ")
}

/// What the server says, if it does so while there is time to say anything else.
async fn says_itself(address: SocketAddr) -> Option<&'static str> {
    timeout(PROBE_WITHIN / 2, srvr::ask(address)).await.ok()?.gives_none
}

async fn probe(host: &str, port: u16) -> String {
    let Ok(mut addresses) = lookup_host((host, port)).await else {
        if Path::new(host).is_file() {
            return format!("is an unknown host, and a file: an archive is named archive:{host}");
        }
        return "is an unknown host: check its name and the resolver".to_owned();
    };
    let Some(address) = addresses.next() else {
        return "is a host without an address: check its name and the resolver".to_owned();
    };
    match TcpStream::connect(address).await {
        Ok(_) => gives_none(address).await,
        Err(error) => match error.kind() {
            Io::ConnectionRefused => {
                "refuses the connection: nothing listens on that port; check that the server runs, and its clientPort"
                    .to_owned()
            }
            // The connection was there and is gone again, before anybody could look: so it was accepted (Linux,
            // tcp_reset: a reset behind the other side's close is a broken pipe).
            Io::BrokenPipe | Io::ConnectionReset | Io::ConnectionAborted => gives_none(address).await,
            _ => format!("can't be reached: {error}; check the route and the firewall"),
        },
    }
}

/// Why a server that accepts connections gives no session.
async fn gives_none(address: SocketAddr) -> String {
    let unsaid = "accepts connections but gives no session: it is no ZooKeeper server, speaks TLS, serves no requests \
                  (no quorum), or refuses us (maxClientCnxns); its log says which";
    says_itself(address).await.unwrap_or(unsaid).to_owned()
}

#[cfg(test)]
mod tests;
