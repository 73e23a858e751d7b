//! Writes a tree that is made up as it goes out.

use std::sync::Arc;

use tokio::sync::mpsc::{self, Sender};

use crate::batch::{Batch, Batcher, hand_over};
use crate::bench::shape::Tree;
use crate::budget::Permit;
use crate::error::Result;
use crate::progress::Progress;
use crate::session::{Lane, WriteOp};
use crate::target;
use crate::znode::{Acl, Kind};

/// Writes `tree` below `lane`'s root, which is there; every znode is open to anyone.
///
/// Cancelled, or with an error, it leaves standing what was written.
pub(super) async fn generate(lane: &Lane, tree: Tree, request_bytes_max: usize, progress: &Progress) -> Result<()> {
    let (batches_in, batches) = mpsc::channel(1);
    let batcher = Batcher::new(lane.chroot().clone(), request_bytes_max);
    let (planned, written) = tokio::join!(plan(tree, batcher, batches_in), target::write(lane, batches, progress));
    written.and(planned)
}

async fn plan(tree: Tree, mut batcher: Batcher, batches: Sender<Batch>) -> Result<()> {
    let (acl, kind) = (Acl::open(), Kind::Persistent);
    // A znode is made when a batch has room for it, so what is held is what is in flight, and nobody gives it back.
    let permit = Arc::new(Permit::none());
    let mut full = Vec::new();
    for (path, data) in tree.iter() {
        let create = WriteOp::Create { path, data: Some(data), acl: acl.clone(), kind };
        batcher.push(create, &permit, &mut full)?;
        if !hand_over(&mut full, &batches).await {
            return Ok(());
        }
    }
    full.extend(batcher.take());
    hand_over(&mut full, &batches).await;
    Ok(())
}
