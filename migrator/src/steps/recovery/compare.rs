//! What came of it, beside the lists: each table, partition and node is accounted for, and what is another is named.

use futures::FutureExt;
use futures::future::LocalBoxFuture;

use crate::accounts::{Accounts, Saved};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::FINDINGS_MAX;
use crate::migration::{Migration, keep};
use crate::pegasus::shell;
use crate::plan::StepName;
use crate::state::{Tables, now_ms};
use crate::step::{Standing, Step, Touches};
use crate::steps::backup::save_tables;

/// See the room.
pub(super) struct Compare;

impl Step for Compare {
    fn name(&self) -> StepName {
        StepName::Compare
    }

    fn purpose(&self) -> &'static str {
        "accounts for each table, partition and node of the lists"
    }

    fn touches(&self) -> Touches {
        Touches::Nothing
    }

    fn describe(&self, _: &Migration) -> Vec<String> {
        vec!["compare tables, partition counts and nodes with the saved lists; name what was renamed or came back to life".to_owned()]
    }

    fn check<'a>(&'a self, _: &'a mut Migration) -> LocalBoxFuture<'a, Result<Standing>> {
        async { Ok(Standing::Done) }.boxed_local()
    }

    fn run<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            look(migration, "after").await?;
            migration.state.times.ended = Some(now_ms());
            let accounts = migration.state.recovery.accounts.clone().unwrap_or_default();
            let plan = &migration.plan.recovery;
            let lost = accounts.lost.iter().filter(|_| !plan.skip_lost_partitions).cloned();
            let missing = accounts.nodes_missing.iter().filter(|_| !plan.skip_bad_nodes);
            let missing = missing.map(|node| format!("replica server {node} is not there"));
            let all: Vec<String> = lost.chain(missing).collect();
            if all.is_empty() {
                return Ok(());
            }
            let why = format!(
                "{}. The cluster serves on the new ZooKeeper; [recovery] skip_lost_partitions accepts lost tables, skip_bad_nodes \
                 missing nodes: resume ends the migration then",
                all.join("; ")
            );
            Err(Error::new(ErrorKind::Alarm, "cluster", "account for what there was", why))
        }
        .boxed_local()
    }

    fn undo<'a>(&'a self, _: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async { Ok(()) }.boxed_local()
    }
}

/// Saves the lists of what there is now under this name, and says how it differs from what there was.
pub(super) async fn look(migration: &mut Migration, name: &str) -> Result<()> {
    save_tables(migration, &format!("apps.{name}")).await?;
    let nodes = migration.meta.list_nodes(None).await?;
    let (directory, file) = (migration.directory(), format!("nodes.{name}.list"));
    keep(&directory, &file, &shell::node_list(&file, &nodes, &migration.partitions))?;
    let apps = migration.apps.clone().unwrap_or_default();
    let accounts = Saved::read(&directory)?.beside(&apps, &nodes);
    migration.state.tables = Some(Tables { tables: accounts.tables, partitions: accounts.partitions });
    let Accounts { lost, renamed, revived, .. } = &accounts;
    let named = [("lost", lost), ("renamed", renamed), ("came back to life", revived)];
    let lines = named.iter().flat_map(|(what, list)| list.iter().map(move |table| format!("{what}: {table}")));
    let lines: Vec<String> = lines.take(FINDINGS_MAX).collect();
    migration.state.recovery.accounts = Some(accounts);
    for line in lines {
        // It was said when the tables were rebuilt.
        if !migration.state.notes.contains(&line) {
            migration.note(line);
        }
    }
    Ok(())
}
