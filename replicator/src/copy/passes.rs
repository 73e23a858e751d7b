//! Passes over a source that may change while it is read: the first takes everything, each later one what has changed
//! since the one before began, until one finds nothing or there were too many.
//!
//! ```text
//! Walk ──chunks──> pair, plan, batch ──batches──> write
//! ```

use futures::{Stream, StreamExt};
use tokio::sync::mpsc::{self, Receiver};

use super::extras::Extras;
use super::newer::Newer;
use super::planner::Planner;
use super::{pair, read, received};
use crate::batch::Batcher;
use crate::error::{Result, Side};
use crate::limits;
use crate::masked::Masked;
use crate::options::CopyOptions;
use crate::pair::{Beside, Pair, Pairing, Pairs};
use crate::plan::Plan;
use crate::progress::Progress;
use crate::remove::Care;
use crate::source::changes::Changes;
use crate::source::reader::Reader;
use crate::source::{Chunk, Chunks, Source, Visit};
use crate::target::Writer;
use crate::target::probe::Probes;
use crate::target::root::TargetRoot;
use crate::znode::Zxid;

/// What the passes of a copy have come to.
#[derive(Clone, Debug, Default)]
pub struct Passes {
    /// Writes that each pass after the first has sent.
    pub later: Vec<u64>,
    /// Whether the source stood still while the last one read it. Where the transport tells no zxid, whether nothing went
    /// away in the only pass, and no ACL was of another moment than its znode's data.
    pub settled: bool,
}

/// A copy's sessions and what they are told.
pub(super) struct Line<'a> {
    pub(super) options: &'a CopyOptions,
    pub(super) source: &'a Source,
    pub(super) writer: Writer<'a>,
    pub(super) progress: &'a Progress,
}

impl Line<'_> {
    /// Copies until the source stands still; all that it was at `since` is seen by `source`, the first pass, which notes what
    /// it has seen in `changes`. `beside` reads the target, where it holds anything.
    pub(super) async fn run(
        &self,
        source: &mut Chunks<'_>,
        changes: &Changes,
        mut since: Option<Zxid>,
        root: TargetRoot,
        beside: &mut Option<Reader>,
        masked: &mut Masked,
    ) -> Result<Passes> {
        let mut behind = self.first(source, root, beside, masked).await?;
        let mut passes = Passes { later: Vec::new(), settled: !changes.is_unsure() };
        while let Some(before) = since {
            since = behind;
            passes.settled = since == Some(before);
            // Below a znode that was left out a later pass, which meets only what has changed, would not know it.
            let blind = masked.has_left_out();
            if passes.settled || blind || passes.later.len() + 1 == limits::PASSES_MAX {
                break;
            }
            changes.since(before);
            let writes;
            (writes, behind) = self.again(changes, self.beside(beside).await?, masked).await?;
            let unsure = changes.is_unsure();
            tracing::debug!(pass = passes.later.len() + 2, writes, unsure, "the source's zxid had moved");
            passes.later.push(writes);
            passes.settled = writes == 0 && !unsure;
            if passes.settled {
                break;
            }
        }
        Ok(passes)
    }

    /// The pass that takes everything; gives a zxid that the source had reached when it was read.
    pub(super) async fn first(
        &self,
        source: &mut Chunks<'_>,
        root: TargetRoot,
        beside: &mut Option<Reader>,
        masked: &mut Masked,
    ) -> Result<Option<Zxid>> {
        if root.children == 0 {
            return self.pass(source, masked, self.progress, |chunks| pair_root(chunks, root.znode)).await;
        }
        let target = match beside {
            // Nothing has been written since it was opened.
            Some(target) => &*target,
            none => self.beside(none).await?,
        };
        let Some(left) = &self.options.removal else {
            return self.pass(source, masked, self.progress, |chunks| pair(chunks, Pairing::new(target, false))).await;
        };
        let extras = Extras::new(self, target, Care::Left(left));
        self.pass(source, masked, self.progress, |chunks| extras.removed_from(chunks)).await
    }

    /// One pass of what has changed; gives the writes, and a zxid that the source had reached when it was read.
    async fn again(&self, changes: &Changes, target: &Reader, masked: &mut Masked) -> Result<(u64, Option<Zxid>)> {
        let before = self.progress.counts().written();
        self.progress.another_pass();
        // What is read again was counted before.
        let uncounted = Progress::default();
        let extras = Extras::new(self, target, Care::Seen(changes));
        let behind =
            self.pass(&mut self.chunks(changes), masked, &uncounted, |chunks| extras.removed_from(chunks)).await?;
        Ok((self.progress.counts().written() - before, behind))
    }

    /// All of the source that `changes` takes. Lists of children are for who removes.
    pub(super) fn chunks<'a>(&'a self, changes: &'a Changes) -> Chunks<'a> {
        let Line { options, source, .. } = self;
        source.chunks(&options.filter, options.ephemerals, Some(changes), options.removal.is_some())
    }

    /// The line itself; gives a zxid that the source had reached when all of it was read. It is asked for while the last
    /// writes are still under way.
    async fn pass<P>(
        &self,
        source: &mut Chunks<'_>,
        masked: &mut Masked,
        read_progress: &Progress,
        pairs: impl FnOnce(Receiver<Chunk>) -> P,
    ) -> Result<Option<Zxid>>
    where
        P: Stream<Item = Result<Pairs>>,
    {
        let (chunks_in, chunks) = mpsc::channel(1);
        let (batches_in, batches) = mpsc::channel(1);
        let planner = Planner {
            masked,
            plan: Plan::new(&self.options.target.auths, self.options.counters),
            probes: Probes::new(self.writer.lane.chroot().clone(), self.options.jute_maxbuffer),
            batcher: Batcher::new(self.writer.lane.chroot().clone(), self.options.jute_maxbuffer)
                .of_ops_max(self.options.batch_ops_max),
            batches: batches_in,
            source: self.source,
            writer: self.writer,
            progress: read_progress,
            written: self.progress,
        };
        // Parents of something newer are read when the walk has ended.
        let newer = self.options.newer_than_ms.zip(self.source.reader());
        let reads_on = newer.is_some();
        let read = async {
            let all = read(source, chunks_in, read_progress).await?;
            if all && !reads_on { self.source.sync().await } else { Ok(None) }
        };
        let pairs = pairs(chunks);
        let plan = async {
            match newer {
                None => planner.run(pairs).await,
                Some((than_ms, reader)) => {
                    let newer = Newer::new(than_ms, reader, self.writer.lane, read_progress);
                    planner.run(newer.taken_from(pairs)).await
                }
            }
        };
        let (read, planned, written) = tokio::join!(read, plan, self.writer.take(batches, self.progress));
        let behind = written.and(planned).and(read)?;
        if reads_on { self.source.sync().await } else { Ok(behind) }
    }

    /// What reads the target: it sees all that was written until now.
    async fn beside<'b>(&self, reader: &'b mut Option<Reader>) -> Result<&'b Reader> {
        let seen = self.writer.lane.last_zxid().unwrap_or_default();
        if let Some(reader) = reader {
            reader.sync().await?;
            return Ok(reader);
        }
        let opened = Reader::connect(Side::Target, &self.options.target, &self.options.acl, seen).await?;
        Ok(reader.insert(opened))
    }
}

/// Pairs with a target that holds nothing but perhaps its root.
fn pair_root(chunks: Receiver<Chunk>, root: Beside) -> impl Stream<Item = Result<Pairs>> {
    let mut root = Some(root);
    received(chunks).map(move |Chunk { visits, permit }| {
        let pairs = visits.into_iter().map(|visit| match visit {
            Visit::Znode(source) => {
                let target = if source.path.is_root() { root.take() } else { None };
                Pair::Znode { source, target: target.unwrap_or(Beside::Nothing) }
            }
            other => Pair::Other(other),
        });
        Ok(Pairs { pairs: pairs.collect(), permit })
    })
}
