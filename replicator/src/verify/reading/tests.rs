//! A reading knows whether it is of one moment.

use super::*;
use crate::options::CounterPolicy;
use crate::znode::{Kind, ZnodePath};

const READ_BEHIND: i64 = 100;

fn znode(path: &str, stat: Stat) -> Znode {
    Znode { path: ZnodePath::new(path), data: None, acl: None, kind: Kind::Persistent, stat }
}

/// A reading behind [`READ_BEHIND`] of these znodes, whose children lists had so many names.
fn read(znodes: &[Znode], listed: u64) -> Reading {
    let mut reading = Reading { zxid: Some(Zxid(READ_BEHIND)), listed, ..Reading::default() };
    for znode in znodes {
        reading.add(znode, &TreeDigest::of(znode, CounterPolicy::Ignore));
    }
    reading
}

/// A root that promises `num_children`.
fn root(num_children: i32) -> Znode {
    znode("/", Stat { num_children, ..Stat::default() })
}

#[test]
fn is_of_one_moment_where_nothing_was_written_behind_its_zxid() {
    let old = Stat { czxid: 7, mzxid: READ_BEHIND, pzxid: 50, ..Stat::default() };
    assert_eq!(read(&[root(2), znode("/a", old), znode("/b", old)], 2).disturbed(), None);
    assert_eq!(read(&[root(2), znode("/a", old)], 2).disturbed(), None, "an ephemeral is a child too");
}

#[test]
fn is_not_where_data_or_children_of_a_znode_or_the_znode_itself_are_newer() {
    let newer = READ_BEHIND + 1;
    for stat in [
        Stat { czxid: newer, ..Stat::default() },
        Stat { mzxid: newer, ..Stat::default() },
        Stat { pzxid: newer, ..Stat::default() },
    ] {
        let disturbed = read(&[root(1), znode("/a", stat)], 1).disturbed();
        assert!(
            disturbed.as_ref().is_some_and(|why| why.contains("zxid 0x65") && why.contains("0x64")),
            "{disturbed:?}"
        );
    }
}

#[test]
fn is_not_where_a_child_was_deleted_between_its_parents_stat_and_its_listing() {
    let disturbed = read(&[root(2), znode("/a", Stat::default())], 1).disturbed();
    assert!(disturbed.is_some_and(|why| why.contains("2 children were promised, 1 were listed")));
}

#[test]
fn is_not_known_to_be_where_nobody_tells_the_zxid() {
    assert!(Reading { zxid: None, ..read(&[root(0)], 0) }.disturbed().is_some());
}
