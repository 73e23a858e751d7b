//! Where trees go: the writing session, its window, and what the target must be before anything is written.

pub mod abilities;
pub mod probe;
mod recovery;
pub mod root;
mod standing;
mod window;

use std::collections::VecDeque;
use std::time::Instant;

use futures::StreamExt;
use futures::stream::{FuturesOrdered, FuturesUnordered};
use tokio::sync::mpsc::Receiver;

use self::recovery::Failed;
use self::window::Window;
use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::limits;
use crate::progress::Progress;
use crate::rehearsal::{Block, Rehearsal};
use crate::session::{Lane, WriteOp};

/// The end of the line: the session that writes, or in a dry run would.
#[derive(Clone, Copy, Debug)]
pub struct Writer<'a> {
    /// Where writes go.
    pub lane: &'a Lane,
    /// Where they are noted instead.
    pub rehearsal: Option<&'a Rehearsal>,
}

impl<'a> Writer<'a> {
    /// One that writes.
    pub fn to(lane: &'a Lane) -> Self {
        Self { lane, rehearsal: None }
    }

    /// Takes batches as they come, and counts what was acknowledged; see [`write()`]. In a dry run, what would be.
    pub async fn take(self, batches: Receiver<Batch>, progress: &Progress) -> Result<()> {
        match self.rehearsal {
            None => write(self.lane, batches, progress).await,
            Some(rehearsal) => self.rehearse(rehearsal, batches, progress).await,
        }
    }

    async fn rehearse(self, rehearsal: &Rehearsal, mut batches: Receiver<Batch>, progress: &Progress) -> Result<()> {
        while let Some(Batch { ops, probed, .. }) = next(self.lane, &mut batches).await {
            if probed.is_empty() {
                rehearsal.planned(&ops);
                progress.written(progress.count(&ops));
            } else {
                probe::ask(self, ops, probed).await.2?;
            }
        }
        Ok(())
    }

    /// What ends a copy. A dry run notes it, with what it is where its words alone do not tell, and goes on.
    pub fn blocked(self, error: Error, otherwise: Block) -> Result<()> {
        match self.rehearsal {
            None => Err(error),
            Some(rehearsal) => rehearsal.blocked(error, otherwise),
        }
    }
}

/// Sends batches as they come, several in flight on one session, and counts what was acknowledged.
///
/// One session executes in order, so a parent's batch and its children's may be in flight together. A batch that fails
/// fails what depends on it, but not what stands behind it unrelated: sending stops at the first failure, and the window
/// is drained so that the counts are true. If the connection broke, or the server threw the batch away, it is seen to and
/// sending goes on (`recovery`); otherwise the first failure is the error, which says whether the outcome of any write is
/// unknown.
///
/// ACLs are the exception to the order: the server checks a create against the ACL that is in its tree, and a setACL that
/// is still under way is not (PrepRequestProcessor, setACL: the change record that later requests are checked against
/// takes the new aversion, and not the new ACL). So what stands behind a setACL waits for it, except behind one that seals:
/// that one is itself sent when everything before it was acknowledged, and nothing waits for it.
///
/// Cancelled, it leaves written what was acknowledged and unknown what was in flight.
pub async fn write(lane: &Lane, mut batches: Receiver<Batch>, progress: &Progress) -> Result<()> {
    let mut acks = FuturesOrdered::new();
    let mut seal_acks = FuturesUnordered::new();
    // Each with the number of batches that were sent before it.
    let mut seals: VecDeque<(u64, Batch)> = VecDeque::new();
    let (mut sent, mut acked, mut window) = (0, 0, Window::new());
    // Each with its place in the order of sending.
    let mut failed: Vec<(u64, Failed)> = Vec::new();
    let (mut place, mut passed_bytes) = (0, 0);
    let mut open = true;
    // A setACL that may let through what stands behind it is under way.
    let mut opening = false;
    while open || !acks.is_empty() || !seal_acks.is_empty() || !seals.is_empty() || !failed.is_empty() {
        if !failed.is_empty() && acks.is_empty() && seal_acks.is_empty() {
            failed.sort_by_key(|(place, _)| *place);
            let failed = failed.drain(..).map(|(_, failed)| failed).collect();
            recovery::recover(lane, failed, &mut passed_bytes, progress).await?;
            acked = sent;
            continue;
        }
        while failed.is_empty() && seals.front().is_some_and(|(before, _)| *before <= acked) {
            place += 1;
            let at = place;
            seal_acks.extend(seals.pop_front().map(|(_, batch)| {
                let tried = attempt(lane, batch, progress);
                async move { (at, tried.await) }
            }));
        }
        opening &= !acks.is_empty();
        let room = failed.is_empty() && !opening && window.has_room();
        let room = room && seals.len() + seal_acks.len() < limits::SEALS_WAITING_MAX;
        let (at, tried) = tokio::select! {
            biased;
            Some((sent, tried)) = acks.next(), if !acks.is_empty() => {
                window.answered(&sent, Instant::now());
                acked += 1;
                tried
            }
            Some(tried) = seal_acks.next(), if !seal_acks.is_empty() => tried,
            batch = next(lane, &mut batches), if open && room => {
                match batch {
                    Some(batch) if batch.seals() => seals.push_back((sent, batch)),
                    Some(batch) => {
                        (sent, place) = (sent + 1, place + 1);
                        opening = batch.opens();
                        let (at, under_way) = (place, window.sent(batch.bytes, Instant::now()));
                        let tried = attempt(lane, batch, progress);
                        acks.push_back(async move { (under_way, (at, tried.await)) });
                    }
                    None => open = false,
                }
                continue;
            }
        };
        match tried {
            Tried { batch, done: Ok(()) } => passed_bytes = batch.bytes.max(passed_bytes),
            Tried { batch, done: Err(error) } => failed.push((at, Failed { batch, error })),
        }
    }
    Ok(())
}

/// The next batch, when one may be sent. A call that is dropped loses none.
async fn next(lane: &Lane, batches: &mut Receiver<Batch>) -> Option<Batch> {
    lane.free().await;
    batches.recv().await
}

/// One request, seen to as [`write()`] sees to many.
pub(crate) async fn write_one(lane: &Lane, ops: Vec<WriteOp>) -> Result<()> {
    let progress = Progress::default();
    let Tried { batch, done } = attempt(lane, Batch::of(ops), &progress).await;
    match done {
        Ok(()) => Ok(()),
        Err(error) => recovery::recover(lane, vec![Failed { batch, error }], &mut 0, &progress).await,
    }
}

/// A request that was answered, or lost.
struct Tried {
    batch: Batch,
    done: Result<()>,
}

/// Sends now, in the call; the future counts, and gives the batch back: if it was not done, it is needed again.
fn attempt<'a>(lane: &'a Lane, batch: Batch, progress: &'a Progress) -> impl Future<Output = Tried> + 'a {
    let Batch { ops, bytes, permits, probed } = batch;
    let is_probe = !probed.is_empty();
    let answer = if is_probe {
        probe::ask(Writer::to(lane), ops, probed)
    } else {
        let answer = lane.try_write(ops);
        Box::pin(async move {
            let (ops, done) = answer.await;
            (ops, Vec::new(), done)
        })
    };
    async move {
        let (ops, probed, done) = answer.await;
        if done.is_ok() && !is_probe {
            progress.written(progress.count(&ops));
        }
        Tried { batch: Batch { ops, bytes, permits, probed }, done }
    }
}
