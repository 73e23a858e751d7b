//! By recovery: the metadata is rebuilt from what the replica servers have, into an empty ZooKeeper.
//!
//! Pegasus's document on metadata recovery in eight steps, each seen done before the next. It is an outage: replica servers
//! must be inactive before tables are rebuilt from them. The way back is open until `start recovery` is sent; the record of
//! it is in the journal before that.

mod await_leases;
mod backup;
mod compare;
mod preflight;
mod recover;
mod restart_all;
mod rewrite_config;
mod start_leader;
mod stop_all;

use futures::FutureExt;
use futures::future::LocalBoxFuture;

pub use self::preflight::look;
use crate::conductor::Method;
use crate::error::{Error, ErrorKind, Result};
use crate::migration::Migration;

/// By metadata recovery.
pub static RECOVERY: Method = Method {
    name: "recovery",
    steps: &[
        &preflight::Preflight,
        &backup::Backup,
        &stop_all::StopAll,
        &await_leases::AwaitLeases,
        &rewrite_config::RewriteConfig,
        &start_leader::StartLeader,
        &recover::Recover,
        &restart_all::RestartAll,
        &compare::Compare,
    ],
    way_back,
};

/// There is one until `start recovery` was sent: a meta server that serves gives partitions new primaries, with ballots
/// above those that the old ZooKeeper has.
fn way_back(migration: &mut Migration) -> LocalBoxFuture<'_, Result<()>> {
    async move {
        if migration.state.recovery.sent.is_none() {
            return Ok(());
        }
        let answer = migration.state.recovery.answer.as_deref();
        let answer = answer.map_or("its outcome is not known".to_owned(), |answer| format!("its answer was {answer}"));
        Err(Error::new(
            ErrorKind::Refused,
            "cluster",
            "go back",
            format!(
                "start recovery was sent ({answer}): the replica servers may have moved on, above the ballots that the old \
                 ZooKeeper has. Go on: see to the cause and resume; [recovery] skip_bad_nodes and skip_lost_partitions of the \
                 plan accept a loss. Only if no meta server has served on the new ZooKeeper since, which a person must see for \
                 certain: stop all meta servers, give the configuration files their former content (beside each, named after \
                 {}), and start them",
                migration.state.id
            ),
        ))
    }
    .boxed_local()
}
