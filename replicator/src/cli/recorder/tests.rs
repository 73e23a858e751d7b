use super::*;

#[test]
fn a_phase_that_began_between_two_looks_is_not_told_twice_as_fast() {
    let mut seen = Seen {
        sides: Sides::default(),
        series: Series::new(limits::SERIES_POINTS_MAX, limits::SAMPLED_EVERY),
        notable: None,
        begun: 0,
        metrics_written: None,
    };
    // Each counts one znode a millisecond.
    let until =
        |name, from: u64, to: u64| (name, Counts { read: to - from, ..Counts::default() }, Duration::from_millis(to));
    let sample = Sample::default();
    seen.enter(0, "copy", Duration::ZERO);
    seen.record([until("copy", 0, 100)].into_iter(), &sample);
    seen.record([until("copy", 0, 110), until("verify", 110, 200)].into_iter(), &sample);
    seen.record([until("copy", 0, 110), until("verify", 110, 300)].into_iter(), &sample);
    // Two that have ended, one of them unseen.
    let all = [("copy", 0, 110), ("verify", 110, 310), ("update", 310, 350), ("remove", 350, 400)];
    seen.record(all.into_iter().map(|(name, from, to)| until(name, from, to)), &sample);

    let phases = seen.series.phases().iter().map(|phase| (phase.name, phase.began, phase.ended));
    assert!(phases.eq(all.map(|(name, from, to)| (name, Duration::from_millis(from), Duration::from_millis(to)))));
    for point in seen.series.points() {
        assert_eq!(point.a_second(point.read).map(f64::round), Some(1_000.0), "{point:?}");
    }
}
