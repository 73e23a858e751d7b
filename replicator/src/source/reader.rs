//! The sessions that read one ensemble: one for data and children, several for ACLs.
//!
//! A getACL can't be batched (MultiOperationRecord.java:81-111) and costs the server about 65 microseconds, so ACLs
//! have sessions and windows of their own, and everything else overlaps with them.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::sync::Semaphore;

use super::Visit;
use crate::acl_map::AclMap;
use crate::error::{Code, Error, Result, Side};
use crate::limits;
use crate::options::{AclPolicy, EnsembleOptions};
use crate::session::{Lane, ReadOp, ReadReply};
use crate::znode::{Acl, ZnodePath, Zxid};

/// An ACL, or why the server did not give it.
pub type AclReply = Result<Acl, Code>;

/// Sessions to one ensemble, seen from one root.
#[derive(Debug)]
pub struct Reader {
    data: Lane,
    acls: Vec<AclLane>,
    /// What makes of this side's ACLs what they are taken for.
    map: AclMap,
    turn: AtomicUsize,
}

#[derive(Debug)]
struct AclLane {
    lane: Lane,
    window: Semaphore,
}

impl AclLane {
    fn new(lane: Lane) -> Self {
        Self { lane, window: Semaphore::new(limits::ACL_LANE_WINDOW) }
    }
}

impl Reader {
    /// Opens the sessions; those for ACLs only where `acl` wants them read. A map is for the source alone.
    ///
    /// All of them are on servers that have applied every transaction up to `seen`. A server that takes fewer sessions
    /// than are wanted for ACLs (maxClientCnxns) gives fewer lanes; one is enough.
    pub async fn connect(side: Side, options: &EnsembleOptions, acl: &AclPolicy, seen: Zxid) -> Result<Self> {
        let data = Lane::connect_behind(side, options, seen).await?;
        let acl_lanes = if *acl == AclPolicy::Open { 0 } else { limits::ACL_LANES };
        let map = match acl {
            AclPolicy::Map(map) if side == Side::Source => map.clone(),
            _ => AclMap::default(),
        };
        let lanes = data.connect_beside(options, seen, acl_lanes).await?;
        Ok(Self { data, acls: lanes.into_iter().map(AclLane::new).collect(), map, turn: AtomicUsize::new(0) })
    }

    /// The same sessions with windows of their own: for a walk that is awaited by somebody who holds places in ours.
    #[must_use]
    pub fn beside(&self) -> Self {
        let lanes = self.acls.iter().map(|AclLane { lane, .. }| AclLane::new(lane.clone()));
        Self { data: self.data.clone(), acls: lanes.collect(), map: self.map.clone(), turn: AtomicUsize::new(0) }
    }

    /// The session for data and children.
    pub fn lane(&self) -> &Lane {
        &self.data
    }

    /// One multiRead.
    pub fn read(&self, ops: &[ReadOp<'_>]) -> BoxFuture<'_, Result<Vec<ReadReply>>> {
        self.data.read(ops)
    }

    /// getACL, when one of the lanes has room.
    async fn acl(&self, path: &ZnodePath) -> Result<Acl> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.acls.len();
        let AclLane { lane, window } = &self.acls[turn];
        let _room = window.acquire().await.expect("the window is never closed: nothing here closes it");
        lane.acl(path).await
    }

    /// Whether ACLs are wanted at all.
    pub fn reads_acls(&self) -> bool {
        !self.acls.is_empty()
    }

    /// Reads the ACLs of znodes, many at once; gives them with the caller's own mark, in any order.
    pub async fn acls<M>(&self, znodes: Vec<(M, ZnodePath)>) -> Result<Vec<(M, AclReply)>> {
        let asks = stream::iter(znodes).map(|(mark, path)| async move {
            match self.acl(&path).await {
                Ok(acl) => Ok((mark, Ok(acl))),
                Err(error) => error.code().map(|code| (mark, Err(code))).ok_or(error),
            }
        });
        asks.buffer_unordered(limits::ACL_LANES * limits::ACL_LANE_WINDOW).try_collect().await
    }

    /// Reads the ACL of every znode among `visits`, and maps it. One that is gone by now becomes [`Visit::Vanished`].
    pub async fn read_acls(&self, visits: &mut [Visit]) -> Result<()> {
        if !self.reads_acls() {
            return Ok(());
        }
        let znodes = visits.iter().enumerate().filter_map(|(index, visit)| match visit {
            Visit::Znode(znode) => Some((index, znode.path.clone())),
            _ => None,
        });
        for (index, acl) in self.acls(znodes.collect()).await? {
            let visit = &mut visits[index];
            let Visit::Znode(znode) = visit else { continue };
            match acl {
                Ok(acl) => znode.acl = Some(self.mapped(&acl, &znode.path)?),
                Err(Code::NO_NODE) => *visit = Visit::Vanished(znode.path.clone()),
                Err(code) => *visit = Visit::Unreadable(znode.path.clone(), code),
            }
        }
        Ok(())
    }

    fn mapped(&self, acl: &Acl, path: &ZnodePath) -> Result<Acl> {
        self.map.apply(acl).ok_or_else(|| {
            let text = format!(
                "the ACL map leaves no entry of its ACL {acl}, and a znode can't be without one: add a rule that keeps one"
            );
            Error::bad_input(text).at(self.data.side()).on(self.data.chroot().locate(path).to_string())
        })
    }

    /// Ends the sessions.
    pub async fn close(self) {
        let acls = self.acls.into_iter().map(|acl| acl.lane.close());
        futures::future::join(self.data.close(), futures::future::join_all(acls)).await;
    }
}
