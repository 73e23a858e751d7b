//! What is in a tree: read once, counted as it passes, nothing kept but the counts and bounded lists.
//!
//! Whoever moves a tree wants to know before how large it is, where it is wide and where it is deep, who may do what with
//! it, and which of its znodes will be a problem. Ephemerals belong to what is in it, so the walk gives them too; they are
//! told apart by their stat.

mod acls;
mod census;
mod top;

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

pub use self::acls::{AclCensus, AclUse};
pub use self::census::{Bucket, Census, Levels, Listed, LongList, Problems};
pub use self::top::Top;
use crate::budget::Budget;
use crate::error::{Error, ErrorKind, Result, Side};
use crate::latency::Latency;
use crate::options::{EphemeralPolicy, ScanOptions};
use crate::progress::{Counts, Progress};
use crate::source::reader::Reader;
use crate::source::walk::Walk;
use crate::verify::check_root;
use crate::znode::Zxid;

/// What came of a scan.
#[derive(Debug)]
pub struct ScanReport {
    /// What was counted.
    pub census: Census,
    /// The last transaction that the ensemble had acknowledged when the scan began: nothing that was read is older.
    pub zxid: Option<Zxid>,
    /// What was left out.
    pub skipped: Counts,
    /// How long the servers took to answer.
    pub latencies: Vec<Latency>,
    /// From the first connect to the last reply.
    pub elapsed: Duration,
}

/// Reads the tree and counts. Writes nothing; `stop` ends it within a round trip.
pub async fn scan(options: &ScanOptions, progress: &Progress, stop: &CancellationToken) -> Result<ScanReport> {
    let started = Instant::now();
    let mut session = None;
    let scanned = tokio::select! {
        scanned = run(options, progress, &mut session) => scanned,
        () = stop.cancelled() => Err(Error::new(ErrorKind::Interrupted, "")),
    };
    let elapsed = started.elapsed();
    let (mut latencies, mut zxid) = (Vec::new(), None);
    if let Some(reader) = session {
        (latencies, zxid) = (reader.lane().latencies().summary(), reader.behind());
        reader.close().await;
    }
    Ok(ScanReport { census: scanned?, zxid, skipped: progress.counts(), latencies, elapsed })
}

async fn run(options: &ScanOptions, progress: &Progress, session: &mut Option<Reader>) -> Result<Census> {
    let opened = Reader::connect(Side::Source, &options.tree, &options.acl, Zxid::default()).await?;
    let reader = &*session.insert(opened);
    check_root(reader).await?;
    let mut census = Census::new(reader.lane().chroot().clone(), options.top, options.jute_maxbuffer);
    let walk = Walk::of_tree(reader, Budget::of_line(), options.filter.clone());
    let mut walk = walk.taking_ephemerals(EphemeralPolicy::AsPersistent);
    while let Some(chunk) = walk.next().await? {
        for visit in &chunk.visits {
            progress.visited(visit);
            census.add(visit);
        }
    }
    Ok(census)
}
