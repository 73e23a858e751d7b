//! What a person would need if everything else went wrong: the lists that Pegasus's document asks for, and the files.

use std::path::Path;

use futures::FutureExt;
use futures::future::LocalBoxFuture;

use super::preflight::refresh_tables;
use crate::error::{Error, ErrorKind, Result};
use crate::migration::{Migration, keep};
use crate::pegasus::messages::PartitionConfig;
use crate::pegasus::shell;
use crate::pegasus::types::AppStatus;
use crate::plan::StepName;
use crate::step::{Standing, Step, Touches};

/// Files that every backup has, besides the configuration files.
const FILES: [&str; 5] = ["apps.list", "apps.all.list", "nodes.list", "partitions.json", TREE];
/// The tree itself, as an archive of zkreplicator.
const TREE: &str = "tree.zka";

/// See the room.
pub(super) struct Backup;

impl Step for Backup {
    fn name(&self) -> StepName {
        StepName::Backup
    }

    fn purpose(&self) -> &'static str {
        "saves tables, partitions, nodes and configuration files beside the journal"
    }

    fn touches(&self) -> Touches {
        Touches::Nothing
    }

    fn describe(&self, migration: &Migration) -> Vec<String> {
        vec![format!("write {} into {}", files(migration, &FILES).join(", "), migration.directory().display())]
    }

    fn check<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<Standing>> {
        async { Ok(all_there(migration, &FILES)) }.boxed_local()
    }

    fn run<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            let directory = migration.directory();
            migration.about_to(format!("write the backup into {}", directory.display()))?;
            save_tables(migration, "apps").await?;
            let nodes = migration.meta.list_nodes(None).await?;
            let list = shell::node_list("nodes.list", &nodes, &migration.partitions);
            keep(&directory, "nodes.list", &list)?;
            keep_configs(migration).await?;
            let (file, stop) = (directory.join(TREE), migration.stop.clone());
            // A resume may have left one: it is not of now.
            match std::fs::remove_file(&file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(&file, &error)),
                _ => {}
            }
            let dumped = migration.trees()?.dump_source(&file, &stop).await?;
            let said = format!("{} znodes in {}", dumped.end.znodes, file.display());
            migration.did("write the backup", Some(said))
        }
        .boxed_local()
    }

    fn undo<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        // What was saved is there for whoever wants to know what there was.
        forget_files(migration).boxed_local()
    }
}

/// Takes away the files that were left beside the configuration, where that is again what they hold.
pub(super) async fn forget_files(migration: &mut Migration) -> Result<()> {
    let id = migration.id()?;
    for server in migration.servers.clone() {
        let file = server.plan.config_file.display();
        match server.forget_backup(&id).await {
            Ok(true) => {}
            Ok(false) => migration.note(format!(
                "{file} of {} is not as it was: see it beside {file}{}",
                server.address,
                id.suffix()
            )),
            Err(error) => migration.note(format!("{error}: whether {file} is as it was is not known")),
        }
    }
    Ok(())
}

fn failed(file: &Path, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Local, format!("file {}", file.display()), "remove it", error.to_string())
}

/// Asks the leader again, and saves the tables and their partitions under this name.
pub(super) async fn save_tables(migration: &mut Migration, name: &str) -> Result<()> {
    refresh_tables(migration).await?;
    let (directory, apps) = (migration.directory(), migration.apps.clone().unwrap_or_default());
    let available: Vec<_> = apps.iter().filter(|app| app.status == AppStatus::Available).cloned().collect();
    keep(&directory, &format!("{name}.list"), &shell::app_list(&available, None))?;
    keep(&directory, &format!("{name}.all.list"), &shell::app_list(&apps, Some(&migration.partitions)))?;
    // What an earlier look has saved stays.
    keep(&directory, &format!("{}.json", name.replace("apps", "partitions")), &format!("{:#}\n", partitions(migration)))
}

/// Where each partition's replicas are, for a person.
fn partitions(migration: &Migration) -> serde_json::Value {
    let of_app = |(id, list): (&i32, &Vec<PartitionConfig>)| {
        let partition = |config: &PartitionConfig| {
            serde_json::json!({
                "partition": config.pid.to_string(),
                "ballot": config.ballot,
                "primary": config.primary_name(),
                "secondaries": config.secondary_names(),
            })
        };
        (id.to_string(), list.iter().map(partition).collect::<Vec<_>>().into())
    };
    serde_json::Value::Object(migration.partitions.iter().map(of_app).collect())
}

/// What a backup consists of: these files, and a copy of every configuration file.
pub(super) fn files(migration: &Migration, names: &[&str]) -> Vec<String> {
    let configs = migration.servers.iter().map(|server| config_name(&server.address));
    names.iter().map(|name| (*name).to_owned()).chain(configs).collect()
}

/// Whether all of a backup is there.
pub(super) fn all_there(migration: &Migration, names: &[&str]) -> Standing {
    let directory = migration.directory();
    match files(migration, names).iter().find(|file| !directory.join(file).is_file()) {
        Some(missing) => Standing::Open(format!("{missing} is not in {}", directory.display())),
        None => Standing::Done,
    }
}

/// Keeps a copy of every configuration file, byte for byte.
pub(super) async fn keep_configs(migration: &Migration) -> Result<()> {
    for server in &migration.servers {
        keep(&migration.directory(), &config_name(&server.address), server.config().await?.bytes())?;
    }
    Ok(())
}

/// The name of a configuration file's copy.
fn config_name(address: &str) -> String {
    format!("config.{}.ini", address.replace(['/', ':'], "_"))
}
