//! Backing off and coming back, on a clock of the test's own.

use super::*;

const MAX: Duration = Duration::from_millis(50);
const QUICK: Duration = Duration::from_millis(5);
const SLOW: Duration = Duration::from_millis(200);
const BATCH: u64 = 100;

/// Somebody who sends a batch whenever he may, and is answered at once; gives what was sent in `time`.
fn run(backoff: &mut Backoff, now: &mut Instant, time: Duration, latency: Duration) -> u64 {
    let end = *now + time;
    let mut sent = 0;
    while *now < end {
        if backoff.wait(*now) == Duration::ZERO {
            backoff.sent(BATCH, *now);
            backoff.answered(latency, *now);
            sent += BATCH;
        }
        *now += Duration::from_millis(2);
    }
    sent
}

#[test]
fn quick_replies_are_no_reason_to_wait() {
    let (mut now, began) = (Instant::now(), Instant::now());
    let mut backoff = Backoff::new(MAX, began);
    // A batch every 2 ms: nothing was held up.
    assert_eq!(run(&mut backoff, &mut now, Duration::from_secs(5), QUICK), 2_500 * BATCH);
    assert_eq!(backoff.times(), 0);
}

#[test]
fn slow_replies_halve_the_rate_again_and_again_down_to_the_least() {
    let mut now = Instant::now();
    let mut backoff = Backoff::new(MAX, now);
    let first = run(&mut backoff, &mut now, Duration::from_secs(1), SLOW);
    run(&mut backoff, &mut now, Duration::from_secs(8), SLOW);
    let last = run(&mut backoff, &mut now, Duration::from_secs(1), SLOW);
    assert!(last < first / 4, "{first} and then {last}");
    assert!(last >= limits::BACKOFF_OPS_PER_SECOND_MIN / 2, "{last}: it must come to its end");
    assert!(backoff.times() >= 5);
    assert!(backoff.to_string().starts_with("replies took 200 ms, 50 are wanted"), "{backoff}");
}

#[test]
fn comes_back_to_no_limit_when_replies_are_quick_again() {
    let mut now = Instant::now();
    let mut backoff = Backoff::new(MAX, now);
    run(&mut backoff, &mut now, Duration::from_secs(5), SLOW);
    run(&mut backoff, &mut now, Duration::from_secs(20), QUICK);
    assert_eq!(run(&mut backoff, &mut now, Duration::from_secs(1), QUICK), 500 * BATCH);
    assert!(backoff.limit.is_none());
}

#[test]
fn one_slow_reply_of_twenty_is_no_reason() {
    let mut now = Instant::now();
    let mut backoff = Backoff::new(MAX, now);
    for reply in 0..2_000 {
        backoff.sent(1, now);
        backoff.answered(if reply % 20 == 0 { SLOW } else { QUICK }, now);
        now += Duration::from_millis(2);
    }
    assert_eq!(backoff.times(), 0);
}

#[test]
fn a_silent_server_decides_nothing() {
    let mut now = Instant::now();
    let mut backoff = Backoff::new(MAX, now);
    backoff.sent(BATCH, now);
    now += Duration::from_secs(60);
    assert_eq!(backoff.wait(now), Duration::ZERO);
    assert_eq!(backoff.times(), 0);
}
