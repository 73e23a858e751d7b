//! Plain sockets on both sides of a proxy, where each byte can be counted.

use std::{
    io::ErrorKind,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use harness::until;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::LIMIT;

/// How a connection ended for its receiver, and what came before.
#[derive(Clone, Debug, Default)]
pub(super) struct Received {
    pub(super) bytes: Vec<u8>,
    pub(super) end: Option<Result<(), ErrorKind>>,
}

/// Reads to the end, or to a reset.
pub(super) async fn receive(stream: &mut TcpStream) -> Received {
    let mut received = Received::default();
    let end = stream.read_to_end(&mut received.bytes).await;
    received.end = Some(end.map(drop).map_err(|error| error.kind()));
    received
}

/// What a new connection gets, be it a reset before it knows that it was accepted.
pub(super) async fn connect(address: SocketAddr) -> Received {
    match TcpStream::connect(address).await {
        Ok(mut stream) => receive(&mut stream).await,
        Err(error) => Received { bytes: Vec::new(), end: Some(Err(error.kind())) },
    }
}

/// A server that keeps what its connections send, in the order of their ends. It ends with the runtime of its test.
pub(super) async fn sink() -> std::io::Result<(SocketAddr, Arc<Mutex<Vec<Received>>>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (address, seen) = (listener.local_addr()?, Arc::new(Mutex::new(Vec::new())));
    let ended = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let ended = Arc::clone(&ended);
            tokio::spawn(async move {
                let received = receive(&mut stream).await;
                ended.lock().unwrap_or_else(PoisonError::into_inner).push(received);
            });
        }
    });
    Ok((address, seen))
}

/// Waits for the next connection that a sink saw the end of.
pub(super) async fn next(seen: &Mutex<Vec<Received>>) -> Result<Received, harness::Error> {
    until("a connection ends", LIMIT, async || seen.lock().unwrap_or_else(PoisonError::into_inner).pop()).await
}

/// A server that sends `bytes` to each connection and reads what it gets. It ends with the runtime of its test.
pub(super) async fn source(bytes: Vec<u8>) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let bytes = bytes.clone();
            tokio::spawn(async move {
                stream.write_all(&bytes).await?;
                tokio::io::copy(&mut stream, &mut tokio::io::sink()).await
            });
        }
    });
    Ok(address)
}

/// Bytes of which each is told from its neighbours.
pub(super) fn numbered(count: usize) -> Vec<u8> {
    (0..count).map(|n| u8::try_from(n % 251).expect("below 251")).collect()
}
