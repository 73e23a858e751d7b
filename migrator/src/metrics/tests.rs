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
