//! What is done about writes that failed for no fault of their own: the connection broke, or the server threw them away.
//!
//! The window is drained before. Then the session comes back, or a new one takes its place, and behind that nothing is
//! under way any more ([`Lane::settle`]). What has an unknown outcome is looked at, request by request in their order: what
//! stands is counted, and what does not is sent again, one request after the other and before anything new. A request that
//! was refused behind one that was thrown away (its parent was in that one) is sent again in its turn, too; refused again,
//! it was its own fault.
//!
//! Each request that is done is a success, so it ends: with all of them done, with a refusal, or when nothing succeeds
//! within `--retry-for`.

use std::collections::VecDeque;

use tokio::time::sleep;

use super::standing::{Place, stands};
use super::{Tried, attempt};
use crate::batch::Batch;
use crate::error::{Code, Error, ErrorKind, Result};
use crate::limits;
use crate::progress::Progress;
use crate::retry::{Kind, Patience};
use crate::session::{Lane, ReadOp, ReadReply, WriteOp};
use crate::znode::{Acl, Stat, ZnodePath};

/// A request that failed.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) batch: Batch,
    pub(super) error: Error,
}

/// How it goes with what is tried again.
struct Attempts {
    patience: Patience,
    /// How often the connection broke under the first of them, while nothing else was under way.
    cuts_alone: u32,
}

impl Attempts {
    fn succeeded(&mut self) {
        self.cuts_alone = 0;
        self.patience.restore();
    }
}

/// Does what can be done about `failed`, which are in the order in which they were sent; nothing else is under way. The
/// error is the first of them, if it is none that is tried again. `passed_bytes` is the largest request that the server has
/// taken until now.
pub(super) async fn recover(
    lane: &Lane,
    failed: Vec<Failed>,
    passed_bytes: &mut usize,
    progress: &Progress,
) -> Result<()> {
    let mut left = VecDeque::from(failed);
    let mut attempts = Attempts { patience: lane.retry().patience(), cuts_alone: 0 };
    while let Some(first) = left.front() {
        let wait = if is_passing(&first.error) { attempts.patience.next_wait() } else { None };
        let Some(wait) = wait else { return Err(all_told(&left, None)) };
        sleep(wait).await;
        match lane.settle().await {
            Ok(true) => {}
            Ok(false) => return Err(all_told(&left, None)),
            Err(error) => return Err(all_told(&left, Some(error))),
        }
        let before = left.len();
        look(lane, &mut left, progress).await?;
        if left.len() < before {
            attempts.succeeded();
        }
        match left.front() {
            Some(first)
                if attempts.cuts_alone >= limits::CUTS_OF_ONE_REQUEST_MAX && first.batch.bytes > *passed_bytes =>
            {
                return Err(too_large(first, *passed_bytes));
            }
            _ => repeat(lane, &mut left, &mut attempts, passed_bytes, progress).await,
        }
    }
    Ok(())
}

/// Sends what is left, one after the other, until one fails.
async fn repeat(
    lane: &Lane,
    left: &mut VecDeque<Failed>,
    attempts: &mut Attempts,
    passed_bytes: &mut usize,
    progress: &Progress,
) {
    while let Some(Failed { batch, .. }) = left.pop_front() {
        lane.retry().count(Kind::Repeated);
        let Tried { batch, done } = attempt(lane, batch, progress).await;
        if let Err(error) = done {
            attempts.cuts_alone += u32::from(matches!(error.kind, ErrorKind::Lost(_)));
            left.push_front(Failed { batch, error });
            return;
        }
        *passed_bytes = batch.bytes.max(*passed_bytes);
        attempts.succeeded();
    }
}

/// Whether it may succeed when it is tried again: the server has not executed it, or nobody knows.
pub(super) fn is_passing(error: &Error) -> bool {
    matches!(error.kind, ErrorKind::Lost(_))
        || matches!(error.code(), Some(Code::THROTTLED_OP | Code::SESSION_MOVED | Code::SESSION_EXPIRED))
}

/// The first failure, which says whether the outcome of any write is unknown; and why the session did not come back.
fn all_told(left: &VecDeque<Failed>, gone: Option<Error>) -> Error {
    let outcome_unknown = left.iter().any(|failed| failed.error.outcome_unknown);
    let first = left.front().map(|failed| failed.error.clone());
    let kind = gone.map(|gone| gone.kind).filter(|kind| matches!(kind, ErrorKind::Lost(_)));
    let mut error = first.unwrap_or_else(|| Error::new(ErrorKind::Lost("the session has ended".to_owned()), "write"));
    if let Some(kind) = kind.filter(|_| is_passing(&error)) {
        error.kind = kind;
    }
    Error { outcome_unknown, ..error }
}

fn too_large(first: &Failed, passed: usize) -> Error {
    let kind = ErrorKind::CutOff { bytes: first.batch.bytes, passed };
    Error { kind, outcome_unknown: false, ..first.error.clone() }
}

/// Takes out of `left` what stands, and counts it. Of what is left, nothing is unknown any more.
async fn look(lane: &Lane, left: &mut VecDeque<Failed>, progress: &Progress) -> Result<()> {
    let mut not_done = VecDeque::with_capacity(left.len());
    while let Some(mut one) = left.pop_front() {
        // A probe never stands.
        if one.error.outcome_unknown && one.batch.probed.is_empty() {
            lane.retry().count(Kind::ReadBack);
            let places = places(lane, &one.batch.ops).await;
            let places = places.map_err(|error| Error { outcome_unknown: true, ..error })?;
            if stands(&one.batch.ops, &places) {
                progress.written(progress.count(&one.batch.ops));
                continue;
            }
        }
        one.error.outcome_unknown = false;
        not_done.push_back(one);
    }
    *left = not_done;
    Ok(())
}

/// What stands where `writes` write.
async fn places(lane: &Lane, writes: &[WriteOp]) -> Result<Vec<Place>> {
    if let [WriteOp::SetAcl { path, .. }] = writes {
        let place = acl_at(lane, path).await?;
        return Ok(vec![
            place.map_or_else(|place| place, |(acl, stat)| Place::Znode { data: None, stat, acl: Some(acl) }),
        ]);
    }
    let paths: Vec<ZnodePath> = writes.iter().map(written_at).collect();
    let mut places = Vec::with_capacity(paths.len());
    // What stands there may be larger than what was written, and the server builds its reply in memory.
    for (writes, paths) in writes.chunks(limits::UNSIZED_BATCH_MAX).zip(paths.chunks(limits::UNSIZED_BATCH_MAX)) {
        if writes.iter().any(is_told_by_data) {
            places.extend(read(lane, paths).await?);
        } else {
            let looks = paths.iter().map(|path| look_at(lane, path));
            places.extend(futures::future::try_join_all(looks).await?);
        }
    }
    // One ACL is enough: what one transaction created, one client did.
    let first = writes.iter().position(|write| matches!(write, WriteOp::Create { .. }));
    if let Some((path, Place::Znode { acl, .. })) = first.and_then(|first| paths.get(first).zip(places.get_mut(first)))
    {
        *acl = acl_at(lane, path).await?.ok().map(|(acl, _)| acl);
    }
    Ok(places)
}

/// Whether it takes the data to tell if a write was done.
fn is_told_by_data(write: &WriteOp) -> bool {
    matches!(write, WriteOp::Create { .. } | WriteOp::SetData { .. })
}

async fn read(lane: &Lane, paths: &[ZnodePath]) -> Result<Vec<Place>> {
    let reads: Vec<ReadOp<'_>> = paths.iter().map(ReadOp::Data).collect();
    let place = |(reply, path)| match reply {
        ReadReply::Data(data, stat) => Ok(Place::Znode { data, stat, acl: None }),
        ReadReply::Refused(Code::NO_NODE) => Ok(Place::Empty),
        ReadReply::Refused(Code::NO_AUTH) => Ok(Place::Hidden),
        ReadReply::Refused(code) => Err(lane.refused(code, "read", path)),
        ReadReply::Children(_) => Err(lane.protocol("getData was answered as getChildren")),
    };
    lane.read(&reads).await?.into_iter().zip(paths).map(place).collect()
}

async fn look_at(lane: &Lane, path: &ZnodePath) -> Result<Place> {
    match lane.stat(path).await {
        Ok(Some(stat)) => Ok(Place::Znode { data: None, stat, acl: None }),
        Ok(None) => Ok(Place::Empty),
        Err(error) if error.code() == Some(Code::NO_AUTH) => Ok(Place::Hidden),
        Err(error) => Err(error),
    }
}

/// Where it shows whether a write was done.
fn written_at(write: &WriteOp) -> ZnodePath {
    match write {
        WriteOp::RaiseCounter { path, .. } => path.parent().unwrap_or_else(ZnodePath::root),
        write => write.path().clone(),
    }
}

async fn acl_at(lane: &Lane, path: &ZnodePath) -> Result<Result<(Acl, Stat), Place>> {
    match lane.acl(path).await {
        Ok(read) => Ok(Ok(read)),
        Err(error) => match error.code() {
            Some(Code::NO_NODE) => Ok(Err(Place::Empty)),
            Some(Code::NO_AUTH) => Ok(Err(Place::Hidden)),
            _ => Err(error),
        },
    }
}
