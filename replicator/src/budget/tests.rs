//! The budget's arithmetic.

use super::*;

fn bytes(bytes: usize) -> Weight {
    Weight { operations: 1, bytes }
}

fn budget(bytes: usize) -> Budget {
    Budget::new(Weight { operations: 10, bytes })
}

#[test]
fn gives_no_more_than_it_has_and_takes_everything_back() {
    let budget = budget(100);
    let first = budget.try_take(bytes(60));
    assert!(first.is_some());
    assert!(budget.try_take(bytes(41)).is_none());
    let second = budget.try_take(bytes(40));
    assert!(second.is_some());
    drop(first);
    assert_eq!(budget.used(), bytes(40));
    drop(second);
    assert_eq!(budget.used(), Weight::default());
}

#[test]
fn gives_no_more_operations_than_it_has_however_small_they_are() {
    let budget = budget(100);
    let nine = budget.try_take(Weight { operations: 9, bytes: 0 });
    assert!(nine.is_some());
    assert!(budget.try_take(Weight { operations: 2, bytes: 0 }).is_none());
    assert!(budget.try_take(Weight { operations: 1, bytes: 0 }).is_some());
}

#[test]
fn lets_one_pass_that_is_larger_than_everything() {
    let budget = budget(10);
    let large = budget.try_take(Weight { operations: 1_000, bytes: 1_000 });
    assert!(large.is_some());
    assert!(budget.try_take(bytes(1)).is_none());
    drop(large);
    assert_eq!(budget.used(), Weight::default());
}

#[test]
fn follows_a_corrected_guess() {
    let budget = budget(100);
    let mut permit = budget.try_take(bytes(10)).expect("the budget is empty");
    permit.resize(bytes(150));
    assert_eq!(budget.used(), bytes(150));
    assert!(budget.try_take(bytes(1)).is_none());
    permit.resize(bytes(20));
    assert_eq!(budget.used(), bytes(20));
    drop(permit);
    assert_eq!(budget.used(), Weight::default());
}
