//! What a znode's digest costs: verify adds one for each znode of each side.

#![expect(missing_docs, reason = "criterion_group! makes a function without docs")]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use replicator::digest::TreeDigest;
use replicator::znode::{Acl, Kind, Stat, Znode, ZnodePath};

fn digest(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("digest");
    for size in [0, 300, 4_096, 900_000] {
        let znode = Znode {
            path: ZnodePath::new("/apps/12/345"),
            data: Some(Bytes::from(vec![7; size])),
            acl: Some(Acl::open()),
            kind: Kind::Persistent,
            stat: Stat::default(),
        };
        group.throughput(Throughput::Bytes(size.max(1) as u64));
        group.bench_function(format!("{size} bytes"), |bencher| {
            let mut digest = TreeDigest::default();
            bencher.iter(|| digest.add(black_box(&znode)));
        });
    }
    group.finish();
}

criterion_group!(benches, digest);
criterion_main!(benches);
