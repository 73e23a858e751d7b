//! Who is waited for, by what was under way.

use super::*;

fn load(processor_ms: u64, sides: &[(Side, u64, u64)]) -> Load {
    let ms = Duration::from_millis;
    let sides = sides.iter().map(|(side, reads, writes)| (*side, Busy { reads: ms(*reads), writes: ms(*writes) }));
    Load { lasted: ms(1000), processor: ms(processor_ms), sides: sides.collect() }
}

#[test]
fn the_side_that_always_has_something_to_answer_is_waited_for() {
    let slow_target = load(100, &[(Side::Source, 300, 0), (Side::Target, 100, 990)]);
    assert_eq!(waits_for(&slow_target), "waits: target acknowledgements");
    let slow_source = load(100, &[(Side::Source, 980, 0), (Side::Target, 0, 250)]);
    assert_eq!(waits_for(&slow_source), "waits: source answers");
    let far_away = load(100, &[(Side::Source, 950, 0), (Side::Target, 0, 990)]);
    assert_eq!(waits_for(&far_away), "waits: target acknowledgements and source answers");
}

#[test]
fn a_full_core_is_what_is_waited_for_whatever_is_under_way() {
    let busy = load(950, &[(Side::Source, 990, 0), (Side::Target, 0, 990)]);
    assert_eq!(waits_for(&busy), "waits: this machine's processor");
}

#[test]
fn where_nothing_is_under_way_there_is_a_reason_too() {
    assert_eq!(waits_for(&load(10, &[(Side::Source, 0, 0)])), "waits: sessions, or this machine");
    assert_eq!(waits_for(&load(10, &[])), "waits: files");
    assert_eq!(waits_for(&Load::default()), "waits: files");
}
