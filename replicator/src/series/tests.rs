use proptest::prelude::*;

use super::*;
use crate::latency::Observed;

const TENTH: Duration = Duration::from_millis(100);

fn read(read: u64) -> Sample {
    Sample { counts: Counts { read, read_bytes: read * 10, ..Counts::default() }, ..Sample::default() }
}

fn series() -> Series {
    Series::new(8, TENTH)
}

#[test]
fn rates_are_those_of_their_interval() {
    let mut series = series();
    series.begin(Duration::ZERO, "copy");
    series.record(TENTH, read(100));
    series.record(2 * TENTH, read(400));
    let [first, second] = series.points() else { panic!("{:?}", series.points()) };
    assert_eq!((first.read, second.read, second.read_bytes), (100, 300, 3_000));
    assert_eq!(second.a_second(second.read), Some(3_000.0));
    assert_eq!((second.from, second.to), (TENTH, 2 * TENTH));
}

#[test]
fn a_phase_counts_from_its_own_beginning() {
    let mut series = series();
    series.begin(Duration::ZERO, "copy");
    series.record(TENTH, read(1_000));
    series.begin(TENTH, "verify");
    series.record(2 * TENTH, read(10));
    let told: Vec<_> = series.phases().iter().map(|phase| (phase.name, phase.counts.read, phase.began)).collect();
    assert_eq!(told, [("copy", 1_000, Duration::ZERO), ("verify", 10, TENTH)]);
    assert_eq!(
        series.points().iter().map(|point| (point.phase, point.read)).collect::<Vec<_>>(),
        [(0, 1_000), (1, 10)]
    );
}

#[test]
fn the_end_of_a_phase_makes_no_spike() {
    let mut series = series();
    series.begin(Duration::ZERO, "copy");
    series.record(TENTH, read(1_000));
    series.record(TENTH + Duration::from_millis(1), read(1_100));
    let [point] = series.points() else { panic!("a millisecond is no interval: {:?}", series.points()) };
    assert_eq!((point.read, point.to), (1_100, TENTH + Duration::from_millis(1)));
}

#[test]
fn what_takes_no_time_has_no_rate() {
    let mut series = series();
    series.begin(TENTH, "copy");
    series.record(TENTH, read(5));
    assert_eq!(series.points()[0].a_second(5), None);
    assert_eq!(series.phases()[0].counts.read, 5);
}

#[test]
fn nothing_is_recorded_before_anything_has_begun() {
    let mut series = series();
    series.record(TENTH, read(5));
    assert!(series.points().is_empty());
}

#[test]
fn answers_are_told_by_side_and_kind() {
    let observed = Observed::default();
    let run = observed.run();
    let sample =
        |observed: &Observed| Sample { latencies: vec![(Side::Target, observed.totals())], ..Sample::default() };
    let mut series = series();
    series.begin(Duration::ZERO, "copy");
    (0..100).for_each(|_| run.record(Request::Multi, Duration::from_millis(2)));
    series.record(TENTH, sample(&observed));
    (0..100).for_each(|_| run.record(Request::Multi, Duration::from_millis(64)));
    series.record(2 * TENTH, sample(&observed));
    series.record(3 * TENTH, sample(&observed));
    assert_eq!(series.requests(), [(Side::Target, Request::Multi)]);
    let medians = series.points().iter().map(|point| {
        point.answers(Side::Target, Request::Multi).map(|spread| spread.quantile(0.5).unwrap_or_default().round())
    });
    let medians = medians.collect::<Vec<_>>();
    assert!(matches!(medians[..], [Some(1_900.0..=2_100.0), Some(60_000.0..=68_000.0), None]), "{medians:?}");
    assert!(series.points()[0].answers(Side::Source, Request::Multi).is_none());
}

#[test]
fn waits_are_told_as_long_as_they_were_seen() {
    let mut series = series();
    series.begin(Duration::ZERO, "copy");
    series.record(TENTH, Sample { held_back: true, ..read(1) });
    series.record(2 * TENTH, Sample { lost: true, retries: 3, ..read(1) });
    let told: Vec<_> = series.points().iter().map(|point| (point.held_back, point.lost, point.retries)).collect();
    assert_eq!(told, [(TENTH, Duration::ZERO, 0), (Duration::ZERO, TENTH, 3)]);
}

#[test]
fn a_long_phase_is_drawn_to_its_end_and_not_merged_into_one_point() {
    let mut series = Series::new(512, TENTH);
    series.begin(Duration::ZERO, "copy");
    for tick in 1..=36_000_u32 {
        series.record(tick * TENTH, read(u64::from(tick)));
        let longest = series.points().iter().map(Point::span).max().unwrap_or_default();
        assert!(longest <= 2 * series.interval, "{longest:?} after {tick} samples");
        assert!(series.points().len() >= 512 / 4 || tick < 512 / 4, "{} points", series.points().len());
    }
}

proptest! {
    /// However long it is and whatever its phases are: bounded, in order, and nothing is lost.
    #[test]
    fn a_series_is_bounded_and_loses_nothing(
        phases in prop::collection::vec(prop::collection::vec((1u64..300, 0u64..1_000), 0..60), 1..20),
    ) {
        let mut series = series();
        let (mut at, mut all) = (Duration::ZERO, 0);
        for phase in &phases {
            series.begin(at, "phase");
            let mut counted = 0;
            for (millis, count) in phase {
                at += Duration::from_millis(*millis);
                counted += count;
                series.record(at, read(counted));
            }
            all += counted;
            prop_assert_eq!(series.phases().last().unwrap().counts.read, counted);
        }
        let points = series.points();
        prop_assert!(points.len() < 8, "{} points", points.len());
        prop_assert_eq!(points.iter().map(|point| point.read).sum::<u64>(), all);
        prop_assert!(points.windows(2).all(|two| two[0].to <= two[1].from && two[0].phase <= two[1].phase));
        prop_assert_eq!(points.last().map_or(Duration::ZERO, |point| point.to), at);
    }
}
