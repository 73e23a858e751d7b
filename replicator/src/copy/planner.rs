//! The middle of the line: pairs in, batches out.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt};
use tokio::sync::mpsc::Sender;
use tokio::time::timeout;

use crate::batch::{Batch, Batcher, hand_over};
use crate::budget::Permit;
use crate::error::{Result, Side};
use crate::limits;
use crate::masked::Masked;
use crate::pair::{Beside, Pair, Pairs};
use crate::plan::{Plan, Step};
use crate::progress::{Counts, Progress};
use crate::rehearsal::{Block, Rehearsal};
use crate::session::WriteOp;
use crate::source::{Source, Visit};
use crate::target::Writer;
use crate::target::probe::Probes;
use crate::znode::{Znode, ZnodePath};

/// Plans what comes and fills batches with it.
pub(super) struct Planner<'a> {
    pub(super) masked: &'a mut Masked,
    pub(super) plan: Plan,
    pub(super) probes: Probes,
    pub(super) batcher: Batcher,
    pub(super) batches: Sender<Batch>,
    pub(super) source: &'a Source,
    pub(super) writer: Writer<'a>,
    pub(super) progress: &'a Progress,
    /// Where writes are counted.
    pub(super) written: &'a Progress,
}

/// Whether somebody takes batches.
type Taken = bool;

impl Planner<'_> {
    /// Runs until the pairs end or nobody takes batches any more. Batches that were full before an error are sent.
    pub(super) async fn run(mut self, pairs: impl Stream<Item = Result<Pairs>>) -> Result<()> {
        let mut pairs = pin!(pairs);
        loop {
            let linger = if self.batcher.is_empty() { Duration::MAX } else { limits::WRITE_LINGER };
            let taken = match timeout(linger, pairs.next()).await {
                Ok(Some(pairs)) => self.take(pairs?).await?,
                Ok(None) => {
                    self.send_rest().await;
                    return Ok(());
                }
                Err(_lingered) => self.send_rest().await,
            };
            if !taken {
                return Ok(());
            }
        }
    }

    async fn take(&mut self, pairs: Pairs) -> Result<Taken> {
        let mut full = Vec::new();
        let planned = self.fill(pairs, &mut full).await;
        let taken = hand_over(&mut full, &self.batches).await;
        planned.map(|all| all && taken)
    }

    /// Fills batches; those that are full are left in `full`.
    async fn fill(&mut self, Pairs { pairs, permit }: Pairs, full: &mut Vec<Batch>) -> Result<Taken> {
        let permit = Arc::new(permit);
        let mut steps = Vec::with_capacity(pairs.len());
        let planned = pairs.into_iter().try_for_each(|pair| self.plan(pair, &mut steps));
        full.extend(self.probes.take(&permit));
        for step in steps {
            match step {
                Step::Write(write) => {
                    if let Err(error) = self.batcher.push(write, &permit, full) {
                        self.writer.blocked(error, Block::Oversized)?;
                    }
                }
                Step::Raise { child, from, times } => {
                    if !self.raise(&child, from, times, &permit, full).await? {
                        return Ok(false);
                    }
                }
            }
        }
        planned.map(|()| true)
    }

    /// Millions of writes must not wait here: each batch is sent when it is full.
    async fn raise(
        &mut self,
        child: &ZnodePath,
        from: u32,
        times: u32,
        permit: &Arc<Permit>,
        full: &mut Vec<Batch>,
    ) -> Result<Taken> {
        if self.writer.rehearsal.is_some() {
            // Nothing is sent: they are counted at once.
            let requests = u64::from(times).div_ceil(limits::WRITE_BATCH_OPS_MAX as u64);
            self.written.written(Counts { counter_raised: u64::from(times), requests, ..Counts::default() });
            return Ok(true);
        }
        for step in 1..=times {
            self.batcher.push(WriteOp::RaiseCounter { path: child.clone(), to: from + step }, permit, full)?;
            if !full.is_empty() && !hand_over(full, &self.batches).await {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn plan(&mut self, pair: Pair, steps: &mut Vec<Step>) -> Result<()> {
        match pair {
            Pair::Znode { source, target } => self.znode(source, &target, steps),
            Pair::Other(Visit::Leave(path)) => {
                self.masked.leave(&path);
                self.plan.leave(path, steps).or_else(|error| self.writer.blocked(error, Block::Counter))
            }
            Pair::Other(Visit::Unreadable(path, code)) if !self.masked.leaves_out(&path) => {
                self.writer.blocked(self.source.refused(code, "read", &path), Block::Unreadable)
            }
            Pair::Children { .. } | Pair::Other(_) => Ok(()),
        }
    }

    fn znode(&mut self, mut source: Znode, target: &Beside, steps: &mut Vec<Step>) -> Result<()> {
        match self.masked.admit(&mut source) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => return self.writer.blocked(error, Block::MaskedAcl),
        }
        self.probes.note(&source, target);
        let rehearsed = self.writer.rehearsal.map(|rehearsal| (rehearsal, source.path.clone(), steps.len()));
        match self.plan.znode(source, target, self.writer.lane, steps) {
            Ok(true) => {
                if let (Some((rehearsal, path, planned)), Beside::Znode(_)) = (rehearsed, target) {
                    note_changes(rehearsal, &path, &steps[planned..]);
                }
                Ok(())
            }
            Ok(false) => {
                self.progress.kept();
                Ok(())
            }
            Err(error) => {
                let otherwise = match target {
                    Beside::Unreadable(_) => Block::Unreadable,
                    _ if error.side == Some(Side::Target) => Block::InTheWay,
                    _ => Block::Counter,
                };
                self.writer.blocked(error, otherwise)
            }
        }
    }

    async fn send_rest(&mut self) -> Taken {
        let mut rest = self.batcher.take().into_iter().collect();
        hand_over(&mut rest, &self.batches).await
    }
}

/// What is done to a znode that the target holds. Where nothing is done now, its ACL is set when it is left.
fn note_changes(rehearsal: &Rehearsal, path: &ZnodePath, steps: &[Step]) {
    let mut whats: Vec<_> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Write(write) if write.path() == path => Some(write.name()),
            _ => None,
        })
        .collect();
    if whats.is_empty() && !steps.iter().any(|step| matches!(step, Step::Raise { .. })) {
        whats.push("set ACL of");
    }
    for what in whats {
        rehearsal.changed(what, path);
    }
}
