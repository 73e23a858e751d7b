//! The conductor: wires the stages of a copy and owns its end.
//!
//! ```text
//! Walk ──chunks──> pair, plan, batch ──batches──> write
//! ```
//!
//! Each stage ends when the one before it has ended or the one behind it has gone; whichever fails first, the window
//! of the writing session is drained before the copy returns, so that its counts are true.

pub mod dry_run;
mod extras;
mod newer;
mod passes;
mod planner;
mod restored;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::OptionFuture;
use futures::{Stream, StreamExt, stream};
use tokio::sync::mpsc::{Receiver, Sender};
use tokio_util::sync::CancellationToken;

use self::passes::Line;
pub use self::passes::Passes;
pub use self::restored::Restored;
use crate::archive::Archive;
use crate::ephemerals::Owner;
use crate::error::{Error, ErrorKind, Result, Side};
use crate::filter::Place;
use crate::latency::Latency;
use crate::limits;
use crate::masked::{Masked, MaskedReport};
use crate::options::{ArchiveOptions, CopyOptions, Salvage, TreeOptions};
use crate::pair::{Pairing, Pairs};
use crate::progress::{Counts, Progress};
use crate::quota::{self, QuotaReport};
use crate::retry::Retries;
use crate::session::Lane;
use crate::source::changes::Changes;
use crate::source::reader::Reader;
use crate::source::{Chunk, Chunks, Source};
use crate::target::Writer;
use crate::target::root::{self, TargetRoot};
use crate::znode::{ZnodePath, Zxid};

/// What came of a copy.
#[derive(Clone, Debug)]
pub struct CopyReport {
    /// What was read, written and left out.
    pub counts: Counts,
    /// Ancestors of the target root that were created.
    pub ancestors_created: usize,
    /// The passes over the source, and whether it stood still in the end.
    pub passes: Passes,
    /// Znodes whose ACL could not be copied, or that were left out for it.
    pub masked: MaskedReport,
    /// What became of the source's quotas; `None` where nobody asked for them.
    pub quotas: Option<QuotaReport>,
    /// Of an archive: what it was of, and what of it was lost.
    pub archive: Option<Restored>,
    /// The sessions whose ephemerals were left out.
    pub ephemeral_owners: Vec<Owner>,
    /// How long the source's servers took to answer.
    pub source_latencies: Vec<Latency>,
    /// How long the target's servers took to take writes.
    pub target_latencies: Vec<Latency>,
    /// How often the source's servers had to be tried again.
    pub source_retries: Retries,
    /// How often the target's had to be.
    pub target_retries: Retries,
    /// The target's last transaction that was acknowledged: whoever reads behind it sees all of this copy.
    pub target_zxid: Zxid,
    /// From the first connect to the last acknowledgement.
    pub elapsed: Duration,
}

impl CopyReport {
    /// Whether the source kept changing, so that the copy is of no single moment.
    pub fn source_changed(&self) -> bool {
        !self.passes.settled
    }
}

/// Copies the source's tree to the target. Returns when every write was acknowledged; an error leaves standing what
/// was written, and the same copy with `update` goes on from there. `stop` ends it within a round trip.
pub async fn copy(options: &CopyOptions, progress: &Progress, stop: &CancellationToken) -> Result<CopyReport> {
    let started = Instant::now();
    let before = (options.source.retries(), options.target.retry.counts());
    let mut sessions = Sessions::default();
    let copied = tokio::select! {
        copied = run(options, progress, &mut sessions) => copied,
        () = stop.cancelled() => {
            // Requests may have been under way.
            let outcome_unknown = progress.counts().read > 0;
            Err(Error { outcome_unknown, ..Error::new(ErrorKind::Interrupted, "") })
        }
    };
    let elapsed = started.elapsed();
    let report = copied.map(|Copied { ancestors_created, passes, masked, quotas, archive }| CopyReport {
        counts: progress.counts(),
        ancestors_created,
        passes,
        masked,
        quotas,
        archive,
        ephemeral_owners: progress.ephemeral_owners(),
        source_latencies: sessions.source.as_ref().map(Source::latencies).unwrap_or_default(),
        target_latencies: sessions.writer.as_ref().map(|writer| writer.latencies().summary()).unwrap_or_default(),
        source_retries: options.source.retries().since(before.0),
        target_retries: options.target.retry.counts().since(before.1),
        target_zxid: sessions.writer.as_ref().and_then(Lane::last_zxid).unwrap_or_default(),
        elapsed,
    });
    sessions.close().await;
    report
}

/// What a copy has done besides what was counted.
struct Copied {
    ancestors_created: usize,
    passes: Passes,
    masked: MaskedReport,
    quotas: Option<QuotaReport>,
    archive: Option<Restored>,
}

/// What a copy has opened, kept where it can be closed however the copy ends.
#[derive(Default)]
struct Sessions {
    source: Option<Source>,
    writer: Option<Lane>,
    /// Reads the target beside the source, where it holds anything.
    beside: Option<Reader>,
}

impl Sessions {
    /// Opens what reads the source, what writes the target, and what reads it where it may hold something: at once, over a
    /// WAN each round trip counts. What was opened is kept also where something else was not.
    async fn open(&mut self, options: &CopyOptions) -> Result<(&Source, &Lane, &mut Option<Reader>)> {
        let (source, writer, beside) = tokio::join!(
            Source::open(Side::Source, &options.source, &options.acl, Zxid::default()),
            Lane::connect(Side::Target, &options.target),
            async {
                let reader = Reader::connect(Side::Target, &options.target, &options.acl, Zxid::default());
                if options.update { reader.await.map(Some) } else { Ok(None) }
            },
        );
        let source = source.map(|source| self.source.insert(source));
        let writer = writer.map_err(|error| options.target.with_schemes(error));
        let writer = writer.map(|writer| self.writer.insert(writer));
        let beside = beside.map(|beside| self.beside = beside);
        // Where both sides refuse, the source's refusal is told.
        let (source, writer) = (source?, writer?);
        beside.map(|()| (&*source, &*writer, &mut self.beside))
    }

    async fn close(self) {
        tokio::join!(
            OptionFuture::from(self.source.map(Source::close)),
            OptionFuture::from(self.beside.map(Reader::close)),
            OptionFuture::from(self.writer.map(Lane::close)),
        );
    }
}

async fn run(options: &CopyOptions, progress: &Progress, sessions: &mut Sessions) -> Result<Copied> {
    let (source, writer, beside) = sessions.open(options).await?;
    let options = &CopyOptions { filter: source.filter(&options.filter)?, ..options.clone() };
    let changes = Changes::default();
    let line = Line { options, source, writer: Writer::to(writer), progress };
    let mut chunks = line.chunks(&changes);
    // What does not need one another is asked at once. The walk begins behind the sync: what it meets is not older.
    let (since, (), target_root) =
        tokio::join!(biased; source.sync(), async { chunks.begin() }, check(options, source, writer));
    let (target_root, since) = (target_root?, since?);
    let ancestors_created = root::create_ancestors(writer).await?;
    let mut masked = Masked::new(options.masked_acls);
    let passes = Box::pin(line.run(&mut chunks, &changes, since, target_root, beside, &mut masked));
    let passes = source.foretold(&options.filter, progress, passes).await?;
    let quotas = match source.lane().filter(|_| options.quotas) {
        Some(lane) => Some(copy_quotas(options, lane, writer).await?),
        None => None,
    };
    let archive = Restored::of(source, &chunks);
    Ok(Copied { ancestors_created, passes, masked: masked.into_report(), quotas, archive })
}

/// On the writing session, which sees all that it has written.
async fn copy_quotas(options: &CopyOptions, source: &Lane, writer: &Lane) -> Result<QuotaReport> {
    quota::apply(quota::plan(options, source, writer, writer).await?, writer).await
}

/// Everything that can be known to be wrong before anything is written.
async fn check(options: &CopyOptions, source: &Source, writer: &Lane) -> Result<TargetRoot> {
    let (checked, target_root, holdable, two_trees) = match source {
        Source::Ensemble(reader) => tokio::join!(
            check_source(reader),
            root::look(writer),
            refuse_reserved(options, reader.lane(), writer),
            root::refuse_same_tree(options, reader.lane(), writer),
        ),
        Source::Archive { archive, .. } => (
            check_archive(options, archive),
            root::look(writer).await,
            refuse_reserved_of(archive, options, writer),
            Ok(()),
        ),
    };
    // Whichever answers first: where both sides refuse, the source's refusal is told.
    checked?;
    let target_root = target_root?;
    holdable?;
    two_trees?;
    if target_root.children > 0 && !options.update {
        return Err(Error::bad_input(format!(
            "the target {} holds a tree already ({} below its root): nothing was changed; give --update to send what \
             differs (nothing is removed), or choose an empty target",
            options.target.connect,
            if target_root.children == 1 { "1 child".to_owned() } else { format!("{} children", target_root.children) }
        )));
    }
    Ok(target_root)
}

/// A znode `/zookeeper` of the source's tree has no place at the root of an ensemble.
async fn refuse_reserved(options: &CopyOptions, source: &Lane, writer: &Lane) -> Result<()> {
    let reserved = ZnodePath::root().child("zookeeper");
    if writer.chroot().is_none()
        && !source.chroot().is_none()
        && options.filter.place(&reserved) != Place::LeftOut
        && source.stat(&reserved).await?.is_some()
    {
        return Err(no_place_for_zookeeper(source.chroot().as_str()));
    }
    Ok(())
}

/// The same of an archive, whose end tells.
fn refuse_reserved_of(archive: &Archive, options: &CopyOptions, writer: &Lane) -> Result<()> {
    let reserved = ZnodePath::root().child("zookeeper");
    let holds = archive.end().is_some_and(|end| end.holds_reserved);
    if writer.chroot().is_none() && holds && options.filter.place(&reserved) != Place::LeftOut {
        return Err(no_place_for_zookeeper(""));
    }
    Ok(())
}

fn no_place_for_zookeeper(above: &str) -> Error {
    Error::bad_input(format!(
        "the source has a znode {above}/zookeeper, which can't live at the root of the target, where /zookeeper is \
         ZooKeeper's own: nothing was changed; choose a target with a path, or leave it out with --exclude /zookeeper"
    ))
}

/// What can't be done with an archive, and would be passed over otherwise.
fn check_archive(options: &CopyOptions, archive: &Archive) -> Result<()> {
    let refused = |text: &str| Err(Error::bad_input(text.to_owned()).at(archive.side()));
    if options.quotas {
        return refused("an archive holds no quotas: nothing was changed; leave --quotas out");
    }
    if options.newer_than_ms.is_some() {
        return refused("an archive is restored whole: nothing was changed; --mtime is for a living source");
    }
    let salvaged = matches!(&options.source, TreeOptions::Archive(ArchiveOptions { salvage: Salvage::Wanted, .. }));
    if salvaged && options.update {
        return refused(
            "what is left of a damaged archive goes into an empty place only: what it made up for lost znodes must not \
             take the place of any; nothing was changed; leave --update out, and choose an empty target",
        );
    }
    Ok(())
}

/// The source's root must be a znode that can be copied.
pub(crate) async fn check_source(source: &Reader) -> Result<()> {
    let chroot = source.lane().chroot().as_str();
    match source.lane().znode(&ZnodePath::root()).await? {
        None => Err(Error::bad_input(format!(
            "the source has no znode {chroot}: nothing was changed; check the path behind the servers (zkCli.sh ls)"
        ))
        .at(Side::Source)),
        Some(root) if root.kind.is_ephemeral() => {
            let text = format!(
                "the source's root {chroot} is an ephemeral znode: there is nothing to copy; name another path"
            );
            Err(Error::bad_input(text).at(Side::Source))
        }
        Some(_) => Ok(()),
    }
}

/// Reads until the source has no more, or until nobody takes chunks any more; gives whether it was the end.
pub(crate) async fn read(source: &mut Chunks<'_>, chunks: Sender<Chunk>, progress: &Progress) -> Result<bool> {
    while let Some(chunk) = source.next().await? {
        chunk.visits.iter().for_each(|visit| progress.visited(visit));
        if chunks.send(chunk).await.is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Reads the target beside every chunk, several at once, in order.
pub(crate) fn pair<'a>(chunks: Receiver<Chunk>, pairing: Pairing<'a>) -> impl Stream<Item = Result<Pairs>> + 'a {
    let pairing = Arc::new(pairing);
    received(chunks)
        .map(move |chunk| {
            let pairing = Arc::clone(&pairing);
            async move { pairing.pair(chunk).await }
        })
        .buffered(limits::CHUNKS_IN_FLIGHT_MAX)
}

pub(crate) fn received<T>(receiver: Receiver<T>) -> impl Stream<Item = T> {
    stream::unfold(receiver, |mut receiver| async move { receiver.recv().await.map(|item| (item, receiver)) })
}
