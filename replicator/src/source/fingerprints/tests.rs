//! Seen, not seen, seen with another ACL.

use super::*;

fn path(number: u32) -> ZnodePath {
    ZnodePath::new(&format!("/a/{number}"))
}

#[test]
fn tells_what_was_seen_and_with_which_aversion() {
    let mut seen = Fingerprints::default();
    for number in 0..50_000 {
        seen.add(&path(number), 0);
    }
    for number in 0..50_000 {
        assert!(seen.has(&path(number)));
        assert!(seen.note(&path(number), 0), "as it was");
    }
    assert!(!seen.note(&path(7), 1), "its ACL was set");
    assert!(seen.note(&path(7), 1));
    assert!(!seen.note(&path(7), -1), "any change counts, a wrapped one too");
    assert!((50_000..100_000).all(|number| !seen.has(&path(number))), "never seen");
    assert!(!seen.note(&path(60_000), 0), "new in a later walk");
    assert!(seen.note(&path(60_000), 0));
    for number in [7, 8, 60_000] {
        seen.forget(&path(number));
        assert!(!seen.has(&path(number)));
    }
    assert!(!seen.note(&path(7), -1), "new again");
    assert!(seen.has(&path(7)));
}

#[test]
fn takes_sixteen_bytes_a_znode_at_most() {
    let mut seen = Fingerprints::default();
    for number in 0..1_100_000 {
        seen.add(&path(number), 0);
    }
    assert!(seen.has(&path(1_099_999)));
    let held = seen.all.capacity() * size_of::<u64>();
    assert!(held <= 16 * 1_100_000, "{held} bytes");
}

/// Above the bound no ACL is called unchanged: it is read again, and what stands at the target is left alone.
#[test]
fn full_it_takes_no_more_and_calls_nothing_unchanged() {
    let all = vec![0; limits::FINGERPRINTS_MAX];
    let mut seen = Fingerprints { all, sorted: true, ..Fingerprints::default() };
    assert!(seen.is_full());
    for _ in 0..2 {
        assert!(!seen.note(&path(1), 0));
        assert!(!seen.has(&path(1)));
    }
}
