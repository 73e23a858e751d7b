//! What goes into a running command and what comes out of it, all at once, so that neither side waits for the other.

use std::io;

use futures::future::try_join3;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::Printed;

/// Bytes that are read at once.
const READ_BYTES: usize = 16 << 10;

/// Gives the input, and reads both outputs to their ends; of each the last `output_bytes_max` bytes are kept.
pub(super) async fn exchange(
    input: &[u8],
    output_bytes_max: usize,
    stdin: impl AsyncWrite + Unpin,
    stdout: impl AsyncRead + Unpin,
    stderr: impl AsyncRead + Unpin,
) -> io::Result<(Printed, Printed)> {
    let ((), stdout, stderr) =
        try_join3(write(stdin, input), end_of(stdout, output_bytes_max), end_of(stderr, output_bytes_max)).await?;
    Ok((stdout, stderr))
}

/// A command need not read all of its input; what it makes of that is told by its exit code.
async fn write(mut stdin: impl AsyncWrite + Unpin, input: &[u8]) -> io::Result<()> {
    match stdin.write_all(input).await {
        Ok(()) => stdin.shutdown().await.or_else(closed),
        Err(error) => closed(error),
    }
}

fn closed(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}

/// The last `max` bytes; never more than twice that is held.
async fn end_of(mut from: impl AsyncRead + Unpin, max: usize) -> io::Result<Printed> {
    let mut printed = Printed::default();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let read = from.read(&mut buffer).await?;
        printed.bytes.extend_from_slice(&buffer[..read]);
        if read == 0 || printed.bytes.len() > 2 * max {
            printed.keep(max);
        }
        if read == 0 {
            return Ok(printed);
        }
    }
}
