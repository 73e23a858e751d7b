//! Seen, not seen, seen with another ACL.

use super::*;

#[test]
fn tells_what_was_seen_and_with_which_aversion() {
    let mut seen = Fingerprints::new();
    let path = |number: u32| ZnodePath::new(&format!("/a/{number}"));
    for number in 0..50_000 {
        assert!(!seen.note(&path(number), 0), "new");
    }
    for number in 0..50_000 {
        assert!(seen.has(&path(number)));
        assert!(seen.note(&path(number), 0), "as it was");
    }
    assert!(!seen.note(&path(7), 1), "its ACL was set");
    assert!(seen.note(&path(7), 1));
    assert!(!seen.note(&path(7), -1), "any change counts, a wrapped one too");
    assert!((50_000..100_000).all(|number| !seen.has(&path(number))), "never seen");
    seen.forget(&path(7));
    assert!(!seen.has(&path(7)));
    assert!(!seen.note(&path(7), -1), "new again");
}

#[test]
fn takes_sixteen_bytes_a_znode_at_most() {
    let mut seen = Fingerprints::new();
    let count = 1_000_000;
    for number in 0..count {
        seen.note(&ZnodePath::new(&format!("/tables/{}/partitions/{number}", number % 100)), number);
    }
    let held: usize = seen.buckets.iter().map(|bucket| bucket.capacity() * 8 + size_of::<Vec<u64>>()).sum();
    assert!(held <= 16 * count as usize, "{held} bytes for {count} znodes");
}
