//! One meta server is started on the target: it becomes the leader, and waits for a recovery.

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use replicator::error::Side;

use crate::error::{Error, ErrorKind, Result};
use crate::migration::Migration;
use crate::pegasus::types::ErrorCode;
use crate::plan::StepName;
use crate::server::Server;
use crate::state::now_ms;
use crate::step::{Standing, Step, Touches};
use crate::steps::start_leader::{leader_uses_target, see_target_used};
use crate::steps::stop_followers::{start, stop};

/// What it is started for.
const OP: &str = "wait for a recovery";

/// See the room.
pub(super) struct StartLeader;

impl Step for StartLeader {
    fn name(&self) -> StepName {
        StepName::StartLeader
    }

    fn purpose(&self) -> &'static str {
        "starts one meta server on the new ZooKeeper, which waits for a recovery"
    }

    fn touches(&self) -> Touches {
        Touches::Outage
    }

    fn holds_until(&self) -> Option<StepName> {
        Some(StepName::Recover)
    }

    fn describe(&self, migration: &Migration) -> Vec<String> {
        let start = |server: &Server| format!("{}: {} (if it led)", server.plan.host, server.plan.start.as_str());
        let mut lines: Vec<String> = migration.servers.iter().map(start).collect();
        lines.push("see that it uses the target and answers ERR_UNDER_RECOVERY".to_owned());
        lines
    }

    fn check<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<Standing>> {
        leader_uses_target(migration).boxed_local()
    }

    fn run<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            if migration.state.times.leader_starting.is_none() {
                // The last look before something is written there.
                migration.see_all_gone().await?;
                let trees = migration.trees()?;
                let there = trees.at_target().await?;
                if there > 0 {
                    let why = format!("{} has {there} znode(s) by now: who writes there?", trees.target());
                    return Err(Error::new(ErrorKind::Refused, "target", "start a meta server there", why));
                }
                (migration.state.copied, migration.state.target_was_empty) = (true, true);
                migration.state.times.leader_starting = Some(now_ms());
            }
            start_waiting(migration).await
        }
        .boxed_local()
    }

    fn undo<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            let leader = migration.leader()?;
            stop(migration, &leader).await?;
            migration.state.times.leader_starting = None;
            Ok(())
        }
        .boxed_local()
    }
}

/// Starts the leader if it is gone, and sees that it waits for a recovery, on the target.
pub(super) async fn start_waiting(migration: &mut Migration) -> Result<()> {
    let leader = migration.leader()?;
    start(migration, &leader).await?;
    see_target_used(migration, &leader, OP).await?;
    // One that was there before has left its session, and its lock, behind.
    let answer = leader.wait_settled(&migration.meta, migration.lock_outlives(Side::Target)).await?;
    if answer.is(ErrorCode::UNDER_RECOVERY) {
        return Ok(());
    }
    let why = format!("it answers {answer}: it serves, and nobody was told to recover");
    Err(leader.error(ErrorKind::Refused, OP, why))
}
