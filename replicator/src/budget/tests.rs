//! The budget's arithmetic.

use super::*;

#[test]
fn gives_no_more_than_it_has_and_takes_everything_back() {
    let budget = Budget::new(100);
    let first = budget.try_take(60);
    assert!(first.is_some());
    assert!(budget.try_take(41).is_none());
    let second = budget.try_take(40);
    assert!(second.is_some());
    drop(first);
    assert_eq!(budget.used(), 40);
    drop(second);
    assert_eq!(budget.used(), 0);
}

#[test]
fn lets_one_pass_that_is_larger_than_everything() {
    let budget = Budget::new(10);
    let large = budget.try_take(1_000);
    assert!(large.is_some());
    assert!(budget.try_take(1).is_none());
    drop(large);
    assert_eq!(budget.used(), 0);
}

#[test]
fn follows_a_corrected_guess() {
    let budget = Budget::new(100);
    let mut permit = budget.try_take(10).expect("the budget is empty");
    permit.resize(150);
    assert_eq!(budget.used(), 150);
    assert!(budget.try_take(1).is_none());
    permit.resize(20);
    assert_eq!(budget.used(), 20);
    drop(permit);
    assert_eq!(budget.used(), 0);
}
