//! What a rate lets through, on a clock of the test's own.

use proptest::prelude::*;

use super::*;

proptest! {
    /// Who sends whenever he may never sends more than the rate, the burst and the largest request.
    #[test]
    fn never_more_than_the_rate_the_burst_and_one_request(
        per_second in 1_u64..100_000,
        steps in prop::collection::vec((0_u64..2_000, 0_u64..500), 1..200),
    ) {
        let began = Instant::now();
        let (mut now, mut bucket) = (began, Bucket::new(per_second, began));
        let (mut passed, mut largest) = (0, 0);
        for (weight, millis) in steps {
            if bucket.wait(now) == Duration::ZERO {
                bucket.take(weight, now);
                passed += weight;
                largest = largest.max(weight);
            }
            let most = per_second as f64 * (now - began + limits::PACE_BURST).as_secs_f64();
            prop_assert!(passed as f64 <= most + largest as f64 + 1.0, "{passed} passed, {most} may");
            now += Duration::from_millis(millis);
        }
    }

    /// Who waits as long as he is told gets the whole rate: nothing is lost.
    #[test]
    fn not_less_than_the_rate(per_second in 1_u64..100_000, weights in prop::collection::vec(1_u64..2_000, 1..200)) {
        let began = Instant::now();
        let (mut now, mut bucket) = (began, Bucket::new(per_second, began));
        let mut passed = 0;
        for weight in weights {
            now += bucket.wait(now);
            bucket.take(weight, now);
            passed += weight;
        }
        let takes = passed as f64 / per_second as f64;
        prop_assert!((now - began).as_secs_f64() <= takes + 0.001);
    }
}

#[test]
fn a_pause_saves_nothing_up() {
    let began = Instant::now();
    let mut bucket = Bucket::new(1_000, began);
    let later = began + Duration::from_secs(60);
    bucket.take(1_000, later);
    assert_eq!(bucket.wait(later) + limits::PACE_BURST, Duration::from_secs(1));
}

#[test]
fn a_weight_beyond_all_bounds_overflows_nothing() {
    let now = Instant::now();
    let mut bucket = Bucket::new(0, now);
    for _ in 0..3 {
        bucket.take(u64::MAX, now);
    }
    assert!(bucket.wait(now) > Duration::from_secs(3_600));
}
