//! What the wire costs a znode: encoding a full multi, decoding a multiRead's answer and a long list of children.

#![expect(missing_docs, reason = "criterion_group! makes a function without docs")]

use std::hint::black_box;

use benches::hose::Result;
use benches::replies;
use bytes::{Bytes, BytesMut};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use replicator::connect::Chroot;
use replicator::jute::{self, Decoder, MultiResult, op};
use replicator::limits;
use replicator::znode::{Acl, Kind, ZnodePath};

/// Data of a znode as Pegasus writes it, in bytes.
const DATA_BYTES: usize = 300;
/// Znodes in one answer: half of the most that one multiRead asks for.
const READ_ZNODES: usize = 256;
/// Names in one list: a table of Pegasus has 1,024 at most, other users' parents have no such limit.
const NAMES: usize = 100_000;

fn encode_multi(criterion: &mut Criterion) {
    let chroot = Chroot::new("/pegasus/onebox").expect("it is the path of a znode");
    let paths: Vec<_> =
        (0..limits::WRITE_BATCH_OPS_MAX).map(|index| ZnodePath::new(&format!("/apps/12/{index}"))).collect();
    let (data, acl) = (vec![7; DATA_BYTES], Acl::open());
    let mut group = criterion.benchmark_group("jute");
    group.throughput(Throughput::Elements(paths.len() as u64));
    group.bench_function(format!("encode a multi of {} creates", paths.len()), |bencher| {
        let mut buffer = BytesMut::new();
        bencher.iter(|| {
            buffer.clear();
            jute::request(&mut buffer, 1, op::MULTI, |encoder| {
                for path in black_box(&paths) {
                    encoder.multi_create(chroot.locate(path), Some(&data), &acl, Kind::Persistent);
                }
                encoder.multi_end();
            })
        });
    });
    group.finish();
}

fn decode_multi_read(criterion: &mut Criterion) {
    let reply = replies::multi_read(READ_ZNODES, DATA_BYTES);
    let mut group = criterion.benchmark_group("jute");
    group.throughput(Throughput::Elements(READ_ZNODES as u64));
    group.bench_function(format!("decode a multiRead's answer of {READ_ZNODES} znodes"), |bencher| {
        bencher.iter(|| znodes(black_box(&reply)).expect("it was made above, and its end is marked"));
    });
    group.finish();
}

fn decode_names(criterion: &mut Criterion) {
    let reply = replies::names(NAMES);
    let mut group = criterion.benchmark_group("jute");
    group.throughput(Throughput::Elements(NAMES as u64));
    group.bench_function(format!("decode a list of {NAMES} children"), |bencher| {
        bencher.iter(|| Decoder::new(black_box(&reply).clone()).names().map(|names| names.len()));
    });
    group.finish();
}

/// Reads an answer as the wire session does; gives the znodes and the bytes of their data.
fn znodes(reply: &Bytes) -> Result<(usize, usize)> {
    let mut decoder = Decoder::new(reply.clone());
    decoder.reply_header()?;
    let (mut znodes, mut bytes) = (0, 0);
    while let Some(result) = decoder.multi_result()? {
        let MultiResult::Data(data, stat) = black_box(result) else { return Err("not a getData's answer".into()) };
        znodes += 1;
        bytes += data.map_or(0, |data| data.len()) + usize::try_from(stat.num_children)?;
    }
    Ok((znodes, bytes))
}

criterion_group!(benches, encode_multi, decode_multi_read, decode_names);
criterion_main!(benches);
