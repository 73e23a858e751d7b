//! Writes into requests, within the limits of bytes and operations, in the order in which they come.
//!
//! One request is one multi, or one setACL (which a multi can't hold). A request never exceeds the target's
//! `jute.maxbuffer`, counted to the byte; a znode that alone exceeds it is refused before anything of its batch is
//! sent.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc::Sender;

use crate::budget::Permit;
use crate::connect::Chroot;
use crate::error::{Error, ErrorKind, Result, Side};
use crate::limits;
use crate::session::WriteOp;
use crate::znode::{Acl, Kind, ZnodePath};

/// Request header, and the multi header that ends the list (Request.java; MultiHeader: type, done, err).
const MULTI_BYTES: usize = 8 + MULTI_HEADER_BYTES;
const MULTI_HEADER_BYTES: usize = 9;

/// Writes that are sent as one request.
#[derive(Debug)]
pub struct Batch {
    /// In order.
    pub ops: Vec<WriteOp>,
    /// Bytes of the request, without its length prefix.
    pub bytes: usize,
    /// What the writes' data is held by.
    pub(crate) permits: Vec<Arc<Permit>>,
    /// If it is a probe: the znode that each of its creates stands for.
    pub(crate) probed: Vec<ZnodePath>,
}

/// Hands batches to who writes them; gives whether somebody takes them. A writer that has failed takes no more, and says
/// why itself.
pub(crate) async fn hand_over(full: &mut Vec<Batch>, batches: &Sender<Batch>) -> bool {
    for batch in full.drain(..) {
        if batches.send(batch).await.is_err() {
            return false;
        }
    }
    true
}

/// Fills batches.
#[derive(Debug)]
pub struct Batcher {
    chroot: Chroot,
    request_bytes_max: usize,
    ops_max: usize,
    open: Batch,
}

impl Batch {
    fn new() -> Self {
        Self { ops: Vec::new(), bytes: MULTI_BYTES, permits: Vec::new(), probed: Vec::new() }
    }

    /// One request on its own, whose data nobody else holds.
    pub(crate) fn of(ops: Vec<WriteOp>) -> Self {
        Self { ops, bytes: 0, permits: Vec::new(), probed: Vec::new() }
    }

    /// Whether it is a setACL that waits for everything before it.
    pub fn seals(&self) -> bool {
        matches!(self.ops[..], [WriteOp::SetAcl { seals: true, .. }])
    }

    /// Whether it is a setACL that what stands behind it may depend on.
    pub fn opens(&self) -> bool {
        matches!(self.ops[..], [WriteOp::SetAcl { seals: false, .. }])
    }

    fn hold(&mut self, permit: &Arc<Permit>) {
        if self.permits.last().is_none_or(|last| !Arc::ptr_eq(last, permit)) {
            self.permits.push(Arc::clone(permit));
        }
    }
}

impl Batcher {
    /// Batches for the tree at `chroot`, on servers that take requests of `request_bytes_max` bytes.
    pub fn new(chroot: Chroot, request_bytes_max: usize) -> Self {
        Self { chroot, request_bytes_max, ops_max: limits::WRITE_BATCH_OPS_MAX, open: Batch::new() }
    }

    /// The same with no more than `ops_max` writes in a batch.
    #[must_use]
    pub fn of_ops_max(self, ops_max: usize) -> Self {
        Self { ops_max: ops_max.clamp(1, limits::WRITE_BATCH_OPS_MAX), ..self }
    }

    /// Adds a write; gives the batches that are full by it, in order.
    pub fn push(&mut self, op: WriteOp, permit: &Arc<Permit>, full: &mut Vec<Batch>) -> Result<()> {
        let request_len = self.request_len(&op);
        if request_len > self.request_bytes_max {
            let kind = ErrorKind::TooLarge { bytes: request_len, limit: self.request_bytes_max };
            return Err(Error::new(kind, op.name()).at(Side::Target).on(self.chroot.locate(op.path()).to_string()));
        }
        let bytes = request_len - MULTI_BYTES;
        let alone = matches!(op, WriteOp::SetAcl { .. });
        let bytes_max = self.request_bytes_max.min(limits::WRITE_BATCH_BYTES_MAX);
        if alone || self.open.bytes + bytes > bytes_max || self.open.ops.len() >= self.ops_max {
            full.extend(self.take());
        }
        self.open.ops.push(op);
        self.open.bytes += bytes;
        self.open.hold(permit);
        if alone {
            full.extend(self.take());
        }
        Ok(())
    }

    /// Bytes of the request that would carry `op` alone.
    pub fn request_len(&self, op: &WriteOp) -> usize {
        MULTI_BYTES + MULTI_HEADER_BYTES + self.encoded_len(op)
    }

    /// The batch that is being filled, if it holds anything.
    pub fn take(&mut self) -> Option<Batch> {
        let next = Batch { ops: Vec::with_capacity(self.open.ops.len()), ..Batch::new() };
        if self.open.ops.is_empty() { None } else { Some(std::mem::replace(&mut self.open, next)) }
    }

    /// Whether nothing waits to be sent.
    pub fn is_empty(&self) -> bool {
        self.open.ops.is_empty()
    }

    /// Bytes of one operation behind its header (zookeeper.jute: CreateRequest, SetDataRequest, SetACLRequest,
    /// DeleteRequest, CheckVersionRequest).
    fn encoded_len(&self, op: &WriteOp) -> usize {
        let path = 4 + self.chroot.locate(op.path()).len();
        match op {
            WriteOp::Create { data, acl, kind, .. } => {
                let ttl = if matches!(kind, Kind::Ttl { .. }) { 8 } else { 0 };
                path + 4 + data.as_ref().map_or(0, Bytes::len) + acl_len(acl) + 4 + ttl
            }
            WriteOp::SetData { data, .. } => path + 4 + data.as_ref().map_or(0, Bytes::len) + 4,
            WriteOp::SetAcl { acl, .. } => path + acl_len(acl) + 4,
            WriteOp::Delete { .. } | WriteOp::Check { .. } => path + 4,
            WriteOp::RaiseCounter { .. } => path + 4 + acl_len(&Acl::open()) + 4 + MULTI_HEADER_BYTES + path + 4,
        }
    }
}

fn acl_len(acl: &Acl) -> usize {
    let entries = acl.entries().iter();
    4 + entries.map(|entry| 4 + 4 + entry.scheme.len() + 4 + entry.id.len()).sum::<usize>()
}

#[cfg(test)]
mod tests;
