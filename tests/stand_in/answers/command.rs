//! Remote commands, which each server answers for itself.

use migrator::pegasus::messages::CommandRequest;

const HELP: &str = include_str!("help.txt");
const SERVER_INFO: &str = concat!(
    r#"{"build_type":"Release","git_SHA":"db756dcdf24e2af6169659a67548501ed61f106c","#,
    r#""start_time":"2026-11-22 19:46:53","version":"2.6.0-SNAPSHOT"}"#
);

pub(super) fn answer(request: &CommandRequest) -> String {
    let value = |value: &str| format!("{{\n  \"error\": \"ok\",\n  \"{}\": \"{value}\"\n}}", request.cmd);
    match request.cmd.as_str() {
        "help" => HELP.to_owned(),
        "server-info" => SERVER_INFO.to_owned(),
        "flush-log" => "Flush done.".to_owned(),
        "meta.dump" => "ERR_INVALID_PARAMETERS".to_owned(),
        "meta.lb.assign_delay_ms" => value("600000"),
        "meta.live_percentage" => value("50"),
        other => format!("unknown command '{other}'"),
    }
}
