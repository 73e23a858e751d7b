//! A server that takes `rate` requests a second, at the end of a way of `round_trip`.

use super::*;

/// Sends for `seconds` of simulated time; gives the window's size and the requests acknowledged in the last second.
fn simulate(round_trip: Duration, rate: f64, seconds: u64) -> (usize, u64) {
    let (start, service) = (Instant::now(), Duration::from_secs_f64(1.0 / rate));
    let end = start + Duration::from_secs(seconds);
    let (mut window, mut under_way) = (Window::new(), VecDeque::new());
    let (mut now, mut free_at, mut last_second) = (start, start, 0);
    while now < end {
        while window.has_room() {
            let sent = window.sent(1_000, now);
            free_at = free_at.max(now + round_trip / 2) + service;
            under_way.push_back((sent, free_at + round_trip / 2));
        }
        if let Some((sent, answered_at)) = under_way.pop_front() {
            now = answered_at;
            window.answered(&sent, now);
            last_second += u64::from(now + Duration::from_secs(1) >= end);
        }
    }
    (window.size, last_second)
}

#[test]
fn stays_small_on_a_short_way() {
    let (size, done) = simulate(Duration::from_micros(200), 300.0, 3);
    assert_eq!(size, limits::WRITES_IN_FLIGHT_MIN);
    assert!(done >= 295, "{done}");
}

#[test]
fn grows_until_the_server_is_what_limits_over_a_wan() {
    for (round_trip_ms, rate) in [(20, 300.0), (50, 300.0), (100, 200.0)] {
        let (size, done) = simulate(Duration::from_millis(round_trip_ms), rate, 5);
        assert!(done as f64 >= 0.97 * rate, "{round_trip_ms} ms: {done} of {rate} a second with {size}");
    }
}

#[test]
fn never_exceeds_its_limits() {
    let (size, _) = simulate(Duration::from_secs(1), 10_000.0, 20);
    assert_eq!(size, limits::WRITES_IN_FLIGHT_MAX);
    let mut window = Window::new();
    let mut bytes = 0;
    while window.has_room() {
        window.sent(900_000, Instant::now());
        bytes += 900_000;
    }
    assert!(bytes < limits::WRITE_BYTES_IN_FLIGHT_MIN + 900_000, "{bytes}");
}

#[test]
fn lets_one_pass_that_is_larger_than_everything() {
    let mut window = Window::new();
    let sent = window.sent(100_000_000, Instant::now());
    assert!(!window.has_room());
    window.answered(&sent, Instant::now());
    assert!(window.has_room());
}
