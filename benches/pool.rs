//! From which size on a chunk is worth a thread of the pool: what `limits::INLINE_BYTES_MAX` rests on.
//!
//! A chunk compared elsewhere is no faster by itself. What is won is the time of the thread that drives the sockets,
//! which meanwhile takes the next replies; so both are here. For every chunk the driving thread receives and decodes
//! the answers of two sides (a copy stands for the kernel's), and digests and comparison are done on the spot or on
//! the pool, as many chunks at once as in a verify. The crossover is the size from which `pool` is faster than
//! `inline`. `the hop` is what a chunk of nothing costs.

#![expect(missing_docs, reason = "criterion_group! makes a function without docs")]

use std::hint::black_box;
use std::time::Instant;

use benches::hose::Result;
use benches::replies;
use bytes::{Bytes, BytesMut};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures::{StreamExt, TryStreamExt, stream};
use replicator::digest::TreeDigest;
use replicator::jute::{Decoder, MultiResult};
use replicator::limits;
use replicator::pool::Pool;
use replicator::znode::{Acl, Kind, Znode, ZnodePath};
use tokio::runtime::{Builder, Runtime};

/// Sizes of a chunk as the pool is told them: data of both sides and the overhead of each znode, in KiB.
const CHUNK_KIB: [usize; 11] = [1, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 4_096];
/// Data of a znode as Pegasus writes it, in bytes; larger chunks have larger znodes, not more.
const DATA_BYTES: usize = 300;
/// Chunks in one iteration: enough to fill every place of the pool several times.
const CHUNKS: usize = 64;
/// Samples of each size: one iteration of the largest takes most of a second.
const SAMPLES: usize = 20;

fn runtime() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime of one thread needs nothing that can be missing")
}

/// A pool of so many threads; without one everything is done on the spot.
fn pool(threads: usize) -> Pool {
    Pool::of(threads).expect("a benchmark that can't start a thread can't go on")
}

fn crossover(criterion: &mut Criterion) {
    let (runtime, pools) = (runtime(), [("inline", pool(0)), ("pool", pool(1))]);
    let mut group = criterion.benchmark_group("receive, digest and compare");
    group.sample_size(SAMPLES);
    for kib in CHUNK_KIB {
        let bytes = kib * 1_024;
        let answers = Answers::of(bytes);
        group.throughput(Throughput::Bytes((CHUNKS * bytes) as u64));
        for (name, pool) in &pools {
            group.bench_function(BenchmarkId::new(*name, format!("{kib} KiB")), |bencher| {
                bencher.iter(|| {
                    let verified = runtime.block_on(verify(pool, &answers));
                    verified.expect("both sides are the same bytes");
                });
            });
        }
    }
    group.finish();
}

fn hop(criterion: &mut Criterion) {
    let (runtime, pool) = (runtime(), pool(1));
    criterion.bench_function("the hop to a thread and back", |bencher| {
        bencher.iter_custom(|times| {
            runtime.block_on(async {
                let started = Instant::now();
                for _ in 0..times {
                    pool.run(|| black_box(())).await;
                }
                started.elapsed()
            })
        });
    });
}

/// What the servers answer for one chunk, and where its znodes are.
struct Answers {
    paths: Vec<ZnodePath>,
    reply: Bytes,
}

impl Answers {
    fn of(chunk_bytes: usize) -> Self {
        let znode_bytes = limits::ZNODE_OVERHEAD_BYTES + 2 * DATA_BYTES;
        let znodes = (chunk_bytes / znode_bytes).clamp(1, limits::READ_BATCH_OPS_MAX);
        let data_bytes = (chunk_bytes / znodes).saturating_sub(limits::ZNODE_OVERHEAD_BYTES) / 2;
        let paths = (0..znodes).map(|index| ZnodePath::new(&format!("/apps/12/{index}")));
        Self { paths: paths.collect(), reply: replies::multi_read(znodes, data_bytes) }
    }

    /// Receives and decodes one side's answer.
    fn receive(&self) -> Result<Vec<Znode>> {
        let mut received = BytesMut::new();
        received.extend_from_slice(&self.reply);
        let mut decoder = Decoder::new(received.freeze());
        decoder.reply_header()?;
        let acl = Acl::open();
        let mut znodes = Vec::with_capacity(self.paths.len());
        for path in &self.paths {
            let Some(MultiResult::Data(data, stat)) = decoder.multi_result()? else {
                return Err("not a getData's answer".into());
            };
            znodes.push(Znode { path: path.clone(), data, acl: Some(acl.clone()), kind: Kind::Persistent, stat });
        }
        Ok(znodes)
    }
}

/// The part of a verify that the pool has a say in.
async fn verify(pool: &Pool, answers: &Answers) -> Result<()> {
    let chunks = stream::iter(0..CHUNKS).map(|_| async {
        let (source, target) = (answers.receive()?, answers.receive()?);
        Ok(pool.run(move || compare(&source, &target)).await)
    });
    chunks.buffered(limits::CHUNKS_IN_FLIGHT_MAX).try_for_each(|found| async move { equal(&found) }).await
}

/// Two digests, and how many znodes differ: what `replicator::verify` finds of a chunk.
fn compare(source: &[Znode], target: &[Znode]) -> (TreeDigest, TreeDigest, usize) {
    let (mut ours, mut theirs, mut differing) = (TreeDigest::default(), TreeDigest::default(), 0);
    for (source, target) in source.iter().zip(target) {
        ours.add(source);
        theirs.add(target);
        differing += usize::from((&source.data, &source.acl, source.kind) != (&target.data, &target.acl, target.kind));
    }
    (ours, theirs, differing)
}

fn equal((source, target, differing): &(TreeDigest, TreeDigest, usize)) -> Result<()> {
    if source == target && *differing == 0 { Ok(()) } else { Err("the same bytes are not found equal".into()) }
}

criterion_group!(benches, crossover, hop);
criterion_main!(benches);
