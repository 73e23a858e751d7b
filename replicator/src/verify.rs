//! Two trees give differences, and a digest each.
//!
//! Both sides are read by sessions of their own, opened after whatever was written before, each behind a sync and behind
//! the zxid that its side had when the verify began, so nothing here rests on what a copy believes. The source's walk
//! leads; the target is read beside it, and what only the target has is found from the children lists and walked too.
//! The digests are made from the same bytes that are compared.
//!
//! Where one side is an archive it leads, whichever it is; what is found is then told as it was asked. Two archives are in a
//! room of their own (`archives`): no one can be asked for what stands beside the other's.

mod against;
mod archives;
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
use crate::archive::AclsKept;
use crate::error::{Error, ErrorKind, Result, Side};
use crate::latency::Latency;
use crate::limits;
use crate::options::{AclPolicy, CounterPolicy, VerifyOptions};
use crate::pair::Pairing;
use crate::pool::Pool;
use crate::progress::{Counts, Progress};
use crate::retry::Retries;
use crate::source::Source;
use crate::target::root;
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
    let before = (options.source.retries(), options.target.retries());
    let mut opened = None;
    let compared = tokio::select! {
        compared = run(options, progress, &mut opened) => compared,
        () = stop.cancelled() => Err(Error::new(ErrorKind::Interrupted, "")),
    };
    let elapsed = started.elapsed();
    let mut latencies = (Vec::new(), Vec::new());
    let mut zxids = (None, None);
    if let Some((source, target)) = opened {
        latencies = (source.latencies(), target.latencies());
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
        source_retries: options.source.retries().since(before.0),
        target_retries: options.target.retries().since(before.1),
        elapsed,
    })
}

async fn run(options: &VerifyOptions, progress: &Progress, opened: &mut Option<(Source, Source)>) -> Result<Found> {
    let both = tokio::try_join!(
        Source::open(Side::Source, &options.source, &options.acl, Zxid::default()),
        Source::open(Side::Target, &options.target, &options.acl, options.target_seen),
    )?;
    let (source, target) = &*opened.insert(both);
    if let Some(reader) = source.reader() {
        crate::copy::check_source(reader).await?;
    }
    if let (Some(one), Some(other)) = (source.reader(), target.reader()) {
        if let (Some(source), Some(target)) = (options.source.ensemble(), options.target.ensemble()) {
            root::refuse_itself(one.lane(), other.lane(), [&source.connect, &target.connect]).await?;
        }
    }
    // What one of them leaves out by itself is left out of the other.
    let filter = target.filter(&source.filter(&options.filter)?)?;
    let options = &VerifyOptions { filter, ..options.clone() };
    let work = Box::pin(async {
        match (source, target) {
            (Source::Archive { .. }, Source::Archive { .. }) => {
                archives::compare(options, source, target, progress).await
            }
            (_, Source::Archive { .. }) => beside(options, target, source, progress).await.map(Found::swapped),
            _ => beside(options, source, target, progress).await,
        }
    });
    source.foretold(&options.filter, progress, work).await
}

/// Compares what `leading` gives with what an ensemble has beside it, and says so as if `leading` were the source.
async fn beside(options: &VerifyOptions, leading: &Source, target: &Source, progress: &Progress) -> Result<Found> {
    let Some(target) = target.reader() else {
        return Err(Error::bad_input("only an ensemble can be asked for what stands beside another tree's znodes"));
    };
    let pool = Pool::new()?;
    let (chunks_in, chunks) = mpsc::channel(1);
    let mut source = leading.chunks(&options.filter, options.ephemerals, None, true);
    let rules = Rules::new(options);
    let found = crate::copy::pair(chunks, Pairing::new(target, true))
        .map(|pairs| async { Ok(pool.run_sized(pairs?, move |pairs| compare(pairs, rules)).await) })
        .buffered(limits::CHUNKS_IN_FLIGHT_MAX);
    // While it asks for extras nobody drives the pairs, which hold places in the reader's windows.
    let aside = target.beside();
    let comparison = Comparison { target: &aside, filter: &options.filter, all: Found::new(rules) };
    let (read, compared) = tokio::join!(crate::copy::read(&mut source, chunks_in, progress), comparison.run(found));
    // The walk's own failure is the cause when both fail.
    let found = read.and(compared)?;
    check_digest(options, leading, &found.source)?;
    Ok(found)
}

/// An archive that was read in full has to be what its end says, where its end can be held against it.
fn check_digest(options: &VerifyOptions, source: &Source, read: &Reading) -> Result<()> {
    let Some((archive, end)) = source.archive().and_then(|archive| archive.end().map(|end| (archive, end))) else {
        return Ok(());
    };
    let whole = options.filter.said() == [&*end.head.include, &*end.head.exclude] && archive.losses().is_empty();
    let as_kept =
        options.acl == AclPolicy::Preserve || (options.acl == AclPolicy::Open && end.head.acls == AclsKept::Left);
    if !whole || !as_kept || options.counters == CounterPolicy::Compare {
        return Ok(());
    }
    archive.check_digest(&read.sum)
}
