//! One question to one server and its answer: a connection for each, within a time limit for the whole.
//!
//! Calls are few and seldom, so a connection is not kept: nothing is left to be in a wrong state. Dropping the future
//! closes the connection; what was sent may still be executed.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::frame::Reply;
use super::record::Damage;
use crate::error::ErrorKind;
use crate::limits;

/// How an answer is missing that had begun, or that whoever listens there does not give.
pub(crate) const BROKE: &str = "the connection broke before the answer was there";

/// How long a call may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Within {
    /// Until the connection is there, with the look-up of the name.
    pub(super) connect: Duration,
    /// From the connection to the last byte of the answer.
    pub(super) answer: Duration,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct NoAnswer {
    pub(super) kind: ErrorKind,
    pub(super) why: String,
    /// Whether the server may have received what was asked.
    pub(super) sent: bool,
}

impl NoAnswer {
    fn new(kind: ErrorKind, why: impl Into<String>) -> Self {
        Self { kind, why: why.into(), sent: true }
    }
}

impl From<std::io::Error> for NoAnswer {
    fn from(error: std::io::Error) -> Self {
        Self::new(ErrorKind::Unreachable, format!("{BROKE}: {error}"))
    }
}

impl From<Damage> for NoAnswer {
    fn from(damage: Damage) -> Self {
        Self::new(ErrorKind::Protocol, damage.to_string())
    }
}

/// Sends a THFT request; gives the bytes of the reply's frame.
pub(super) async fn ask(server: &str, request: &[u8], within: Within) -> Result<Vec<u8>, NoAnswer> {
    exchange(server, request, within, async |stream| {
        let mut prefix = [0; 4];
        stream.read_exact(&mut prefix).await?;
        let mut frame = prefix.to_vec();
        let rest = Reply::thrift_length(prefix)? - frame.len();
        read_more(stream, &mut frame, rest).await?;
        Ok(frame)
    })
    .await
}

/// Sends an HTTP request; gives the answer's head, up to its empty line, and its body.
pub(super) async fn ask_http(server: &str, request: &[u8], within: Within) -> Result<(String, Vec<u8>), NoAnswer> {
    exchange(server, request, within, async |stream| {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() >= limits::HTTP_HEAD_BYTES_MAX {
                return Err(NoAnswer::new(ErrorKind::Protocol, "the head of an HTTP answer has no end"));
            }
            // A byte at a time: heads are short, and what is behind one is the body's.
            head.push(stream.read_u8().await?);
        }
        let head = String::from_utf8(head).map_err(|_| Damage("the head of an HTTP answer is no text".into()))?;
        let length = super::http::content_length(&head)?;
        let mut body = Vec::new();
        read_more(stream, &mut body, length).await?;
        Ok((head, body))
    })
    .await
}

async fn exchange<T>(
    server: &str,
    request: &[u8],
    within: Within,
    read: impl AsyncFnOnce(&mut tokio::io::BufReader<TcpStream>) -> Result<T, NoAnswer>,
) -> Result<T, NoAnswer> {
    let not_sent = |kind, why| NoAnswer { kind, why, sent: false };
    let stream = match timeout(within.connect, TcpStream::connect(server)).await {
        Err(_) => {
            return Err(not_sent(ErrorKind::TimedOut, format!("no connection within {}", millis(within.connect))));
        }
        Ok(Err(error)) => return Err(not_sent(ErrorKind::Unreachable, format!("no connection: {error}"))),
        Ok(Ok(stream)) => stream,
    };
    let conversation = async {
        let mut stream = tokio::io::BufReader::new(stream);
        stream.write_all(request).await?;
        read(&mut stream).await
    };
    match timeout(within.answer, conversation).await {
        Ok(answer) => answer,
        Err(_) => Err(NoAnswer::new(ErrorKind::TimedOut, format!("no answer within {}", millis(within.answer)))),
    }
}

/// Reads `more` bytes behind those that are there. Memory grows with what really comes.
async fn read_more(
    stream: &mut tokio::io::BufReader<TcpStream>,
    bytes: &mut Vec<u8>,
    more: usize,
) -> Result<(), NoAnswer> {
    let read = stream.take(more as u64).read_to_end(bytes).await?;
    if read < more {
        return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
    }
    Ok(())
}

fn millis(duration: Duration) -> String {
    format!("{} ms", duration.as_millis())
}
