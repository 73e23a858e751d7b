use super::*;

fn counts(totals: &Totals) -> Vec<u64> {
    Request::ALL.into_iter().map(|request| totals.of(request).len()).collect()
}

#[test]
fn what_ended_runs_have_measured_is_not_forgotten() {
    let observed = Observed::default();
    let first = observed.run();
    first.record(Request::Multi, Duration::from_millis(2));
    drop(first);
    let second = observed.run();
    second.record(Request::MultiRead, Duration::from_millis(3));
    assert_eq!(counts(&observed.totals()), [1, 0, 1, 0]);
    for _ in 0..100 {
        observed.run().record(Request::GetAcl, Duration::from_millis(1));
    }
    assert_eq!(counts(&observed.totals()), [1, 100, 1, 0]);
    assert!(observed.runs.lock().unwrap().now.len() <= 2, "runs that have ended are summed up");
}

#[test]
fn a_moment_is_seen_by_itself() {
    let observed = Observed::default();
    let run = observed.run();
    (0..100).for_each(|_| run.record(Request::Multi, Duration::from_millis(1)));
    let before = observed.totals();
    (0..10).for_each(|_| run.record(Request::Multi, Duration::from_millis(50)));
    let [latency] = observed.totals().since(&before).summary()[..] else { panic!("one kind was used") };
    assert_eq!(latency.count, 10);
    assert!((49_000..=51_000).contains(&latency.p50), "{latency:?}");
}
