use super::*;
use crate::state::State;

fn record(at_ms: u64, entry: Entry, times: Times) -> Record {
    Record { number: 0, at_ms, entry, state: State { times, ..State::default() } }
}

fn step(at_ms: u64, name: &str, times: Times) -> Record {
    record(at_ms, Entry::Step(name.to_owned()), times)
}

fn told(course: &Course) -> Vec<(String, u128, u128)> {
    let spans = course.bars.iter().map(|bar| &bar.span).chain(course.bands.iter().map(|band| &band.span));
    spans.map(|span| (span.name.clone(), span.from.as_millis(), span.to.as_millis())).collect()
}

#[test]
fn a_whole_migration_has_its_steps_and_its_freeze() {
    let none = Times::default();
    let frozen = Times { frozen: Some(1_200), ..none };
    let stopped = Times { leader_stopping: Some(1_300), ..frozen };
    let serves = Times { leader_serves: Some(1_500), ..stopped };
    let course = Course::of(&[
        step(1_000, "blind", none),
        record(1_250, Entry::StepDone("blind".to_owned()), frozen),
        step(1_260, "stop-leader", stopped),
        record(1_600, Entry::StepDone("stop-leader".to_owned()), serves),
        record(1_700, Entry::Done, serves),
    ]);
    let course = course.unwrap();
    assert_eq!(course.millis(), 700);
    let expected = [
        ("blind", 0, 250),
        ("stop-leader", 260, 600),
        ("metadata frozen", 200, 500),
        ("without a meta server", 300, 500),
    ];
    assert_eq!(told(&course), expected.map(|(name, from, to)| (name.to_owned(), from, to)));
}

#[test]
fn what_was_taken_back_was_frozen_too() {
    let none = Times::default();
    let frozen = Times { frozen: Some(1_100), ..none };
    let course = Course::of(&[
        step(1_000, "blind", none),
        record(1_200, Entry::Failed("a disk".to_owned()), frozen),
        record(1_210, Entry::GoingBack, frozen),
        record(1_220, Entry::Undo("blind".to_owned()), frozen),
        record(1_300, Entry::Undone("blind".to_owned()), none),
        record(1_310, Entry::RolledBack, none),
    ]);
    let expected = [("blind, not done", 0, 200), ("back from blind", 220, 300), ("metadata frozen", 100, 300)];
    assert_eq!(told(&course.unwrap()), expected.map(|(name, from, to)| (name.to_owned(), from, to)));
}

#[test]
fn what_a_killed_process_left_ends_with_its_last_record() {
    let none = Times::default();
    let course = Course::of(&[
        step(1_000, "backup", none),
        record(1_050, Entry::Act { what: "x".to_owned(), outlives_ms: 0 }, none),
        record(9_000, Entry::Resumed, none),
        step(9_010, "backup", none),
        record(9_020, Entry::StepDone("backup".to_owned()), none),
    ]);
    let expected = [("backup, not done", 0, 50), ("backup", 8_010, 8_020)];
    assert_eq!(told(&course.unwrap()), expected.map(|(name, from, to)| (name.to_owned(), from, to)));
    assert!(Course::of(&[]).is_none());
}

#[test]
fn a_clock_that_was_set_back_gives_times_all_the_same() {
    let frozen = Times { frozen: Some(10), ..Times::default() };
    let course = Course::of(&[step(1_000, "blind", frozen), record(400, Entry::StepDone("blind".to_owned()), frozen)]);
    assert_eq!(course.unwrap().millis(), 0);
}
