//! Where trees go: the writing session, its window, and what the target must be before anything is written.

pub mod abilities;
pub mod probe;
pub mod root;
mod window;

use std::collections::VecDeque;
use std::time::Instant;

use futures::StreamExt;
use futures::stream::{FuturesOrdered, FuturesUnordered};
use tokio::sync::mpsc::Receiver;

use self::window::Window;
use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::limits;
use crate::progress::{Counts, Progress};
use crate::rehearsal::{Block, Rehearsal};
use crate::session::Lane;

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
                probe::ask(self, ops, probed).await?;
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
/// fails what depends on it, but not what stands behind it unrelated: sending stops at the first failure, the window
/// is drained so that the counts are true, and the first failure is the error, which says whether the outcome of any
/// write is unknown.
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
    let mut failed: Option<Error> = None;
    let mut open = true;
    // A setACL that may let through what stands behind it is under way.
    let mut opening = false;
    while open || !acks.is_empty() || !seal_acks.is_empty() || !seals.is_empty() {
        while failed.is_none() && seals.front().is_some_and(|(before, _)| *before <= acked) {
            seal_acks.extend(seals.pop_front().map(|(_, batch)| send(lane, batch, progress)));
        }
        opening &= !acks.is_empty();
        let room = !opening && window.has_room() && seals.len() + seal_acks.len() < limits::SEALS_WAITING_MAX;
        let done = tokio::select! {
            biased;
            Some((sent, done)) = acks.next(), if !acks.is_empty() => {
                window.answered(&sent, Instant::now());
                acked += 1;
                done
            }
            Some(done) = seal_acks.next(), if !seal_acks.is_empty() => done,
            batch = next(lane, &mut batches), if open && room => {
                match batch {
                    Some(batch) if batch.seals() => seals.push_back((sent, batch)),
                    Some(batch) => {
                        sent += 1;
                        opening = batch.opens();
                        let under_way = window.sent(batch.bytes, Instant::now());
                        let done = send(lane, batch, progress);
                        acks.push_back(async move { (under_way, done.await) });
                    }
                    None => open = false,
                }
                Ok(())
            }
        };
        if let Err(error) = done {
            let unknown = error.outcome_unknown;
            failed.get_or_insert(error).outcome_unknown |= unknown;
            open = false;
            seals.clear();
        }
    }
    failed.map_or(Ok(()), Err)
}

/// The next batch, when one may be sent. A call that is dropped loses none.
async fn next(lane: &Lane, batches: &mut Receiver<Batch>) -> Option<Batch> {
    lane.free().await;
    batches.recv().await
}

/// Sends now, in the call; the future counts and gives the batch's permits back.
fn send<'a>(lane: &'a Lane, batch: Batch, progress: &'a Progress) -> impl Future<Output = Result<()>> + 'a {
    let Batch { ops, permits, probed, .. } = batch;
    let is_probe = !probed.is_empty();
    let counted = if is_probe { Counts::default() } else { progress.count(&ops) };
    let ack = if is_probe { probe::ask(Writer::to(lane), ops, probed) } else { lane.write(ops) };
    async move {
        let done = ack.await;
        if done.is_ok() {
            progress.written(counted);
        }
        drop(permits);
        done
    }
}
