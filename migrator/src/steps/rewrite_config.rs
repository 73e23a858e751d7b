//! Every meta server's configuration names the target. The level that a leader starts with stays blind: the new leader is
//! looked at before it may write.

use futures::FutureExt;
use futures::future::LocalBoxFuture;

use super::blind::put_all;
use super::preflight::{same_hosts, written_hosts};
use super::stop_followers::partly;
use crate::config_file::{HOSTS_LIST, META_SERVER, START_LEVEL, ZOOKEEPER};
use crate::error::Result;
use crate::migration::Migration;
use crate::plan::StepName;
use crate::server::Server;
use crate::step::{Standing, Step, Touches};

/// See the room.
pub(super) struct RewriteConfig;

impl Step for RewriteConfig {
    fn name(&self) -> StepName {
        StepName::RewriteConfig
    }

    fn purpose(&self) -> &'static str {
        "gives every meta server the new hosts_list"
    }

    fn touches(&self) -> Touches {
        Touches::Outage
    }

    fn describe(&self, migration: &Migration) -> Vec<String> {
        let target = written_hosts(&migration.plan.target.connect);
        let edit = |server: &Server| {
            let file = server.plan.config_file.display();
            format!("{}: {file}: [{ZOOKEEPER}] {HOSTS_LIST} = {target}", server.plan.host)
        };
        migration.servers.iter().map(edit).collect()
    }

    fn check<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<Standing>> {
        async {
            let target = written_hosts(&migration.plan.target.connect);
            for server in &migration.servers {
                let (hosts, _) = server.configured().await?;
                if !hosts.as_deref().is_some_and(|hosts| same_hosts(hosts, &target)) {
                    return Ok(Standing::Open(format!("{} has hosts_list {hosts:?}", server.address)));
                }
            }
            Ok(Standing::Done)
        }
        .boxed_local()
    }

    fn run<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            let away = migration.away();
            away.bound(async {
                if migration.state.times.leader_starting.is_none() {
                    migration.see_all_gone().await?;
                }
                let target = written_hosts(&migration.plan.target.connect);
                // Once more blind: whoever has written another level there meanwhile must not have a leader that writes.
                let edits =
                    [(ZOOKEEPER, HOSTS_LIST, Some(target)), (META_SERVER, START_LEVEL, Some("blind".to_owned()))];
                let edits = migration.servers.iter().map(|server| (server.clone(), edits.to_vec())).collect();
                put_all(migration, edits).await
            })
            .await
        }
        .boxed_local()
    }

    fn undo<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            let mut left = Vec::new();
            for server in migration.servers.clone() {
                let own = migration.state.files.get(&server.address).map(|file| file.hosts_list.clone());
                let edit = vec![(server, vec![(ZOOKEEPER, HOSTS_LIST, own)])];
                left.extend(put_all(migration, edit).await.err());
            }
            partly("put back hosts_list", &left)
        }
        .boxed_local()
    }
}
