//! From a list of servers to a session that is authenticated and up to date.

use std::net::SocketAddr;
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::acls::Acls;
use super::connection::{Connection, Inbound};
use super::outbox::Shared;
use super::replies::done;
use super::{Session, version};
use crate::connect::{ConnectString, endpoint};
use crate::error::{Code, Error, ErrorKind, Result};
use crate::jute::{self, ConnectRequest, Decoder, Malformed};
use crate::options::EnsembleOptions;
use crate::znode::Zxid;

/// Tries the servers one after the other, each with its share of the connect timeout, from a place in the list that
/// differs from session to session: so that many sessions spread over the servers. Refused credentials end it: no
/// other server would take them. Servers that are to be spared come last.
pub(super) async fn to_any(options: &EnsembleOptions, seen: Zxid) -> Result<Session> {
    let EnsembleOptions { connect: ConnectString { hosts, .. }, spared, .. } = options;
    let share = options.connect_timeout / u32::try_from(hosts.len() + spared.len()).unwrap_or(u32::MAX).max(1);
    let start = starting_place();
    let mut failed = None;
    let rotated = (0..hosts.len()).map(|turn| &hosts[start.wrapping_add(turn) % hosts.len()]);
    for (host, port) in rotated.chain(spared) {
        let error = match timeout(share, to_host(host, *port, options, seen)).await {
            Ok(Err(error)) if error.code() != Some(Code::AUTH_FAILED) => error,
            Ok(ended) => return ended,
            Err(_) => {
                let ms = share.as_millis();
                unreachable(format!("{} gave no session within {ms} ms", endpoint(host, *port)))
            }
        };
        tracing::debug!(%error, "no session");
        failed = Some(error);
    }
    Err(failed.unwrap_or_else(|| unreachable("no server is named".to_owned())))
}

/// Not random, and need not be: it differs between programs by time and process, and within one by a count.
fn starting_place() -> usize {
    static PROGRAM: LazyLock<usize> = LazyLock::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        (since.subsec_micros() as usize).wrapping_add(process::id() as usize)
    });
    static SESSIONS: AtomicUsize = AtomicUsize::new(0);
    PROGRAM.wrapping_add(SESSIONS.fetch_add(1, Ordering::Relaxed))
}

async fn to_host(host: &str, port: u16, options: &EnsembleOptions, seen: Zxid) -> Result<Session> {
    let failed = |why: String| unreachable(format!("{}: {why}", endpoint(host, port)));
    let addresses = lookup_host((host, port)).await.map_err(|error| failed(error.to_string()))?;
    let mut last = failed("the host has no address".to_owned());
    for address in addresses {
        match to_address(address, options, seen).await {
            Err(error) if error.code() != Some(Code::AUTH_FAILED) => last = error,
            ended => return ended,
        }
    }
    Err(last)
}

async fn to_address(address: SocketAddr, options: &EnsembleOptions, seen: Zxid) -> Result<Session> {
    let (mut session, multi_read) =
        futures::future::try_join(open(address, options, seen), version::has_multi_read(address, options)).await?;
    session.multi_read = multi_read;
    session.sync().await?;
    Ok(session)
}

/// A session with one server, authenticated. It takes the server for one that knows multiRead.
pub(super) async fn open(address: SocketAddr, options: &EnsembleOptions, seen: Zxid) -> Result<Session> {
    let failed = |why: String| unreachable(format!("{address}: {why}"));
    let mut stream = TcpStream::connect(address).await.map_err(|error| failed(error.to_string()))?;
    stream.set_nodelay(true).map_err(|error| failed(error.to_string()))?;
    let mut inbound = Inbound::new(options.reply_bytes_max);
    let timeout_ms = i32::try_from(options.session_timeout.as_millis()).unwrap_or(i32::MAX);
    let request = ConnectRequest { last_zxid_seen: seen.0, timeout_ms };
    let answer = handshake(&mut stream, &mut inbound, request).await.map_err(&failed)?;
    let granted = Decoder::new(answer).connect_response();
    let granted = granted.map_err(|Malformed(text)| failed(format!("{text} in the answer to a connect")))?;
    let timeout_ms = u64::try_from(granted.timeout_ms).unwrap_or(0);
    if granted.session_id == 0 || timeout_ms == 0 {
        return Err(failed("the server says that the session has expired".to_owned()));
    }
    tracing::debug!(%address, session = format!("{:#x}", granted.session_id), timeout_ms, "session opened");
    let shared = Arc::new(Shared::new());
    let session_timeout = Duration::from_millis(timeout_ms);
    let connection = Connection { stream, inbound, session_timeout, shared: Arc::clone(&shared) };
    let session = Session {
        server: address,
        id: granted.session_id,
        connection: tokio::spawn(connection.run()),
        shared,
        authenticated: !options.auths.is_empty(),
        multi_read: true,
        acls: Arc::new(Acls::default()),
    };
    let answers = options.auths.iter().map(|auth| session.shared.send_auth(&auth.scheme, auth.credentials.as_bytes()));
    for answer in answers.collect::<Vec<_>>() {
        done(answer, "authenticate").await?;
    }
    Ok(session)
}

/// Sends a connect request and waits for the frame that answers it.
async fn handshake(stream: &mut TcpStream, inbound: &mut Inbound, request: ConnectRequest) -> Result<Bytes, String> {
    let mut frame = BytesMut::new();
    jute::frame(&mut frame, |encoder| encoder.connect(request)).map_err(|_| "a connect request is short".to_owned())?;
    let refused = || match request.last_zxid_seen {
        0 => "it closed the connection instead of giving a session".to_owned(),
        seen => format!(
            "it closed the connection instead of giving a session; it may not have come as far as zxid {}",
            Zxid(seen)
        ),
    };
    // A server that refuses may close before it has read.
    stream.write_all(&frame).await.map_err(|error| format!("{} ({error})", refused()))?;
    loop {
        if let Some(frame) = inbound.next_frame().map_err(|kind| kind.to_string())? {
            return Ok(frame);
        }
        inbound.make_room();
        match stream.read_buf(&mut inbound.bytes).await {
            Ok(0) => return Err(refused()),
            Ok(_) => {}
            Err(error) => return Err(format!("{} ({error})", refused())),
        }
    }
}

pub(super) fn unreachable(why: String) -> Error {
    Error::new(ErrorKind::Unreachable(why), "connect")
}
