//! `zkmigrator plan`, `run`, `resume`, `rollback` and `status`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use replicator::status::Shown;
use tokio_util::sync::CancellationToken;

use super::process::stop_on_signal;
use super::{Common, Format, MethodName, Resume, Run, Written};
use crate::conductor::{Ended, Method};
use crate::config_file::{self, HOSTS_LIST, META_SERVER, RECOVER, START_LEVEL, ZOOKEEPER};
use crate::error::{Error, ErrorKind, Result};
use crate::journal::{Contents, Entry, Journal};
use crate::metrics::Metrics;
use crate::migration::Migration;
use crate::page;
use crate::plan::{Plan, StepName};
use crate::report::{Report, rehearsal, standing};
use crate::state::{State, now_ms};
use crate::steps::{self, COPY, NO_PAUSE, RECOVERY, written_hosts};

/// The method of a name. `auto` takes the copy where nothing stands in its way, and nothing else: a recovery is an outage and
/// can lose data, so a person has to ask for it.
async fn chosen(common: &Common, plan: &Plan, name: MethodName) -> Result<&'static Method> {
    match name {
        MethodName::Copy => return Ok(&COPY),
        MethodName::Recovery => return Ok(&RECOVERY),
        MethodName::Auto => {}
    }
    let mut migration = Migration::new(plan.clone(), State::default(), None, CancellationToken::new())?;
    let found = Box::pin(steps::look(&mut migration)).await;
    if found.wrong.is_empty() {
        return Ok(&COPY);
    }
    let why = found.wrong.join("; ");
    let offer = format!(
        "{why}. See to that, or rebuild the metadata from the replica servers, which is an outage and can lose data \
         (docs/choosing.md): zkmigrator plan --method recovery --plan {plan}, then zkmigrator run --method recovery --plan \
         {plan} --execute",
        plan = common.plan.display()
    );
    Err(Error::new(ErrorKind::Refused, "cluster", "migrate by copy", offer))
}

/// Shows everything, changes nothing.
pub(super) async fn rehearse(common: &Common, method: MethodName, shown: Shown) -> Result<Written> {
    let (plan, _) = common.read()?;
    let method = chosen(common, &plan, method).await?;
    let mut migration = Migration::new(plan, State::default(), None, stop_on_signal())?;
    let is_copy = method.name == COPY.name;
    let teller = migration.teller.clone();
    let look = async {
        if is_copy {
            Box::pin(steps::look(&mut migration)).await
        } else {
            Box::pin(steps::recovery::look(&mut migration)).await
        }
    };
    let found = teller.shown(shown, look).await;
    let level_or_recovery = if is_copy { (START_LEVEL, "blind") } else { (RECOVER, "true") };
    let diffs = diffs(&migration, Some(level_or_recovery)).await;
    let (text, json) = rehearsal(&migration, method, &found, &diffs);
    let page = page::rehearsal(&migration, method, &found, &diffs, &json);
    let code = if found.wrong.is_empty() { 0 } else { 2 };
    Ok(Written::of(in_format(common.format, &text, &json), code, Some(page)))
}

/// What becomes of each configuration file, with what stands there only `meanwhile`. One that can't be edited is among the
/// findings.
async fn diffs(migration: &Migration, meanwhile: Option<(&str, &str)>) -> Vec<String> {
    let target = written_hosts(&migration.plan.target.connect);
    let mut diffs = Vec::new();
    for server in &migration.servers {
        let meanwhile = meanwhile.map(|(key, value)| (META_SERVER, key, Some(value)));
        let edits: Vec<_> = [(ZOOKEEPER, HOSTS_LIST, Some(target.as_str()))].into_iter().chain(meanwhile).collect();
        if let Ok((before, after)) = server.edited(&edits).await {
            let name = format!("{}:{}", server.plan.host, server.plan.config_file.display());
            diffs.push(config_file::diff(&name, before.bytes(), after.bytes()));
        }
    }
    diffs
}

/// Migrates.
pub(super) async fn run(run: &Run, shown: Shown, metrics: Option<Arc<Metrics>>) -> Result<Written> {
    let (plan, digest) = run.common.read()?;
    let pauses = pauses(&plan, &run.pause_before)?;
    let method = chosen(&run.common, &plan, run.method).await?;
    let (mut journal, contents) = Journal::open(&plan.journal)?;
    if !contents.is_ended() {
        return Err(Error::new(
            ErrorKind::Input,
            format!("journal {}", plan.journal.display()),
            "begin a migration",
            "one was begun and has not ended: zkmigrator resume goes on with it, zkmigrator rollback takes it back",
        ));
    }
    if let Some(last) = contents.state() {
        journal.put_away(&last.id)?;
    }
    let state = State {
        id: new_id(),
        times: crate::state::Times { began: Some(now_ms()), ..Default::default() },
        ..State::default()
    };
    let mut migration = Migration::new(plan, state, Some(journal), stop_on_signal())?;
    watch(&mut migration, method, metrics);
    let tool = format!("zkmigrator {}", env!("CARGO_PKG_VERSION"));
    migration.write(Entry::Begun { tool, method: method.name.to_owned(), plan: digest })?;
    // What stands in the files now; a run that finds it changed says so itself.
    let diffs = if run.watch.wants_page() { diffs(&migration, None).await } else { Vec::new() };
    let ended = migration.teller.clone().shown(shown, method.forward(&mut migration, &pauses, None)).await;
    end(migration, method, ended, "run", &run.common, &diffs).await
}

/// Goes on.
pub(super) async fn resume(resume: &Resume, shown: Shown, metrics: Option<Arc<Metrics>>) -> Result<Written> {
    let (plan, digest) = resume.common.read()?;
    let pauses = pauses(&plan, &resume.pause_before)?;
    let (mut migration, contents) = reopen(plan, &digest).await?;
    let paused_at = contents.records.last().and_then(|record| match &record.entry {
        Entry::Paused(step) => serde_json::from_value(step.as_str().into()).ok(),
        _ => None,
    });
    let rolling_back = contents.is_going_back();
    let method = method_of(&contents)?;
    watch(&mut migration, method, metrics);
    migration.write(Entry::Resumed)?;
    if rolling_back {
        migration.say("it was on its way back, and goes on with that");
        let back = migration.teller.clone().shown(shown, method.back(&mut migration)).await;
        let ended = match (back, contents.failed()) {
            // Nobody has asked for it: it failed, and that is what is told.
            (Ended::RolledBack(None), Some(why)) => {
                Ended::RolledBack(Some(Error::new(ErrorKind::Refused, "migration", "go on", why)))
            }
            (ended, _) => ended,
        };
        return end(migration, method, ended, "resume", &resume.common, &[]).await;
    }
    let ended = migration.teller.clone().shown(shown, method.forward(&mut migration, &pauses, paused_at)).await;
    end(migration, method, ended, "resume", &resume.common, &[]).await
}

/// Goes back.
pub(super) async fn rollback(common: &Common, shown: Shown, metrics: Option<Arc<Metrics>>) -> Result<Written> {
    let (plan, digest) = common.read()?;
    let (mut migration, contents) = reopen(plan, &digest).await?;
    let method = method_of(&contents)?;
    watch(&mut migration, method, metrics);
    let ended = migration.teller.clone().shown(shown, method.back(&mut migration)).await;
    end(migration, method, ended, "rollback", common, &[]).await
}

/// Says what the journal says.
pub(super) fn status(common: &Common) -> Result<Written> {
    let (plan, _) = common.read()?;
    // The first migration makes the directory.
    let contents = if plan.journal.exists() { Journal::look(&plan.journal)? } else { Contents::default() };
    let method = method_of(&contents)?;
    let (Some(state), Some(last)) = (contents.state(), contents.records.last()) else {
        let json = serde_json::json!({
            "schema": 1, "command": "status", "exit_code": 0, "migration": null, "ended": true, "steps": [], "next": null,
        });
        return Ok(Written::of(in_format(common.format, "no migration was begun\n", &json), 0, None));
    };
    let ended = contents.is_ended();
    let mut lines = vec![format!(
        "migration {} of {}: {}",
        state.id,
        state.cluster_root,
        if ended { "ended" } else { "not ended" }
    )];
    let mut json_steps = Vec::new();
    for (index, step) in method.steps.iter().enumerate() {
        let standing = standing(state, index);
        lines.push(format!("  {:<20} {standing}", step.name().to_string()));
        json_steps.push(serde_json::json!({"name": step.name(), "standing": standing}));
    }
    lines.push(format!("  last record          {} ({} ago)", last.entry, ago(last.at_ms)));
    if contents.torn > 0 {
        lines.push(format!("  the last {} bytes of the journal were torn by a crash", contents.torn));
    }
    let plan = common.plan.display();
    let next = (!ended).then(|| format!("zkmigrator resume --plan {plan} or zkmigrator rollback --plan {plan}"));
    lines.extend(next.iter().map(|next| format!("  next: {next}")));
    let json = serde_json::json!({
        "schema": 1,
        "command": "status",
        "exit_code": 0,
        "migration": state.id,
        "ended": ended,
        "steps": json_steps,
        "last": last.entry.to_string(),
        "last_at_ms": last.at_ms,
        "records": contents.records.len(),
        "torn_bytes": contents.torn,
        "state": state,
        "next": next,
    });
    Ok(Written::of(in_format(common.format, &(lines.join("\n") + "\n"), &json), 0, None))
}

fn ago(at_ms: u64) -> String {
    let passed = Duration::from_secs(now_ms().saturating_sub(at_ms) / 1000);
    humantime::format_duration(passed).to_string()
}

/// Steps to stop before: those of the plan and those of the command line.
fn pauses(plan: &Plan, said: &[StepName]) -> Result<BTreeSet<StepName>> {
    let pauses: BTreeSet<StepName> = plan.pause_before.iter().chain(said).copied().collect();
    match NO_PAUSE.iter().find(|step| pauses.contains(step)) {
        None => Ok(pauses),
        Some(step) => Err(Error::new(
            ErrorKind::Input,
            "plan",
            format!("pause before {step}"),
            "the cluster would have no meta server meanwhile: pause before stop-leader (copy) or stop-all (recovery) instead",
        )),
    }
}

async fn reopen(plan: Plan, digest: &str) -> Result<(Migration, Contents)> {
    let (journal, contents) = Journal::open(&plan.journal)?;
    let wrong = |why: &str| Error::new(ErrorKind::Input, format!("journal {}", plan.journal.display()), "go on", why);
    let Some(state) = contents.state().cloned() else { return Err(wrong("no migration was begun: zkmigrator run")) };
    if contents.is_ended() {
        return Err(wrong("the migration has ended: there is nothing to go on with, and nothing to take back"));
    }
    if contents.torn > 0 {
        super::tell("the journal's last record was torn by a crash; what it was going to say had not begun");
    }
    wait_for(&contents).await;
    let changed = contents.plan().is_some_and(|begun_with| begun_with != digest);
    let mut migration = Migration::new(plan, state, Some(journal), stop_on_signal())?;
    if changed {
        migration.note("the plan is another than the one that the migration was begun with");
    }
    Ok((migration, contents))
}

/// Waits until what a killed process has left under way has ended: it could undo what is done now.
async fn wait_for(contents: &Contents) {
    let Some((what, at_ms, outlives_ms)) = contents.under_way() else { return };
    // Of a clock that was set back it is no longer than that.
    let rest = Duration::from_millis((at_ms + outlives_ms).saturating_sub(now_ms()).min(outlives_ms));
    if !rest.is_zero() {
        let shown = humantime::format_duration(rest);
        super::tell(&format!(
            "waits {shown}: a command of the process that was killed may still be under way ({what})"
        ));
        tokio::time::sleep(rest).await;
    }
}

fn method_of(contents: &Contents) -> Result<&'static Method> {
    match contents.method() {
        Some("copy") | None => Ok(&COPY),
        Some("recovery") => Ok(&RECOVERY),
        Some(other) => Err(Error::new(
            ErrorKind::Input,
            "journal",
            "go on",
            format!("it is of the method {other:?}, which this version does not know"),
        )),
    }
}

/// Tells a monitoring system too from now on.
fn watch(migration: &mut Migration, method: &Method, metrics: Option<Arc<Metrics>>) {
    if let Some(metrics) = &metrics {
        metrics.begin(&migration.plan, method, &migration.state);
    }
    migration.metrics = metrics;
}

/// Says how it ended, in the journal too, and gives the lock back.
async fn end(
    mut migration: Migration,
    method: &'static Method,
    ended: Ended,
    command: &'static str,
    common: &Common,
    diffs: &[String],
) -> Result<Written> {
    let entry = match &ended {
        Ended::Done => Some(Entry::Done),
        Ended::Paused(step) => Some(Entry::Paused(step.to_string())),
        Ended::RolledBack(_) => Some(Entry::RolledBack),
        // With nothing begun that would have to be taken back, nothing is open.
        Ended::Failed(_) if !migration.state.copied => Some(Entry::RolledBack),
        Ended::Failed(_) | Ended::NeedsPerson { .. } | Ended::Interrupted => None,
    };
    if let Some(entry) = entry {
        if let Err(error) = migration.write(entry) {
            migration.say(&error.to_string());
        }
    }
    migration.release_guard().await;
    let state = &migration.state;
    let report = Report { command, plan_file: common.plan.display().to_string(), method, state, ended: &ended };
    let (text, json) = (report.text(), report.json());
    if let Err(error) = crate::migration::keep(&migration.directory(), "report.json", &format!("{json:#}\n")) {
        migration.say(&error.to_string());
    }
    let code = ended.exit_code();
    // What can't be read of the journal is not on the page.
    let records = Journal::look(&migration.plan.journal).map(|contents| contents.records).unwrap_or_default();
    let page = page::migration(&report, &migration, &records, diffs);
    Ok(Written { text: in_format(common.format, &text, &json), code, page: Some(page), verdict: report.verdict() })
}

pub(super) fn in_format(format: Format, text: &str, json: &serde_json::Value) -> String {
    match format {
        Format::Text => replicator::terminal::lines(text).into_owned(),
        Format::Json => replicator::terminal::json(&format!("{json:#}\n")).into_owned(),
    }
}

/// The time in UTC, as a file can be called, and something that no other migrator has in the same second.
fn new_id() -> String {
    let now = SystemTime::now();
    let time = humantime::format_rfc3339_seconds(now).to_string();
    let time: String = time.chars().filter(char::is_ascii_alphanumeric).collect();
    let nanos = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().subsec_nanos();
    format!("{time}-{:x}-{:x}", nanos, std::process::id())
}
