//! A tree goes into a file: read as a copy reads it, in blocks that are packed on the pool, and given its name when all of
//! it is on the disk.
//!
//! It is read once. What it is of is said in its end: of one moment, when nothing in it was written behind the zxid that the
//! read began behind, and as many children were listed as their parents' stats promised ([`Reading::disturbed`]); otherwise
//! of the time between two zxids, and the report says that it is not settled.

use std::io::BufWriter;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use ahash::RandomState;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use tokio::sync::mpsc::{self, Receiver};
use tokio_util::sync::CancellationToken;

use super::block::{Block, ItemRef, Maker};
use super::document::{AclsKept, End, Head};
use super::order::Order;
use super::sink::Sink;
use crate::copy::{check_source, read};
use crate::ephemerals::Owner;
use crate::error::{Error, ErrorKind, Result};
use crate::latency::Latency;
use crate::limits;
use crate::masked::{Masked, MaskedReport};
use crate::options::{AclPolicy, DumpOptions, EphemeralPolicy};
use crate::pool::Pool;
use crate::progress::{Counts, Progress};
use crate::retry::Retries;
use crate::source::changes::Changes;
use crate::source::reader::Reader;
use crate::source::{Chunk, Source, Visit};
use crate::verify::Reading;
use crate::whole_file::{Existing, Unfinished};
use crate::znode::{Names, Zxid};

/// What came of a dump.
#[derive(Clone, Debug)]
pub struct DumpReport {
    /// What was read and left out.
    pub counts: Counts,
    /// What the archive came to.
    pub end: End,
    /// Its bytes.
    pub file_bytes: u64,
    /// Znodes whose ACL is not in it, or that were left out for it.
    pub masked: MaskedReport,
    /// The sessions whose ephemerals were left out.
    pub ephemeral_owners: Vec<Owner>,
    /// How long the servers took to answer.
    pub latencies: Vec<Latency>,
    /// How often they had to be tried again.
    pub retries: Retries,
    /// From the first connect to the file's name.
    pub elapsed: Duration,
}

impl DumpReport {
    /// Why the archive is not of one moment; `None` when it is.
    pub fn disturbed(&self) -> Option<String> {
        let why = "it was written while it was read: an ACL was of another moment than its znode";
        (!self.end.settled).then(|| self.end.reading().disturbed().unwrap_or_else(|| why.to_owned()))
    }
}

/// What takes blocks.
type ToFile = Sink<BufWriter<Unfinished>>;

/// Writes the tree to a file. The file is there in full, and on the disk, when this returns, or not at all; `stop` ends it
/// within a round trip, as long as not all was read: what is only to be finished is finished.
pub async fn dump(options: &DumpOptions, progress: &Progress, stop: &CancellationToken) -> Result<DumpReport> {
    let started = Instant::now();
    let before = options.source.retry.counts();
    let mut opened = None;
    let read = tokio::select! {
        read = read_all(options, progress, &mut opened) => read,
        () = stop.cancelled() => Err(Error::new(ErrorKind::Interrupted, "")),
    };
    let latencies = opened.as_ref().map(Source::latencies).unwrap_or_default();
    if let Some(source) = opened {
        source.close().await;
    }
    let Read { sink, since, behind, settled, masked } = read?;
    let (existing, name) = (options.existing, options.file.clone());
    let finished = on_disk(options, move || {
        let (out, end, bytes) = sink.finish(since, behind, settled)?;
        let file = out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.finish(&name, existing)?;
        Ok((end, bytes))
    });
    let (end, file_bytes) = finished.await?;
    Ok(DumpReport {
        counts: progress.counts(),
        end,
        file_bytes,
        masked,
        ephemeral_owners: progress.ephemeral_owners(),
        latencies,
        retries: options.source.retry.counts().since(before),
        elapsed: started.elapsed(),
    })
}

/// A tree that was read and is in blocks, of which no file has the name yet.
struct Read {
    sink: ToFile,
    since: Option<Zxid>,
    behind: Option<Zxid>,
    settled: bool,
    masked: MaskedReport,
}

async fn read_all(options: &DumpOptions, progress: &Progress, opened: &mut Option<Source>) -> Result<Read> {
    options.check_file()?;
    let reader = Reader::connect(options.side, &options.source, &options.acl, Zxid::default()).await?;
    let source = &*opened.insert(Source::Ensemble(reader));
    if let Some(reader) = source.reader() {
        check_source(reader).await?;
    }
    let since = source.sync().await?;
    let pool = Pool::new()?;
    // As many as blocks are made at once, whatever the number of threads.
    let makers = Arc::default();
    let sink = begin(options).await?;
    let changes = Changes::of_one_walk();
    let mut masked = Masked::new(options.masked_acls);
    let mut tree = source.chunks(&options.filter, EphemeralPolicy::LeftOut, Some(&changes), false);
    let (chunks_in, chunks) = mpsc::channel(1);
    let blocks = Blocks { chunks, masked: &mut masked, source, order: Order::default(), gathered: Gathered::default() }
        .stream()
        .map(|gathered| async { Ok(pack(&pool, &makers, gathered?).await) })
        .buffered(limits::ARCHIVE_BLOCKS_IN_FLIGHT_MAX);
    let work = Box::pin(async { tokio::join!(read(&mut tree, chunks_in, progress), write(options, sink, blocks)) });
    let (read, written) = source.foretold(&options.filter, progress, work).await;
    // Where both fail the file's failure is the cause: the walk ends when nobody takes chunks any more.
    let sink = written.and_then(|sink| read.map(|_| sink))?;
    let behind = source.sync().await?;
    let reading = Reading { zxid: since, ..sink.totals().reading };
    let settled = reading.disturbed().is_none() && !changes.is_unsure();
    Ok(Read { sink, since, behind, settled, masked: masked.into_report() })
}

/// Makes a block on the pool. The visits come back with it, to go where they were made: what another thread gives back to
/// the allocator, it can't hand out again so easily.
async fn pack(pool: &Pool, makers: &Arc<Mutex<Vec<Maker>>>, gathered: Gathered) -> Block {
    let Gathered { parts, .. } = gathered;
    let makers = Arc::clone(makers);
    let make = move || {
        let taken = || makers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut maker = taken().pop().unwrap_or_default();
        let block = maker.block(parts.iter().flatten().filter_map(ItemRef::of), limits::ARCHIVE_LEVEL);
        taken().push(maker);
        (block, parts)
    };
    let (block, _parts) = pool.run(make).await;
    block
}

async fn begin(options: &DumpOptions) -> Result<ToFile> {
    let [include, exclude] = options.filter.said().map(<[_]>::to_vec);
    let head = Head {
        tool: format!("zkreplicator {}", env!("CARGO_PKG_VERSION")),
        time: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        source: options.source.connect.to_string(),
        acls: match options.acl {
            AclPolicy::Preserve => AclsKept::Preserved,
            AclPolicy::Map(_) => AclsKept::Mapped,
            AclPolicy::Open => AclsKept::Left,
        },
        include,
        exclude,
    };
    // Keyed anew in each process.
    let archive = RandomState::new().hash_one(SystemTime::now());
    let name = options.file.clone();
    on_disk(options, move || Sink::begin(BufWriter::new(Unfinished::beside(&name)?), head, archive)).await
}

/// Writes block behind block.
async fn write(options: &DumpOptions, mut sink: ToFile, blocks: impl Stream<Item = Result<Block>>) -> Result<ToFile> {
    let mut blocks = std::pin::pin!(blocks);
    while let Some(block) = blocks.try_next().await? {
        sink = on_disk(options, move || sink.block(&block).map(|()| sink)).await?;
    }
    Ok(sink)
}

/// Work that may wait for a disk, away from the thread that drives the sockets.
async fn on_disk<T: Send + 'static>(
    options: &DumpOptions,
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await.unwrap_or_else(|panic| Err(std::io::Error::other(panic)));
    done.map_err(|error| {
        Error::new(ErrorKind::Io(error.to_string()), "write archive").on(options.file.display().to_string())
    })
}

/// Gathers what is kept of chunks until there is enough for a block. A chunk's permit ends here: what waits is bounded by
/// the limits of a block, and what is packed by their number.
struct Blocks<'a> {
    chunks: Receiver<Chunk>,
    masked: &'a mut Masked,
    source: &'a Source,
    order: Order,
    gathered: Gathered,
}

/// What a block is to be made of: visits as they lie in their chunks, each of which is an item.
#[derive(Default)]
struct Gathered {
    parts: Vec<Vec<Visit>>,
    items: usize,
    weight: usize,
}

impl<'a> Blocks<'a> {
    fn stream(self) -> impl Stream<Item = Result<Gathered>> + use<'a> {
        stream::try_unfold((self, Vec::new()), |(mut blocks, mut visits)| async move {
            loop {
                if let Some(full) = blocks.gathered.take(&mut visits) {
                    return Ok(Some((full, (blocks, visits))));
                }
                match blocks.chunks.recv().await {
                    Some(chunk) => visits = blocks.keep(chunk.visits)?,
                    None if blocks.gathered.items == 0 => return Ok(None),
                    None => return Ok(Some((std::mem::take(&mut blocks.gathered), (blocks, visits)))),
                }
            }
        })
    }

    /// Leaves of the visits those that an archive keeps.
    fn keep(&mut self, mut visits: Vec<Visit>) -> Result<Vec<Visit>> {
        let mut refused = None;
        visits.retain_mut(|visit| match self.admits(visit) {
            Ok(kept) => kept,
            Err(error) => {
                refused.get_or_insert(error);
                false
            }
        });
        refused.map_or(Ok(visits), Err)
    }

    fn admits(&mut self, visit: &mut Visit) -> Result<bool> {
        if let Visit::Znode(znode) = visit {
            if !self.masked.admit(znode)? {
                return Ok(false);
            }
        }
        match visit {
            Visit::Leave(path) => {
                let left_out = self.masked.leaves_out(path);
                self.masked.leave(path);
                if left_out {
                    return Ok(false);
                }
            }
            Visit::Children { parent: path, .. } | Visit::Ephemeral { path, .. } if self.masked.leaves_out(path) => {
                return Ok(false);
            }
            // How many there are is what is kept.
            Visit::Children { names, .. } => *names = Names::default(),
            Visit::Unreadable(path, code) if !self.masked.leaves_out(path) => {
                return Err(self.source.refused(*code, "read", path));
            }
            _ => {}
        }
        Ok(ItemRef::of(visit).is_some_and(|item| self.order.admits(item)))
    }
}

impl Gathered {
    /// Takes visits until there is enough for a block, which it gives then; what is left of them is for the next one.
    fn take(&mut self, visits: &mut Vec<Visit>) -> Option<Self> {
        let mut taken = 0;
        for item in visits.iter().filter_map(ItemRef::of) {
            if self.is_full() {
                break;
            }
            self.weight += item.weight();
            self.items += 1;
            taken += 1;
        }
        let left = visits.split_off(taken);
        self.parts.push(std::mem::replace(visits, left));
        self.is_full().then(|| std::mem::take(self))
    }

    fn is_full(&self) -> bool {
        self.weight >= limits::ARCHIVE_BLOCK_BYTES || self.items == limits::ARCHIVE_BLOCK_ITEMS_MAX
    }
}

impl DumpOptions {
    /// Finds out, before hours of work, whether the archive can be written.
    pub fn check_file(&self) -> Result<()> {
        let wrong = |why: String| Error::bad_input(format!("archive {}: {why}", self.file.display()));
        if !self.source.transport.tells_null_from_empty() {
            let why = "an archive needs --transport wire: the zookeeper-client transport does not tell null data from empty \
                       data, nor behind which zxid it reads";
            return Err(wrong(why.to_owned()));
        }
        if self.existing == Existing::Kept && self.file.symlink_metadata().is_ok() {
            let why = "the file is there already: nothing was changed; name another one, or have the new archive take its \
                       place when it is complete (dump --replace, copy --update)";
            return Err(wrong(why.to_owned()));
        }
        crate::whole_file::check(&self.file).map_err(wrong)
    }
}
