//! The last look of a way back: whether everything is as it was before the migration.
//!
//! A command that was given up over ssh may go on at its host, and land behind the step that has taken it back. What has
//! landed until now is seen here; what lands still later nobody can know.

use tokio::time::{Instant, sleep};

use super::preflight::{same_hosts, written_hosts};
use super::stop_followers::partly;
use crate::config_file::{ConfigFile, HOSTS_LIST, META_SERVER, RECOVER, START_LEVEL, ZOOKEEPER};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{AS_IT_WAS_WITHIN, WATCHED_EVERY};
use crate::migration::Migration;
use crate::server::{Process, Server};
use crate::state::File;

/// Looks at every configuration file that the migration knows, and at the process of every meta server that `ran`.
pub(super) async fn as_it_was(migration: &Migration, ran: impl Fn(&Server) -> bool) -> Result<()> {
    let until = Instant::now() + AS_IT_WAS_WITHIN;
    loop {
        let left = others(migration, &ran).await;
        if left.is_empty() || Instant::now() >= until {
            return partly("be what it was", &left);
        }
        sleep(WATCHED_EVERY).await;
    }
}

/// What is not as it was.
async fn others(migration: &Migration, ran: impl Fn(&Server) -> bool) -> Vec<Error> {
    let mut left = Vec::new();
    for server in &migration.servers {
        let Some(file) = migration.state.files.get(&server.address) else { continue };
        left.extend(file_as_it_was(server, file).await.err());
        if ran(server) {
            left.extend(runs_as_it_did(migration, server).await.err());
        }
    }
    left
}

/// What the migration writes has its former value. What else somebody has written is his.
async fn file_as_it_was(server: &Server, before: &File) -> Result<()> {
    let now = server.config().await?;
    let keys = [
        (ZOOKEEPER, HOSTS_LIST, Some(before.hosts_list.as_str())),
        (META_SERVER, START_LEVEL, before.start_level.as_deref()),
        (META_SERVER, RECOVER, before.recover.as_deref()),
    ];
    let others: Vec<String> = keys.iter().filter_map(|key| other(&now, *key)).collect();
    if others.is_empty() {
        return Ok(());
    }
    let why = format!(
        "{} has {}: a command that was given up has come through after all: put it back before the server starts \
         again; zkmigrator rollback looks once more",
        server.plan.config_file.display(),
        others.join(", ")
    );
    Err(server.error(ErrorKind::Refused, "have its configuration file as it was", why))
}

fn other(file: &ConfigFile, (section, key, before): (&str, &str, Option<&str>)) -> Option<String> {
    match file.get(section, key) {
        Ok(now) if now == before => None,
        Ok(now) => Some(format!("[{section}] {key} {now:?}, which was {before:?}")),
        Err(error) => Some(error.to_string()),
    }
}

async fn runs_as_it_did(migration: &Migration, server: &Server) -> Result<()> {
    let wrong = |why: String| -> Error { server.error(ErrorKind::Refused, "run as it did", why) };
    match server.process().await? {
        Process::Running(_) => {}
        Process::Gone => return Err(wrong("it is gone, and it ran: start it".to_owned())),
        Process::Unclear(why) => return Err(wrong(why)),
    }
    let source = written_hosts(&migration.plan.source.connect);
    let hosts = migration.meta.config_value(&server.address, HOSTS_LIST).await?;
    if same_hosts(&hosts, &source) { Ok(()) } else { Err(wrong(format!("it uses {hosts}, and not {source}: stop it"))) }
}
