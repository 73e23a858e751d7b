//! The policy: waits grow within bounds, and end.

use std::thread::sleep;

use super::*;

#[test]
fn waits_grow_and_stay_within_their_bounds() {
    let mut patience = Retry::within(Duration::from_secs(3_600)).patience();
    let waits: Vec<_> = (0..40).map(|_| patience.next_wait().expect("an hour is long")).collect();
    assert!(waits[0] >= limits::RETRY_WAIT_MIN && waits[0] <= 2 * limits::RETRY_WAIT_MIN, "{waits:?}");
    assert!(waits.iter().all(|wait| *wait <= 2 * limits::RETRY_WAIT_MAX), "{waits:?}");
    assert!(waits[20..].iter().all(|wait| *wait >= limits::RETRY_WAIT_MAX), "{waits:?}");
    patience.restore();
    assert!(patience.next_wait().expect("it succeeded") <= 2 * limits::RETRY_WAIT_MIN);
}

#[test]
fn what_never_succeeds_ends_in_time() {
    let within = Duration::from_millis(300);
    let (started, mut patience) = (Instant::now(), Retry::within(within).patience());
    let mut tries = 0;
    while let Some(wait) = patience.next_wait() {
        assert!(wait <= within);
        tries += 1;
        sleep(wait);
    }
    assert!(started.elapsed() >= within && (1..20).contains(&tries), "{tries} tries in {:?}", started.elapsed());
    assert_eq!(patience.next_wait(), None);
}

#[test]
fn nothing_is_tried_again_where_it_is_off() {
    let retry = Retry::never();
    assert!(!retry.is_on());
    assert_eq!(retry.patience().next_wait(), None);
}

#[test]
fn clones_count_together_and_a_span_is_what_came_in_it() {
    let retry = Retry::default();
    retry.count(Kind::Reconnect);
    let before = retry.counts();
    for kind in [Kind::Reconnect, Kind::Replaced, Kind::Throttled, Kind::ReadBack, Kind::Repeated, Kind::Missing] {
        retry.clone().count(kind);
    }
    let all = Retries {
        reconnects: 1,
        sessions_replaced: 1,
        throttled: 1,
        writes_read_back: 1,
        writes_repeated: 1,
        sessions_missing: 1,
    };
    assert_eq!(retry.counts().since(before), all);
}
