//! The meta servers are started in their normal mode, and the cluster is seen to be healthy.

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use replicator::error::Side;

use super::rewrite_config::put_back_recover;
use crate::config_file::{META_SERVER, RECOVER};
use crate::error::{Error, ErrorKind, Result};
use crate::migration::Migration;
use crate::plan::{LevelAfter, StepName};
use crate::server::Server;
use crate::state::now_ms;
use crate::step::{Standing, Step, Touches};
use crate::steps::blind::set;
use crate::steps::start_followers::{all_answer, level_after, start_others, wait_healthy};
use crate::steps::stop_followers::{start, stop};

/// See the room.
pub(super) struct RestartAll;

impl Step for RestartAll {
    fn name(&self) -> StepName {
        StepName::RestartAll
    }

    fn purpose(&self) -> &'static str {
        "starts all meta servers in their normal mode, and sees the cluster healthy"
    }

    fn touches(&self) -> Touches {
        Touches::Outage
    }

    fn describe(&self, migration: &Migration) -> Vec<String> {
        let own = |server: &Server| {
            let recover = migration.state.files.get(&server.address).and_then(|file| file.recover.clone());
            let recover = recover.unwrap_or("its default (false)".to_owned());
            let (host, file) = (&server.plan.host, server.plan.config_file.display());
            format!("{host}: {file}: [{META_SERVER}] {RECOVER} = {recover}")
        };
        let mut lines: Vec<String> = migration.servers.iter().map(own).collect();
        let lock = humantime::format_duration(migration.lock_outlives(Side::Target));
        lines.push(format!("restart the leader, which waits up to {lock} for its former session to expire"));
        lines.push(
            "start all others; wait until ALIVE can be trusted and all partitions have their replicas".to_owned(),
        );
        lines
    }

    fn check<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<Standing>> {
        all_answer(migration).boxed_local()
    }

    fn run<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            put_back_recover(migration).await?;
            let leader = migration.leader()?;
            // Only one that was started since waits for no recovery.
            if migration.meta.config_value(&leader.address, RECOVER).await.as_deref() != Ok("false") {
                stop(migration, &leader).await?;
            }
            start(migration, &leader).await?;
            start_others(migration).await?;
            // Whoever is first in line waits for the former leader's session to expire.
            migration.wait_led(Side::Target).await?;
            migration.state.times.leader_serves = migration.state.times.leader_serves.or(Some(now_ms()));
            healthy(migration).await?;
            if migration.state.level.is_some() || migration.plan.policy.level_after != LevelAfter::AsBefore {
                set(migration, level_after(migration)).await?;
            }
            Ok(())
        }
        .boxed_local()
    }

    fn undo<'a>(&'a self, _: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        // Never reached: the recovery was sent (`way_back`).
        async { Ok(()) }.boxed_local()
    }
}

/// Sees the cluster healthy. What the plan accepts to lose may be why it never is.
async fn healthy(migration: &mut Migration) -> Result<()> {
    let plan = &migration.plan.recovery;
    let accepted = plan.skip_bad_nodes || plan.skip_lost_partitions;
    match wait_healthy(migration).await {
        Err(error) if error.kind == ErrorKind::TimedOut && accepted => {
            migration.note(error.to_string());
            Ok(())
        }
        Err(error) if error.kind == ErrorKind::TimedOut => Err(Error { kind: ErrorKind::Alarm, ..error }),
        other => other,
    }
}
