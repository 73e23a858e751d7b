//! Passes over a source that may change while it is read: the first takes everything, each later one what has changed
//! since the one before began, until one finds nothing or there were too many.
//!
//! ```text
//! Walk ──chunks──> pair, plan, batch ──batches──> write
//! ```

use futures::{Stream, StreamExt, TryStreamExt};
use tokio::sync::mpsc::{self, Receiver};

use super::planner::Planner;
use super::{pair, read, received};
use crate::batch::Batcher;
use crate::budget::Budget;
use crate::error::{Result, Side};
use crate::filter::Filter;
use crate::limits;
use crate::options::CopyOptions;
use crate::pair::{Beside, Pair, Pairing, Pairs};
use crate::plan::Plan;
use crate::progress::{Counts, Progress};
use crate::remove;
use crate::session::Lane;
use crate::source::changes::{Changes, Found};
use crate::source::reader::Reader;
use crate::source::walk::Walk;
use crate::source::{Chunk, Visit};
use crate::target;
use crate::target::root::TargetRoot;
use crate::znode::Names;

/// What the passes of a copy have come to.
#[derive(Clone, Debug, Default)]
pub struct Passes {
    /// Writes that each pass after the first has sent.
    pub later: Vec<u64>,
    /// Whether the source stood still while the last one read it. Where the transport tells no zxid, whether nothing went
    /// away in the only pass.
    pub settled: bool,
}

/// A copy's sessions and what they are told.
pub(super) struct Line<'a> {
    pub(super) options: &'a CopyOptions,
    pub(super) source: &'a Reader,
    pub(super) writer: &'a Lane,
    pub(super) progress: &'a Progress,
}

impl Line<'_> {
    /// Copies until the source stands still. `beside` reads the target, where it holds anything.
    pub(super) async fn run(&self, root: TargetRoot, beside: &mut Option<Reader>) -> Result<Passes> {
        let changes = Changes::default();
        let mut since = self.source.sync().await?;
        let walk = Walk::of_tree(self.source, Budget::of_line(), self.options.filter.clone()).sifted(&changes);
        if root.children > 0 {
            let pairing = Pairing::new(self.beside(beside).await?, false);
            self.pass(walk, self.progress, |chunks| pair(chunks, pairing)).await?;
        } else {
            self.pass(walk, self.progress, |chunks| pair_root(chunks, root.znode)).await?;
        }
        let mut passes = Passes { later: Vec::new(), settled: self.progress.counts().vanished == 0 };
        while let Some(before) = since {
            since = self.source.sync().await?;
            passes.settled = since == Some(before);
            if passes.settled || passes.later.len() + 1 == limits::PASSES_MAX {
                break;
            }
            changes.since(before);
            let (writes, unsure) = self.again(&changes, self.beside(beside).await?).await?;
            tracing::debug!(pass = passes.later.len() + 2, writes, unsure, "the source's zxid had moved");
            passes.later.push(writes);
            passes.settled = writes == 0 && !unsure;
            if passes.settled {
                break;
            }
        }
        Ok(passes)
    }

    /// One pass of what has changed; gives the writes, and whether another one must look whatever they are.
    async fn again(&self, changes: &Changes, beside: &Reader) -> Result<(u64, bool)> {
        let before = writes(&self.progress.counts());
        let walk = Walk::of_tree(self.source, Budget::of_line(), self.options.filter.clone()).sifted(changes);
        // What is read again was counted before.
        let uncounted = Progress::default();
        let pairs =
            |chunks| pair(chunks, Pairing::new(beside, true)).and_then(|pairs| note_gone(changes, beside, pairs));
        self.pass(walk, &uncounted, pairs).await?;
        let Found { gone, unsure } = changes.found();
        for znode in gone {
            let (Some(parent), Some(name)) = (znode.parent(), znode.name()) else { continue };
            let names: Names = [name].into_iter().collect();
            let walk = Walk::of_children(beside, Budget::of_line(), Filter::default(), parent, names);
            remove::walked(walk, self.writer, self.options.jute_maxbuffer, self.progress).await?;
        }
        Ok((writes(&self.progress.counts()) - before, unsure))
    }

    /// The line itself.
    async fn pass<P>(
        &self,
        walk: Walk<'_>,
        read_progress: &Progress,
        pairs: impl FnOnce(Receiver<Chunk>) -> P,
    ) -> Result<()>
    where
        P: Stream<Item = Result<Pairs>>,
    {
        let (chunks_in, chunks) = mpsc::channel(1);
        let (batches_in, batches) = mpsc::channel(1);
        let planner = Planner {
            plan: Plan::new(&self.options.target.auths, self.options.counters),
            batcher: Batcher::new(self.writer.chroot().clone(), self.options.jute_maxbuffer),
            batches: batches_in,
            source: self.source.lane(),
            writer: self.writer,
            progress: read_progress,
        };
        let (read, planned, written) = tokio::join!(
            read(walk, chunks_in, read_progress),
            planner.run(pairs(chunks)),
            target::write(self.writer, batches, self.progress)
        );
        written.and(planned).and(read)
    }

    /// What reads the target: it sees all that was written until now.
    async fn beside<'b>(&self, reader: &'b mut Option<Reader>) -> Result<&'b Reader> {
        let seen = self.writer.last_zxid().unwrap_or_default();
        match reader {
            Some(reader) => {
                reader.sync().await?;
                Ok(reader)
            }
            None => {
                let opened = Reader::connect(Side::Target, &self.options.target, self.options.acl, seen).await?;
                Ok(reader.insert(opened))
            }
        }
    }
}

fn writes(counts: &Counts) -> u64 {
    counts.created + counts.data_set + counts.acl_set + counts.deleted + counts.counter_raised
}

/// Tells `changes` which children stand at the target alone.
async fn note_gone(changes: &Changes, target: &Reader, pairs: Pairs) -> Result<Pairs> {
    for pair in &pairs.pairs {
        match pair {
            Pair::Children { parent, source, target } => changes.children(parent, source, target),
            Pair::Znode { source, target: Beside::Znode(there) }
                if source.stat.num_children == 0 && there.stat.num_children > 0 =>
            {
                if let Some((names, _)) = target.lane().children(&source.path).await? {
                    changes.children(&source.path, &Names::default(), &names);
                }
            }
            _ => {}
        }
    }
    Ok(pairs)
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
