use super::*;
use crate::state::Times;
use crate::steps::COPY;

fn told(state: State, ended: Option<(u8, &'static str)>) -> String {
    let steps = COPY.steps.iter().map(|step| step.name().to_string()).collect();
    let told = Told {
        command: "run",
        method: "copy",
        cluster: "a\"b".to_owned(),
        steps,
        step: "blind".to_owned(),
        state,
        ended,
        ..Told::default()
    };
    told.text()
}

#[test]
fn a_cluster_is_frozen_until_a_leader_serves() {
    let frozen = Times { frozen: Some(now_ms() - 5_000), ..Times::default() };
    let text = told(State { times: frozen, ..State::default() }, None);
    assert!(text.contains("zkmigrator_frozen 1\n") && text.contains("zkmigrator_without_meta_server 0\n"), "{text}");
    assert!(text.contains("zkmigrator_step{step=\"blind\"} 5\n") && text.contains("zkmigrator_running 1\n"), "{text}");
    assert!(text.contains("cluster=\"a\\\"b\""), "{text}");

    let served =
        Times { frozen: Some(1_000), leader_stopping: Some(2_000), leader_serves: Some(3_500), ..Times::default() };
    let text = told(State { times: served, ..State::default() }, Some((0, "done")));
    for line in [
        "zkmigrator_frozen 0",
        "zkmigrator_freeze_seconds 2.5",
        "zkmigrator_away_seconds 1.5",
        "zkmigrator_exit_code 0",
        "zkmigrator_verdict{verdict=\"done\"} 1",
    ] {
        assert!(text.contains(&format!("{line}\n")), "no {line} in {text}");
    }
}

#[test]
fn the_first_end_is_the_one() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("run.prom");
    let metrics = Metrics::new("run", file.clone());
    metrics.conclude(4, "rolled back").unwrap();
    metrics.conclude(0, "done").unwrap();
    assert!(std::fs::read_to_string(file).unwrap().contains("zkmigrator_exit_code 4\n"));
}

/// A disk that hangs is one that holds this lock for ever.
#[test]
fn a_hung_disk_holds_up_nobody_who_migrates() {
    let directory = tempfile::tempdir().unwrap();
    let metrics = Metrics::new("run", directory.path().join("run.prom"));
    let hung = metrics.is_final.lock().unwrap();
    let writer = thread::spawn({
        let (metrics, text) = (Arc::clone(&metrics), metrics.told().text());
        move || metrics.write(&text, false)
    });
    metrics.note(&Entry::GoingBack, &State::default());
    assert!(metrics.told().is_going_back);
    let error = metrics.conclude(4, "rolled back").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    drop(hung);
    writer.join().unwrap().unwrap();
}
