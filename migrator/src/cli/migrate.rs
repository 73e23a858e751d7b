//! `zkmigrator run`, `resume` and `rollback`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use replicator::status::Shown;

use super::method::{chosen, method_of};
use super::process::stop_on_signal;
use super::rehearse::diffs;
use super::typed::{Common, Resume, Run};
use super::{Written, in_format};
use crate::conductor::{Ended, Method};
use crate::error::{Error, ErrorKind, Result};
use crate::journal::{Contents, Entry, Journal};
use crate::metrics::Metrics;
use crate::migration::Migration;
use crate::page;
use crate::plan::{Plan, StepName};
use crate::report::Report;
use crate::state::{State, now_ms};
use crate::steps::NO_PAUSE;

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
    let wrong = |kind, why| Error::new(kind, format!("journal {}", plan.journal.display()), "go on", why);
    let Some(state) = contents.state().cloned() else {
        return Err(wrong(ErrorKind::Input, "no migration was begun: zkmigrator run"));
    };
    if contents.is_ended() {
        let why = "the migration has ended: there is nothing to go on with, and nothing to take back";
        return Err(wrong(ErrorKind::Ended, why));
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

/// The time in UTC, as a file can be called, and something that no other migrator has in the same second.
fn new_id() -> String {
    let now = SystemTime::now();
    let time = humantime::format_rfc3339_seconds(now).to_string();
    let time: String = time.chars().filter(char::is_ascii_alphanumeric).collect();
    let nanos = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().subsec_nanos();
    format!("{time}-{:x}-{:x}", nanos, std::process::id())
}
