//! What a stat says about its znode.

use super::*;

/// The cversion that a server shows for a counter, computed as it does: in 32 bits that wrap (DataNode.java:159-162).
fn shown(counter: u32, num_children: i32) -> Stat {
    let counter = i32::from_ne_bytes(counter.to_ne_bytes());
    Stat { cversion: counter.wrapping_mul(2).wrapping_sub(num_children), num_children, ..Stat::default() }
}

#[test]
fn the_counter_of_a_fresh_ensembles_root_is_zero() {
    // /zookeeper is there without ever having been created.
    assert_eq!(Stat { cversion: -1, num_children: 1, ..Stat::default() }.counter(), 0);
}

#[test]
fn the_counter_does_not_depend_on_how_many_children_are_left() {
    for num_children in [0, 1, 6, 7] {
        assert_eq!(shown(7, num_children).counter(), 7);
    }
}

#[test]
fn the_counter_comes_back_where_twice_of_it_is_too_large_for_the_server() {
    for counter in [(1 << 30) - 1, 1 << 30, (1 << 30) + 1, (1 << 31) - 1] {
        for num_children in [0, 1, 100_000] {
            assert_eq!(shown(counter, num_children).counter(), counter, "{num_children} children");
        }
    }
}

#[test]
fn the_counter_is_known_modulo_two_to_the_31() {
    assert_eq!(shown(1 << 31, 0).counter(), 0);
    assert_eq!(shown((1 << 31) + 5, 3).counter(), 5);
}

#[test]
fn names_that_would_lead_elsewhere_are_none() {
    for name in ["", ".", "..", "/", "a/b", "../a", "a/", "nul\0"] {
        assert!(!may_be_a_name(name), "{name:?}");
    }
    for name in ["...", "..a", ".a", "a.", "\u{202e}", "a b"] {
        assert!(may_be_a_name(name), "{name:?}");
    }
}
