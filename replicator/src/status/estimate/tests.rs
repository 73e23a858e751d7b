//! Percentages and times that may be told, and those that may not.

use proptest::prelude::*;

use super::*;

const TEN: Duration = Duration::from_secs(10);

#[test]
fn a_count_gives_a_percentage_and_a_time_and_a_lower_bound_gives_neither() {
    assert_eq!(percent(41, Size::About(100)), Some(41));
    assert_eq!(left(41, Size::About(100), 10, TEN), Some(Duration::from_secs(59)));
    for size in [Size::Unknown, Size::AtLeast(100), Size::Changes { pass: 2 }] {
        assert_eq!((percent(41, size), left(41, size, 10, TEN)), (None, None));
    }
}

#[test]
fn it_is_never_a_hundred() {
    assert_eq!(percent(100, Size::About(100)), Some(99));
    assert_eq!(percent(999, Size::About(1000)), Some(99));
}

#[test]
fn a_count_that_was_exceeded_is_none() {
    assert_eq!(percent(101, Size::About(100)), None);
    assert_eq!(Size::About(100).beside(101), Size::Unknown);
    assert_eq!(Size::AtLeast(100).beside(100), Size::Unknown);
    assert_eq!(percent(0, Size::About(0)), None);
}

#[test]
fn what_stands_still_or_has_just_begun_has_no_time() {
    assert_eq!(left(41, Size::About(100), 0, TEN), None);
    assert_eq!(left(41, Size::About(100), 41, Duration::from_secs(1)), None);
    assert_eq!(left(1, Size::About(u64::MAX), 1, TEN), None, "no rate lasts so long");
}

proptest! {
    #[test]
    fn no_figures_break_it(done: u64, count: u64, lately: u64, ms: u64) {
        let size = Size::About(count);
        prop_assert!(percent(done, size).is_none_or(|percent| percent < 100));
        let _ = left(done, size, lately, Duration::from_millis(ms));
    }
}
