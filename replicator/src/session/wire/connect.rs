//! From a list of servers to a session that is authenticated and up to date.

use std::future::Future;
use std::io;
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
use super::reattach::Home;
use super::{Session, version};
use crate::connect::{ConnectString, endpoint};
use crate::error::{Code, Error, ErrorKind, Result};
use crate::jute::{self, ConnectRequest, Decoder, Encoder, Malformed, SessionKey, op, xid};
use crate::limits;
use crate::options::EnsembleOptions;
use crate::retry::Retry;
use crate::znode::Zxid;

/// Tries `connect` on the servers one after the other, each with its share of `within`, from a place in the list that
/// differs from session to session: so that many sessions spread over the servers. Refused credentials end it, and so does
/// a session that has expired: no other server would say anything else. Servers that are to be spared come last.
pub(super) async fn on_any<T, F>(
    options: &EnsembleOptions,
    within: Duration,
    connect: impl Fn(SocketAddr) -> F,
) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let EnsembleOptions { connect: ConnectString { hosts, .. }, spared, .. } = options;
    let share = within / u32::try_from(hosts.len() + spared.len()).unwrap_or(u32::MAX).max(1);
    let start = starting_place();
    let mut failed = None;
    let rotated = (0..hosts.len()).map(|turn| &hosts[start.wrapping_add(turn) % hosts.len()]);
    for (host, port) in rotated.chain(spared) {
        let error = match timeout(share, on_host(host, *port, &connect)).await {
            Ok(Err(error)) if !is_final(&error) => error,
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

fn is_final(error: &Error) -> bool {
    matches!(error.code(), Some(Code::AUTH_FAILED | Code::SESSION_EXPIRED))
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

async fn on_host<T, F>(host: &str, port: u16, connect: impl Fn(SocketAddr) -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let failed = |why: String| unreachable(format!("{}: {why}", endpoint(host, port)));
    let addresses = lookup_host((host, port)).await.map_err(|error| failed(error.to_string()))?;
    let mut last = failed("the host has no address".to_owned());
    for address in addresses {
        match connect(address).await {
            Err(error) if !is_final(&error) => last = error,
            ended => return ended,
        }
    }
    Err(last)
}

/// A session on one of the servers, authenticated and synced.
pub(super) async fn to_any(options: &EnsembleOptions, seen: Zxid) -> Result<Session> {
    on_any(options, options.connect_timeout, |address| to_address(address, options, seen)).await
}

async fn to_address(address: SocketAddr, options: &EnsembleOptions, seen: Zxid) -> Result<Session> {
    let request = new_session(options, seen);
    let (attached, multi_read) =
        futures::future::try_join(attach(address, options, request), version::has_multi_read(address, options)).await?;
    let session = attached.into_session(options.clone(), seen, multi_read);
    session.sync().await?;
    Ok(session)
}

/// A session with one server, authenticated, that ends with its connection. It takes the server for one that knows
/// multiRead.
pub(super) async fn open(address: SocketAddr, options: &EnsembleOptions) -> Result<Session> {
    let options = EnsembleOptions { retry: Retry::never(), ..options.clone() };
    let attached = attach(address, &options, new_session(&options, Zxid::default())).await?;
    Ok(attached.into_session(options, Zxid::default(), true))
}

/// Asks for a session on a server that has come as far as `seen`.
pub(super) fn new_session(options: &EnsembleOptions, seen: Zxid) -> ConnectRequest {
    let timeout_ms = i32::try_from(options.session_timeout.as_millis()).unwrap_or(i32::MAX);
    ConnectRequest { last_zxid_seen: seen.0, timeout_ms, session: SessionKey::default() }
}

/// A socket on which a server has granted a session.
pub(super) struct Attached {
    pub(super) server: SocketAddr,
    pub(super) stream: TcpStream,
    pub(super) inbound: Inbound,
    pub(super) session: SessionKey,
    pub(super) session_timeout: Duration,
}

impl Attached {
    fn into_session(self, options: EnsembleOptions, seen: Zxid, multi_read: bool) -> Session {
        let Self { server, stream, inbound, session, session_timeout } = self;
        let shared = Arc::new(Shared::new(seen, options.retry.clone()));
        let authenticated = !options.auths.is_empty();
        let home = Home { options, server, session, session_timeout, multi_read };
        let connection = Connection { stream, inbound, home, shared: Arc::clone(&shared) };
        let acls = Arc::new(Acls::default());
        Session { connection: tokio::spawn(connection.run()), shared, authenticated, multi_read, acls }
    }
}

/// Connects to one server, has it grant what `request` asks for, and authenticates. The error is `SESSION_EXPIRED` where it
/// no longer knows the session that was asked for.
pub(super) async fn attach(server: SocketAddr, options: &EnsembleOptions, request: ConnectRequest) -> Result<Attached> {
    let failed = |why: String| unreachable(format!("{server}: {why}"));
    let mut stream = TcpStream::connect(server).await.map_err(|error| failed(error.to_string()))?;
    stream.set_nodelay(true).map_err(|error| failed(error.to_string()))?;
    let mut inbound = Inbound::new(options.reply_bytes_max);
    let answer = handshake(&mut stream, &mut inbound, request).await.map_err(&failed)?;
    let granted = Decoder::new(answer).connect_response();
    let granted = granted.map_err(|Malformed(text)| failed(format!("{text} in the answer to a connect")))?;
    let timeout_ms = u64::try_from(granted.timeout_ms).unwrap_or(0);
    if granted.session.id == 0 || timeout_ms == 0 {
        return Err(Error::new(ErrorKind::Refused(Code::SESSION_EXPIRED), "connect"));
    }
    tracing::debug!(%server, session = ?granted.session, timeout_ms, "session granted");
    authenticate(&mut stream, &mut inbound, options).await.map_err(|kind| match kind {
        ErrorKind::Refused(_) => Error::new(kind, "authenticate"),
        kind => failed(kind.to_string()),
    })?;
    let longest = options.session_timeout.max(limits::SESSION_TIMEOUT_TRUSTED);
    let session_timeout = Duration::from_millis(timeout_ms).min(longest);
    Ok(Attached { server, stream, inbound, session: granted.session, session_timeout })
}

/// Sends all credentials at once, and waits for the answer to each.
async fn authenticate(
    stream: &mut TcpStream,
    inbound: &mut Inbound,
    options: &EnsembleOptions,
) -> Result<(), ErrorKind> {
    let mut frames = BytesMut::new();
    for auth in &options.auths {
        let request = |request: &mut Encoder<'_>| request.auth(&auth.scheme, auth.credentials.as_bytes());
        jute::request(&mut frames, xid::AUTH, op::AUTH, request)
            .map_err(|bytes| ErrorKind::TooLarge { bytes, limit: i32::MAX as usize })?;
    }
    let broke = |error: io::Error| ErrorKind::Lost(format!("the connection broke: {error}"));
    stream.write_all(&frames).await.map_err(broke)?;
    for _ in &options.auths {
        let frame = receive(stream, inbound).await?;
        let header = Decoder::new(frame).reply_header();
        match header.map_err(|Malformed(text)| ErrorKind::Protocol(text.to_owned()))?.code {
            Code::OK => {}
            code => return Err(ErrorKind::Refused(code)),
        }
    }
    Ok(())
}

/// The next frame, on a connection that nobody else reads from.
async fn receive(stream: &mut TcpStream, inbound: &mut Inbound) -> Result<Bytes, ErrorKind> {
    loop {
        if let Some(frame) = inbound.next_frame()? {
            return Ok(frame);
        }
        inbound.make_room();
        match stream.read_buf(&mut inbound.bytes).await {
            Ok(0) => return Err(ErrorKind::Lost("the server closed the connection".to_owned())),
            Ok(_) => {}
            Err(error) => return Err(ErrorKind::Lost(format!("the connection broke: {error}"))),
        }
    }
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
    receive(stream, inbound).await.map_err(|kind| match kind {
        ErrorKind::Lost(why) => format!("{} ({why})", refused()),
        kind => kind.to_string(),
    })
}

pub(super) fn unreachable(why: String) -> Error {
    Error::new(ErrorKind::Unreachable(why), "connect")
}
