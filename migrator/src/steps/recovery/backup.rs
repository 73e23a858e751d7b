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
use crate::steps::backup::{config_name, forget_files, save_tables};

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
        let configs = migration.servers.iter().map(|server| config_name(&server.address));
        let files: Vec<String> = [APPS, NODES, RECOVER_NODES].map(str::to_owned).into_iter().chain(configs).collect();
        let nodes = migration.state.recovery.nodes.join(", ");
        vec![
            format!("write {} into {}", files.join(", "), migration.directory().display()),
            format!("{RECOVER_NODES}: {nodes}"),
        ]
    }

    fn check<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<Standing>> {
        async {
            let directory = migration.directory();
            let configs = migration.servers.iter().map(|server| config_name(&server.address));
            let mut files = std::iter::once(RECOVER_NODES.to_owned()).chain(configs);
            Ok(match files.find(|file| !directory.join(file).is_file()) {
                Some(missing) => Standing::Open(format!("{missing} is not in {}", directory.display())),
                None => Standing::Done,
            })
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
            for server in migration.servers.clone() {
                let file = server.config().await?;
                keep(&directory, &config_name(&server.address), &String::from_utf8_lossy(file.bytes()))?;
            }
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
