//! What a block of an archive costs our processor, and how small it becomes, by zstd's level: what `limits::ARCHIVE_LEVEL`
//! and `limits::ARCHIVE_BLOCK_BYTES` rest on.

#![expect(missing_docs, reason = "criterion_group! makes a function without docs")]
#![expect(clippy::print_stdout, reason = "sizes are no times: criterion has no place for them")]

use std::hint::black_box;

use benches::hose::Result;
use benches::shape::{Shape, Tree};
use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use replicator::archive::block::{self, Item, ItemRef};
use replicator::archive::frame::{Header, unpack};
use replicator::limits;
use replicator::znode::{Acl, Kind, Stat, Znode, ZnodePath};

const LEVELS: [i32; 6] = [-1, 1, 2, 3, 5, 9];
/// Where the block is cut from the tree: behind the first tables, which are like the others.
const FIRST: usize = 5_000;

/// A block of about `bytes` of data and paths of the Pegasus-like tree, with the stats of a copy into an empty server.
fn items(bytes: usize) -> Vec<Item> {
    let tree = Tree { shape: Shape::Pegasus, znodes: 100_000 }.znodes();
    let mut weight = 0;
    let items = tree.skip(FIRST).zip(0_i64..).map(|(znode, index)| {
        let zxid = 1_000 + index / 500;
        let time = 1_700_000_000_000 + index / 100;
        let stat = Stat { czxid: zxid, mzxid: zxid, pzxid: zxid, ctime: time, mtime: time, ..Stat::default() };
        let (path, data) = (ZnodePath::new(&znode.path), Some(Bytes::from(znode.data)));
        Item::Znode(Znode { path, data, acl: Some(Acl::open()), kind: Kind::Persistent, stat })
    });
    items
        .take_while(|item| {
            weight += ItemRef::from(item).weight();
            weight < bytes
        })
        .collect()
}

fn levels(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("archive");
    group.sample_size(20);
    for kib in [256, 1_024, 4_096] {
        let items = items(kib << 10);
        let raw: usize = items.iter().map(|item| ItemRef::from(item).weight()).sum();
        group.throughput(Throughput::Elements(items.len() as u64));
        for level in LEVELS {
            let block = block::encode(&items, level);
            let share = block.kept.len() as f64 / raw as f64 * 100.0;
            println!("{kib} KiB, level {level}: {share:.2} % of data and paths");
            if kib == limits::ARCHIVE_BLOCK_BYTES >> 10 || level == limits::ARCHIVE_LEVEL {
                group.bench_function(format!("encode {kib} KiB, level {level}"), |bencher| {
                    bencher.iter(|| block::encode(black_box(&items), level));
                });
            }
        }
    }
    group.finish();
}

fn decode(criterion: &mut Criterion) {
    let items = items(limits::ARCHIVE_BLOCK_BYTES);
    let header = header(&items).expect("a block has a header");
    let block = block::encode(&items, limits::ARCHIVE_LEVEL);
    let mut group = criterion.benchmark_group("archive");
    group.throughput(Throughput::Elements(items.len() as u64));
    group.bench_function("decode", |bencher| {
        bencher.iter(|| {
            let raw = unpack(&header, block.kept.clone()).expect("it was packed");
            block::decode(&Bytes::from(raw)).expect("it was encoded").len()
        });
    });
    group.finish();
}

fn header(items: &[Item]) -> Result<Header> {
    let block = block::encode(items, limits::ARCHIVE_LEVEL);
    Ok(Header {
        kind: replicator::archive::frame::FrameKind::Block,
        packing: block.packing,
        sequence: 1,
        archive: 0,
        before: 0,
        znodes: u32::try_from(items.len())?,
        raw_bytes: u32::try_from(block.raw_bytes)?,
        kept_bytes: u32::try_from(block.kept.len())?,
        label_bytes: 0,
        checksum: block.checksum,
    })
}

criterion_group!(benches, levels, decode);
criterion_main!(benches);
