//! Spells in which something is under way.

use super::*;

#[test]
fn a_spell_lasts_from_the_first_request_to_the_last_answer_and_reads_are_no_writes() {
    let flights = Flights::default();
    let first = flights.begin(Request::MultiRead);
    let second = flights.begin(Request::GetAcl);
    let later = first + Duration::from_secs(2);
    let busy = flights.busy(later);
    assert!(busy.reads >= Duration::from_secs(2) && busy.writes.is_zero(), "{busy:?}");
    flights.end(Request::MultiRead, second);
    assert!(flights.busy(later).reads >= Duration::from_secs(2), "another is still under way");
    flights.end(Request::GetAcl, second);
    let over = flights.busy(later).reads;
    assert!(over < Duration::from_secs(1), "nothing is under way, and {over:?} are counted");
    let write = flights.begin(Request::Multi);
    flights.end(Request::Multi, write);
    assert!(flights.busy(later).writes < Duration::from_secs(1));
    assert!(flights.busy(later).reads == over);
}

#[test]
fn an_answer_that_nobody_has_taken_yet_is_no_longer_waited_for() {
    let latencies = Arc::new(Latencies::default());
    let (flight, took) = latencies.begin(Request::MultiRead);
    let since = flight.since;
    assert!(took.get().is_zero() && latencies.summary().is_empty());
    drop(flight);
    let (busy, told) = (latencies.flights.busy(since + Duration::from_secs(9)), latencies.summary());
    assert!(busy.reads < Duration::from_secs(9), "{busy:?}");
    assert!(matches!(told[..], [latency] if latency.count == 1), "{told:?}");
}
