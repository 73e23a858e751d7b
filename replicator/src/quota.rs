//! Quotas: the limits on the source's znodes, brought to the target's.
//!
//! ZooKeeper keeps a quota in a tree of its own: `/zookeeper/quota<path>` holds `zookeeper_limits`, which somebody has set,
//! and `zookeeper_stats`, which every server counts for itself (Quotas.java). Limits alone are copied. Creating the stats
//! makes the servers count what stands below the path by then (DataTree.java:500-511,1223-1241), so quotas come last.
//!
//! [`plan`] only reads; [`apply`] writes each quota in one multi, so that there are never limits without a count. A quota
//! that only the target has is nobody's but the target's, and stays.

mod read;

use std::collections::HashSet;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};

pub use self::read::limits_can_be_parsed;
use self::read::{LIMITS, Limits, Quotas, STATS, place};
use crate::connect::Chroot;
use crate::error::{Code, Error, ErrorKind, Result};
use crate::filter::Place;
use crate::limits;
use crate::options::CopyOptions;
use crate::session::{Lane, ReadReply, WriteOp};
use crate::target::write_one;
use crate::znode::{Acl, Kind, ZnodePath};

/// What the stats are created with, as ZooKeeper's own command does (SetQuotaCommand.java, createQuota): the server
/// overwrites it with what it has counted.
const NOT_COUNTED: Bytes = Bytes::from_static(b"count=0,bytes=0");

/// What becomes of a quota of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Becomes {
    /// The target gets its limits.
    Set,
    /// The target has it already.
    Kept,
    /// The filter leaves its znode out.
    FilteredOut,
    /// Its znode is not there.
    Absent,
    /// Its znode would be the root of the target's ensemble, where a quota ends the server, on every start again: the path
    /// that it would keep it by is empty (PathTrie.java, addPath: seen on 3.8.0).
    AtRoot,
    /// The target has a quota of its own above or below it: both would count some of the same znodes, each of them a part.
    Nested,
    /// Its limits are none that a server can parse: it would throw where it holds usage against them (StatsTrack.java).
    Garbled,
}

/// How many znodes the quota at the root of the tree has counted; `None` where there is none, or where we may not see it. The
/// servers count ephemerals and the root too (DataTree.java, updateQuotaStat).
pub async fn counted(lane: &Lane) -> Option<u64> {
    let stats = place(lane.chroot().as_str()).child(STATS);
    let reply = lane.seen_from(Chroot::none()).glance(&stats).await.ok()?;
    let Some(ReadReply::Data(Some(data), _)) = reply else { return None };
    let count = std::str::from_utf8(&data).ok()?.split(',').find_map(|pair| pair.strip_prefix("count="))?;
    count.trim().parse().ok()
}

impl Becomes {
    /// Whether the target can't have it, although its znode was copied.
    pub fn is_refused(self) -> bool {
        matches!(self, Self::AtRoot | Self::Nested | Self::Garbled)
    }
}

/// What is to be done about every quota of the source.
#[derive(Debug, Default)]
pub struct Plan(Vec<Planned>);

#[derive(Debug, PartialEq, Eq)]
struct Planned {
    path: ZnodePath,
    becomes: Becomes,
    /// One multi; empty unless it is to be set.
    writes: Vec<WriteOp>,
}

/// What came of the source's quotas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuotaReport {
    /// Quotas whose limits were set, or that were counted anew.
    pub set: usize,
    /// Quotas that were there already.
    pub kept: usize,
    /// Quotas that were not copied, for whatever reason.
    pub skipped: usize,
    /// Those of them that the target can't have, although their znodes were copied.
    pub refused: usize,
    /// The first of all, [`limits::QUOTAS_LISTED`] at most.
    pub list: Vec<(ZnodePath, Becomes)>,
}

impl Plan {
    /// What will have become of the quotas.
    pub fn report(&self) -> QuotaReport {
        let mut report = QuotaReport::default();
        for Planned { path, becomes, .. } in &self.0 {
            let count = match becomes {
                Becomes::Set => &mut report.set,
                Becomes::Kept => &mut report.kept,
                _ => &mut report.skipped,
            };
            *count += 1;
            report.refused += usize::from(becomes.is_refused());
            if report.list.len() < limits::QUOTAS_LISTED {
                report.list.push((path.clone(), *becomes));
            }
        }
        report
    }
}

/// Compares the quotas at and below the source's root with those at the target; writes nothing. Quotas on what lies above
/// the source's root are somebody else's. A znode gets none unless it stands on the side that `stands` leads to: the
/// target when everything was copied, the source before that.
pub async fn plan(options: &CopyOptions, source: &Lane, target: &Lane, stands: &Lane) -> Result<Plan> {
    let at_source = Quotas::at_and_below(source).await?;
    let wanted: Vec<_> =
        at_source.set().filter_map(|(at, limits)| source.chroot().below(at).map(|path| (path, limits))).collect();
    if wanted.is_empty() {
        return Ok(Plan::default());
    }
    let mut at_target = Quotas::around(target).await?;
    let standing = standing(&wanted, stands).await?;
    let ours = wanted.iter().map(|(path, _)| target.chroot().locate(path).to_string()).collect();
    let planned = wanted.into_iter().zip(standing).map(|((path, limits), stands)| {
        let at = target.chroot().locate(&path).to_string();
        let (becomes, writes) = if options.filter.place(&path) == Place::LeftOut {
            (Becomes::FilteredOut, Vec::new())
        } else if stands {
            bring(&at, limits, &ours, &mut at_target)
        } else {
            (Becomes::Absent, Vec::new())
        };
        Planned { path, becomes, writes }
    });
    Ok(Plan(planned.collect()))
}

/// Carries a plan out, one quota after the other: there are few, and each is whole. An error leaves those before it.
pub async fn apply(plan: Plan, target: &Lane) -> Result<QuotaReport> {
    let (report, ensemble) = (plan.report(), target.seen_from(Chroot::none()));
    for Planned { writes, .. } in plan.0 {
        if !writes.is_empty() {
            write_one(&ensemble, writes).await.map_err(|error| explained(error, "write"))?;
        }
    }
    Ok(report)
}

/// Which of the znodes are there. One that we may not see is; an ephemeral is no part of the tree.
async fn standing(wanted: &[(ZnodePath, &Limits)], lane: &Lane) -> Result<Vec<bool>> {
    let stats = stream::iter(wanted).map(|(path, _)| async move {
        match lane.stat(path).await {
            Ok(stat) => Ok(stat.is_some_and(|stat| !Kind::of_owner(stat.ephemeral_owner).is_ephemeral())),
            Err(error) if error.code() == Some(Code::NO_AUTH) => Ok(true),
            Err(error) => Err(error),
        }
    });
    stats.buffered(limits::STATS_IN_FLIGHT_MAX).try_collect().await
}

/// What brings `limits` to the znode `at` of the target's ensemble. `ours` are the paths there that the source has a quota
/// for. Places that are made stand in `target` from then on.
fn bring(at: &str, limits: &Limits, ours: &HashSet<String>, target: &mut Quotas) -> (Becomes, Vec<WriteOp>) {
    let (limits_at, stats_at) = (place(at).child(LIMITS), place(at).child(STATS));
    let (there, counted) = target.at(at);
    let (data, is_new) = (limits.data.clone(), there.is_none());
    let mut writes = Vec::new();
    match there {
        _ if at == "/" => return (Becomes::AtRoot, writes),
        _ if !limits.can_be_parsed() => return (Becomes::Garbled, writes),
        Some(there) if there.data == data && counted => return (Becomes::Kept, writes),
        Some(there) if there.data == data => {}
        Some(there) => writes.push(WriteOp::SetData { path: limits_at, data, version: there.version }),
        None if target.nests(at, ours) => return (Becomes::Nested, writes),
        None => {
            writes.extend(target.make(at).into_iter().map(|path| create(path, None)));
            writes.push(create(limits_at, data));
            if counted {
                // A leftover of a quota that was taken away: nobody has kept it up since.
                writes.push(WriteOp::Delete { path: stats_at.clone(), version: -1 });
            }
        }
    }
    if is_new || !counted {
        writes.push(create(stats_at, Some(NOT_COUNTED)));
    }
    (Becomes::Set, writes)
}

/// Open to anyone, as ZooKeeper's own command makes them (SetQuotaCommand.java, createQuota).
fn create(path: ZnodePath, data: Option<Bytes>) -> WriteOp {
    WriteOp::Create { path, data, acl: Acl::open(), kind: Kind::Persistent }
}

/// A refusal, with what to do about it.
fn explained(error: Error, right: &str) -> Error {
    if error.code() != Some(Code::NO_AUTH) {
        return error;
    }
    let text = format!(
        "not authorized: what was copied stands, and this quota does not; give credentials that may {right} below \
         /zookeeper/quota there and run again with --update, or leave --quotas out"
    );
    Error { kind: ErrorKind::BadInput(text), ..error }
}

#[cfg(test)]
mod tests;
