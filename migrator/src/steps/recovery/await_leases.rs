//! Every replica server's lease runs out: until it is inactive it may serve what the rebuilt tables do not know of.
//!
//! Time is counted from when this process begins to wait, and somebody looks all the while: a meta server that comes back
//! prolongs every lease. Who resumes can't know whether one was there meanwhile, and waits anew.

use std::time::Duration;

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use tokio::time::{Instant, sleep_until};

use crate::error::{Error, ErrorKind, Result};
use crate::migration::Migration;
use crate::plan::StepName;
use crate::step::{Standing, Step, Touches};

/// Between two looks at the meta servers.
const LOOK_EVERY: Duration = Duration::from_secs(1);

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
            lease(migration)?;
            // A meta server that was there meanwhile, and has gone again, has prolonged every lease.
            Ok(Standing::Open("the leases are waited for again".to_owned()))
        }
        .boxed_local()
    }

    fn run<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            let lease = lease(migration)?;
            migration.say(&format!("waits {}", humantime::format_duration(lease)));
            migration.teller.waits("the leases of the replica servers", lease);
            let until = Instant::now() + lease;
            // One that is there meanwhile prolongs every lease.
            while Instant::now() < until {
                migration.see_all_gone().await?;
                sleep_until(until.min(Instant::now() + LOOK_EVERY)).await;
            }
            migration.see_all_gone().await
        }
        .boxed_local()
    }

    fn undo<'a>(&'a self, _: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        // Replica servers are active again as soon as they find a meta server.
        async { Ok(()) }.boxed_local()
    }
}

/// How long the replica servers may go on after they have heard of a meta server for the last time.
fn lease(migration: &Migration) -> Result<Duration> {
    migration.state.recovery.lease_ms.map(Duration::from_millis).ok_or_else(|| {
        Error::new(ErrorKind::Local, "migration", "wait for the leases", "no step has noted how long they are")
    })
}
