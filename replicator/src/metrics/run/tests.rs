use super::*;
use crate::latency::{Observed, Request};
use crate::series::Sample;

fn run(series: &Series, ended: Option<(u8, &'static str)>) -> String {
    let run = Run {
        command: "copy",
        source: "a:1/\"x\"",
        target: "b:2",
        began: SystemTime::UNIX_EPOCH + Duration::from_secs(10),
        took: Duration::from_millis(2_500),
        series,
        retries: vec![(Side::Source, Retries { reconnects: 2, ..Retries::default() })],
        waits: vec![(Side::Target, Waits { rate: Duration::from_secs(3), ..Waits::default() })],
        resources: Resources::default(),
        ended,
    };
    // They stand in front of each sample.
    let common = "command=\"copy\",source=\"a:1/\\\"x\\\"\",target=\"b:2\"";
    let text = run.text();
    let samples = || text.lines().filter(|line| !line.starts_with('#'));
    assert!(samples().all(|line| line.contains(&format!("{{{common}"))), "{text}");
    text.replace(&format!("{{{common},"), "{").replace(&format!("{{{common}}}"), "")
}

fn series() -> Series {
    let observed = Observed::default();
    let of_run = observed.run();
    for millis in [1, 3, 30, 3_000] {
        of_run.record(Request::MultiRead, Duration::from_millis(millis));
    }
    let mut series = Series::new(8, Duration::from_millis(100));
    for (index, phase) in ["verify", "fix", "verify"].into_iter().enumerate() {
        series.begin(Duration::from_secs(index as u64), phase);
        let counts = Counts { read: 7, ..Counts::default() };
        let latencies = vec![(Side::Source, observed.totals())];
        series.record(
            Duration::from_secs(index as u64 + 1),
            Sample { counts, latencies, lost: true, ..Sample::default() },
        );
    }
    series
}

#[test]
fn phases_of_one_name_are_one_series() {
    let text = run(&series(), None);
    assert_eq!(text.matches("zkreplicator_znodes_read_total{phase=\"verify\"} 14\n").count(), 1, "{text}");
    assert_eq!(text.matches("zkreplicator_znodes_read_total{phase=\"fix\"} 7\n").count(), 1, "{text}");
}

#[test]
fn latencies_are_counted_by_what_they_are_no_longer_than() {
    let text = run(&series(), None);
    let bucket = |le: &str| format!("_bucket{{side=\"source\",request=\"multiRead\",le=\"{le}\"}}");
    for (le, count) in [("0.0005", 0), ("0.0025", 1), ("0.005", 2), ("1", 3), ("10", 4), ("+Inf", 4)] {
        let line = format!("{} {count}\n", bucket(le));
        assert!(text.contains(&line), "no {line} in {text}");
    }
    assert!(text.contains("_count{side=\"source\",request=\"multiRead\"} 4\n"), "{text}");
}

#[test]
fn a_latency_at_the_edge_of_a_bucket_is_in_it() {
    for le in LE_SECONDS {
        let observed = Observed::default();
        observed.run().record(Request::Multi, Duration::from_secs_f64(le));
        let histogram = Histogram::of(observed.totals().of(Request::Multi));
        let counted = histogram.below.iter().zip(LE_SECONDS).find(|(count, _)| **count == 1).map(|(_, le)| le);
        assert_eq!(counted, Some(le));
        assert!(histogram.seconds <= le && histogram.seconds > le * 0.98, "{} for {le}", histogram.seconds);
    }
}

#[test]
fn the_end_is_told_when_it_has_come() {
    let (goes_on, ended) = (run(&series(), None), run(&series(), Some((2, "failed"))));
    assert!(goes_on.contains("zkreplicator_running 1\n") && goes_on.contains("zkreplicator_lost 1\n"));
    assert!(!goes_on.contains("zkreplicator_exit_code") && !goes_on.contains("zkreplicator_verdict"));
    for line in [
        "zkreplicator_running 0",
        "zkreplicator_exit_code 2",
        "zkreplicator_verdict{verdict=\"failed\"} 1",
        "zkreplicator_lost 0",
    ] {
        assert!(ended.contains(&format!("{line}\n")), "no {line} in {ended}");
    }
    assert!(ended.contains("zkreplicator_written_time_seconds 12.5\n"), "{ended}");
}
