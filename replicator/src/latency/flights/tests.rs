//! Spells in which something is under way.

use super::*;

#[test]
fn a_spell_lasts_from_the_first_request_to_the_last_answer_and_reads_are_no_writes() {
    let flights = Flights::default();
    let first = flights.begin(Request::MultiRead);
    let second = flights.begin(Request::GetAcl);
    let later = first.since + Duration::from_secs(2);
    let busy = flights.busy(later);
    assert!(busy.reads >= Duration::from_secs(2) && busy.writes.is_zero(), "{busy:?}");
    drop(first);
    assert!(flights.busy(later).reads >= Duration::from_secs(2), "another is still under way");
    drop(second);
    let over = flights.busy(later).reads;
    assert!(over < Duration::from_secs(1), "nothing is under way, and {over:?} are counted");
    drop(flights.begin(Request::Multi));
    assert!(flights.busy(later).writes < Duration::from_secs(1));
    assert!(flights.busy(later).reads == over);
}
