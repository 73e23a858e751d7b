//! The tree is copied while the cluster is live, so that little is left to do while it stands still.
//!
//! A copier that asks too much can cost a weak ZooKeeper its sessions, and a meta server that loses its session ends
//! (meta_server_failure_detector.cpp:182-192). So both sides are asked with care, and whoever stands in line for the lock is
//! watched: when one of them loses its session, the copy stops.

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use replicator::error::Side;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::watch::lost_session;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::WATCHED_EVERY;
use crate::lock;
use crate::migration::Migration;
use crate::plan::StepName;
use crate::step::{Standing, Step, Touches};

/// What may be done about a session that was lost.
const OVERLOADED: &str = "Is the source overloaded? [limits.source_pace] latency_max makes the copy slower";
/// Copies while the cluster is live and writes: what still differs then is for the delta.
const ROUNDS_MAX: usize = 5;
/// Of a hundred znodes, how many may still differ.
const STILL_DIFFERENT_MAX: u64 = 1;

/// See the room.
pub(super) struct PreCopy;

impl Step for PreCopy {
    fn name(&self) -> StepName {
        StepName::PreCopy
    }

    fn purpose(&self) -> &'static str {
        "copies the tree while the cluster is live, and compares all of it"
    }

    fn touches(&self) -> Touches {
        Touches::Target
    }

    fn holds_until(&self) -> Option<StepName> {
        // What was read by a process that is gone must be read again, which had better be done before anything is stopped.
        Some(StepName::StopFollowers)
    }

    fn describe(&self, migration: &Migration) -> Vec<String> {
        let (source, target) = (&migration.plan.source.connect, &migration.plan.target.connect);
        let root = &migration.state.cluster_root;
        let copy = if root.is_empty() {
            "zkreplicator copy --verify of the cluster's root, which is not known".to_owned()
        } else {
            format!("zkreplicator copy --verify {}{root} {}{root}", source.servers(), target.servers())
        };
        vec![copy, "stop it when a meta server loses its ZooKeeper session".to_owned()]
    }

    fn check<'a>(&'a self, _: &'a mut Migration) -> LocalBoxFuture<'a, Result<Standing>> {
        async { Ok(Standing::Open("what was compared by another process is compared again".to_owned())) }.boxed_local()
    }

    fn run<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            if !migration.state.copied {
                let there = migration.trees()?.at_target().await?;
                if there > 0 && migration.plan.policy.target_must_be_empty {
                    let why = format!("it has {there} znode(s) below the cluster's root by now: nothing was changed");
                    return Err(Error::new(ErrorKind::Refused, "target", "be copied to", why));
                }
                migration.state.target_was_empty = there == 0;
            }
            migration.state.copied = true;
            migration.about_to("copy the tree")?;
            let lane = migration.trees()?.lock_at_source().await?;
            let line = lock::holders(&lane).await?;
            let copied = tokio::select! {
                copied = copy_until_equal(migration) => copied,
                lost = lost_session(&lane, &line, OVERLOADED) => Err(lost),
            };
            lane.close().await;
            let said = copied?;
            migration.did("copy the tree", Some(said))
        }
        .boxed_local()
    }

    fn undo<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        remove_from_target(migration).boxed_local()
    }
}

/// Removes what we, or a meta server that we started, have left at the target.
pub(super) async fn remove_from_target(migration: &mut Migration) -> Result<()> {
    if !migration.state.copied {
        return Ok(());
    }
    if !migration.state.target_was_empty {
        migration.note("the target was not empty before, and is left as it is: the copy stays there");
        return Ok(());
    }
    migration.about_to("remove the copy from the target")?;
    // A target that is gone must not keep a cluster from being served.
    if let Err(error) = wait_for_lock(migration).await {
        migration.note(format!("whether a lock is left at the target could not be seen: {error}"));
    }
    // Nobody uses it. That it could not be removed is nothing that a cluster would have to wait for.
    let removed = migration.trees()?.remove_target(&CancellationToken::new()).await;
    match &removed {
        Ok(_) => migration.state.copied = false,
        Err(error) => {
            let target = migration.trees()?.target().to_string();
            migration
                .note(format!("the copy could not be removed ({error}): remove it by hand: zkreplicator rm {target}"));
        }
    }
    migration.did("remove the copy from the target", removed.ok().map(|znodes| format!("{znodes} znodes")))
}

/// Waits until the lock nodes of a leader that was started there and stopped again have gone with its session.
async fn wait_for_lock(migration: &mut Migration) -> Result<()> {
    let until = Instant::now() + migration.lock_outlives(Side::Target) + WATCHED_EVERY;
    migration.teller.waits("the lock of a meta server that was stopped", migration.lock_outlives(Side::Target));
    let lane = migration.trees()?.lock_at_target().await?;
    while Instant::now() < until {
        match lock::holders(&lane).await {
            Ok(holders) if holders.iter().any(|holder| holder.session != 0) => sleep(WATCHED_EVERY).await,
            // What can't be looked at is told of by who removes.
            _ => break,
        }
    }
    lane.close().await;
    Ok(())
}

/// Copies and compares until nothing differs, or little enough.
async fn copy_until_equal(migration: &mut Migration) -> Result<String> {
    let (max, stop) = (migration.plan.limits.verify_max, migration.stop.clone());
    let trees = migration.trees()?;
    let mut last = String::new();
    for round in 1..=ROUNDS_MAX {
        let copied = trees.copy(true, &trees.teller.counting("copy"), &stop).await?;
        let verified = timeout(max, trees.verify(copied.target_zxid, true, &stop)).await.map_err(|_| {
            let max = humantime::format_duration(max);
            Error::new(ErrorKind::TimedOut, "tree", "compare", format!("it took longer than verify_max, {max}"))
        })??;
        let (differ, znodes) = (verified.differences.total(), verified.source.sum.znodes);
        last = format!("{znodes} znodes compared, {differ} differ, round {round}");
        if verified.is_equal() || round == ROUNDS_MAX && differ * 100 <= znodes * STILL_DIFFERENT_MAX {
            return Ok(last);
        }
    }
    Err(Error::new(
        ErrorKind::Refused,
        "source",
        "copy it while it is live",
        format!("it changes faster than it can be copied: {last}; migrate when less happens in the cluster"),
    ))
}
