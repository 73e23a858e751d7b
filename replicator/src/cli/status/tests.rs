//! Lines from looks.

use super::*;

/// Looks each 200 ms at a copy that goes on at `rate`, of a size.
fn copying(rate: u64, seconds: u64, size: Size) -> Status {
    let began = Instant::now();
    let look = |tick: u64| {
        let busy = Busy { reads: Duration::from_millis(10 * tick), writes: Duration::from_millis(199 * tick) };
        let done = rate * tick / 5;
        Now {
            what: "copy",
            counts: Counts { read: done, created: done, ..Counts::default() },
            size,
            held: None,
            at: began + Duration::from_millis(200 * tick),
            processor: Duration::from_millis(20 * tick),
            sides: vec![(Side::Source, Busy { reads: busy.reads, ..Busy::default() }), (Side::Target, busy)],
        }
    };
    let mut status = Status::begin(look(0));
    (1..=5 * seconds).for_each(|tick| status.look(look(tick)));
    status
}

#[test]
fn a_known_size_gives_a_percentage_and_a_time() {
    let status = copying(1_000, 20, Size::About(50_000));
    let (fields, waits) = status.state().within(77);
    assert_eq!(fields + &waits, "copy      40 %      1,000/s     ~0:30 left  waits: target acknowledgements");
    assert_eq!(
        status.plain(),
        "copy: 20,000 read, 20,000 written, 0 kept, 0 B, 1,000 znodes/s, 20 s, 40 % of ~50,000, ~0:30 left; waits: target \
         acknowledgements"
    );
}

#[test]
fn a_lower_bound_is_told_as_one() {
    let status = copying(1_000, 20, Size::AtLeast(50_000));
    assert!(status.plain().contains("20 s, of at least 50,000; waits"), "{}", status.plain());
    let (fields, _) = status.state().within(77);
    assert!(fields.contains("20,000 read") && !fields.contains('%') && !fields.contains("left"), "{fields}");
}

#[test]
fn what_was_exceeded_is_not_told() {
    let status = copying(1_000, 20, Size::About(19_999));
    assert!(status.plain().contains("20 s; waits"), "{}", status.plain());
}

#[test]
fn a_later_pass_is_named_and_nothing_is_told_that_stands_still() {
    let status = copying(1_000, 20, Size::Changes { pass: 2 });
    let shown = |width| {
        let (fields, waits) = status.state().within(width);
        fields + &waits
    };
    assert_eq!(shown(77), "copy      pass 2   changes since pass 1     waits: target acknowledgements");
    assert_eq!(shown(50), "copy      pass 2   waits: target acknowledgements");
    assert!(shown(95).contains("  20,000 read  waits: "), "{}", shown(95));
    assert_eq!(
        status.plain(),
        "copy: 20,000 read, 20,000 written, 0 kept, 0 B, pass 2: changes since pass 1, 20 s; waits: target acknowledgements"
    );
}

#[test]
fn what_holds_it_up_comes_before_what_is_under_way() {
    let mut status = copying(1_000, 1, Size::Unknown);
    let held = Some("the target is held back: at the rate that was set".to_owned());
    status.look(Now { held, ..status.last().clone() });
    assert!(status.plain().ends_with("; the target is held back: at the rate that was set"));
}

#[test]
fn another_phase_counts_anew() {
    let mut status = copying(1_000, 5, Size::Unknown);
    let next = Now { what: "verify", counts: Counts::default(), ..status.last().clone() };
    status.look(next);
    assert!(
        status.plain().starts_with("verify: 0 read, 0 written, 0 kept, 0 B, 0 znodes/s, 5 s"),
        "{}",
        status.plain()
    );
}

#[test]
fn writes_that_are_no_znodes_of_their_own_are_not_taken_for_progress() {
    let counts = Counts { read: 10, created: 4, acl_set: 30, deleted: 7, counter_raised: 50, ..Counts::default() };
    for (what, done) in [("copy", 10), ("sync", 10), ("verify", 10), ("generate", 4), ("rm", 7), ("remove", 7)] {
        let (size, at, held) = (Size::About(100), Instant::now(), None);
        let now = Now { what, counts, size, held, at, processor: Duration::ZERO, sides: Vec::new() };
        assert_eq!(now.done(), done, "{what}");
    }
}
