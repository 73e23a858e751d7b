//! The delay line of one direction of a connection: bytes, each with the time when they are due, and the close behind
//! them.
//!
//! Pure: it is told the time and does no I/O.
//!
//! Invariants: order is kept, nothing is due before what went in earlier. Nothing goes in behind the close.

use std::{collections::VecDeque, io::IoSlice};

use bytes::{Buf, Bytes};
use tokio::time::Instant;

#[cfg(test)]
mod tests;

/// A direction of a connection with fewer bytes in the line is read on. 140 MB/s through 20 ms are 2.8 MB: six times that.
pub const LINE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// What a chunk is counted beside its bytes: a sender of single bytes is bounded too.
const CHUNK_OVERHEAD_BYTES: usize = 64;

/// Bytes under way.
#[derive(Debug, Default)]
pub(super) struct Line {
    chunks: VecDeque<(Instant, Bytes)>,
    bytes: usize,
    last_due: Option<Instant>,
    closes: Option<Instant>,
}

impl Line {
    /// Whether more may be read into it.
    pub(super) fn has_room(&self) -> bool {
        self.bytes + self.chunks.len() * CHUNK_OVERHEAD_BYTES < LINE_BYTES_MAX
    }

    /// How many bytes are in it.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Puts bytes in. They are due then, or when those in front of them are, if that is later.
    pub(super) fn push(&mut self, due: Instant, bytes: Bytes) {
        let due = self.behind_the_last(due);
        self.bytes += bytes.len();
        self.chunks.push_back((due, bytes));
    }

    /// Puts the close in.
    pub(super) fn close(&mut self, due: Instant) {
        self.closes = Some(self.behind_the_last(due));
    }

    /// Whether the close has been put in.
    pub(super) fn is_closed(&self) -> bool {
        self.closes.is_some()
    }

    /// When the next bytes, or the close behind the last, are due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.chunks.front().map(|(due, _)| *due).or(self.closes)
    }

    /// Whether there are bytes that are due.
    pub(super) fn has_due(&self, now: Instant) -> bool {
        self.chunks.front().is_some_and(|(due, _)| *due <= now)
    }

    /// Whether nothing is left but a close that is due.
    pub(super) fn is_through(&self, now: Instant) -> bool {
        self.chunks.is_empty() && self.closes.is_some_and(|due| due <= now)
    }

    /// Fills `slices` with bytes that are due, at most `bytes_max`. Gives how many slices were filled.
    pub(super) fn due<'a>(&'a self, now: Instant, bytes_max: u64, slices: &mut [IoSlice<'a>]) -> usize {
        let mut left = usize::try_from(bytes_max).unwrap_or(usize::MAX);
        let mut filled = 0;
        let due = self.chunks.iter().take_while(|(due, _)| *due <= now);
        for ((_, bytes), slice) in due.zip(slices) {
            if left == 0 {
                break;
            }
            *slice = IoSlice::new(&bytes[..bytes.len().min(left)]);
            left -= slice.len();
            filled += 1;
        }
        filled
    }

    /// Takes out the first `count` bytes, which are in it.
    pub(super) fn advance(&mut self, mut count: usize) {
        self.bytes -= count;
        while let Some((_, bytes)) = self.chunks.front_mut() {
            if bytes.len() > count {
                bytes.advance(count);
                return;
            }
            count -= bytes.len();
            self.chunks.pop_front();
        }
    }

    /// Takes out all bytes that are due, and gives how many there were.
    pub(super) fn drop_due(&mut self, now: Instant) -> usize {
        let due = self.chunks.iter().take_while(|(due, _)| *due <= now).count();
        let bytes = self.chunks.drain(..due).map(|(_, bytes)| bytes.len()).sum();
        self.bytes -= bytes;
        bytes
    }

    fn behind_the_last(&mut self, due: Instant) -> Instant {
        let due = self.last_due.map_or(due, |last| last.max(due));
        self.last_due = Some(due);
        due
    }
}
