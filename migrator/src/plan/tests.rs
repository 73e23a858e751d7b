//! Plans that are read, and plans that are refused with a place and a reason.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Credentials, LevelAfter, Limits, Place, Plan, Policy, Recovery, StepName};

const SMALL: &str = r#"
cluster = "onebox"
[source]
connect = "old1:2181,old2:2181"
[target]
connect = "new1:2181"
[[meta_server]]
address = "10.0.0.1:34601"
host = "ssh:root@m1"
config_file = "/etc/pegasus.ini"
stop = "systemctl stop pegasus-meta"
start = "systemctl start pegasus-meta"
check = "exit 0"
"#;

fn refused(text: &str) -> String {
    Plan::parse(text).expect_err(text).to_string()
}

/// The small plan with one line in place of another.
fn refused_with(line: &str, other: &str) -> String {
    assert!(SMALL.contains(line), "{line}");
    refused(&SMALL.replacen(line, other, 1))
}

/// The plan in the documentation, which must be one.
fn documented() -> String {
    let text = include_str!("../../../docs/plan.md");
    let (_, rest) = text.split_once("```toml\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

#[test]
fn a_small_plan_has_the_defaults() {
    let plan = Plan::parse(SMALL).unwrap();
    assert_eq!(plan.journal, Path::new("zkmigrator-onebox"));
    assert_eq!(plan.meta_servers[0].host, Place::Ssh("root@m1".to_owned()));
    assert_eq!(plan.meta_servers[0].address.to_string(), "10.0.0.1:34601");
    assert_eq!(plan.source.credentials, Credentials::None);
    assert_eq!(plan.limits, Limits::default());
    assert_eq!(plan.policy, Policy::default());
    assert_eq!(plan.recovery, Recovery::default());
    assert!(!plan.policy.remove_stale_lock && plan.policy.target_must_be_empty);
    assert!(plan.pause_before.is_empty());
    assert_eq!(plan.hooks.before, None);
}

#[test]
fn the_documented_plan_shows_every_key_with_its_default() {
    let plan = Plan::parse(&documented()).unwrap();
    assert_eq!(plan.meta_servers.len(), 3);
    assert_eq!(plan.limits, Limits::default(), "docs/plan.md shows the defaults");
    assert_eq!(plan.policy, Policy::default());
    assert_eq!(plan.recovery, Recovery::default());
    // What has no default stands there as a comment; with it the plan is one too.
    let full: String =
        documented().lines().fold(String::new(), |text, line| text + line.strip_prefix("#~ ").unwrap_or(line) + "\n");
    let plan = Plan::parse(&full).unwrap();
    assert_eq!(plan.source.credentials, Credentials::File(PathBuf::from("/root/zk.auth")));
    assert_eq!(plan.target.credentials, Credentials::Variable("ZK_TARGET_AUTH".to_owned()));
    assert_eq!(plan.limits.source_pace.options().bytes_per_second, Some(20 << 20));
    assert_eq!(plan.recovery.replica_servers[0].http_port(), 34802);
    assert_eq!(plan.recovery.replica_servers[1].http_port(), 34801);
    assert!(plan.pause_before.contains(&StepName::StopLeader));
    assert!(plan.hooks.before.is_some() && plan.hooks.after.is_some());
}

/// The blocks of docs/hosts.md, each in the small plan.
fn documented_commands() -> Vec<Plan> {
    let text = include_str!("../../../docs/hosts.md");
    let (head, _) = SMALL.split_once("stop = ").unwrap();
    let blocks = text.split("```toml\n").skip(1).map(|rest| rest.split_once("```").unwrap().0);
    blocks.map(|block| Plan::parse(&format!("{head}{block}")).unwrap()).collect()
}

#[test]
fn documented_commands_are_a_plans_and_a_shells() {
    let plans = documented_commands();
    assert_eq!(plans.len(), 6);
    for server in plans.iter().flat_map(|plan| &plan.meta_servers) {
        for script in [&server.stop, &server.start, &server.check] {
            let status = std::process::Command::new("sh").args(["-n", "-c", script.as_str()]).status().unwrap();
            assert!(status.success(), "{script:?}");
        }
    }
}

#[test]
fn documented_checks_cannot_tell_where_the_supervisor_is_missing() {
    let nothing = tempfile::tempdir().unwrap();
    for server in documented_commands().iter().flat_map(|plan| &plan.meta_servers) {
        let mut check = std::process::Command::new("/bin/sh");
        check.args(["-c", server.check.as_str()]).env("PATH", nothing.path()).stderr(std::process::Stdio::null());
        let code = check.status().unwrap().code();
        assert!(code.is_some_and(|code| code > 1), "{code:?}: {:?}", server.check);
    }
}

#[test]
fn every_key_of_limits_and_policy_is_read() {
    let text = format!(
        "{SMALL}[limits]\nmeta_away_max = \"1m 30s\"\n[limits.target_pace]\nlatency_max = \"off\"\n[policy]\nlevel_after = \"lively\"\n"
    );
    let plan = Plan::parse(&text).unwrap();
    assert_eq!(plan.limits.meta_away_max, Duration::from_secs(90));
    assert_eq!(plan.limits.target_pace.latency_max, None);
    assert_eq!(
        plan.limits.source_pace.latency_max,
        Some(Duration::from_millis(200)),
        "care is taken unless it is said"
    );
    assert_eq!(plan.policy.level_after, LevelAfter::Lively);
}

#[test]
fn errors_name_line_column_and_key() {
    let error = refused_with("check = \"exit 0\"", "chek = \"exit 0\"");
    assert!(error.starts_with("plan: read: line 13, column 1: unknown field `chek`"), "{error}");
    let error = refused(&format!("{SMALL}[limits]\n  rpc_max = \"3 parsecs\"\n"));
    assert!(error.contains("line 15, column 13"), "{error}");
    let error = refused(&format!("{SMALL}[limits]\n  rpc_max = 3\n"));
    assert!(error.contains("line 15, column 13"), "{error}");
    let error = refused(&format!("{SMALL}[polizy]\n"));
    assert!(error.contains("line 14, column 2: unknown field `polizy`"), "{error}");
    let error = refused(&format!("{SMALL}[limits]\nrpc_max = \"0s\"\n"));
    assert!(error.contains("line 15") && error.contains("more than 0"), "{error}");
    let error = refused("cluster = \"é\" é");
    assert!(error.contains("line 1, column 15"), "{error}");
    let error = refused(&format!("pause_before = [\"blind\", \"blink\"]{SMALL}"));
    assert!(error.contains("line 1, column 26") && error.contains("blink"), "{error}");
}

#[test]
fn a_secret_in_the_plan_is_refused_and_never_repeated() {
    let source = "connect = \"old1:2181,old2:2181\"";
    for inline in [
        "auth = \"digest:me:hunter2\"",
        "password = \"hunter2\"",
        "auth_env = \"digest:me:hunter2\"",
        "auth_file = \"digest:me:hunter2\"",
        "credentials = { digest = \"hunter2\" }",
    ] {
        let error = refused_with(source, &format!("{source}\n{inline}"));
        assert!(!error.contains("hunter2"), "{error}");
        assert!(error.contains("never written in a plan"), "{inline}: {error}");
        assert!(error.contains("line 5"), "{error}");
    }
    let error = refused_with(source, "connect = \"me:hunter2@old1:2181\"");
    assert!(!error.contains("hunter2") && error.contains("auth_file"), "{error}");
    let error = refused_with(source, &format!("{source}\nauth_file = \"/f\"\nauth_env = \"E\""));
    assert!(error.contains("only one may be there"), "{error}");
}

#[test]
fn values_that_mean_nothing_are_refused() {
    for (line, other, why) in [
        ("address = \"10.0.0.1:34601\"", "address = \"10.0.0.1\"", "no address"),
        ("address = \"10.0.0.1:34601\"", "address = \"a:1,b:2\"", "no address"),
        ("address = \"10.0.0.1:34601\"", "address = \"a:0\"", "no address"),
        ("host = \"ssh:root@m1\"", "host = \"m1\"", "no place"),
        ("host = \"ssh:root@m1\"", "host = \"ssh:\"", "no place"),
        ("host = \"ssh:root@m1\"", "host = \"ssh:-oProxyCommand=x\"", "does not start with -"),
        ("config_file = \"/etc/pegasus.ini\"", "config_file = \"pegasus.ini\"", "no absolute path"),
        ("stop = \"systemctl stop pegasus-meta\"", "stop = \" \"", "a command is missing"),
        ("connect = \"new1:2181\"", "connect = \"new1:2181/\\u0001\"", "ZooKeeper does not allow"),
        ("connect = \"new1:2181\"", "connect = \"old2:2181/x\"", "overlaps the source's"),
        ("cluster = \"onebox\"", "cluster = \"../x\"", "no name of a cluster"),
        ("check = \"exit 0\"", "", "missing field `check`"),
    ] {
        let error = refused_with(line, other);
        assert!(error.contains(why) && error.contains("line "), "{other}: {error}");
    }
}

#[test]
fn servers_that_are_there_twice_are_refused() {
    let again = SMALL[SMALL.find("[[meta_server]]").unwrap()..].to_owned();
    let error = refused(&format!("{SMALL}{again}"));
    assert!(error.contains("meta_server 10.0.0.1:34601: it is there twice, as numbers 1 and 2"), "{error}");
    let error = refused(&format!("{SMALL}{}", again.replace("10.0.0.1", "10.0.0.2")));
    assert!(error.contains("its config_file is that of 10.0.0.1:34601 too"), "{error}");
    let other = again.replace("10.0.0.1", "10.0.0.2").replace("pegasus.ini", "other.ini");
    assert_eq!(Plan::parse(&format!("{SMALL}{other}")).unwrap().meta_servers.len(), 2);
}

#[test]
fn the_target_may_be_another_tree_of_the_same_ensemble() {
    let text = SMALL.replace("old2:2181\"", "old2:2181/a\"").replace("new1:2181", "old1:2181/b");
    Plan::parse(&text).unwrap();
}

#[test]
fn a_plan_is_read_from_a_file_that_is_named_in_errors() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("p.toml");
    assert!(Plan::read(&file).unwrap_err().subject.ends_with("p.toml"));
    std::fs::write(&file, SMALL).unwrap();
    let (plan, text) = Plan::read(&file).unwrap();
    assert_eq!((plan.cluster.as_str(), text.as_str()), ("onebox", SMALL));
    std::fs::write(&file, "x").unwrap();
    let error = Plan::read(&file).unwrap_err().to_string();
    assert!(error.contains("p.toml: read: line 1"), "{error}");
    std::fs::write(&file, vec![b'#'; (1 << 20) + 1]).unwrap();
    assert!(Plan::read(&file).unwrap_err().why.contains("larger than"));
}

#[test]
fn credentials_are_read_from_where_the_plan_says() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("auth");
    std::fs::write(&file, "# c\ndigest:me:hunter2\n").unwrap();
    let auths = Credentials::File(file.clone()).read().unwrap();
    assert_eq!((auths.len(), auths[0].scheme.as_str()), (1, "digest"));
    std::fs::write(&file, "hunter2").unwrap();
    let error = Credentials::File(file).read().unwrap_err().to_string();
    assert!(error.contains("line 1") && !error.contains("hunter2"), "{error}");
    assert!(Credentials::Variable("ZKMIGRATOR_NO_SUCH".to_owned()).read().unwrap_err().why.contains("not set"));
    assert_eq!(Credentials::None.read().unwrap(), []);
}

#[test]
fn steps_are_called_the_same_in_print_and_in_a_plan() {
    assert_eq!(StepName::StopFollowers.to_string(), "stop-followers");
    assert_eq!(serde_json::to_string(&StepName::PreCopy).unwrap(), "\"pre-copy\"");
}
