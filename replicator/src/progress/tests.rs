use bytes::Bytes;

use super::*;
use crate::znode::{Acl, Stat, ZnodePath};

fn meet(progress: &Progress, path: &str, bytes: usize, children: i32) {
    let data = Some(Bytes::from(vec![0; bytes]));
    let stat = Stat { num_children: children, ..Stat::default() };
    let (path, acl) = (ZnodePath::new(path), Some(Acl::open()));
    progress.visited(&Visit::Znode(Znode { path, data, acl, kind: Kind::Persistent, stat }));
}

fn told(top: &Top) -> Vec<(u64, &str)> {
    top.iter().map(|(value, path)| (value, path.as_str())).collect()
}

#[test]
fn the_largest_and_the_widest_are_noted_whatever_order_they_are_met_in() {
    let progress = Progress::noting();
    for index in 0..1_000 {
        // Neither grows nor shrinks with the order: 7 and 1,000 have no common factor.
        let value = index * 7 % 1_000;
        meet(&progress, &format!("/a{index}"), value, 0);
        meet(&progress, &format!("/b{index}"), 0, i32::try_from(value).unwrap());
    }
    let notable = progress.notable().unwrap();
    let values = |top: &Top| top.iter().map(|(value, _)| value).collect::<Vec<_>>();
    assert_eq!(values(&notable.largest), (990..1_000).rev().collect::<Vec<_>>());
    assert_eq!(values(&notable.widest), (990..1_000).rev().collect::<Vec<_>>());
    assert_eq!(told(&notable.largest)[0], (999, "/a857"));
    assert_eq!(told(&notable.widest)[0], (999, "/b857"));
}

#[test]
fn nobody_notes_what_nobody_has_asked_for() {
    let progress = Progress::default();
    meet(&progress, "/a", 10, 10);
    assert!(progress.notable().is_none());
    assert_eq!(progress.counts().read_bytes, 10);
}

#[test]
fn a_size_is_what_was_counted_until_that_is_exceeded_and_none_in_a_later_pass() {
    let progress = Progress::default();
    assert_eq!(progress.size(), Size::Unknown);
    progress.expect(2);
    assert_eq!(progress.size(), Size::About(2));
    meet(&progress, "/", 0, 3);
    meet(&progress, "/a", 0, 0);
    assert_eq!(progress.size(), Size::About(2));
    // An old count: there are more, and what the parents promise is known yet.
    meet(&progress, "/b", 0, 0);
    assert_eq!(progress.size(), Size::AtLeast(4));
    progress.another_pass();
    assert_eq!(progress.size(), Size::Changes { pass: 2 });
    progress.expect(100);
    progress.another_pass();
    assert_eq!(progress.size(), Size::Changes { pass: 3 });
}
