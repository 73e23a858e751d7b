//! Two trees give differences, and a digest each.
//!
//! Both sides are read by sessions of their own, opened after whatever was written before, each behind a sync and behind
//! the zxid that its side had when the verify began, so nothing here rests on what a copy believes. The source's walk
//! leads; the target is read beside it, and what only the target has is found from the children lists and walked too.
//! The digests are made from the same bytes that are compared.

mod against;
mod compare;
mod differences;
mod extras;
mod reading;
mod subtrees;

use std::time::{Duration, Instant};

use futures::StreamExt;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub(crate) use self::against::check_root;
pub use self::against::{AgainstReport, against};
use self::compare::{Found, Rules, compare};
pub use self::differences::{Difference, Differences, Sign};
use self::extras::Comparison;
pub use self::reading::{Reading, Summary};
pub(crate) use self::subtrees::level;
pub use self::subtrees::{Subtree, Subtrees};
use crate::budget::Budget;
use crate::error::{Error, ErrorKind, Result, Side};
use crate::latency::Latency;
use crate::limits;
use crate::options::{CounterPolicy, VerifyOptions};
use crate::pair::Pairing;
use crate::pool::Pool;
use crate::progress::{Counts, Progress};
use crate::retry::Retries;
use crate::source::reader::Reader;
use crate::source::walk::Walk;
use crate::znode::Zxid;

/// What came of a verify.
#[derive(Clone, Debug, Default)]
pub struct VerifyReport {
    /// The source's tree.
    pub source: Reading,
    /// The target's tree.
    pub target: Reading,
    /// Both by subtree, where a depth was asked for.
    pub subtrees: Subtrees,
    /// Where they are not the same.
    pub differences: Differences,
    /// Whether sequence counters were compared.
    pub counters: CounterPolicy,
    /// What was left out of the source.
    pub skipped: Counts,
    /// How long the source's servers took to answer.
    pub source_latencies: Vec<Latency>,
    /// How long the target's servers took to answer.
    pub target_latencies: Vec<Latency>,
    /// How often the source's servers had to be tried again.
    pub source_retries: Retries,
    /// How often the target's had to be.
    pub target_retries: Retries,
    /// From the first connect to the last reply.
    pub elapsed: Duration,
}

impl VerifyReport {
    /// Whether both trees were read in full and hold the same.
    pub fn is_equal(&self) -> bool {
        self.differences.total() == 0 && self.differences.unreadable == 0 && self.skipped.vanished == 0
    }
}

/// Compares the trees. Reads only.
pub async fn verify(options: &VerifyOptions, progress: &Progress, stop: &CancellationToken) -> Result<VerifyReport> {
    let started = Instant::now();
    let before = (options.source.retry.counts(), options.target.retry.counts());
    let mut sessions = None;
    let compared = tokio::select! {
        compared = run(options, progress, &mut sessions) => compared,
        () = stop.cancelled() => Err(Error::new(ErrorKind::Interrupted, "")),
    };
    let elapsed = started.elapsed();
    let mut latencies = (Vec::new(), Vec::new());
    let mut zxids = (None, None);
    if let Some((source, target)) = sessions {
        latencies = (source.lane().latencies().summary(), target.lane().latencies().summary());
        zxids = (source.behind(), target.behind());
        tokio::join!(source.close(), target.close());
    }
    let (source_latencies, target_latencies) = latencies;
    let Found { source, target, sums, differences, .. } = compared?;
    Ok(VerifyReport {
        source: Reading { zxid: zxids.0, ..source },
        target: Reading { zxid: zxids.1, ..target },
        subtrees: sums.finish(),
        differences,
        counters: options.counters,
        skipped: progress.counts(),
        source_latencies,
        target_latencies,
        source_retries: options.source.retry.counts().since(before.0),
        target_retries: options.target.retry.counts().since(before.1),
        elapsed,
    })
}

async fn run(options: &VerifyOptions, progress: &Progress, sessions: &mut Option<(Reader, Reader)>) -> Result<Found> {
    let opened = tokio::try_join!(
        Reader::connect(Side::Source, &options.source, &options.acl, Zxid::default()),
        Reader::connect(Side::Target, &options.target, &options.acl, options.target_seen),
    )?;
    let (source, target) = &*sessions.insert(opened);
    crate::copy::check_source(source).await?;
    let pool = Pool::new()?;
    let (chunks_in, chunks) = mpsc::channel(1);
    let walk = Walk::of_tree(source, Budget::of_line(), options.filter.clone()).taking_ephemerals(options.ephemerals);
    let rules = Rules::new(options);
    let found = crate::copy::pair(chunks, Pairing::new(target, true))
        .map(|pairs| async { Ok(pool.run_sized(pairs?, move |pairs| compare(pairs, rules)).await) })
        .buffered(limits::CHUNKS_IN_FLIGHT_MAX);
    // While it asks for extras nobody drives the pairs, which hold places in the reader's windows.
    let beside = target.beside();
    let comparison = Comparison { target: &beside, filter: &options.filter, all: Found::new(rules) };
    let (read, compared) = tokio::join!(crate::copy::read(walk, chunks_in, progress), comparison.run(found));
    // The walk's own failure is the cause when both fail.
    read.and(compared)
}
