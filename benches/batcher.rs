//! What the batcher costs: 100,000 creates counted to the byte and put into requests.

#![expect(missing_docs, reason = "criterion_group! makes a function without docs")]

use std::sync::Arc;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use replicator::batch::Batcher;
use replicator::budget::{Budget, Permit, Weight};
use replicator::connect::Chroot;
use replicator::limits;
use replicator::session::WriteOp;
use replicator::znode::{Acl, Kind, ZnodePath};

const CREATES: usize = 100_000;
/// Data of a znode as Pegasus writes it, in bytes.
const DATA_BYTES: usize = 300;

fn batcher(criterion: &mut Criterion) {
    let budget = Budget::of_line();
    let creates: Vec<WriteOp> = (0..CREATES).map(create).collect();
    let mut group = criterion.benchmark_group("batcher");
    group.throughput(Throughput::Elements(CREATES as u64));
    // A clone shares path, data and ACL, as the planner's writes do; it is made outside what is timed.
    group.bench_function(format!("{CREATES} creates"), |bencher| {
        bencher.iter_batched(|| creates.clone(), |creates| batches(creates, &budget), BatchSize::LargeInput);
    });
    group.finish();
}

/// Batches as the line does: a permit for each chunk, full batches taken away at once. Gives the bytes of all requests.
fn batches(creates: Vec<WriteOp>, budget: &Budget) -> usize {
    let chroot = Chroot::new("/pegasus/onebox").expect("it is the path of a znode");
    let mut batcher = Batcher::new(chroot, limits::JUTE_MAXBUFFER_BYTES);
    let (mut full, mut bytes) = (Vec::new(), 0);
    let mut creates = creates.into_iter().peekable();
    while creates.peek().is_some() {
        let permit = permit(budget);
        for create in creates.by_ref().take(limits::READ_BATCH_OPS_MAX) {
            batcher.push(create, &permit, &mut full).expect("a create of 300 bytes is below every limit");
            bytes += full.drain(..).map(|batch| batch.bytes).sum::<usize>();
        }
    }
    bytes + batcher.take().map_or(0, |batch| batch.bytes)
}

fn permit(budget: &Budget) -> Arc<Permit> {
    let operations = limits::READ_BATCH_OPS_MAX;
    let weight = Weight { operations, bytes: operations * (limits::ZNODE_OVERHEAD_BYTES + DATA_BYTES) };
    Arc::new(budget.try_take(weight).expect("two chunks at most are held, a fraction of the line's budget"))
}

fn create(index: usize) -> WriteOp {
    WriteOp::Create {
        path: ZnodePath::new(&format!("/apps/{}/{}", index / 1_024, index % 1_024)),
        data: Some(Bytes::from(vec![7; DATA_BYTES])),
        acl: Acl::open(),
        kind: Kind::Persistent,
    }
}

criterion_group!(benches, batcher);
criterion_main!(benches);
