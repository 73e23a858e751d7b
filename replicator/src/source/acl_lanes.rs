//! The sessions that read ACLs: the first ones go over a session that is there anyway, many over sessions of their own.
//!
//! A getACL can't be batched (MultiOperationRecord.java:81-111) and costs the server about 65 microseconds, so ACLs have
//! sessions and windows of their own, and everything else overlaps with them. But opening a session is a transaction for an
//! ensemble that may be weak, so a small tree opens none: they are opened when enough ACLs were asked for, or beforehand by
//! who has to know of every transaction since.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OnceCell, Semaphore};

use crate::error::Result;
use crate::limits;
use crate::options::EnsembleOptions;
use crate::session::Lane;
use crate::znode::{Acl, Stat, ZnodePath, Zxid};

/// Sessions for ACLs.
#[derive(Debug)]
pub(super) struct AclLanes {
    /// Reads data too.
    first: AclLane,
    own: Arc<Own>,
    windows: Vec<Semaphore>,
}

/// What those that look through the same sessions share.
#[derive(Debug)]
struct Own {
    options: EnsembleOptions,
    /// None of them shows anything older.
    seen: Zxid,
    asked: AtomicUsize,
    opened: OnceCell<Vec<Lane>>,
}

#[derive(Debug)]
struct AclLane {
    lane: Lane,
    window: Semaphore,
}

fn window() -> Semaphore {
    Semaphore::new(limits::ACL_LANE_WINDOW)
}

impl AclLanes {
    /// ACLs over `first`, and later over others to the servers of `options` that have come as far as `seen`.
    pub(super) fn beside(first: Lane, options: EnsembleOptions, seen: Zxid) -> Self {
        let own = Own { options, seen, asked: AtomicUsize::new(0), opened: OnceCell::new() };
        Self::over(first, Arc::new(own))
    }

    /// The same sessions with windows of their own.
    pub(super) fn with_own_windows(&self) -> Self {
        Self::over(self.first.lane.clone(), Arc::clone(&self.own))
    }

    fn over(first: Lane, own: Arc<Own>) -> Self {
        let windows = std::iter::repeat_with(window).take(limits::ACL_LANES).collect();
        Self { first: AclLane { lane: first, window: window() }, own, windows }
    }

    /// getACL, when one of the sessions has room.
    pub(super) async fn acl(&self, path: &ZnodePath) -> Result<(Acl, Stat)> {
        let asked = self.own.asked.fetch_add(1, Ordering::Relaxed);
        let own = if asked < limits::ACLS_WITHOUT_LANES { &[][..] } else { self.own.lanes(&self.first.lane).await };
        let (lane, window) = match own {
            [] => (&self.first.lane, &self.first.window),
            lanes => (&lanes[asked % lanes.len()], &self.windows[asked % lanes.len()]),
        };
        let _room = window.acquire().await.expect("the window is never closed: nothing here closes it");
        lane.acl(path).await
    }

    /// Opens them now.
    pub(super) async fn open(&self) {
        self.own.lanes(&self.first.lane).await;
    }

    /// Those that are open.
    pub(super) fn opened(&self) -> &[Lane] {
        self.own.opened.get().map_or(&[], Vec::as_slice)
    }

    /// The sessions that were opened here, to be ended.
    pub(super) fn into_opened(self) -> Vec<Lane> {
        Arc::into_inner(self.own).and_then(|own| own.opened.into_inner()).unwrap_or_default()
    }
}

impl Own {
    /// All of them; none where the servers take no more sessions (maxClientCnxns).
    async fn lanes(&self, first: &Lane) -> &[Lane] {
        let open = || async {
            // What was read meanwhile may be newer than what was there at first.
            let seen = first.last_zxid().map_or(self.seen, |zxid| zxid.max(self.seen));
            first.connect_beside(&self.options, seen, limits::ACL_LANES).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "no session for ACLs alone: all are read over one");
                Vec::new()
            })
        };
        self.opened.get_or_init(open).await
    }
}
