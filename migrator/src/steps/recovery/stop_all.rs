//! All meta servers are stopped, the leader last, so that no election is for nothing.

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use replicator::error::Side;

use crate::error::Result;
use crate::migration::Migration;
use crate::pegasus::types::Level;
use crate::plan::StepName;
use crate::server::Server;
use crate::state::now_ms;
use crate::step::{Standing, Step, Touches};
use crate::steps::blind::set;
use crate::steps::stop_followers::{partly, start_on_source, stop};

/// See the room.
pub(super) struct StopAll;

impl Step for StopAll {
    fn name(&self) -> StepName {
        StepName::StopAll
    }

    fn purpose(&self) -> &'static str {
        "stops all meta servers: the outage begins"
    }

    fn touches(&self) -> Touches {
        Touches::Outage
    }

    fn holds_until(&self) -> Option<StepName> {
        Some(StepName::StartLeader)
    }

    fn describe(&self, migration: &Migration) -> Vec<String> {
        let stop = |server: &Server| format!("{}: {} (if it runs)", server.plan.host, server.plan.stop.as_str());
        migration.servers.iter().map(stop).collect()
    }

    fn check<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<Standing>> {
        async {
            Ok(match migration.see_all_gone().await {
                Ok(()) => Standing::Done,
                Err(error) => Standing::Open(error.to_string()),
            })
        }
        .boxed_local()
    }

    fn run<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            if migration.state.leader.is_none() {
                // Where nobody leads, anybody can lead the recovery.
                let primary = migration.meta.primary().await.ok();
                let leader = migration.servers.iter().find(|server| Some(&server.address) == primary.as_ref());
                let leader = leader.or(migration.servers.first()).map(|server| server.address.clone());
                migration.state.leader = leader;
            }
            let times = &mut migration.state.times;
            times.leader_stopping = times.leader_stopping.or(Some(now_ms()));
            for server in migration.followers() {
                stop(migration, &server).await?;
            }
            let leader = migration.leader()?;
            stop(migration, &leader).await?;
            migration.see_all_gone().await?;
            migration.state.times.leader_gone = Some(now_ms());
            Ok(())
        }
        .boxed_local()
    }

    fn undo<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            let ran = |server: &Server| migration.state.recovery.ran.contains(&server.address);
            let mut servers: Vec<Server> = migration.servers.iter().filter(|server| ran(server)).cloned().collect();
            servers.sort_by_key(|server| Some(&server.address) != migration.state.leader.as_ref());
            let mut left = Vec::new();
            for server in &servers {
                left.extend(start_on_source(migration, server).await.err());
            }
            // Whoever it is that leads, it has waited for the last leader's session to expire.
            if !servers.is_empty() {
                left.extend(migration.wait_led(Side::Source).await.err());
                if let Some(level) = migration.state.level.as_deref().and_then(Level::from_name) {
                    left.extend(set(migration, level).await.err());
                }
            }
            partly("start the meta servers on the old ZooKeeper", &left)?;
            let times = &mut migration.state.times;
            (times.leader_stopping, times.leader_gone, migration.state.leader) = (None, None, None);
            Ok(())
        }
        .boxed_local()
    }
}
