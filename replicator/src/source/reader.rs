//! The sessions that read one ensemble: one on each server for data and children, and those for ACLs (`acl_lanes`).
//!
//! All are opened behind one zxid: none of them shows anything older than the first one did.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt, stream};

use super::Visit;
use super::acl_lanes::AclLanes;
use crate::acl_map::AclMap;
use crate::acl_memory::AclMemory;
use crate::connect::ConnectString;
use crate::error::{Code, Error, Result, Side};
use crate::limits;
use crate::options::{AclPolicy, EnsembleOptions};
use crate::session::{Lane, ReadOp, ReadReply, Readers, readers};
use crate::target::root;
use crate::znode::{Acl, Stat, ZnodePath, Zxid};

/// An ACL with its own stat (or that of its znode, where it was read before), or why the server did not give it.
pub type AclReply = Result<(Acl, Stat), Code>;

/// A znode whose ACL is of another moment than its data, which another server gave: the aversion of the ACL, or that the
/// znode had gone by then.
pub type Torn = (ZnodePath, Option<i32>);

/// Sessions to one ensemble, seen from one root.
#[derive(Debug)]
pub struct Reader {
    /// Never empty.
    data: Vec<DataLane>,
    /// `None`: ACLs are not wanted.
    acls: Option<AclLanes>,
    /// What makes of this side's ACLs what they are taken for.
    map: AclMap,
    memory: Option<AclMemory>,
    behind: Option<Zxid>,
}

#[derive(Clone, Debug)]
struct DataLane {
    lane: Lane,
    /// Requests under way.
    load: Arc<AtomicUsize>,
}

/// A request under way on a lane, until it is dropped.
struct Loading(Arc<AtomicUsize>);

impl DataLane {
    fn new(lane: Lane) -> Self {
        Self { lane, load: Arc::default() }
    }

    fn load(&self) -> Loading {
        self.load.fetch_add(1, Ordering::Relaxed);
        Loading(Arc::clone(&self.load))
    }
}

impl Drop for Loading {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Reader {
    /// Opens the sessions; those for ACLs only where `acl` wants them read. A map is for the source alone.
    ///
    /// All of them are on servers that have applied every transaction up to `seen`, and all but the first up to where
    /// the first one's server was. A server that takes fewer sessions than are wanted (maxClientCnxns) gives fewer
    /// lanes; one for everything is enough.
    pub async fn connect(side: Side, options: &EnsembleOptions, acl: &AclPolicy, seen: Zxid) -> Result<Self> {
        let all = options;
        let Readers { options, are_doubtful } = readers(all).await;
        if are_doubtful {
            refuse_two_ensembles(side, all).await?;
        }
        let first = Lane::connect_behind(side, &options, seen).await.map_err(|error| options.with_schemes(error))?;
        let behind = first.last_zxid().map(|zxid| zxid.max(seen));
        let seen = behind.unwrap_or(seen);
        let more = options.connect.hosts.len().min(limits::DATA_LANES_MAX) - 1;
        let map = match acl {
            AclPolicy::Map(map) if side == Side::Source => map.clone(),
            _ => AclMap::default(),
        };
        // One after the other: so each kind is spread evenly over the servers.
        let others = first.connect_beside(&options, seen, more).await;
        for other in &others {
            root::refuse_two_ensembles(&all.connect, &first, other).await?;
        }
        let acls = match acl {
            AclPolicy::Open => None,
            AclPolicy::Preserve | AclPolicy::Map(_) => Some(AclLanes::open(&first, &options, seen).await),
        };
        Ok(Self {
            data: std::iter::once(first).chain(others).map(DataLane::new).collect(),
            acls,
            map,
            memory: options.acl_memory,
            behind,
        })
    }

    /// The same sessions with windows of their own: for a walk that is awaited by somebody who holds places in ours.
    #[must_use]
    pub fn beside(&self) -> Self {
        let acls = self.acls.as_ref().map(AclLanes::with_own_windows);
        Self { data: self.data.clone(), acls, map: self.map.clone(), memory: self.memory.clone(), behind: self.behind }
    }

    /// The last transaction that the ensemble had acknowledged when the sessions were opened: none of them shows
    /// anything older. `None` where the transport does not tell.
    pub fn behind(&self) -> Option<Zxid> {
        self.behind
    }

    /// The first session for data and children.
    pub fn lane(&self) -> &Lane {
        &self.data[0].lane
    }

    /// One multiRead, on the lane with the fewest under way.
    pub fn read(&self, ops: &[ReadOp<'_>]) -> BoxFuture<'_, Result<Vec<ReadReply>>> {
        let free = self.data.iter().min_by_key(|data| data.load.load(Ordering::Relaxed)).unwrap_or(&self.data[0]);
        let (loading, reply) = (free.load(), free.lane.read(ops));
        Box::pin(async move {
            let _until_answered = loading;
            reply.await
        })
    }

    /// Whether ACLs are wanted at all.
    pub fn reads_acls(&self) -> bool {
        self.acls.is_some()
    }

    /// Gets the ACLs of znodes with these stats, many at once; gives them with the caller's own mark, in any order.
    pub async fn acls<M>(&self, znodes: Vec<(M, ZnodePath, Stat)>) -> Result<Vec<(M, AclReply)>> {
        let Some(lanes) = &self.acls else { return Ok(Vec::new()) };
        let memory = self.memory.as_ref();
        let asks = stream::iter(znodes).map(|(mark, path, stat)| async move {
            if let Some(acl) = memory.and_then(|memory| memory.recall(&path, &stat)) {
                return Ok((mark, Ok((acl, stat))));
            }
            match lanes.acl(&path).await {
                Ok((acl, stat)) => {
                    if let Some(memory) = memory {
                        memory.remember(&path, &stat, &acl);
                    }
                    Ok((mark, Ok((acl, stat))))
                }
                Err(error) => error.code().map(|code| (mark, Err(code))).ok_or(error),
            }
        });
        asks.buffer_unordered(limits::ACL_LANES * limits::ACL_LANE_WINDOW).try_collect().await
    }

    /// Reads the ACL of every znode among `visits`, and maps it. One that is gone by now becomes [`Visit::Vanished`]. Gives
    /// those that are torn: the servers of the ACLs may be behind those of the data, or before them.
    pub async fn read_acls(&self, visits: &mut [Visit]) -> Result<Vec<Torn>> {
        let mut torn = Vec::new();
        if !self.reads_acls() {
            return Ok(torn);
        }
        let znodes = visits.iter().enumerate().filter_map(|(index, visit)| match visit {
            Visit::Znode(znode) => Some((index, znode.path.clone(), znode.stat)),
            _ => None,
        });
        for (index, acl) in self.acls(znodes.collect()).await? {
            let visit = &mut visits[index];
            let Visit::Znode(znode) = visit else { continue };
            match acl {
                Ok((acl, Stat { czxid, aversion, .. })) => {
                    znode.acl = Some(self.mapped(&acl, &znode.path)?);
                    if (czxid, aversion) != (znode.stat.czxid, znode.stat.aversion) {
                        torn.push((znode.path.clone(), Some(aversion)));
                    }
                }
                Err(Code::NO_NODE) => {
                    torn.push((znode.path.clone(), None));
                    *visit = Visit::Vanished(znode.path.clone());
                }
                Err(code) => *visit = Visit::Unreadable(znode.path.clone(), code),
            }
        }
        Ok(torn)
    }

    /// Waits until all servers that are read from are up to date, and gives a zxid that all of them have reached: what
    /// is read from now on is not older. `None` where the transport does not tell.
    pub async fn sync(&self) -> Result<Option<Zxid>> {
        let acls = self.acls.iter().flat_map(AclLanes::lanes);
        let lanes = self.data.iter().map(|data| &data.lane).chain(acls);
        let zxids = futures::future::try_join_all(lanes.map(Lane::sync)).await?;
        Ok(zxids.into_iter().min().flatten())
    }

    /// What an ACL of this side is taken for.
    pub(crate) fn mapped(&self, acl: &Acl, path: &ZnodePath) -> Result<Acl> {
        self.map.apply(acl).ok_or_else(|| {
            let text = format!(
                "the ACL map leaves no entry of its ACL {acl}, and a znode can't be without one: add a rule that keeps one"
            );
            let lane = self.lane();
            Error::bad_input(text).at(lane.side()).on(lane.chroot().locate(path).to_string())
        })
    }

    /// Ends the sessions.
    pub async fn close(self) {
        let acls = self.acls.into_iter().flat_map(AclLanes::into_lanes);
        let lanes = self.data.into_iter().map(|data| data.lane).chain(acls);
        futures::future::join_all(lanes.map(Lane::close)).await;
    }
}

/// Looks at each server by itself, whatever it has applied: a tree would be made of two.
async fn refuse_two_ensembles(side: Side, options: &EnsembleOptions) -> Result<()> {
    let each = options.connect.hosts.iter().map(|host| {
        let connect = ConnectString { hosts: vec![host.clone()], ..options.connect.clone() };
        let alone = EnsembleOptions { connect, ..options.clone() };
        async move { Lane::connect_behind(side, &alone, Zxid::default()).await }
    });
    // Who can't be reached is seen to by whoever needs it.
    let lanes: Vec<Lane> = futures::future::join_all(each).await.into_iter().flatten().collect();
    let mut checked = Ok(());
    if let Some((first, others)) = lanes.split_first() {
        for other in others {
            checked = checked.and(root::refuse_two_ensembles(&options.connect, first, other).await);
        }
    }
    futures::future::join_all(lanes.into_iter().map(Lane::close)).await;
    checked
}
