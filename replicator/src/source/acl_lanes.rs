//! The sessions that read ACLs.
//!
//! A getACL can't be batched (MultiOperationRecord.java:81-111) and costs the server about 65 microseconds, so ACLs have
//! sessions and windows of their own, and everything else overlaps with them.
//!
//! They are opened beforehand. Opened when they are first wanted they would be a change of the ensemble while it is read,
//! which costs a copy another pass; and whoever opened them could wait for somebody who waits for them.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use crate::error::Result;
use crate::limits;
use crate::options::EnsembleOptions;
use crate::session::Lane;
use crate::znode::{Acl, Stat, ZnodePath, Zxid};

/// Sessions for ACLs; never none.
#[derive(Debug)]
pub(super) struct AclLanes {
    lanes: Vec<AclLane>,
    turn: AtomicUsize,
}

#[derive(Debug)]
struct AclLane {
    lane: Lane,
    window: Semaphore,
}

impl AclLanes {
    /// Opens them beside `first`, on servers of `options` that have come as far as `seen`. Fewer than are wanted where
    /// the servers take no more (maxClientCnxns), and where they take none, `first` itself.
    pub(super) async fn open(first: &Lane, options: &EnsembleOptions, seen: Zxid) -> Self {
        let lanes = first.connect_beside(options, seen, limits::ACL_LANES).await;
        if lanes.is_empty() { Self::over([first.clone()]) } else { Self::over(lanes) }
    }

    /// The same sessions with windows of their own.
    pub(super) fn with_own_windows(&self) -> Self {
        Self::over(self.lanes().cloned())
    }

    fn over(lanes: impl IntoIterator<Item = Lane>) -> Self {
        let with_window = |lane| AclLane { lane, window: Semaphore::new(limits::ACL_LANE_WINDOW) };
        Self { lanes: lanes.into_iter().map(with_window).collect(), turn: AtomicUsize::new(0) }
    }

    /// getACL, when one of the sessions has room.
    pub(super) async fn acl(&self, path: &ZnodePath) -> Result<(Acl, Stat)> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.lanes.len();
        let AclLane { lane, window } = &self.lanes[turn];
        let _room = window.acquire().await.expect("the window is never closed: nothing here closes it");
        lane.free().await;
        lane.acl(path).await
    }

    /// All of them.
    pub(super) fn lanes(&self) -> impl Iterator<Item = &Lane> {
        self.lanes.iter().map(|AclLane { lane, .. }| lane)
    }

    /// All of them, to be ended.
    pub(super) fn into_lanes(self) -> impl Iterator<Item = Lane> {
        self.lanes.into_iter().map(|AclLane { lane, .. }| lane)
    }
}
