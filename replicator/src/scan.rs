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
use crate::connect::Chroot;
use crate::error::{Error, ErrorKind, Result, Side};
use crate::latency::Latency;
use crate::options::{EphemeralPolicy, ScanOptions};
use crate::progress::{Counts, Progress};
use crate::source::Source;
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
    if let Some(source) = session {
        (latencies, zxid) = (source.latencies(), source.behind());
        source.close().await;
    }
    Ok(ScanReport { census: scanned?, zxid, skipped: progress.counts(), latencies, elapsed })
}

async fn run(options: &ScanOptions, progress: &Progress, session: &mut Option<Source>) -> Result<Census> {
    let opened = Source::open(Side::Source, &options.tree, &options.acl, Zxid::default()).await?;
    let source = &*session.insert(opened);
    let chroot = match source.reader() {
        Some(reader) => {
            check_root(reader).await?;
            reader.lane().chroot().clone()
        }
        None => Chroot::none(),
    };
    let mut census = Census::new(chroot, options.top, options.jute_maxbuffer);
    let mut chunks = source.chunks(&source.filter(&options.filter)?, EphemeralPolicy::AsPersistent, None, true);
    let work = Box::pin(async {
        while let Some(chunk) = chunks.next().await? {
            for visit in &chunk.visits {
                progress.visited(visit);
                census.add(visit);
            }
        }
        Ok(census)
    });
    source.foretold(&options.filter, progress, work).await
}
