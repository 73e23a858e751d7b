//! One living tree beside a certificate: read once, summed up, and compared with what was certified.

use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt, stream};
use tokio_util::sync::CancellationToken;

use super::compare::{Found, Rules, is_masked};
use super::differences::{Difference, Differences, Sign};
use super::reading::Reading;
use super::subtrees::Subtrees;
use crate::budget::Budget;
use crate::certificate::{Certificate, Terms};
use crate::error::{Error, ErrorKind, Result, Side};
use crate::filter::Filter;
use crate::latency::Latency;
use crate::limits;
use crate::options::{AclPolicy, AgainstOptions};
use crate::pool::Pool;
use crate::progress::{Counts, Progress};
use crate::report::Acls;
use crate::retry::Retries;
use crate::source::reader::Reader;
use crate::source::walk::Walk;
use crate::source::{Chunk, Visit};
use crate::znode::{ZnodePath, Zxid};

/// What came of a comparison with a certificate.
#[derive(Clone, Debug, Default)]
pub struct AgainstReport {
    /// The tree.
    pub tree: Reading,
    /// The certificate's subtrees beside the tree's, where it has any: the certificate stands for the source.
    pub subtrees: Subtrees,
    /// Znodes that could not be read; a certificate can't tell which ones differ.
    pub unreadable: Differences,
    /// What was left out of the tree.
    pub skipped: Counts,
    /// How long the servers took to answer.
    pub latencies: Vec<Latency>,
    /// How often they had to be tried again.
    pub retries: Retries,
    /// From the first connect to the last reply.
    pub elapsed: Duration,
}

impl AgainstReport {
    /// Whether the tree was read in full and holds what was certified.
    pub fn is_equal(&self, certificate: &Certificate) -> bool {
        self.unreadable.unreadable == 0 && self.tree.sum == certificate.source.sum
    }
}

/// Compares a tree with a certificate, on the certificate's own terms. Reads only.
pub async fn against(options: &AgainstOptions, progress: &Progress, stop: &CancellationToken) -> Result<AgainstReport> {
    let started = Instant::now();
    let mut session = None;
    let read = tokio::select! {
        read = run(options, progress, &mut session) => read,
        () = stop.cancelled() => Err(Error::new(ErrorKind::Interrupted, "")),
    };
    let elapsed = started.elapsed();
    let (mut latencies, mut zxid) = (Vec::new(), None);
    if let Some(reader) = session {
        (latencies, zxid) = (reader.lane().latencies().summary(), reader.behind());
        reader.close().await;
    }
    let retries = options.tree.retry.counts();
    let Found { target: tree, sums, differences: unreadable, .. } = read?;
    Ok(AgainstReport {
        tree: Reading { zxid, ..tree },
        subtrees: sums.finish_beside(&options.certificate.subtrees),
        unreadable,
        skipped: progress.counts(),
        latencies,
        retries,
        elapsed,
    })
}

async fn run(options: &AgainstOptions, progress: &Progress, session: &mut Option<Reader>) -> Result<Found> {
    let AgainstOptions { tree, certificate, differences_listed: listed } = options;
    let Terms { acls, include, exclude, counters, depth } = &certificate.terms;
    let filter = Filter::new(include, exclude)?;
    // What a map made of ACLs stands in the tree as it is.
    let acl = if *acls == Acls::NotRead { AclPolicy::Open } else { AclPolicy::Preserve };
    let opened = Reader::connect(Side::Tree, tree, &acl, Zxid::default()).await?;
    let reader = &*session.insert(opened);
    check_root(reader).await?;
    let rules = Rules { counters: *counters, depth: *depth, listed: *listed };
    let pool = Pool::new()?;
    let walk = Walk::of_tree(reader, Budget::of_line(), filter);
    stream::try_unfold(walk, |mut walk| async { Ok(walk.next().await?.map(|chunk| (chunk, walk))) })
        .inspect_ok(|chunk| chunk.visits.iter().for_each(|visit| progress.visited(visit)))
        .map(|chunk| async {
            let chunk = chunk?;
            Ok(pool.run(move || sum_up(chunk, rules)).await)
        })
        .buffered(limits::CHUNKS_IN_FLIGHT_MAX)
        .try_fold(Found::new(rules), |mut all, found| async {
            all.merge(found);
            Ok(all)
        })
        .await
}

/// A path that leads nowhere is rather a wrong path than a tree that has lost all its znodes.
pub(crate) async fn check_root(reader: &Reader) -> Result<()> {
    if reader.lane().stat(&ZnodePath::root()).await?.is_some() {
        return Ok(());
    }
    let text = format!("there is no znode {}; name the tree's root", reader.lane().chroot().as_str());
    Err(Error::bad_input(text).at(reader.lane().side()))
}

/// What a chunk adds to the tree. Runs on the pool.
fn sum_up(chunk: Chunk, rules: Rules) -> Found {
    let mut found = Found::new(rules);
    for visit in chunk.visits {
        match visit {
            Visit::Znode(znode) => {
                found.add_target(&znode);
                if is_masked(&znode) {
                    found.add(Difference { what: vec!["acl"], ..Difference::at(Sign::Unreadable, znode.path) });
                }
            }
            Visit::Unreadable(path, _) => found.add(Difference::at(Sign::Unreadable, path)),
            Visit::Children { listed, .. } => found.target.listed += listed as u64,
            Visit::Ephemeral { .. }
            | Visit::Reserved(_)
            | Visit::OnTheWay(..)
            | Visit::Filtered(..)
            | Visit::Vanished(_)
            | Visit::Leave(_) => {}
        }
    }
    found
}
