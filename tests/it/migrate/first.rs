//! `zkmigrator init`: the first plan, as the cluster tells it, and what becomes of it.

use std::process::Stdio;

use harness::pegasus::MetaServer;

use super::cluster::{Cluster, Fallible};
use crate::product::{Run, finish};

/// Runs `init` for these meta servers.
async fn init(cluster: &Cluster, metas: &[&str], more: &[&str]) -> Fallible<Run> {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_zkmigrator-under-test"));
    command.args(["init", "--meta-servers", &metas.join(","), "--target", &cluster.target.connect_string()]).args(more);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env_remove("RUST_LOG")
        .kill_on_drop(true);
    Ok(finish(command.spawn()?).await)
}

fn names(cluster: &Cluster) -> Vec<&str> {
    cluster.metas.iter().map(MetaServer::name).collect()
}

/// As a person does it: each server's own file and commands, on this machine.
fn filled_in(cluster: &Cluster, plan: &str) -> String {
    let mut filled = String::new();
    let mut here = None;
    for line in plan.lines() {
        if let Some(address) = line.strip_prefix("address = ") {
            here = cluster.metas.iter().find(|meta| address == format!("{:?}", meta.name()));
        }
        let at = |name: &str| here.map(|meta: &MetaServer| format!("{:?}", meta.file(name).display().to_string()));
        let line = match line.split_once(" = ") {
            Some(("host", _)) if here.is_some() => "host = \"local\"".to_owned(),
            Some(("config_file", _)) => format!("config_file = {}", at("config.ini").expect("an address comes first")),
            Some((key @ ("stop" | "start" | "check"), _)) => {
                format!("{key} = {}", at(&format!("{key}.sh")).expect("an address comes first"))
            }
            _ => line.to_owned(),
        };
        filled.push_str(&line);
        filled.push('\n');
    }
    filled
}

#[tokio::test]
async fn a_first_plan_is_written_once_and_is_accepted_when_it_is_filled_in() -> Fallible<()> {
    let cluster = Cluster::start("init-whole").await?;
    let (names, file) = (names(&cluster), cluster.file("first.toml"));
    let shown = init(&cluster, &names[..1], &[]).await?.expect(0);
    for name in &names {
        assert!(shown.stdout.contains(&format!("address = {name:?}")), "{shown:?}");
    }
    let out = file.display().to_string();
    // By another name, which the cluster would not know again.
    let typed = names[0].replace("localhost", "127.0.0.1");
    let written = init(&cluster, &[&typed], &["--out", &out]).await?.expect(0);
    let written = written.says(&[&typed, "is none of the names that the cluster has"]);
    assert!(written.stdout.contains("was written"), "{written:?}");
    assert_eq!(std::fs::read_to_string(&file)?, shown.stdout, "stdout and file have the same");
    init(&cluster, &names, &["--out", &out]).await?.expect(2).says(&["write the plan", "exists"]);
    assert_eq!(std::fs::read_to_string(&file)?, shown.stdout, "what is there stays");

    // Nobody has said how a server is looked at: that is no answer.
    let unfilled = cluster.run_plan(&["plan"], &file).await?.expect(2);
    assert!(!unfilled.stdout.contains("can begin"), "{unfilled:?}");
    std::fs::write(&file, filled_in(&cluster, &shown.stdout))?;
    let plan = cluster.run_plan(&["plan"], &file).await?.expect(0);
    assert!(plan.stdout.contains("migration of onebox by copy: can begin"), "{plan:?}");
    Ok(())
}

#[tokio::test]
async fn a_meta_server_that_does_not_answer_becomes_a_commented_entry_and_a_warning() -> Fallible<()> {
    let cluster = Cluster::start("init-silent").await?;
    let dead = cluster.follower().await?;
    dead.end("KILL").await?;
    let plan = init(&cluster, &names(&cluster), &[]).await?.expect(0);
    assert!(plan.stdout.contains(&format!("# address = {:?}", dead.name())), "{plan:?}");
    assert_eq!(plan.stdout.matches("\naddress = ").count(), 2, "{plan:?}");
    let parsed = migrator::plan::Plan::parse(&plan.stdout)?;
    // Several on one host are no reason to refuse what a person has yet to fill in.
    assert_eq!(parsed.meta_servers.len(), 2);
    plan.says(&[dead.name(), "it becomes a commented entry"]);
    Ok(())
}

#[tokio::test]
async fn a_cluster_of_which_nobody_answers_gives_no_plan() -> Fallible<()> {
    let cluster = Cluster::start("init-dead").await?;
    for meta in &cluster.metas {
        meta.end("KILL").await?;
    }
    let file = cluster.file("none.toml");
    let run = init(&cluster, &names(&cluster), &["--out", &file.display().to_string()]).await?.expect(2);
    assert!(run.stdout.is_empty() && !file.exists(), "{run:?}");
    let mut said = vec!["look for the primary", "a plan can be written by hand (docs/plan.md)"];
    said.extend(names(&cluster));
    run.says(&said);
    Ok(())
}

#[tokio::test]
async fn a_port_that_is_no_meta_servers_is_answered_with_the_one_that_is_wanted() -> Fallible<()> {
    let cluster = Cluster::start("init-port").await?;
    let run = init(&cluster, &[&cluster.source.connect_string()], &[]).await?.expect(2);
    run.says(&["a meta server's RPC port is wanted, 34601 unless configured"]);
    Ok(())
}
