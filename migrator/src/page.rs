//! The page of a migration, and of a plan: what the report says, to look at.

mod times;

use std::time::{Duration, UNIX_EPOCH};

use replicator::report::grouped;
use replicator::report::page::timeline::Timeline;
use replicator::report::page::{
    Column, Page, Tone, duration, heading, list, moment, paragraph, remark, table, verbatim,
};
use serde_json::Value;

use self::times::Course;
use crate::conductor::{Ended, Method};
use crate::error::Error;
use crate::journal::Record;
use crate::migration::Migration;
use crate::report::{Report, recovery_lines, standing};
use crate::state::State;
use crate::step::Touches;
use crate::steps::{Findings, RECOVERY, written_hosts};

/// Who says what a page says.
const PROGRAM: &str = concat!("zkmigrator ", env!("CARGO_PKG_VERSION"));

/// The page of a migration; `records` are those of its journal, `diffs` what it is to change in the configuration files.
pub fn migration(report: &Report<'_>, migration: &Migration, records: &[Record], diffs: &[String]) -> String {
    let Report { command, method, state, ended, .. } = report;
    let tone = match ended {
        Ended::Done | Ended::RolledBack(None) => Tone::Good,
        Ended::Paused(_) | Ended::Interrupted => Tone::Careful,
        Ended::Failed(_) | Ended::RolledBack(Some(_)) | Ended::NeedsPerson { .. } => Tone::Bad,
    };
    let (verdict, code) = (report.verdict(), ended.exit_code());
    let (source, target) = (&migration.plan.source.connect, &migration.plan.target.connect);
    let cluster = &migration.plan.cluster;
    let title = format!("{verdict}: {command} of {cluster} to {target}");
    let mut page = Page::new(PROGRAM, &title, tone, verdict, &sentence(report, cluster));
    report.errors().iter().for_each(|error| page.error(error));
    if let Some(next) = report.next() {
        page.next(&next);
    }
    let course = Course::of(records);
    let at = |ms: Option<u64>| ms.map(|ms| moment(UNIX_EPOCH + Duration::from_millis(ms))).unwrap_or_default();
    let took = |ms: Option<u64>| ms.map(|ms| duration(Duration::from_millis(ms))).unwrap_or_default();
    let times = state.times;
    let is_recovery = method.name == RECOVERY.name;
    page.facts(&[
        ("Cluster", cluster.clone()),
        ("Root", root(state)),
        ("From", written_hosts(source)),
        ("To", written_hosts(target)),
        ("Method", method.name.to_owned()),
        ("Began", at(times.began)),
        ("Took until now", took(course.as_ref().map(Course::millis))),
        ("Frozen for", took(times.freeze_ms())),
        ("Without a meta server for", if is_recovery { String::new() } else { took(times.away_ms()) }),
        ("Exit code", format!("{code}: {verdict}")),
        ("Migration", state.id.clone()),
    ]);
    if let Some(course) = &course {
        let figure = Timeline {
            id: "course",
            title: "Steps over time",
            bars: &course.bars,
            bands: &course.bands,
            end: Duration::from_millis(course.millis()),
        };
        page.section("What happened when", &figure.figure());
    }
    page.section("Steps", &steps(method, state));
    if is_recovery {
        let lines: String = recovery_lines(state).iter().map(|line| paragraph(line.trim())).collect();
        page.section("Recovery", &(lines + &lost(state)));
    }
    page.section("Proof", &proof(state));
    let changes: String = diffs.iter().map(|diff| verbatim(diff)).collect();
    let configuration = match ended {
        Ended::Failed(_) if changes.is_empty() => files(state, "Each meta server's file, which was not changed"),
        Ended::Failed(_) => {
            let now = files(state, "Each meta server's file, which was not changed");
            now + &paragraph("What each file would become; not done:") + &changes
        }
        _ => files(state, "Each meta server's file, as it was before") + &changes,
    };
    page.section("Configuration", &configuration);
    page.section("Notes", &state.notes.iter().map(|note| paragraph(note)).collect::<String>());
    page.section("Journal", &journal(records));
    page.details("The same as text", &report.text());
    page.finish()
}

/// The page of a plan: what was found, and the steps with all that they would do.
pub fn rehearsal(migration: &Migration, method: &Method, found: &Findings, diffs: &[String], report: &Value) -> String {
    let can = found.wrong.is_empty();
    let plan = &migration.plan;
    let verdict = if can { "can begin" } else { "can't begin" };
    let sentence =
        format!("Plan for moving {} to {} by {}: nothing was changed", plan.cluster, plan.target.connect, method.name);
    let title = format!("{verdict}: plan of {}", plan.cluster);
    let mut page = Page::new(PROGRAM, &title, if can { Tone::Good } else { Tone::Bad }, verdict, &sentence);
    found.wrong.iter().for_each(|wrong| page.error(wrong));
    let execute = if method.name == RECOVERY.name { "--method recovery --execute" } else { "--execute" };
    page.next(&if can {
        format!("read the steps below; zkmigrator run {execute} with this plan does them.")
    } else {
        "see to what is wrong, then plan again.".to_owned()
    });
    page.facts(&[
        ("Cluster", plan.cluster.clone()),
        ("Root", root(&migration.state)),
        ("From", written_hosts(&plan.source.connect)),
        ("To", written_hosts(&plan.target.connect)),
        ("Method", method.name.to_owned()),
        ("Meta servers", grouped(plan.meta_servers.len() as u64)),
    ]);
    let all = [("Fine", &found.fine), ("To be known", &found.notes), ("Not checked", &found.unchecked)];
    let rows: Vec<Vec<String>> =
        all.iter().flat_map(|(what, texts)| texts.iter().map(|text| vec![(*what).to_owned(), text.clone()])).collect();
    page.section("What was found", &table("Findings", &[("How it is", Column::Text), ("What", Column::Words)], &rows));
    let mut acts = String::new();
    for (index, step) in method.steps.iter().enumerate() {
        let away = if step.touches() == Touches::Outage { ", without a meta server" } else { "" };
        let text = step.describe(migration).join("\n");
        acts += &heading(&format!("{}. {}{away}", index + 1, step.name()));
        acts += &paragraph(step.purpose());
        acts += &if text.is_empty() { text } else { verbatim(&text) };
    }
    let within =
        report["way_back_within_ms"].as_u64().map(|ms| duration(Duration::from_millis(ms))).unwrap_or_default();
    acts += &remark(&format!(
        "Going back after the leader was stopped, a leader serves again within {within} in the worst case."
    ));
    page.section("Steps", &acts);
    page.section("What becomes of the configuration", &diffs.iter().map(|diff| verbatim(diff)).collect::<String>());
    page.finish()
}

/// The page of a command that could not even begin.
pub fn failed(error: &Error, verdict: &str, next: &str, code: u8, plan_file: &str) -> String {
    let mut page = Page::new(PROGRAM, verdict, Tone::Bad, verdict, "The command could not begin");
    page.error(&error.to_string());
    page.next(next);
    page.facts(&[("Plan", plan_file.to_owned()), ("Exit code", code.to_string())]);
    page.finish()
}

fn sentence(report: &Report<'_>, cluster: &str) -> String {
    match report.ended {
        Ended::Done => format!("{cluster} runs on the new ZooKeeper"),
        Ended::Paused(step) => format!("The migration of {cluster} waits before {step}, as it was told"),
        Ended::Interrupted => format!("The migration of {cluster} was interrupted"),
        Ended::Failed(_) => format!("The migration of {cluster} failed, and nothing of the cluster was changed"),
        Ended::RolledBack(None) => format!("The migration of {cluster} was taken back, as was asked"),
        Ended::RolledBack(Some(_)) => format!("The migration of {cluster} failed, and all of it was taken back"),
        Ended::NeedsPerson { .. } => format!("The migration of {cluster} can go neither forward nor back by itself"),
    }
}

fn steps(method: &Method, state: &State) -> String {
    let row = |(index, step): (usize, &&dyn crate::step::Step)| {
        vec![
            (index + 1).to_string(),
            step.name().to_string(),
            standing(state, index).to_owned(),
            step.purpose().to_owned(),
        ]
    };
    let rows: Vec<_> = method.steps.iter().enumerate().map(row).collect();
    let columns =
        [("No.", Column::Number), ("Step", Column::Text), ("How far", Column::Text), ("What for", Column::Words)];
    table("How far each step has come", &columns, &rows)
}

fn proof(state: &State) -> String {
    let Some(proof) = &state.proof else { return String::new() };
    let kind = if proof.is_full() { "read in full" } else { "ACLs by their versions, all else read in full" };
    let certificate = state.certificate.as_ref().map(|file| file.display().to_string());
    let tables = state.tables.map(|tables| format!("{} with {} partitions", tables.tables, tables.partitions));
    list(&[
        ("Znodes, equal in both trees", grouped(proof.znodes)),
        ("How they were read", kind.to_owned()),
        ("Source behind zxid", format!("{:#x}", proof.source_zxid)),
        ("Target behind zxid", format!("{:#x}", proof.target_zxid)),
        ("Tables", tables.unwrap_or_default()),
        ("Digest", proof.digest.clone()),
        ("Certificate", certificate.unwrap_or_default()),
    ])
}

/// As the cluster has it.
fn root(state: &State) -> String {
    if state.cluster_root.is_empty() { "not known".to_owned() } else { state.cluster_root.clone() }
}

fn files(state: &State, caption: &str) -> String {
    let rows = state.files.iter().map(|(server, file)| {
        let start_level = file.start_level.clone().unwrap_or_else(|| "not set".to_owned());
        vec![server.clone(), file.hosts_list.clone(), start_level, file.digest.clone()]
    });
    let rows: Vec<_> = rows.collect();
    let columns = [
        ("Meta server", Column::Text),
        ("hosts_list before", Column::Text),
        ("Level on start before", Column::Text),
        ("Digest of the file before", Column::Code),
    ];
    table(caption, &columns, &rows)
}

fn lost(state: &State) -> String {
    let Some(accounts) = &state.recovery.accounts else { return String::new() };
    let all = [
        ("Lost", &accounts.lost),
        ("Renamed", &accounts.renamed),
        ("Came back to life", &accounts.revived),
        ("Nodes missing", &accounts.nodes_missing),
    ];
    let rows: Vec<Vec<String>> =
        all.iter().flat_map(|(what, names)| names.iter().map(|name| vec![(*what).to_owned(), name.clone()])).collect();
    table("What is not as it was", &[("How", Column::Text), ("What", Column::Words)], &rows)
}

fn journal(records: &[Record]) -> String {
    let Some(first) = records.first() else { return String::new() };
    let row = |record: &Record| {
        let after = duration(Duration::from_millis(record.at_ms.saturating_sub(first.at_ms)));
        vec![moment(UNIX_EPOCH + Duration::from_millis(record.at_ms)), after, record.entry.to_string()]
    };
    let rows: Vec<_> = records.iter().map(row).collect();
    table("Every record", &[("At", Column::Number), ("After", Column::Number), ("What", Column::Words)], &rows)
}
