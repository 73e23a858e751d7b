//! A lane's share in the pace of its side: when it may send, and what is counted.

use super::{Lane, ReadReply, WriteOp};
use crate::error::Result;
use crate::latency::{Flight, Request, Took};
use crate::pace::Pace;

impl Lane {
    /// Waits until a request may be sent; not at all where nobody has limited the rate. Dropped, it loses nothing.
    pub async fn free(&self) {
        if let Some(pace) = &self.pace {
            pace.free().await;
        }
    }

    /// Whether a request may be sent now.
    pub fn is_free(&self) -> bool {
        self.pace.as_ref().is_none_or(Pace::is_free)
    }

    /// Counts a request that is sent now; `bytes` are asked for only where somebody wants to know. The flight goes to whoever
    /// takes the answer off the connection.
    pub(super) fn sent(&self, request: Request, operations: usize, bytes: impl FnOnce() -> usize) -> (Flight, Took) {
        if let Some(pace) = &self.pace {
            pace.sent(operations, bytes());
        }
        self.latencies.begin(request)
    }

    /// Counts its answer, likewise.
    pub(super) fn answered(&self, took: &Took, bytes: impl FnOnce() -> usize) {
        if let Some(pace) = &self.pace {
            pace.answered(took.get(), bytes());
        }
    }
}

/// Bytes of data in an answer.
pub(super) fn read_bytes(reply: &Result<Vec<ReadReply>>) -> usize {
    let of_one = |reply: &ReadReply| match reply {
        ReadReply::Data(data, _) => data.as_ref().map_or(0, bytes::Bytes::len),
        ReadReply::Children(names) => names.size(),
        ReadReply::Refused(_) => 0,
    };
    reply.iter().flatten().map(of_one).sum()
}

/// Bytes of data that are written.
pub(super) fn written_bytes(ops: &[WriteOp]) -> usize {
    let of_one = |op: &WriteOp| match op {
        WriteOp::Create { data, .. } | WriteOp::SetData { data, .. } => data.as_ref().map_or(0, bytes::Bytes::len),
        _ => 0,
    };
    ops.iter().map(of_one).sum()
}
