//! What one multiRead asks for.

use crate::budget::Weight;
use crate::limits;
use crate::session::ReadOp;
use crate::znode::ZnodePath;

/// What a znode of unknown size is taken for in the budget.
const UNSIZED_GUESS_BYTES: usize = 4 * 1024;
/// Expected reply of one batch at most, so that several share what may be outstanding.
const BATCH_REPLY_BYTES_MAX: usize = 512 * 1024;
/// Request bytes of one operation besides its path.
const REQUEST_OVERHEAD_BYTES: usize = 16;

/// Znodes to read, answered together.
#[derive(Debug)]
pub(in crate::source) struct Batch {
    pub(super) asks: Vec<Ask>,
    pub(super) expected: usize,
    pub(super) unsized_asks: usize,
    pub(super) request_bytes: usize,
}

#[derive(Debug)]
pub(super) struct Ask {
    pub(super) path: ZnodePath,
    pub(super) what: What,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    /// getData of a member of `group`; with its children, when the frontier is narrow.
    Znode { group: usize, with_children: bool },
    /// getChildren of a znode that has some; with its data, if it is a member of a group that is only on the way.
    Children { on_the_way: Option<usize> },
}

impl Batch {
    pub(super) fn new() -> Self {
        Self { asks: Vec::new(), expected: 0, unsized_asks: 0, request_bytes: 0 }
    }

    /// The operations, in order.
    pub(in crate::source) fn ops(&self) -> Vec<ReadOp<'_>> {
        let mut ops = Vec::with_capacity(self.asks.len());
        for Ask { path, what } in &self.asks {
            if matches!(what, What::Znode { .. } | What::Children { on_the_way: Some(_) }) {
                ops.push(ReadOp::Data(path));
            }
            if matches!(what, What::Znode { with_children: true, .. } | What::Children { .. }) {
                ops.push(ReadOp::Children(path));
            }
        }
        ops
    }

    /// What the answer is taken to weigh.
    pub(in crate::source) fn guess(&self) -> Weight {
        let unsized_bytes = self.unsized_asks * UNSIZED_GUESS_BYTES;
        let bytes = self.expected + unsized_bytes + self.asks.len() * limits::ZNODE_OVERHEAD_BYTES;
        Weight { operations: self.asks.len(), bytes }
    }

    pub(super) fn is_full(&self) -> bool {
        self.asks.len() >= limits::READ_BATCH_OPS_MAX
            || self.expected >= BATCH_REPLY_BYTES_MAX
            || self.request_bytes >= limits::READ_REQUEST_BYTES_MAX
    }

    pub(super) fn push(&mut self, path: ZnodePath, what: What) {
        self.request_bytes += path.as_str().len() + REQUEST_OVERHEAD_BYTES;
        self.asks.push(Ask { path, what });
    }
}
