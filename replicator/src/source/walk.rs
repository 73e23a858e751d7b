//! The walk of a tree in an ensemble: many multiReads in flight, chunks out in order.
//!
//! What is asked for, and how much at once, is the frontier's business (its own module); here are the requests, the
//! replies and the permits. Cancelled at any point it leaves nothing behind: it only reads.

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesOrdered;

use super::changes::Changes;
use super::frontier::{Batch, Frontier};
use super::reader::Reader;
use super::{Chunk, Visit};
use crate::budget::{Budget, Permit, Weight};
use crate::error::Result;
use crate::filter::Filter;
use crate::limits;
use crate::options::EphemeralPolicy;
use crate::session::ReadReply;
use crate::znode::{Names, ZnodePath};

/// A batch with its permit and what came back.
type Answer = (Batch, Permit, Vec<ReadReply>);

/// A walk under way.
pub struct Walk<'a> {
    reader: &'a Reader,
    budget: Budget,
    frontier: Frontier,
    changes: Option<&'a Changes>,
    /// A batch that waits for the budget, or for the pace.
    held: Option<Batch>,
    /// Whether it is the pace that it waits for.
    paced: bool,
    replies: FuturesOrdered<BoxFuture<'a, Result<Answer>>>,
    chunks: FuturesOrdered<BoxFuture<'a, Result<Chunk>>>,
}

impl<'a> Walk<'a> {
    /// A walk of the tree that `reader` sees, or of what `filter` leaves of it.
    pub fn of_tree(reader: &'a Reader, budget: Budget, filter: Filter) -> Self {
        Self::new(reader, budget, Frontier::of_tree(reader.lane().chroot().as_str(), filter))
    }

    /// A walk of some children of `parent` and all below them, or of what `filter` leaves of it.
    pub fn of_children(reader: &'a Reader, budget: Budget, filter: Filter, parent: ZnodePath, names: Names) -> Self {
        Self::new(reader, budget, Frontier::of_children(reader.lane().chroot().as_str(), filter, parent, names))
    }

    fn new(reader: &'a Reader, budget: Budget, frontier: Frontier) -> Self {
        let changes = None;
        Self {
            reader,
            budget,
            frontier,
            changes,
            held: None,
            paced: false,
            replies: FuturesOrdered::new(),
            chunks: FuturesOrdered::new(),
        }
    }

    /// The same walk, giving only what `changes` takes: what it leaves out costs no ACL.
    #[must_use]
    pub fn sifted(self, changes: &'a Changes) -> Self {
        Self { changes: Some(changes), ..self }
    }

    /// The same walk, giving ephemerals as `policy` says.
    #[must_use]
    pub fn taking_ephemerals(mut self, policy: EphemeralPolicy) -> Self {
        self.frontier.take_ephemerals(policy);
        self
    }

    /// Sends the first request now, in the call.
    pub fn begin(&mut self) {
        self.ask();
    }

    /// The next chunk; `None` when the whole tree was read. A call that is dropped loses nothing.
    pub async fn next(&mut self) -> Result<Option<Chunk>> {
        loop {
            self.ask();
            if self.frontier.is_done() && self.held.is_none() && self.chunks.is_empty() {
                return Ok(None);
            }
            let room = self.chunks.len() < limits::CHUNKS_IN_FLIGHT_MAX;
            tokio::select! {
                biased;
                Some(chunk) = self.chunks.next(), if !self.chunks.is_empty() => return chunk.map(Some),
                Some(answer) = self.replies.next(), if room && !self.replies.is_empty() => self.answered(answer?)?,
                () = self.reader.lane().free(), if self.paced => {}
                () = self.budget.freed(), if self.held.is_some() => {}
            }
        }
    }

    /// Sends what may be sent now.
    fn ask(&mut self) {
        while self.replies.len() < limits::READS_IN_FLIGHT_MAX {
            let Some(batch) = self.held.take().or_else(|| self.frontier.next_batch()) else { return };
            self.paced = !self.reader.lane().is_free();
            if self.paced {
                self.held = Some(batch);
                return;
            }
            let Some(permit) = self.budget.try_take(batch.guess()) else {
                self.held = Some(batch);
                return;
            };
            let reply = self.reader.read(&batch.ops());
            self.replies.push_back(Box::pin(async move { Ok((batch, permit, reply.await?)) }));
        }
    }

    fn answered(&mut self, (batch, mut permit, replies): Answer) -> Result<()> {
        let side = self.reader.lane().side();
        let mut visits = self.frontier.answered(batch, replies).map_err(|error| error.at(side))?;
        if let Some(changes) = self.changes {
            changes.sift(&mut visits);
        }
        permit.resize(Weight { operations: visits.len(), bytes: visits.iter().map(Visit::weight).sum() });
        let (reader, changes) = (self.reader, self.changes);
        self.chunks.push_back(Box::pin(async move {
            let torn = reader.read_acls(&mut visits).await?;
            if let Some(changes) = changes {
                changes.torn(&torn);
            }
            Ok(Chunk { visits, permit })
        }));
        Ok(())
    }
}
