//! Every replica server's lease runs out: until it is inactive it may serve what the rebuilt tables do not know of.
//!
//! Time is counted from when the last meta server was seen gone, also by a process that resumes.

use std::time::Duration;

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use tokio::time::sleep;

use crate::error::{Error, ErrorKind, Result};
use crate::migration::Migration;
use crate::plan::StepName;
use crate::state::now_ms;
use crate::step::{Standing, Step, Touches};

/// See the room.
pub(super) struct AwaitLeases;

impl Step for AwaitLeases {
    fn name(&self) -> StepName {
        StepName::AwaitLeases
    }

    fn purpose(&self) -> &'static str {
        "waits until every replica server is inactive"
    }

    fn touches(&self) -> Touches {
        Touches::Outage
    }

    fn holds_until(&self) -> Option<StepName> {
        Some(StepName::StartLeader)
    }

    fn describe(&self, migration: &Migration) -> Vec<String> {
        let wait = migration.state.recovery.lease_ms.map(Duration::from_millis).unwrap_or_default();
        vec![format!("wait {} after the last meta server has gone", humantime::format_duration(wait))]
    }

    fn check<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<Standing>> {
        async {
            let rest = rest(migration)?;
            if rest.is_zero() {
                return Ok(Standing::Done);
            }
            Ok(Standing::Open(format!("{} are left", humantime::format_duration(rest))))
        }
        .boxed_local()
    }

    fn run<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            let rest = rest(migration)?;
            migration.say(&format!("waits {}", humantime::format_duration(rest)));
            sleep(rest).await;
            // One that was there meanwhile has prolonged every lease.
            migration.see_all_gone().await
        }
        .boxed_local()
    }

    fn undo<'a>(&'a self, _: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        // Replica servers are active again as soon as they find a meta server.
        async { Ok(()) }.boxed_local()
    }
}

/// What is left of the time.
fn rest(migration: &Migration) -> Result<Duration> {
    let known = migration.state.times.leader_gone.zip(migration.state.recovery.lease_ms);
    let (gone, lease_ms) = known.ok_or_else(|| {
        Error::new(ErrorKind::Local, "migration", "wait for the leases", "no step has noted when the meta servers went")
    })?;
    Ok(Duration::from_millis(lease_ms.saturating_sub(now_ms().saturating_sub(gone))))
}
