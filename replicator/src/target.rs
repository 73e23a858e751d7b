//! Where trees go: the writing session, its window, and what the target must be before anything is written.

pub mod root;

use futures::StreamExt;
use futures::stream::FuturesOrdered;
use tokio::sync::mpsc::Receiver;

use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::limits;
use crate::progress::Progress;
use crate::session::Lane;

/// Sends batches as they come, several in flight on one session, and counts what was acknowledged.
///
/// One session executes in order, so a parent's batch and its children's may be in flight together. A batch that fails
/// fails what depends on it, but not what stands behind it unrelated: sending stops at the first failure, the window
/// is drained so that the counts are true, and the first failure is the error. Cancelled, it leaves written what was
/// acknowledged and unknown what was in flight.
pub async fn write(lane: &Lane, mut batches: Receiver<Batch>, progress: &Progress) -> Result<()> {
    let mut acks = FuturesOrdered::new();
    let mut in_flight = 0;
    let mut failed: Option<Error> = None;
    let mut open = true;
    while open || !acks.is_empty() {
        let room = acks.len() < limits::WRITES_IN_FLIGHT_MAX && in_flight < limits::WRITE_BYTES_IN_FLIGHT_MAX;
        tokio::select! {
            biased;
            Some((batch_bytes, done)) = acks.next(), if !acks.is_empty() => {
                in_flight -= batch_bytes;
                if let Err(error) = done {
                    failed.get_or_insert(error);
                    open = false;
                }
            }
            batch = batches.recv(), if open && room => match batch {
                Some(batch) => {
                    in_flight += batch.bytes;
                    acks.push_back(send(lane, batch, progress));
                }
                None => open = false,
            },
        }
    }
    match failed {
        None => Ok(()),
        Some(error) => Err(error),
    }
}

/// Sends now, in the call; the future counts and gives the batch's permits back.
fn send<'a>(lane: &'a Lane, batch: Batch, progress: &'a Progress) -> impl Future<Output = (usize, Result<()>)> + 'a {
    let Batch { ops, bytes, permits } = batch;
    let counted = progress.count(&ops);
    let ack = lane.write(ops);
    async move {
        let done = ack.await;
        if done.is_ok() {
            progress.written(counted);
        }
        drop(permits);
        (bytes, done)
    }
}
