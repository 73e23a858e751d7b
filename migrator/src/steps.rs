//! The steps, a file each, and the order in which a method takes them; those of [`recovery`] have a room of their own.
//!
//! The order of `copy` closes what Pegasus's document leaves open: the followers go first, so that no election undoes what
//! the leader is told; `blind` stands in every configuration file before it is set, so that a leader that comes back is
//! blind too; and since blind stops not every write, what counts is the proof that is made when no meta server runs.

mod backup;
mod blind;
mod check_copy;
mod end_state;
mod findings;
mod pre_copy;
mod preflight;
pub mod recovery;
mod rewrite_config;
mod start_followers;
mod start_leader;
mod stop_followers;
mod stop_leader;
mod tripwire;
mod watch;

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use tokio::time::{Duration, Instant, sleep};
use tokio_util::sync::CancellationToken;

pub use self::findings::Findings;
pub use self::preflight::{look, same_hosts, written_hosts};
pub use self::recovery::RECOVERY;
use crate::conductor::Method;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::TARGET_ASKED_FOR;
use crate::migration::Migration;
use crate::plan::StepName;

/// Between two attempts to ask the target whether it was written.
const ASKED_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// By copying the tree.
pub static COPY: Method = Method {
    name: "copy",
    steps: &[
        &preflight::Preflight,
        &backup::Backup,
        &pre_copy::PreCopy,
        &stop_followers::StopFollowers,
        &blind::Blind,
        &stop_leader::StopLeader,
        &check_copy::CheckCopy,
        &rewrite_config::RewriteConfig,
        &start_leader::StartLeader,
        &start_followers::StartFollowers,
        &tripwire::Tripwire,
    ],
    way_back,
};

/// Steps before which nobody may pause: the cluster would have no meta server meanwhile.
pub const NO_PAUSE: [StepName; 5] =
    [StepName::CheckCopy, StepName::AwaitLeases, StepName::RewriteConfig, StepName::StartLeader, StepName::RestartAll];

/// There is one until the new ZooKeeper has taken a write: what was written there would be lost with it.
fn way_back(migration: &mut Migration) -> LocalBoxFuture<'_, Result<()>> {
    async move {
        if migration.state.times.leader_starting.is_none() {
            return Ok(());
        }
        match written_at_target(migration).await {
            Ok(None) => Ok(()),
            Ok(Some(why)) => Err(no_way_back(&why)),
            Err(error) => Err(unknown_way_back(error)),
        }
    }
    .boxed_local()
}

/// What was written at the target since the last proof; `None`: nothing. A target that can't be reached for a moment is asked
/// again: without its word there is no way back.
async fn written_at_target(migration: &mut Migration) -> Result<Option<String>> {
    let Some(certificate) = migration.state.certificate.clone() else { return Ok(None) };
    let (until, stop) = (Instant::now() + TARGET_ASKED_FOR, CancellationToken::new());
    loop {
        match migration.trees()?.written_at_target(&certificate, &stop).await {
            Err(error) if error.kind == ErrorKind::Unreachable && Instant::now() + ASKED_AGAIN_AFTER < until => {
                migration.say(&format!("{error}; asks again"));
                sleep(ASKED_AGAIN_AFTER).await;
            }
            asked => return asked,
        }
    }
}

fn no_way_back(why: &str) -> Error {
    Error::new(
        ErrorKind::Refused,
        "target",
        "go back",
        format!(
            "the new ZooKeeper has taken writes ({why}), which the old one does not have: going back would lose them. Go on: \
             see that the meta servers run on the new ZooKeeper (zkmigrator resume does it). Only if nothing of what was \
             written since is needed: stop all meta servers, give them back their old hosts_list, and start them"
        ),
    )
}

/// The target does not say whether there is a way back.
fn unknown_way_back(mut error: Error) -> Error {
    error.why = format!(
        "{}: whether the new ZooKeeper has taken writes, which going back would lose, can't be seen. See that it can be \
         reached, then zkmigrator rollback, or zkmigrator resume to go on. Only if it is gone for good: stop all meta \
         servers, give them back their old hosts_list, and start them",
        error.why
    );
    error
}
