use super::*;
use crate::series::Sample;

const TENTH: Duration = Duration::from_millis(100);

fn watched(samples: &[(&'static str, u64, u64)]) -> Watched {
    let mut series = Series::new(64, TENTH);
    let mut at = Duration::ZERO;
    for (phase, read, created) in samples {
        series.begin(at, phase);
        at += TENTH;
        let counts = Counts { read: *read, created: *created, ..Counts::default() };
        series.record(at, Sample { counts, ..Sample::default() });
    }
    Watched { began: SystemTime::UNIX_EPOCH, took: at, series, notable: None }
}

#[test]
fn what_a_phase_never_does_is_no_line_in_it() {
    let plots = watched(&[("copy", 100, 50), ("verify", 100, 0)]).plots();
    // The line of what is written ends with the copy, in the middle.
    assert!(plots.contains("class=\"two\" d=\"M58.0 102.0H264.0\""), "{plots}");
    let plots = watched(&[("verify", 100, 0)]).plots();
    assert!(plots.contains("</i>read</span>") && !plots.contains("</i>written</span>"), "{plots}");
    // Of bytes there were none at all.
    assert_eq!(plots.matches("<svg").count(), 1, "{plots}");
}

#[test]
fn a_look_that_took_no_time_is_no_wait() {
    let mut series = Series::new(64, TENTH);
    series.begin(Duration::ZERO, "copy");
    series.record(Duration::ZERO, Sample::default());
    assert!(waits(&series).is_empty());
    series.record(TENTH, Sample { held_back: true, ..Sample::default() });
    assert_eq!(waits(&series).len(), 1);
}

#[test]
fn a_short_loss_marks_no_long_interval() {
    let mut series = Series::new(64, 10 * TENTH);
    series.begin(Duration::ZERO, "copy");
    (1..=8).for_each(|tick| series.record(tick * TENTH, Sample { lost: tick == 1, ..Sample::default() }));
    let [wait] = &waits(&series)[..] else { panic!("it was lost once") };
    assert_eq!((wait.from, wait.to), (Duration::ZERO, TENTH));
}

#[test]
fn a_run_that_never_began_has_no_plots() {
    assert_eq!(watched(&[]).plots(), "");
}
