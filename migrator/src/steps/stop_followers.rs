//! All meta servers but the leader are stopped, so that nobody takes over what the leader is told.

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use replicator::error::Side;

use super::blind::put_all;
use super::preflight::{same_hosts, written_hosts};
use crate::config_file::{HOSTS_LIST, ZOOKEEPER};
use crate::error::{Error, ErrorKind, Result};
use crate::migration::Migration;
use crate::pegasus::client::Role;
use crate::plan::StepName;
use crate::server::{Process, Server};
use crate::step::{Standing, Step, Touches};

/// See the room.
pub(super) struct StopFollowers;

impl Step for StopFollowers {
    fn name(&self) -> StepName {
        StepName::StopFollowers
    }

    fn purpose(&self) -> &'static str {
        "stops all meta servers but the leader"
    }

    fn touches(&self) -> Touches {
        Touches::Cluster
    }

    fn holds_until(&self) -> Option<StepName> {
        Some(StepName::StartLeader)
    }

    fn describe(&self, migration: &Migration) -> Vec<String> {
        let stop = |server: &Server| format!("{}: {} (unless it leads)", server.plan.host, server.plan.stop.as_str());
        migration.servers.iter().map(stop).collect()
    }

    fn check<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<Standing>> {
        async {
            for server in migration.followers() {
                if server.process().await? != Process::Gone {
                    return Ok(Standing::Open(format!("{} is not gone", server.address)));
                }
            }
            Ok(if migration.state.leader.is_some() {
                Standing::Done
            } else {
                Standing::Open("nobody leads".to_owned())
            })
        }
        .boxed_local()
    }

    fn run<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            let leader = migration.meta.primary().await?;
            migration.server(&leader)?;
            migration.state.leader = Some(leader.clone());
            for server in migration.followers() {
                stop(migration, &server).await?;
            }
            see_followers_gone(migration).await?;
            // An election among those that were being stopped would have made another leader, which is stopped by now.
            let leads = migration.leader()?;
            match migration.meta.role(&leads.address).await? {
                Role::Primary => Ok(()),
                Role::Follower(_) => {
                    Err(leads.error(ErrorKind::Refused, "lead", "it leads no longer, and the others were stopped"))
                }
            }
        }
        .boxed_local()
    }

    fn undo<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            let mut left = Vec::new();
            for server in migration.servers.clone() {
                left.extend(start_on_source(migration, &server).await.err());
            }
            left.extend(migration.wait_led(Side::Source).await.err());
            partly("start the meta servers on the old ZooKeeper", &left)
        }
        .boxed_local()
    }
}

/// What could not be taken back, if anything.
pub(super) fn partly(op: &str, left: &[Error]) -> Result<()> {
    if left.is_empty() {
        return Ok(());
    }
    let why: Vec<String> = left.iter().map(ToString::to_string).collect();
    Err(Error::new(ErrorKind::Partly, "cluster", op, why.join("; ")))
}

/// Gives a server back its old `hosts_list`, starts it if it is gone, and sees that it uses the old ZooKeeper. One whose file
/// can't be seen to is not started: on the new ZooKeeper it would lead.
pub(super) async fn start_on_source(migration: &mut Migration, server: &Server) -> Result<()> {
    let own = migration.state.files.get(&server.address).map(|file| file.hosts_list.clone());
    put_all(migration, vec![(server.clone(), vec![(ZOOKEEPER, HOSTS_LIST, own)])]).await?;
    start(migration, server).await?;
    let hosts = migration.meta.config_value(&server.address, HOSTS_LIST).await?;
    if same_hosts(&hosts, &written_hosts(&migration.plan.source.connect)) {
        return Ok(());
    }
    // Started with what its file held before: a command that was given up has come through after all.
    stop(migration, server).await?;
    Err(server.error(ErrorKind::Refused, "use the old ZooKeeper", format!("it used {hosts}, and was stopped")))
}

/// Stops a server that runs, and sees it gone.
pub(super) async fn stop(migration: &mut Migration, server: &Server) -> Result<()> {
    if server.process().await? == Process::Gone {
        return Ok(());
    }
    let what = format!("stop {}", server.address);
    migration.about_to_for(&what, migration.plan.limits.stop_max)?;
    let output = server.stop().await?;
    server.wait_gone().await?;
    migration.did(what, Some(output))
}

/// Starts a server that is gone, and waits until it answers in whatever role.
pub(super) async fn start(migration: &mut Migration, server: &Server) -> Result<()> {
    if server.process().await? == Process::Gone {
        let what = format!("start {}", server.address);
        migration.about_to_for(&what, migration.plan.limits.start_max)?;
        let output = server.start().await?;
        migration.did(what, Some(output))?;
    }
    server.wait_answers(&migration.meta).await
}

/// Looks again whether all but the leader are gone, and have stayed it.
pub(super) async fn see_followers_gone(migration: &Migration) -> Result<()> {
    for server in migration.followers() {
        match server.process().await? {
            Process::Gone => {}
            Process::Running(why) | Process::Unclear(why) => {
                let why = format!("{why}: does a supervisor bring it back? its stop command must keep it stopped");
                return Err(server.error(ErrorKind::Refused, "stay stopped", why));
            }
        }
    }
    Ok(())
}
