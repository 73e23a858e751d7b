//! Batches stay within their limits, in order.

use bytes::Bytes;

use super::*;
use crate::budget::{Budget, Weight};

fn create(path: &str, len: usize) -> WriteOp {
    let data = Some(Bytes::from(vec![7; len]));
    WriteOp::Create { path: ZnodePath::new(path), data, acl: Acl::open(), kind: Kind::Persistent }
}

fn permit() -> Arc<Permit> {
    Arc::new(Budget::of_line().try_take(Weight::default()).expect("an empty budget gives one permit"))
}

fn batches(request_bytes_max: usize, ops: impl IntoIterator<Item = WriteOp>) -> Vec<Batch> {
    let mut batcher = Batcher::new(Chroot::none(), request_bytes_max);
    let (mut full, permit) = (Vec::new(), permit());
    for op in ops {
        batcher.push(op, &permit, &mut full).unwrap_or_else(|error| panic!("{error}"));
    }
    full.extend(batcher.take());
    full
}

#[test]
fn fills_to_the_number_of_operations() {
    let batches = batches(1_000_000, (0..1_201).map(|index| create(&format!("/{index}"), 1)));
    assert_eq!(batches.iter().map(|batch| batch.ops.len()).collect::<Vec<_>>(), [500, 500, 201]);
}

#[test]
fn fills_to_a_smaller_number_of_operations_but_never_to_none() {
    for (said, most) in [(0, 1), (1, 1), (7, 7), (10_000, 500)] {
        let mut batcher = Batcher::new(Chroot::none(), 1_000_000).of_ops_max(said);
        let (mut full, permit) = (Vec::new(), permit());
        for index in 0..501 {
            batcher.push(create(&format!("/{index}"), 1), &permit, &mut full).expect("it fits");
        }
        assert!(full.iter().all(|batch| batch.ops.len() == most), "{said}");
        assert_eq!(full.len(), 500 / most, "{said}");
    }
}

#[test]
fn fills_to_the_bytes_and_never_beyond() {
    let batches = batches(10_000, (0..100).map(|index| create(&format!("/{index}"), 900)));
    assert_eq!(batches.len(), 10, "ten of about 950 bytes fit each");
    assert!(batches.iter().all(|batch| batch.bytes <= 10_000));
    let paths: Vec<_> = batches.iter().flat_map(|batch| &batch.ops).map(|op| op.path().to_string()).collect();
    assert_eq!(paths, (0..100).map(|index| format!("/{index}")).collect::<Vec<_>>());
}

#[test]
fn sends_a_set_acl_alone_and_in_its_place() {
    let set_acl = WriteOp::SetAcl { path: ZnodePath::new("/b"), acl: Acl::open(), aversion: 0, seals: false };
    let batches = batches(10_000, [create("/a", 1), set_acl.clone(), create("/c", 1)]);
    assert_eq!(batches.len(), 3);
    assert_eq!(batches[1].ops, [set_acl]);
}

#[test]
fn counts_a_request_to_the_byte() {
    // Header 8, end of list 9; per create: header 9, path 4 + 2, data 4 + n, ACL 4 + (4 + 4 + 5 + 4 + 6), flags 4.
    let overhead = 8 + 9 + 9 + 6 + 4 + 27 + 4;
    let batches = batches(overhead + 100, [create("/a", 100)]);
    assert_eq!(batches[0].bytes, overhead + 100);
}

#[test]
fn refuses_what_no_request_can_carry() {
    let mut batcher = Batcher::new(Chroot::none(), 10_000);
    let Err(error) = batcher.push(create("/large", 10_000), &permit(), &mut Vec::new()) else { panic!("it was taken") };
    assert!(matches!(error.kind, ErrorKind::TooLarge { limit: 10_000, .. }), "{error}");
    assert!(error.to_string().contains("/large"), "{error}");
    assert!(batcher.is_empty());
}
