//! Removes trees: whatever is there, children before their parents, in bounded memory.
//!
//! The tree is walked as it is, so it matters neither who wrote it nor how much of it. One session executes in order, so
//! a parent's delete may be in flight behind those of its children. The walk reads data to throw it away: a list of
//! children is asked for in bounded pieces only where a stat tells its length, and nothing that gives a stat without the
//! data can be batched (FinalRequestProcessor.java:279-290).
//!
//! An ACL that forbids it is respected: the removal stops there and says where. A delete asks for no version: what is to go, goes, whatever it holds by now. Who writes in the tree meanwhile makes
//! a pass fail; then what is left is walked again, a few times.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::mpsc::{self, Sender};

use crate::batch::{Batch, Batcher};
use crate::budget::Budget;
use crate::error::{Code, Error, Result, Side};
use crate::limits;
use crate::options::{AclPolicy, EnsembleOptions};
use crate::progress::Progress;
use crate::session::{Lane, WriteOp};
use crate::source::reader::Reader;
use crate::source::walk::Walk;
use crate::source::{Chunk, Visit};
use crate::target;
use crate::znode::{Znode, ZnodePath};

/// Removes the tree at `ensemble`'s root, its root included; ephemerals of live sessions go with it. A tree that is not
/// there is removed already. Counts into `progress`.
///
/// Cancelled, or with an error, it leaves a smaller tree: the same call goes on from there.
pub async fn tree(side: Side, ensemble: &EnsembleOptions, request_bytes_max: usize, progress: &Progress) -> Result<()> {
    if ensemble.connect.chroot.is_none() {
        return Err(Error::bad_input("the root of an ensemble can't be removed; name a path").at(side));
    }
    let writer = Lane::connect(side, ensemble).await?;
    let mut passes = 0;
    let removed = loop {
        passes += 1;
        let done = pass(&writer, ensemble, request_bytes_max, progress).await;
        match &done {
            Err(error) if moved(error) && passes < limits::REMOVE_PASSES_MAX => {
                tracing::debug!(%error, passes, "the tree changed while it was removed");
            }
            _ => break done,
        }
    };
    writer.close().await;
    removed
}

/// Removes all that `walk` meets on `writer`'s session. It must see the same tree.
pub async fn walked(walk: Walk<'_>, writer: &Lane, request_bytes_max: usize, progress: &Progress) -> Result<()> {
    let (batches_in, batches) = mpsc::channel(1);
    let batcher = Batcher::new(writer.chroot().clone(), request_bytes_max);
    let (planned, written) =
        tokio::join!(plan(walk, batcher, writer, batches_in, progress), target::write(writer, batches, progress));
    written.and(planned)
}

/// Somebody else has created or deleted where we delete.
fn moved(error: &Error) -> bool {
    matches!(error.code(), Some(Code::NOT_EMPTY | Code::NO_NODE))
}

async fn pass(writer: &Lane, ensemble: &EnsembleOptions, request_bytes_max: usize, progress: &Progress) -> Result<()> {
    let seen = writer.last_zxid().unwrap_or_default();
    let reader = Reader::connect(writer.side(), ensemble, AclPolicy::Open, seen).await?;
    let walk = Walk::of_tree(&reader, Budget::new(limits::BUDGET_BYTES));
    let removed = walked(walk, writer, request_bytes_max, progress).await;
    reader.close().await;
    removed
}

async fn plan(
    mut walk: Walk<'_>,
    mut batcher: Batcher,
    writer: &Lane,
    batches: Sender<Batch>,
    progress: &Progress,
) -> Result<()> {
    let mut parents = Parents::default();
    let (mut gone, mut full) = (Vec::new(), Vec::new());
    while let Some(Chunk { visits, mut permit }) = walk.next().await? {
        for visit in visits {
            progress.visited(&visit);
            parents.met(visit, &mut gone).map_err(|(path, code)| writer.refused(code, "read", &path))?;
        }
        // Of what was read only paths go on.
        permit.resize(gone.len() * limits::ZNODE_OVERHEAD_BYTES);
        let permit = Arc::new(permit);
        for path in gone.drain(..) {
            batcher.push(WriteOp::Delete { path, version: -1 }, &permit, &mut full)?;
        }
        for batch in full.drain(..) {
            // Nobody takes it: the writer has failed and says why itself.
            if batches.send(batch).await.is_err() {
                return Ok(());
            }
        }
    }
    if let Some(batch) = batcher.take() {
        let _ = batches.send(batch).await;
    }
    Ok(())
}

/// The znodes that must wait for others to go: as many as a walk has met and not yet left with all below them, which
/// its frontier bounds.
#[derive(Debug, Default)]
struct Parents(HashMap<ZnodePath, Parent>);

#[derive(Debug, Default)]
struct Parent {
    /// Children that are parents themselves, and have not gone yet.
    waits_for: usize,
    /// Whether its last child was met.
    left: bool,
}

impl Parents {
    /// Adds to `gone` what may go at this visit, in order. The error is what can't be read, and so not be removed.
    fn met(&mut self, visit: Visit, gone: &mut Vec<ZnodePath>) -> Result<(), (ZnodePath, Code)> {
        match visit {
            Visit::Znode(znode) if znode.stat.num_children > 0 => {
                if let Some(parent) = znode.path.parent().and_then(|parent| self.0.get_mut(&parent)) {
                    parent.waits_for += 1;
                }
                self.0.insert(znode.path, Parent::default());
            }
            Visit::Znode(Znode { path, .. }) | Visit::Ephemeral { path, .. } => gone.push(path),
            Visit::Leave(path) => {
                if let Some(parent) = self.0.get_mut(&path) {
                    parent.left = true;
                }
                self.go(path, gone);
            }
            Visit::Unreadable(path, code) => return Err((path, code)),
            Visit::Children(..) | Visit::Vanished(_) | Visit::Reserved(_) => {}
        }
        Ok(())
    }

    /// Lets a znode go that nothing holds any more, and those above it that waited for it alone.
    fn go(&mut self, mut path: ZnodePath, gone: &mut Vec<ZnodePath>) {
        while self.0.get(&path).is_some_and(|parent| parent.left && parent.waits_for == 0) {
            self.0.remove(&path);
            let above = path.parent();
            gone.push(path);
            let Some(above) = above else { return };
            if let Some(parent) = self.0.get_mut(&above) {
                parent.waits_for -= 1;
            }
            path = above;
        }
    }
}

#[cfg(test)]
mod tests;
