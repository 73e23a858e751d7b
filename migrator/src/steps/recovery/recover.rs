//! The tables are rebuilt: `start recovery` is sent, and what came of it is looked at.
//!
//! From the moment that it may have been sent there is no way back. Sent twice it does no harm: the server takes one at a
//! time, and answers the second with `ERR_SERVICE_ALREADY_RUNNING` when the first was done (`meta/meta_service.cpp`,
//! `on_start_recovery`). So where an answer was lost, what stands at the target decides, and then the question itself.

use std::time::Duration;

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use tokio::time::{Instant, sleep};

use super::start_leader::start_waiting;
use crate::error::{ErrorKind, Result};
use crate::limits::FINDINGS_MAX;
use crate::migration::{Migration, keep};
use crate::pegasus::messages::{RecoveryReply, RecoveryRequest};
use crate::pegasus::types::ErrorCode;
use crate::plan::StepName;
use crate::server::Process;
use crate::state::now_ms;
use crate::step::{Standing, Step, Touches};

/// Between two looks for tables that are being written.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// See the room.
pub(super) struct Recover;

impl Step for Recover {
    fn name(&self) -> StepName {
        StepName::Recover
    }

    fn purpose(&self) -> &'static str {
        "rebuilds the tables from the replica servers; from here on there is no way back"
    }

    fn touches(&self) -> Touches {
        Touches::Outage
    }

    fn describe(&self, migration: &Migration) -> Vec<String> {
        let plan = &migration.plan.recovery;
        let wait = humantime::format_duration(plan.wait);
        let flag = |is_on: bool| if is_on { "yes" } else { "no" };
        vec![
            format!("start recovery from {} (wait {wait}", migration.state.recovery.nodes.join(", "))
                + &format!(
                    ", skip bad nodes: {}, skip lost partitions: {})",
                    flag(plan.skip_bad_nodes),
                    flag(plan.skip_lost_partitions)
                ),
            "compare each table and its partitions with the lists".to_owned(),
        ]
    }

    fn check<'a>(&'a self, _: &'a mut Migration) -> LocalBoxFuture<'a, Result<Standing>> {
        // It was seen rebuilt; whoever serves it now is the next step's.
        async { Ok(Standing::Done) }.boxed_local()
    }

    fn run<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            if migration.state.recovery.sent.is_none() {
                // Whoever has pressed a key may still want to go back.
                migration.refuse_when_stopped()?;
            }
            if !is_rebuilt(migration).await? {
                start_waiting(migration).await?;
                send(migration).await?;
            }
            migration.state.recovery.rebuilt = Some(now_ms());
            // One that has ended meanwhile is started by the next step, and what it serves is looked at at the end.
            let leader = migration.leader()?;
            if leader.process().await? == Process::Gone {
                return Ok(());
            }
            leader.wait_leads(&migration.meta, Duration::ZERO).await?;
            super::compare::look(migration, "recovered").await
        }
        .boxed_local()
    }

    fn undo<'a>(&'a self, _: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        // It was not sent: otherwise there is no way back (`way_back`).
        async { Ok(()) }.boxed_local()
    }
}

/// Whether one that was sent before, and whose answer nobody has, has rebuilt the tables.
async fn is_rebuilt(migration: &mut Migration) -> Result<bool> {
    if migration.state.recovery.sent.is_none() {
        return Ok(false);
    }
    let until = Instant::now() + migration.plan.recovery.wait;
    loop {
        match migration.trees()?.apps_at_target().await? {
            None => return Ok(false),
            Some(data) if data == b"unlock" => {
                migration
                    .note("start recovery was sent and its answer was lost; the tables stand at the target, in full");
                return Ok(true);
            }
            Some(_) if Instant::now() < until => sleep(LOOK_EVERY).await,
            Some(_) => {
                let why = "its tables at the target are half written, and nobody goes on: remove what is there \
                           (zkreplicator rm) while no meta server runs, and resume";
                return Err(migration.leader()?.error(ErrorKind::Refused, "rebuild the tables", why));
            }
        }
    }
}

/// Sends it. The journal knows of it before.
async fn send(migration: &mut Migration) -> Result<()> {
    let plan = migration.plan.recovery.clone();
    let request = RecoveryRequest {
        skip_bad_nodes: plan.skip_bad_nodes,
        skip_lost_partitions: plan.skip_lost_partitions,
        ..RecoveryRequest::of_nodes(&migration.state.recovery.nodes).await?
    };
    let before = migration.state.recovery.sent;
    (migration.state.recovery.sent, migration.state.recovery.answer) = (before.or(Some(now_ms())), None);
    let what = format!("start recovery from {} replica server(s)", request.recovery_nodes.len());
    migration.about_to(&what)?;
    match migration.meta.start_recovery(&request).await {
        Ok(reply) => answered(migration, reply, before.is_some(), &what),
        Err(error) if !error.outcome_unknown => {
            // It was certainly not executed.
            migration.state.recovery.sent = before;
            Err(error)
        }
        Err(error) => {
            migration.say(&format!("{error}; looks what becomes of it"));
            if wait_rebuilt(migration).await? { Ok(()) } else { Err(error) }
        }
    }
}

/// The server's word on it.
fn answered(migration: &mut Migration, reply: RecoveryReply, was_sent: bool, what: &str) -> Result<()> {
    let RecoveryReply { err, hint_message } = reply;
    keep(&migration.directory(), "recovery.hint", &hint_message)?;
    for line in hint_message.lines().filter(|line| !line.trim().is_empty()).take(FINDINGS_MAX) {
        migration.note(format!("recovery: {line}"));
    }
    migration.state.recovery.answer = Some(err.to_string());
    if err.is(ErrorCode::OK) {
        return migration.did(what, Some(hint_message));
    }
    // The one whose answer was lost was done by then: what it made is compared as any other.
    if err.is(ErrorCode::SERVICE_ALREADY_RUNNING) && was_sent {
        migration.note("start recovery was sent before; its answer was lost, and it is done");
        return migration.did(what, Some(err.to_string()));
    }
    let why = format!("it answers {err}: {}", hint_message.replace('\n', " "));
    Err(migration.leader()?.error(ErrorKind::Refused, "start the recovery", why))
}

/// Waits once more as long as it may take, and says whether the tables are there.
async fn wait_rebuilt(migration: &mut Migration) -> Result<bool> {
    migration.teller.waits("the tables to be rebuilt", migration.plan.recovery.wait);
    let until = Instant::now() + migration.plan.recovery.wait;
    while Instant::now() < until {
        if is_rebuilt(migration).await? {
            return Ok(true);
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(false)
}
