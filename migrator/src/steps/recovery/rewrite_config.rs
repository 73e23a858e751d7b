//! Every meta server's configuration tells it to wait for a recovery, and names the target.
//!
//! Both are one write of each file, for a supervisor may start a meta server at any moment: with `true` on the old ZooKeeper
//! it aborts, since data is there; with `false` on the new one it would make default tables (facts of the server, section 8).

use futures::FutureExt;
use futures::future::LocalBoxFuture;

use crate::config_file::{HOSTS_LIST, META_SERVER, RECOVER, ZOOKEEPER};
use crate::error::Result;
use crate::migration::Migration;
use crate::plan::StepName;
use crate::server::Server;
use crate::state::File;
use crate::step::{Standing, Step, Touches};
use crate::steps::blind::{Edit, put_all};
use crate::steps::preflight::written_hosts;

/// See the room.
pub(super) struct RewriteConfig;

impl Step for RewriteConfig {
    fn name(&self) -> StepName {
        StepName::RewriteConfig
    }

    fn purpose(&self) -> &'static str {
        "tells every meta server to wait for a recovery, on the new ZooKeeper"
    }

    fn touches(&self) -> Touches {
        Touches::Outage
    }

    fn holds_until(&self) -> Option<StepName> {
        Some(StepName::RestartAll)
    }

    fn describe(&self, migration: &Migration) -> Vec<String> {
        let target = written_hosts(&migration.plan.target.connect);
        let edit = |server: &Server| {
            let (host, file) = (&server.plan.host, server.plan.config_file.display());
            format!("{host}: {file}: [{META_SERVER}] {RECOVER} = true; [{ZOOKEEPER}] {HOSTS_LIST} = {target}")
        };
        migration.servers.iter().map(edit).collect()
    }

    fn check<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<Standing>> {
        async {
            let target = written_hosts(&migration.plan.target.connect);
            let edits = [(META_SERVER, RECOVER, Some("true")), (ZOOKEEPER, HOSTS_LIST, Some(target.as_str()))];
            for server in &migration.servers {
                let (before, after) = server.edited(&edits).await?;
                if before != after {
                    return Ok(Standing::Open(format!("the file of {} is another", server.address)));
                }
            }
            Ok(Standing::Done)
        }
        .boxed_local()
    }

    fn run<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            if migration.state.times.leader_starting.is_none() {
                migration.see_all_gone().await?;
            }
            let target = written_hosts(&migration.plan.target.connect);
            let told =
                || vec![(META_SERVER, RECOVER, Some("true".to_owned())), (ZOOKEEPER, HOSTS_LIST, Some(target.clone()))];
            let edits = migration.servers.iter().map(|server| (server.clone(), told())).collect();
            put_all(migration, edits).await
        }
        .boxed_local()
    }

    fn undo<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            let own = |file: &File| {
                vec![
                    (ZOOKEEPER, HOSTS_LIST, Some(file.hosts_list.clone())),
                    (META_SERVER, RECOVER, file.recover.clone()),
                ]
            };
            put_all(migration, of_files(migration, own)).await
        }
        .boxed_local()
    }
}

/// Gives every file its own word on recoveries back, or its own silence.
pub(super) async fn put_back_recover(migration: &mut Migration) -> Result<()> {
    let own = |file: &File| vec![(META_SERVER, RECOVER, file.recover.clone())];
    put_all(migration, of_files(migration, own)).await
}

/// Edits by what each file had.
fn of_files(migration: &Migration, edits: impl Fn(&File) -> Vec<Edit>) -> Vec<(Server, Vec<Edit>)> {
    let files = &migration.state.files;
    let known = |server: &Server| Some((server.clone(), edits(files.get(&server.address)?)));
    migration.servers.iter().filter_map(known).collect()
}
