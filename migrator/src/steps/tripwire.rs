//! The old tree is watched: whoever still writes there has not been told of the new one.

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use replicator::session::watch::Scope;
use replicator::znode::ZnodePath;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, ErrorKind, Result};
use crate::migration::Migration;
use crate::plan::StepName;
use crate::step::{Standing, Step, Touches};

/// See the room.
pub(super) struct Tripwire;

impl Step for Tripwire {
    fn name(&self) -> StepName {
        StepName::Tripwire
    }

    fn purpose(&self) -> &'static str {
        "watches the old tree for whoever still writes there"
    }

    fn touches(&self) -> Touches {
        Touches::Nothing
    }

    fn describe(&self, migration: &Migration) -> Vec<String> {
        let time = humantime::format_duration(migration.plan.limits.tripwire);
        vec![format!("compare the old tree with the last proof, and watch it for {time}")]
    }

    fn check<'a>(&'a self, _: &'a mut Migration) -> LocalBoxFuture<'a, Result<Standing>> {
        async { Ok(Standing::Done) }.boxed_local()
    }

    fn run<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            migration.say(&format!("for {}", humantime::format_duration(migration.plan.limits.tripwire)));
            let heard = watch(migration).await;
            // What a watch does not tell, or was before it.
            let written = match migration.state.certificate.clone() {
                // What was written until a person was told is told.
                _ if migration.state.alarmed => Ok(None),
                Some(file) => migration.trees()?.written_at_source(&file, &CancellationToken::new()).await,
                None => Ok(None),
            };
            match (heard, written) {
                (Ok(Some(why)), _) | (_, Ok(Some(why))) => {
                    migration.state.alarmed = true;
                    Err(alarm(&why))
                }
                (Ok(None), Ok(None)) => Ok(()),
                // The old ZooKeeper was why all this was done: that it is gone is no failure of the migration.
                (Err(error), _) | (_, Err(error)) => {
                    migration.note(format!("whether somebody still writes to the old tree could not be seen: {error}"));
                    Ok(())
                }
            }
        }
        .boxed_local()
    }

    fn undo<'a>(&'a self, _: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async { Ok(()) }.boxed_local()
    }
}

/// Waits for a write below the root, but for those below the lock, where sessions expire.
async fn watch(migration: &mut Migration) -> Result<Option<String>> {
    let (time, stop) = (migration.plan.limits.tripwire, migration.stop.clone());
    let failed = |error: replicator::error::Error| {
        Error::new(ErrorKind::Unreachable, "source", "watch the old tree", error.to_string())
    };
    migration.teller.waits("writes to the old tree, which should not come", time);
    let trees = migration.trees()?;
    let lock = trees.lock_below_root();
    let lane = trees.root_at_source().await?;
    let watched = async {
        let mut events = lane.watch(&ZnodePath::root(), Scope::Tree).await.map_err(failed)?;
        let first = async {
            while let Some(event) = events.next().await {
                let path = event.path.as_str();
                let below = lock.as_deref().is_some_and(|lock| path == lock || path.starts_with(&format!("{lock}/")));
                if !below {
                    return Ok(Some(format!("{path} was written ({:?})", event.change)));
                }
            }
            Err(Error::new(ErrorKind::Unreachable, "source", "watch the old tree", "the session ended"))
        };
        tokio::select! {
            first = timeout(time, first) => first.unwrap_or(Ok(None)),
            () = stop.cancelled() => Err(Error::new(ErrorKind::Interrupted, "source", "watch the old tree", "it was interrupted")),
        }
    };
    let watched = watched.await;
    lane.close().await;
    watched
}

fn alarm(why: &str) -> Error {
    Error::new(
        ErrorKind::Alarm,
        "source",
        "stand still",
        format!(
            "somebody still writes to the old tree: {why}. The cluster serves on the new ZooKeeper; look for a meta server that \
             runs on the old one, and stop it"
        ),
    )
}
