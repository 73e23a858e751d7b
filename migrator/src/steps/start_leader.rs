//! The leader is started on the target, still blind, and looked at before anybody else is started.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use replicator::error::Side;
use tokio_util::sync::CancellationToken;

use super::preflight::{same_hosts, written_hosts};
use super::{no_way_back, stop_followers, unknown_way_back, written_at_target};
use crate::config_file::HOSTS_LIST;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::Entry;
use crate::migration::Migration;
use crate::pegasus::messages::{AppInfo, PartitionConfig};
use crate::pegasus::metadata::Metadata;
use crate::pegasus::types::{AppStatus, Level};
use crate::plan::StepName;
use crate::server::{Process, Server};
use crate::state::now_ms;
use crate::step::{Standing, Step, Touches};

/// See the room.
pub(super) struct StartLeader;

impl Step for StartLeader {
    fn name(&self) -> StepName {
        StepName::StartLeader
    }

    fn purpose(&self) -> &'static str {
        "starts the leader on the new ZooKeeper, and looks at what it serves"
    }

    fn touches(&self) -> Touches {
        Touches::Outage
    }

    fn holds_until(&self) -> Option<StepName> {
        Some(StepName::StartFollowers)
    }

    fn describe(&self, migration: &Migration) -> Vec<String> {
        let start = |server: &Server| format!("{}: {} (if it led)", server.plan.host, server.plan.start.as_str());
        let mut lines: Vec<String> = migration.servers.iter().map(start).collect();
        lines.push("see that it uses the target, is blind, and serves the same tables and partitions".to_owned());
        lines
    }

    fn check<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<Standing>> {
        leader_uses_target(migration).boxed_local()
    }

    fn run<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            let leader = migration.leader()?;
            let is_gone = leader.process().await? == Process::Gone;
            let again = migration.state.times.leader_starting.is_some();
            if is_gone || !again {
                let away = migration.away();
                away.bound(Box::pin(look_before(migration))).await?;
                migration.state.times.leader_starting = Some(now_ms());
            } else if migration.state.times.leader_serves.is_none() {
                // What it shows is compared with the copy, which must still be the one that was proven.
                untouched(migration).await?;
            }
            // One that was started by a process that is gone by now may have to wait for its own former session.
            let away =
                if again { migration.away().longer(migration.lock_outlives(Side::Target)) } else { migration.away() };
            let longer = if again { migration.lock_outlives(Side::Target) } else { Duration::ZERO };
            away.bound(async {
                stop_followers::start(migration, &leader).await?;
                leader.wait_leads(&migration.meta, longer).await
            })
            .await?;
            migration.end_away();
            migration.state.times.leader_serves = migration.state.times.leader_serves.or(Some(now_ms()));
            look(migration, &leader).await
        }
        .boxed_local()
    }

    fn undo<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            let leader = migration.leader()?;
            let ran = leader.process().await? != Process::Gone;
            stop_followers::stop(migration, &leader).await?;
            // Until it was gone it could write.
            if migration.state.times.leader_starting.is_some() {
                let no_way_back = match written_at_target(migration).await {
                    Ok(None) => None,
                    Ok(Some(why)) => Some(no_way_back(&why)),
                    Err(error) => Some(unknown_way_back(error)),
                };
                if let Some(error) = no_way_back {
                    return Err(serve_again(migration, &leader, ran, error).await);
                }
            }
            let times = &mut migration.state.times;
            (times.leader_starting, times.leader_serves) = (None, None);
            Ok(())
        }
        .boxed_local()
    }
}

/// There is no way back, or nobody knows of one: the leader is started again on the target where it ran, for nobody else
/// leads, and whoever resumes goes forward. Gives what is to be told.
async fn serve_again(migration: &mut Migration, leader: &Server, ran: bool, mut error: Error) -> Error {
    let on = migration.write(Entry::GoingOn);
    let started = if ran { stop_followers::start(migration, leader).await } else { Ok(()) };
    for more in [on, started].into_iter().filter_map(Result::err) {
        error.why = format!("{}; {more}", error.why);
    }
    error
}

/// Whether the leader runs, on the target.
pub(super) async fn leader_uses_target(migration: &Migration) -> Result<Standing> {
    let leader = migration.leader()?;
    Ok(match migration.meta.config_value(&leader.address, HOSTS_LIST).await {
        Ok(hosts) if same_hosts(&hosts, &written_hosts(&migration.plan.target.connect)) => Standing::Done,
        Ok(hosts) => Standing::Open(format!("{} uses {hosts}", leader.address)),
        Err(error) => Standing::Open(error.to_string()),
    })
}

/// An error where the leader uses another ZooKeeper than the target.
pub(super) async fn see_target_used(migration: &Migration, leader: &Server, op: &str) -> Result<()> {
    let target = written_hosts(&migration.plan.target.connect);
    let hosts = migration.meta.config_value(&leader.address, HOSTS_LIST).await?;
    if same_hosts(&hosts, &target) {
        return Ok(());
    }
    let why = format!("it uses {hosts}, and not {target}: is the file that was edited the one it is started with?");
    Err(leader.error(ErrorKind::Refused, op, why))
}

/// The last look before there are two worlds: nobody is there, and neither tree was written since both were proven the same.
async fn look_before(migration: &mut Migration) -> Result<()> {
    migration.see_all_gone().await?;
    let Some(certificate) = migration.state.certificate.clone() else {
        return Err(Error::new(ErrorKind::Refused, "tree", "start a leader on the copy", "it was never proven"));
    };
    let (trees, stop) = (migration.trees()?.clone(), CancellationToken::new());
    let (at_source, at_target) =
        tokio::join!(trees.written_at_source(&certificate, &stop), trees.written_at_target(&certificate, &stop));
    let wrong = |subject: &str, why: &str| Error::new(ErrorKind::Refused, subject, "stand still since the proof", why);
    match at_source {
        Ok(None) => {}
        Ok(Some(why)) => return Err(wrong("source", &why)),
        // That it is gone may be why all this is done, and nobody was there who could have written.
        Err(error) => {
            migration.note(format!("whether the source was written since the proof could not be seen: {error}"));
        }
    }
    at_target?.map_or(Ok(()), |why| Err(wrong("target", &format!("somebody else has written to the copy: {why}"))))
}

/// An error where the copy was written since it was proven.
async fn untouched(migration: &mut Migration) -> Result<()> {
    match written_at_target(migration).await? {
        None => Ok(()),
        Some(why) => {
            let why = format!("it was written since the proof, and what the leader serves can't be compared: {why}");
            Err(Error::new(ErrorKind::Refused, "target", "be what was proven", why))
        }
    }
}

/// The new leader shows what the old one had: anything else, and it must not be given more than blind.
async fn look(migration: &mut Migration, leader: &Server) -> Result<()> {
    const OP: &str = "serve what there was";
    let wrong = |why: String| leader.error(ErrorKind::Refused, OP, why);
    see_target_used(migration, leader, OP).await?;
    let target = written_hosts(&migration.plan.target.connect);
    let info = migration.meta.cluster_info().await?;
    if !same_hosts(&info.zookeeper_hosts, &target) || info.zookeeper_root != migration.state.cluster_root {
        return Err(wrong(format!("it serves {} of {}", info.zookeeper_root, info.zookeeper_hosts)));
    }
    match migration.meta.level().await? {
        Level::Blind => {}
        level => return Err(wrong(format!("its level is {level}, and not blind as its configuration file says"))),
    }
    super::preflight::refresh_tables(migration).await?;
    // What is in ZooKeeper is what there was: a list that was asked for before may be older.
    super::check_copy::read(migration).await?;
    let (Some((_, copy)), Some(apps)) = (&migration.copy, &migration.apps) else {
        return Err(wrong("nothing was proven that it could be compared with".to_owned()));
    };
    let differences = differences(copy, apps, &migration.partitions);
    if differences.is_empty() { Ok(()) } else { Err(wrong(differences.join("; "))) }
}

/// Where tables or partitions are not what stands in the copy.
fn differences(copy: &Metadata, apps: &[AppInfo], partitions: &BTreeMap<i32, Vec<PartitionConfig>>) -> Vec<String> {
    let mut differences = copy.beside(apps).listed;
    for app in apps.iter().filter(|app| app.status == AppStatus::Available) {
        let stored = copy.apps.get(&app.app_id).map(|app| &app.partitions);
        let is_other = |config: &&PartitionConfig| {
            !stored.and_then(|stored| stored.get(&config.pid.index)).is_some_and(|stored| same(stored, config))
        };
        let served = partitions.get(&app.app_id).map_or(&[][..], Vec::as_slice);
        let others = served.iter().filter(is_other).count();
        if others > 0 || i32::try_from(served.len()) != Ok(app.partition_count) {
            differences.push(format!("{others} partition(s) of table {} ({}) are others", app.app_id, app.app_name));
        }
    }
    differences
}

/// Whether a partition is served as it is stored. What its primary reported last is not kept in ZooKeeper.
fn same(stored: &PartitionConfig, served: &PartitionConfig) -> bool {
    let kept = |config: &PartitionConfig| PartitionConfig { last_committed_decree: 0, ..config.clone().filled() };
    kept(stored) == kept(served)
}

#[cfg(test)]
mod tests;
