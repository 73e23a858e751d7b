//! A copy or a sync that writes nothing: what it would do, what stands in its way, and how long it may take.
//!
//! Everything is read and planned as a copy reads and plans it, in one pass. Each ACL is probed at the target, and so are
//! our rights at its root and the kinds of znodes that it can hold, by multis that never hold.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::passes::Line;
use super::{Restored, Sessions, check};
use crate::ephemerals::Owner;
use crate::error::{Error, ErrorKind, Result};
use crate::latency::Request;
use crate::limits;
use crate::masked::{Masked, MaskedReport};
use crate::options::CopyOptions;
use crate::pair::Beside;
use crate::plan::Plan;
use crate::progress::{Counts, Progress};
use crate::quota::{self, QuotaReport};
use crate::rehearsal::{Block, Notes, Rehearsal};
use crate::session::Lane;
use crate::source::changes::Changes;
use crate::sync;
use crate::target::Writer;
use crate::target::abilities::{self, Abilities};
use crate::target::root;
use crate::znode::Acl;

/// What a copy or a sync would do.
#[derive(Clone, Debug)]
pub struct DryRun {
    /// What was read and left out, and what would be written.
    pub counts: Counts,
    /// Of an archive: what it was of, and what of it was lost.
    pub archive: Option<Restored>,
    /// Ancestors of the target root that would be created.
    pub ancestors: usize,
    /// What stands in the way, and what would change.
    pub notes: Notes,
    /// Znodes whose ACL could not be copied, or that would be left out for it.
    pub masked: MaskedReport,
    /// What would become of the source's quotas, if they were asked for.
    pub quotas: Option<QuotaReport>,
    /// Sessions that own the ephemerals that are left out.
    pub ephemeral_owners: Vec<Owner>,
    /// Kinds of znodes that the target can hold.
    pub abilities: Abilities,
    /// Of a sync: how many znodes may be removed.
    pub removals_allowed: Option<u64>,
    /// How long it may take.
    pub estimate: Estimate,
    /// How long the dry run took.
    pub elapsed: Duration,
}

/// How long a copy may take: reading and writing overlap, as far as both have processors of their own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Estimate {
    /// Reading and comparing, as just measured.
    pub reading: Duration,
    /// Writing at [`limits::WRITES_A_SECOND_EXPECTED`] and [`limits::WRITTEN_BYTES_A_SECOND_EXPECTED`], or slower where the
    /// target is far away.
    pub writing: Duration,
    /// A write's round trip to the target and its log, as just measured.
    pub round_trip: Duration,
}

impl Estimate {
    /// If reading and writing do not slow one another.
    pub fn least(&self) -> Duration {
        self.reading.max(self.writing)
    }

    /// If they do.
    pub fn most(&self) -> Duration {
        self.reading + self.writing
    }

    fn new(reading: Duration, planned: &Counts, round_trip: Duration) -> Self {
        let at_rate = Duration::from_secs_f64(planned.written() as f64 / limits::WRITES_A_SECOND_EXPECTED as f64);
        let of_bytes =
            Duration::from_secs_f64(planned.written_bytes as f64 / limits::WRITTEN_BYTES_A_SECOND_EXPECTED as f64);
        let of_requests = round_trip.mul_f64(planned.requests as f64 / limits::WRITES_IN_FLIGHT_MIN as f64);
        Self { reading, writing: at_rate.max(of_bytes).max(of_requests), round_trip }
    }
}

/// How much a sync would remove at most.
#[derive(Clone, Copy, Debug)]
pub enum Removal {
    /// It is a copy, which removes nothing.
    Nothing,
    /// It is a sync, with what the user has said.
    AtMost(Option<u64>),
}

/// Says what `copy` or `sync` would do with these options. Writes nothing; `stop` ends it within a round trip.
///
/// What would end a copy at one znode is no error here, but noted; what concerns all of them is one.
pub async fn dry_run(
    options: &CopyOptions,
    removal: Removal,
    progress: &Progress,
    stop: &CancellationToken,
) -> Result<DryRun> {
    let options = match removal {
        Removal::Nothing => options.clone(),
        // What is too much is found in the end: all of it is to be counted.
        Removal::AtMost(_) => {
            let all = Some(Arc::new(AtomicU64::new(u64::MAX)));
            CopyOptions { update: true, removal: all, ..options.clone() }
        }
    };
    let mut sessions = Sessions::default();
    let planned = tokio::select! {
        planned = run(&options, removal, progress, stop, &mut sessions) => planned,
        () = stop.cancelled() => Err(Error::new(ErrorKind::Interrupted, "")),
    };
    sessions.close().await;
    planned
}

async fn run(
    options: &CopyOptions,
    removal: Removal,
    progress: &Progress,
    stop: &CancellationToken,
    sessions: &mut Sessions,
) -> Result<DryRun> {
    let started = Instant::now();
    let (source, lane, beside) = sessions.open(options).await?;
    let options = &CopyOptions { filter: source.filter(&options.filter)?, ..options.clone() };
    let target_root = check(options, source, lane).await?;
    let rehearsal = Rehearsal::default();
    let missing = root::missing_ancestors(lane).await?;
    let ancestors = missing.len();
    let (root_stands, may_open) = match &target_root.znode {
        Beside::Znode(root) => {
            let plan = Plan::new(&options.target.auths, false);
            (true, root.acl.as_ref().is_some_and(|acl| plan.may(acl, Acl::ADMIN)))
        }
        _ => (false, false),
    };
    let (refused, abilities) =
        tokio::join!(abilities::rights(lane, missing, root_stands), abilities::kinds(&options.target));
    let (refused, abilities) = (refused?, abilities?);
    let mut masked = Masked::new(options.masked_acls);
    let writer = Writer { lane, rehearsal: Some(&rehearsal) };
    let line = Line { options, source, writer, progress };
    let reading = Instant::now();
    let changes = Changes::default();
    let mut chunks = line.chunks(&changes);
    line.first(&mut chunks, target_root, beside, &mut masked).await?;
    let (reading, counts) = (reading.elapsed(), progress.counts());
    // Where the root stands, nothing may be wanted there; or its ACL is set before, and may be.
    let opened = may_open && rehearsal.opens_root();
    let wanted = !root_stands || (counts.created > 0 && !opened);
    if let Some(error) = refused.filter(|_| wanted) {
        rehearsal.blocked(error, Block::Rights)?;
    }
    let removals_allowed = match removal {
        Removal::Nothing => None,
        Removal::AtMost(said) => {
            // Counted as a sync counts them before it begins.
            let (allowed, within) = sync::count_extras(options, stop).await?.bound(&options.target, said);
            within.or_else(|error| rehearsal.blocked(error, Block::Removal))?;
            Some(allowed)
        }
    };
    let quotas = match source.lane().filter(|_| options.quotas) {
        Some(lane) => plan_quotas(options, lane, writer).await?,
        None => None,
    };
    let archive = Restored::of(source, &chunks);
    drop(chunks);
    Ok(DryRun {
        counts,
        archive,
        ancestors,
        notes: rehearsal.into_notes(),
        masked: masked.into_report(),
        quotas,
        ephemeral_owners: progress.ephemeral_owners(),
        abilities,
        removals_allowed,
        estimate: Estimate::new(reading, &counts, round_trip(lane)),
        elapsed: started.elapsed(),
    })
}

/// What is to get a quota stands at the source, and not yet at the target.
async fn plan_quotas(options: &CopyOptions, source: &Lane, writer: Writer<'_>) -> Result<Option<QuotaReport>> {
    match quota::plan(options, source, writer.lane, source).await {
        Ok(plan) => Ok(Some(plan.report())),
        Err(error) => writer.blocked(error, Block::Rights).map(|()| None),
    }
}

/// The median of the multis that were asked: each went through the target's log, although none held.
fn round_trip(lane: &Lane) -> Duration {
    let latencies = lane.latencies().summary();
    let multi = latencies.iter().find(|latency| latency.request == Request::Multi);
    Duration::from_micros(multi.map_or(0, |latency| latency.p50))
}
