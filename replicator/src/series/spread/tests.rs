use super::*;

fn of(values: &[(u64, u64)]) -> Histogram<u64> {
    let mut histogram = Histogram::new_with_max(600_000_000, 2).unwrap();
    for (micros, count) in values {
        histogram.record_n(*micros, *count).unwrap();
    }
    histogram
}

fn near(spread: &Spread, share: f64, micros: f64) {
    let told = spread.quantile(share).unwrap();
    assert!((told / micros - 1.0).abs() < 0.06, "{told} us, and not about {micros}");
}

#[test]
fn only_what_came_since_is_told() {
    let (then, now) = (of(&[(1_000, 500)]), of(&[(1_000, 500), (80_000, 99), (2_000_000, 2)]));
    let spread = Spread::since(Some(&then), &now);
    assert_eq!(spread.count(), 101);
    near(&spread, 0.5, 80_000.0);
    near(&spread, 0.99, 2_000_000.0);
    assert_eq!(Spread::since(Some(&now), &now).quantile(0.5), None);
}

#[test]
fn merged_ones_are_those_of_all_answers() {
    let (fast, slow) = (of(&[(500, 900)]), of(&[(40_000, 100)]));
    let mut both = Spread::since(None, &fast);
    both.merge(&Spread::since(None, &slow));
    assert_eq!(both, Spread::since(None, &of(&[(500, 900), (40_000, 100)])));
    near(&both, 0.5, 500.0);
    near(&both, 0.99, 40_000.0);
}

#[test]
fn every_latency_has_a_bin_of_its_own_size() {
    for micros in [0, 1, 2, 3, 17, 1_000, 65_536, 599_999_999, 600_000_000] {
        let spread = Spread::since(None, &of(&[(micros, 1)]));
        near(&spread, 1.0, micros.max(1) as f64);
        assert!(spread.0[0].0 < 255, "the last bin is never needed");
    }
}
