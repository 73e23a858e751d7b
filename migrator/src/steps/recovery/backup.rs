//! The lists that the document asks for, and the configuration files: from the meta servers, otherwise from the plan.

use futures::FutureExt;
use futures::future::LocalBoxFuture;

use crate::accounts::{APPS, NODES, RECOVER_NODES, from_file};
use crate::error::Result;
use crate::migration::{Migration, keep};
use crate::pegasus::shell;
use crate::pegasus::types::AppStatus;
use crate::plan::StepName;
use crate::step::{Standing, Step, Touches};
use crate::steps::backup::{all_there, files, forget_files, keep_configs, save_tables};

/// See the room.
pub(super) struct Backup;

impl Step for Backup {
    fn name(&self) -> StepName {
        StepName::Backup
    }

    fn purpose(&self) -> &'static str {
        "saves the lists of tables and nodes and the configuration files beside the journal"
    }

    fn touches(&self) -> Touches {
        Touches::Nothing
    }

    fn describe(&self, migration: &Migration) -> Vec<String> {
        let files = files(migration, &[APPS, NODES, RECOVER_NODES]);
        let nodes = migration.state.recovery.nodes.join(", ");
        vec![
            format!("write {} into {}", files.join(", "), migration.directory().display()),
            format!("{RECOVER_NODES}: {nodes}"),
        ]
    }

    fn check<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<Standing>> {
        async {
            // The lists are there only where somebody could give them.
            Ok(all_there(migration, &[RECOVER_NODES]))
        }
        .boxed_local()
    }

    fn run<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            let directory = migration.directory();
            migration.about_to(format!("write the backup into {}", directory.display()))?;
            if migration.state.level.is_some() {
                save_tables(migration, "apps").await?;
                let nodes = migration.meta.list_nodes(None).await?;
                keep(&directory, NODES, &shell::node_list(NODES, &nodes, &migration.partitions))?;
                note_losses(migration);
            } else {
                let plan = migration.plan.recovery.clone();
                for (file, name) in [(plan.app_list, APPS), (plan.node_list, NODES)] {
                    let Some(file) = file else { continue };
                    keep(&directory, name, &from_file(&file, |text| Ok(text.to_owned()))?)?;
                }
            }
            keep_configs(migration).await?;
            keep(&directory, RECOVER_NODES, &(migration.state.recovery.nodes.join("\n") + "\n"))?;
            migration.did("write the backup", None)
        }
        .boxed_local()
    }

    fn undo<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        // What was saved is there for whoever wants to know what there was.
        forget_files(migration).boxed_local()
    }
}

/// What no replica server has, and so can't come back (facts of the server, section 6).
fn note_losses(migration: &mut Migration) {
    let apps = migration.apps.clone().unwrap_or_default();
    let names = |wanted: &dyn Fn(&crate::pegasus::messages::AppInfo) -> bool| {
        apps.iter().filter(|app| wanted(app)).map(|app| app.app_name.clone()).collect::<Vec<_>>().join(", ")
    };
    let duplicated = names(&|app| app.duplicating.unwrap_or_default() && app.status == AppStatus::Available);
    if !duplicated.is_empty() {
        migration.note(format!("lost by design: the duplications of {duplicated}: add them again"));
    }
    let dropped = names(&|app| app.status == AppStatus::Dropped);
    if !dropped.is_empty() {
        migration
            .note(format!("lost by design: the names of dropped tables, and whether they can be recalled: {dropped}"));
    }
    migration.note("lost by design: backup policies: add them again");
}
