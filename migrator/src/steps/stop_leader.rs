//! The leader is stopped: only now can nothing write. What has changed until then is sent, and both trees are proven the
//! same; from here until a leader runs again everything is bounded by `meta_away_max`.

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use replicator::error::Side;
use tokio::time::Duration;

use super::stop_followers;
use crate::error::{Error, ErrorKind, Result};
use crate::lock;
use crate::migration::Migration;
use crate::pegasus::types::Level;
use crate::plan::StepName;
use crate::server::{Process, Server};
use crate::session::connect;
use crate::state::now_ms;
use crate::step::{Standing, Step, Touches};

/// The timeout of the session that deletes a lock node: it is open for a moment.
const DELETED_WITHIN: Duration = Duration::from_secs(10);

/// See the room.
pub(super) struct StopLeader;

impl Step for StopLeader {
    fn name(&self) -> StepName {
        StepName::StopLeader
    }

    fn purpose(&self) -> &'static str {
        "stops the leader, sends the last changes, and proves both trees the same"
    }

    fn touches(&self) -> Touches {
        Touches::Outage
    }

    fn holds_until(&self) -> Option<StepName> {
        Some(StepName::StartLeader)
    }

    fn describe(&self, migration: &Migration) -> Vec<String> {
        let away = humantime::format_duration(migration.plan.limits.meta_away_max);
        let stop = |server: &Server| format!("{}: {} (if it leads)", server.plan.host, server.plan.stop.as_str());
        let mut lines: Vec<String> = migration.servers.iter().map(stop).collect();
        lines.push("send the last changes; prove that both trees are the same".to_owned());
        lines.push(format!("go back if no leader has been started within {away}"));
        lines
    }

    fn check<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<Standing>> {
        async {
            // Whoever brought a meta server back meanwhile, and stopped it again, may have let it write.
            Ok(Standing::Open(match migration.see_all_gone().await {
                Ok(()) => "it is proven again".to_owned(),
                Err(error) => error.to_string(),
            }))
        }
        .boxed_local()
    }

    fn run<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            let leader = migration.leader()?;
            if leader.process().await? != Process::Gone {
                let lane = migration.trees()?.lock_at_source().await?;
                let holders = lock::holders(&lane).await;
                lane.close().await;
                migration.state.holders = holders?;
            }
            if leader.process().await? != Process::Gone {
                // What blind has let through is in the tree, and so it must be in the list.
                migration.apps = Some(migration.meta.list_apps(None).await?);
            }
            if let Ok(level) = migration.meta.level().await {
                if level != Level::Blind {
                    migration.note(format!(
                        "the level was {level} again when the leader was stopped; what was written meanwhile is in the last proof"
                    ));
                }
            }
            let times = &mut migration.state.times;
            (times.leader_stopping, times.leader_gone) = (times.leader_stopping.or(Some(now_ms())), None);
            migration.begin_away();
            let away = migration.away();
            away.bound(stop_followers::stop(migration, &leader)).await?;
            migration.state.times.leader_gone = Some(now_ms());
            away.bound(migration.see_all_gone()).await?;
            // Blind may have been lost, and what slips through it was written until now.
            let proof = away.bound(migration.prove()).await?;
            let kind = if proof.is_full() { "in full" } else { "ACLs by their versions, all else in full" };
            migration.say(&format!(
                "{} znodes proven the same ({kind}) at zxid {} of the source",
                proof.znodes, proof.source_zxid
            ));
            Ok(())
        }
        .boxed_local()
    }

    fn undo<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            lead_on_source(migration).await?;
            migration.end_away();
            let times = &mut migration.state.times;
            (times.leader_stopping, times.leader_gone) = (None, None);
            migration.state.proof = None;
            Ok(())
        }
        .boxed_local()
    }
}

/// Sees that a meta server leads on the old ZooKeeper: the one that did, or another where that one can't be started.
pub(super) async fn lead_on_source(migration: &mut Migration) -> Result<()> {
    let leader = migration.leader()?;
    let times = migration.state.times;
    if times.leader_stopping.is_some() && times.leader_gone.is_none() {
        // It was told to stop, and may do so at any moment: one that is gone can be started again for certain.
        if let Err(error) = stop_followers::stop(migration, &leader).await {
            migration.note(format!("{error}; it is left as it is"));
        }
    }
    if let Err(error) = remove_stale_lock(migration, &leader).await {
        migration.note(format!("{error}; the leader waits until its former session expires"));
    }
    let mut left = Vec::new();
    for server in std::iter::once(leader).chain(migration.followers()) {
        match stop_followers::start_on_source(migration, &server).await {
            // Another may lead by now, if one came back: whoever it is, it is on the old ZooKeeper.
            Ok(()) => return migration.wait_led(Side::Source).await,
            Err(error) => left.push(error),
        }
    }
    stop_followers::partly("have a leader again", &left).map_err(|error| Error { kind: ErrorKind::Refused, ..error })
}

/// Deletes the stopped leader's own lock node at the source, so that it need not wait for its own former session. Only where
/// the plan says so, its process is gone, and the znode is the one that was seen before: the one write to the source.
async fn remove_stale_lock(migration: &mut Migration, leader: &Server) -> Result<()> {
    if !migration.plan.policy.remove_stale_lock || leader.process().await? != Process::Gone {
        return Ok(());
    }
    let lane = migration.trees()?.lock_at_source().await?;
    let now = lock::holders(&lane).await;
    lane.close().await;
    let now = now?;
    let mut stale = None;
    for holder in migration.state.holders.iter().filter(|holder| now.contains(holder)) {
        if lock::is_same_place(&holder.address, &leader.address).await {
            stale = Some(holder.clone());
            break;
        }
    }
    let Some(holder) = stale else {
        if !now.is_empty() {
            migration.note(format!(
                "none of the lock nodes that are left is known to be {}'s: none is removed",
                leader.address
            ));
        }
        return Ok(());
    };
    let lock = migration.trees()?.lock().to_owned();
    let what = format!("delete the stale lock node {lock}/{} of {}", holder.name, leader.address);
    migration.about_to(&what)?;
    let source = crate::migration::ensemble(&migration.plan.source)?;
    delete(&source, &format!("{lock}/{}", holder.name), holder.session).await?;
    migration.did(what, None)
}

/// Deletes a lock node, where it still is the one of this session.
async fn delete(source: &crate::trees::Ensemble, path: &str, session: i64) -> Result<()> {
    let failed =
        |error: zookeeper_client::Error| Error::new(ErrorKind::Refused, "source", "delete a znode", error.to_string());
    let client = connect(source, DELETED_WITHIN).await.map_err(failed)?;
    match client.check_stat(path).await.map_err(failed)? {
        // It went with its session meanwhile.
        None => Ok(()),
        Some(stat) if stat.ephemeral_owner == session => client.delete(path, Some(stat.version)).await.map_err(failed),
        Some(_) => {
            Err(Error::new(ErrorKind::Refused, "source", "delete a znode", format!("{path} is another's by now")))
        }
    }
}
