//! Steps, counted.

use super::*;

fn stat(counter: i32, num_children: i32) -> Stat {
    Stat { cversion: counter * 2 - num_children, num_children, ..Stat::default() }
}

fn path(path: &str) -> ZnodePath {
    ZnodePath::new(path)
}

#[test]
fn counts_the_children_that_will_be_created_whatever_row_they_come_in() {
    let mut counters = Counters::default();
    counters.opened(&path("/a"), Kind::Persistent, &stat(10, 3), None);
    counters.opened(&path("/b"), Kind::Persistent, &stat(7, 1), Some(&stat(2, 0)));
    for child in ["/a/1", "/a/2", "/b/1", "/a/3", "/a/3/x"] {
        counters.created(&path(child));
    }
    assert_eq!(counters.left(&path("/a")).expect("far from the limit").steps, 7);
    assert_eq!(counters.left(&path("/b")).expect("far from the limit").steps, 4);
    assert_eq!(counters.left(&path("/a/3")).expect("nobody opened it").steps, 0);
}

#[test]
fn leaves_a_counter_alone_that_is_ahead() {
    let mut counters = Counters::default();
    counters.opened(&path("/"), Kind::Persistent, &stat(5, 2), Some(&stat(50, 1)));
    counters.created(&path("/a"));
    assert_eq!(counters.left(&path("/")).expect("nothing is missing").steps, 0);
}

#[test]
fn refuses_a_counter_that_is_about_to_run_over_only_where_steps_are_missing() {
    let high = limits::COUNTER_MAX + 1;
    let text = missing(&path("/a"), high, 0).expect_err("it is too high").to_string();
    assert!(text.contains("\"/a\"") && text.contains("--no-counters"), "{text}");
    assert_eq!(missing(&path("/a"), high, high).expect("nothing is missing"), 0);
}

#[test]
fn leaves_an_empty_container_alone() {
    let mut counters = Counters::default();
    counters.opened(&path("/c"), Kind::Container, &stat(5, 2), None);
    assert_eq!(counters.left(&path("/c")).expect("nothing to do").steps, 0, "its only children were ephemerals");
    counters.opened(&path("/c"), Kind::Container, &stat(5, 2), None);
    counters.created(&path("/c/1"));
    assert_eq!(counters.left(&path("/c")).expect("far from the limit").steps, 4);
}
