//! The figures of a handful of znodes that were counted by hand.

use bytes::Bytes;

use super::*;
use crate::znode::{AclEntry, Stat};

const MAX: usize = 10_000;

fn census() -> Census {
    Census::new(Chroot::new("/root").expect("a path"), 3, MAX)
}

fn znode(path: &str, data: Option<usize>, stat: Stat) -> Visit {
    let data = data.map(|size| Bytes::from(vec![0; size]));
    let (path, acl) = (ZnodePath::new(path), Some(Acl::open()));
    Visit::Znode(Znode { path, data, acl, kind: Kind::Persistent, stat })
}

fn children(parent: &str, names: &[String], listed: usize) -> Visit {
    Visit::Children { parent: ZnodePath::new(parent), names: names.iter().collect(), listed }
}

#[test]
fn counts_znodes_bytes_and_levels() {
    let mut census = census();
    for visit in [
        znode("/", None, Stat::default()),
        znode("/a", Some(0), Stat::default()),
        znode("/a/b", Some(10), Stat::default()),
        znode("/c", Some(300), Stat { ephemeral_owner: 7, ..Stat::default() }),
        Visit::Leave(ZnodePath::root()),
    ] {
        census.add(&visit);
    }
    assert_eq!((census.znodes, census.ephemerals, census.null, census.empty), (4, 1, 1, 1));
    assert_eq!((census.data_bytes, census.path_bytes), (310, 5 + 7 + 9 + 7));
    assert_eq!((&census.levels.znodes[..], census.levels.max), (&[1, 2, 1][..], 2));
    assert_eq!((census.size_at(0.5), census.size_at(1.0)), (0, 300));
    let buckets: Vec<_> = census.buckets().iter().map(|bucket| (bucket.from, bucket.to, bucket.znodes)).collect();
    assert_eq!(buckets, [(0, 0, 2), (1, 63, 1), (64, 255, 0), (256, 1_023, 1)]);
    let owners = census.ephemeral_owners();
    assert_eq!((owners.len(), owners[0].session, owners[0].paths[0].as_str()), (1, 7, "/c"));
    assert_eq!(census.problems.total(), 0);
}

#[test]
fn counts_levels_below_the_last_one_together() {
    let mut levels = Levels::default();
    for level in [0, limits::SCAN_LEVELS_MAX - 1, limits::SCAN_LEVELS_MAX, 500_000] {
        levels.add(level);
    }
    assert_eq!((levels.znodes.len(), levels.deeper, levels.max), (limits::SCAN_LEVELS_MAX, 2, 500_000));
    assert_eq!(levels.znodes.iter().sum::<u64>(), 2);
}

#[test]
fn finds_what_will_be_a_problem() {
    let mut census = census();
    // The request around data: headers, the path with its length, that of the data, an ACL of one entry, flags.
    let overhead = 8 + 9 + 9 + (4 + "/root/big".len()) + 4 + (4 + 4 + (4 + 5) + (4 + 6)) + 4;
    census.add(&znode("/fit", Some(MAX - overhead), Stat::default()));
    census.add(&znode("/big", Some(MAX - overhead + 1), Stat::default()));
    // Twice the counter is cversion and the number of children.
    let near = i32::from_ne_bytes((2 * (limits::COUNTER_MAX + 1)).to_ne_bytes());
    census.add(&znode("/near", None, Stat { cversion: near, ..Stat::default() }));
    census.add(&znode("/far", None, Stat { cversion: near.wrapping_sub(2), ..Stat::default() }));
    census.add(&Visit::Unreadable(ZnodePath::new("/shut"), Code::NO_AUTH));
    let hidden = Acl::new([AclEntry { perms: 1, scheme: "digest".into(), id: "bob:x".into() }]);
    let Visit::Znode(masked) = znode("/masked", None, Stat::default()) else { panic!("a znode") };
    census.add(&Visit::Znode(Znode { acl: Some(hidden.clone()), ..masked }));
    let Problems { oversized, masked_acls, long_lists, counters, unreadable } = &census.problems;
    assert_eq!(oversized.list, [(ZnodePath::new("/big"), MAX + 1)]);
    assert_eq!(masked_acls.list, [(ZnodePath::new("/masked"), hidden)]);
    assert_eq!(long_lists.count, 0);
    assert_eq!(counters.list, [(ZnodePath::new("/near"), limits::COUNTER_MAX + 1)]);
    assert_eq!(unreadable.list, [(ZnodePath::new("/shut"), Code::NO_AUTH)]);
    assert_eq!(census.problems.total(), 4);
    assert_eq!((census.acls.distinct(), census.acls.others), (2, 0));
}

#[test]
fn finds_children_lists_that_are_too_long_to_the_byte() {
    let mut census = census();
    let names: Vec<String> = (0..1_000).map(|index| format!("{index:0996}")).collect();
    let bytes = LIST_OVERHEAD_BYTES + 1_000 * 1_000;
    census.add(&children("/fits", &names, 1_000));
    assert!(bytes <= limits::CLIENT_REPLY_BYTES_MAX);
    // What a filter has left out is in the server's list too.
    census.add(&children("/filtered", &names, 1_100));
    let list = &census.problems.long_lists.list;
    let long = LongList { children: 1_100, reply_bytes: bytes + 100 * 1_000 };
    assert_eq!(list[..], [(ZnodePath::new("/filtered"), long)]);
    let widest: Vec<_> = census.widest.iter().map(|(count, path)| (count, path.as_str())).collect();
    assert_eq!(widest, [(1_100, "/filtered"), (1_000, "/fits")]);
}

#[test]
fn lists_a_bounded_number_of_each_kind() {
    let mut listed = Listed::default();
    for index in 0..2 * limits::SCAN_PROBLEMS_LISTED {
        listed.add(&ZnodePath::root(), index);
    }
    assert_eq!(listed.list.len(), limits::SCAN_PROBLEMS_LISTED);
    assert_eq!(listed.count, 2 * limits::SCAN_PROBLEMS_LISTED as u64);
}

#[test]
fn tells_a_bounded_number_of_acls_apart() {
    let acl = |index: usize, size: usize| {
        let id = index.to_string() + &"x".repeat(size);
        Acl::new([AclEntry { perms: 31, scheme: "digest".into(), id: id.into() }])
    };
    let (mut many, mut large) = (AclCensus::default(), AclCensus::default());
    for index in 0..limits::SCAN_ACLS_MAX + 10 {
        many.add(&acl(index, 4), &ZnodePath::root());
        many.add(&acl(index % 2, 4), &ZnodePath::root());
    }
    assert_eq!((many.distinct(), many.others), (limits::SCAN_ACLS_MAX, 10));
    let uses = many.by_use();
    assert_eq!((uses[0].1.znodes, uses[1].1.znodes, uses[2].1.znodes), (506, 506, 1), "the most used come first");
    for index in 0..20 {
        large.add(&acl(index, limits::SCAN_ACLS_BYTES_MAX / 10), &ZnodePath::root());
    }
    assert_eq!((large.distinct(), large.others), (9, 11));
}
