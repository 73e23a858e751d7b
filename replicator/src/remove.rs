//! Removes trees: whatever is there, children before their parents, in bounded memory.
//!
//! The tree is walked as it is, so it matters neither who wrote it nor how much of it. One session executes in order, so
//! a parent's delete may be in flight behind those of its children. The walk reads data to throw it away: a list of
//! children is asked for in bounded pieces only where a stat tells its length, and nothing that gives a stat without the
//! data can be batched (FinalRequestProcessor.java:279-290).
//!
//! An ACL that forbids it is respected: the removal stops there and says where. With [`Care::None`] and [`Care::Unowned`] a
//! delete asks for no version: what is to go, goes, whatever it holds by now. Who writes in the tree meanwhile makes a pass
//! fail; then what is left is walked again, a few times.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::OptionFuture;
use tokio::sync::mpsc::{self, Sender};
use tokio_util::sync::CancellationToken;

use crate::batch::{Batch, Batcher, hand_over};
use crate::budget::{Budget, Weight};
use crate::error::{Code, Error, ErrorKind, Result, Side};
use crate::filter::Filter;
use crate::limits;
use crate::options::{AclPolicy, EnsembleOptions};
use crate::progress::Progress;
use crate::rehearsal::Block;
use crate::session::{Lane, WriteOp};
use crate::source::changes::Changes;
use crate::source::reader::Reader;
use crate::source::walk::Walk;
use crate::source::{Chunk, Visit};
use crate::target::Writer;
use crate::znode::{Znode, ZnodePath};

/// Removes the tree at `ensemble`'s root, its root included, with that much care. A tree that is not there is removed
/// already. Counts into `progress`.
///
/// With an error, or stopped (within a round trip), it leaves a smaller tree: the same call goes on from there. Where others
/// create and delete in it, it is walked [`limits::REMOVE_PASSES_MAX`] times; then the error is what the last one met
/// ([`moved`]).
pub async fn tree(
    side: Side,
    ensemble: &EnsembleOptions,
    request_bytes_max: usize,
    care: Care<'_>,
    progress: &Progress,
    stop: &CancellationToken,
) -> Result<()> {
    if ensemble.connect.chroot.is_none() {
        return Err(Error::bad_input("the root of an ensemble can't be removed; name a path").at(side));
    }
    let mut sessions = (None, None);
    let removed = tokio::select! {
        removed = passes(side, ensemble, request_bytes_max, care, progress, &mut sessions) => removed,
        () = stop.cancelled() => {
            // Deletes may have been under way.
            let outcome_unknown = progress.counts().read > 0;
            Err(Error { outcome_unknown, ..Error::new(ErrorKind::Interrupted, "") })
        }
    };
    let (writer, reader) = sessions;
    tokio::join!(OptionFuture::from(writer.map(Lane::close)), OptionFuture::from(reader.map(Reader::close)));
    removed
}

async fn passes(
    side: Side,
    ensemble: &EnsembleOptions,
    request_bytes_max: usize,
    care: Care<'_>,
    progress: &Progress,
    (writer, reader): &mut (Option<Lane>, Option<Reader>),
) -> Result<()> {
    let writer = &*writer.insert(Lane::connect(side, ensemble).await.map_err(|error| ensemble.with_schemes(error))?);
    let seen = writer.last_zxid().unwrap_or_default();
    let reader = &*reader.insert(Reader::connect(side, ensemble, &AclPolicy::Open, seen).await?);
    let mut passes = 0;
    loop {
        passes += 1;
        let walk = Walk::of_tree(reader, Budget::of_line(), Filter::default());
        let done = walked(walk, Writer::to(writer), request_bytes_max, care, progress).await;
        match &done {
            Err(error) if moved(error) && passes < limits::REMOVE_PASSES_MAX => {
                tracing::debug!(%error, passes, "the tree changed while it was removed");
                // What was deleted until now must not be met again.
                reader.sync().await?;
            }
            _ => return done,
        }
    }
}

/// What a removal asks before it deletes. All but the first two ask for the version that was read, so that who has written
/// in between is noticed, and that no session owns the znode; an ephemeral whose parent stays is left alone.
#[derive(Clone, Copy, Debug)]
pub enum Care<'a> {
    /// Nothing.
    None,
    /// That no session owns it. What a znode holds by now is not asked: its path was confirmed, and not what is there.
    Unowned,
    /// That there are not more znodes to go than are left here, which each of them makes one less.
    Left(&'a AtomicU64),
    /// That it was seen at the source before. What was not is somebody else's: it stays, and so do the znodes above it.
    Seen(&'a Changes),
}

impl Care<'_> {
    /// Whether the znode is ours to remove.
    pub(crate) fn owns(self, path: &ZnodePath) -> bool {
        if let Self::Seen(changes) = self { changes.has_seen(path) } else { true }
    }

    /// Whether this one goes; an error where it has to and must not.
    fn takes(self, gone: &Gone, writer: &Lane) -> Result<bool> {
        let refused = |path: &ZnodePath, why: &str| {
            let path = writer.chroot().locate(path).to_string();
            Err(Error::bad_input(format!("{} {why}", path.escape_debug())).at(writer.side()))
        };
        match (self, &gone.ephemeral) {
            (Self::None, _) | (Self::Unowned, None) => Ok(true),
            // It has come since the tree was looked at. Its parent has to go, so nothing is gained by leaving it.
            (Self::Unowned, Some(Ephemeral::Itself)) => refused(
                &gone.path,
                "is an ephemeral znode of a session that has not ended: it came after the tree was looked at",
            ),
            (_, Some(Ephemeral::Itself)) => Ok(false),
            (_, Some(Ephemeral::Below(path))) => {
                refused(path, "is an ephemeral znode of a live session: its parent can't be removed")
            }
            (Self::Left(left), None) => {
                let one_less = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
                one_less.map(|_| true).or_else(|_| {
                    refused(
                        &gone.path,
                        "would be one removal more than --max-delete allows: more has to go than was counted before",
                    )
                })
            }
            (Self::Seen(changes), None) => {
                changes.forget(&gone.path);
                Ok(true)
            }
        }
    }
}

/// Removes all that `walk` meets on `writer`'s session, which must see the same tree. What a filter leaves out of the walk
/// stays, and so do the znodes above it.
pub async fn walked(
    walk: Walk<'_>,
    writer: Writer<'_>,
    request_bytes_max: usize,
    care: Care<'_>,
    progress: &Progress,
) -> Result<()> {
    let (batches_in, batches) = mpsc::channel(1);
    let batcher = Batcher::new(writer.lane.chroot().clone(), request_bytes_max);
    let (planned, written) =
        tokio::join!(plan(walk, batcher, writer, batches_in, care, progress), writer.take(batches, progress));
    written.and(planned)
}

/// Whether somebody else has created or deleted where we delete.
pub fn moved(error: &Error) -> bool {
    matches!(error.code(), Some(Code::NOT_EMPTY | Code::NO_NODE))
}

async fn plan(
    mut walk: Walk<'_>,
    mut batcher: Batcher,
    writer: Writer<'_>,
    batches: Sender<Batch>,
    care: Care<'_>,
    progress: &Progress,
) -> Result<()> {
    let mut parents = Parents::default();
    let (mut gone, mut full) = (Vec::new(), Vec::new());
    while let Some(Chunk { visits, mut permit }) = walk.next().await? {
        for visit in visits {
            progress.visited(&visit);
            let ours = visit.znode().is_none_or(|znode| care.owns(&znode.path));
            if let Err((path, code)) = parents.met(visit, ours, &mut gone) {
                writer.blocked(writer.lane.refused(code, "read", &path), Block::Unreadable)?;
            }
        }
        // Of what was read only paths go on.
        permit.resize(Weight { operations: gone.len(), bytes: gone.len() * limits::ZNODE_OVERHEAD_BYTES });
        let permit = Arc::new(permit);
        for gone in gone.drain(..) {
            match care.takes(&gone, writer.lane) {
                Ok(true) => {}
                Ok(false) => continue,
                Err(error) => {
                    writer.blocked(error, Block::Removal)?;
                    continue;
                }
            }
            let version = if matches!(care, Care::None | Care::Unowned) { -1 } else { gone.version };
            batcher.push(WriteOp::Delete { path: gone.path, version }, &permit, &mut full)?;
        }
        if !hand_over(&mut full, &batches).await {
            return Ok(());
        }
    }
    full.extend(batcher.take());
    hand_over(&mut full, &batches).await;
    Ok(())
}

/// The znodes that must wait for others to go: as many as a walk has met and not yet left with all below them, which
/// its frontier bounds.
#[derive(Debug, Default)]
struct Parents(HashMap<ZnodePath, Parent>);

/// A znode whose turn it is.
#[derive(Debug)]
struct Gone {
    path: ZnodePath,
    version: i32,
    /// What belongs to a session.
    ephemeral: Option<Ephemeral>,
}

/// What belongs to a session, when it is a znode's turn.
#[derive(Debug, PartialEq, Eq)]
enum Ephemeral {
    Itself,
    /// A child, which keeps it from going.
    Below(ZnodePath),
}

#[derive(Debug, Default)]
struct Parent {
    version: i32,
    /// Children that are parents themselves, and have not gone yet.
    waits_for: usize,
    /// Whether its last child was met.
    left: bool,
    /// Whether something below it is left out of the removal, so that it can't go.
    stays: bool,
    /// A child that belongs to a session: of no interest if it stays anyway, which is known when it is left.
    ephemeral: Option<ZnodePath>,
}

impl Parents {
    /// Adds to `gone` what may go at this visit, in order; a znode that is not `ours` stays. The error is what can't be
    /// read, and so not be removed.
    fn met(&mut self, visit: Visit, ours: bool, gone: &mut Vec<Gone>) -> Result<(), (ZnodePath, Code)> {
        match visit {
            Visit::Znode(znode) if znode.stat.num_children > 0 => {
                if let Some(parent) = znode.path.parent().and_then(|parent| self.0.get_mut(&parent)) {
                    parent.waits_for += 1;
                }
                let parent = Parent { version: znode.stat.version, stays: !ours, ..Parent::default() };
                self.0.insert(znode.path, parent);
            }
            Visit::Znode(Znode { path, .. }) if !ours => {
                if let Some(parent) = path.parent().and_then(|parent| self.0.get_mut(&parent)) {
                    parent.stays = true;
                }
            }
            Visit::Znode(Znode { path, stat, .. }) => gone.push(Gone { path, version: stat.version, ephemeral: None }),
            Visit::Ephemeral { path, .. } => {
                if let Some(parent) = path.parent().and_then(|parent| self.0.get_mut(&parent)) {
                    parent.ephemeral = Some(path.clone());
                }
                gone.push(Gone { path, version: -1, ephemeral: Some(Ephemeral::Itself) });
            }
            Visit::Leave(path) => {
                if let Some(parent) = self.0.get_mut(&path) {
                    parent.left = true;
                }
                self.go(path, gone);
            }
            Visit::Unreadable(path, code) => return Err((path, code)),
            Visit::Filtered(path, _) => {
                if let Some(parent) = self.0.get_mut(&path) {
                    parent.stays = true;
                }
            }
            Visit::Children { .. } | Visit::OnTheWay(..) | Visit::Vanished(_) | Visit::Reserved(_) => {}
        }
        Ok(())
    }

    /// Lets a znode go that nothing holds any more, and those above it that waited for it alone. One that stays lets none
    /// of those go.
    fn go(&mut self, mut path: ZnodePath, gone: &mut Vec<Gone>) {
        while self.0.get(&path).is_some_and(|parent| parent.left && parent.waits_for == 0) {
            let Some(Parent { version, stays, ephemeral, .. }) = self.0.remove(&path) else { return };
            let above = path.parent();
            if !stays {
                gone.push(Gone { path, version, ephemeral: ephemeral.map(Ephemeral::Below) });
            }
            let Some(above) = above else { return };
            if let Some(parent) = self.0.get_mut(&above) {
                parent.waits_for -= 1;
                parent.stays |= stays;
            }
            path = above;
        }
    }
}

#[cfg(test)]
mod tests;
