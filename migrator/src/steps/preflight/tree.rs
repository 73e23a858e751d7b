//! What the trees at both ensembles tell.
use std::collections::BTreeSet;

use replicator::error::Side;
use replicator::znode::Znode;

use crate::error::Result;
use crate::migration::Migration;
use crate::pegasus::metadata::MetadataReader;
use crate::state::Tables;
use crate::steps::Findings;

/// What no call shows is read from the tree itself.
pub(super) async fn tree(migration: &mut Migration, found: &mut Findings) -> Result<()> {
    let (mut reader, mut busy, mut duplicated) = (MetadataReader::default(), Vec::new(), BTreeSet::new());
    migration
        .trees()?
        .read(Side::Source, |znode: &Znode| {
            let path = znode.path.as_str().trim_start_matches('/');
            let data = znode.data.as_deref().unwrap_or_default();
            reader.znode(path, data);
            busy.extend(under_way(path, data));
            if let ["apps", app, "duplication", _] = path.split('/').collect::<Vec<_>>()[..] {
                duplicated.insert(app.to_owned());
            }
        })
        .await?;
    found.notes.extend(duplicated.iter().map(|app| {
        format!(
            "table {app} is duplicated: its progress is written to ZooKeeper also at blind, and is in the last proof"
        )
    }));
    let metadata = reader.finish();
    found.wrong.extend(metadata.findings().listed.iter().map(|finding| format!("source: {finding}")));
    if let Some(apps) = &migration.apps {
        found.wrong.extend(metadata.beside(apps).listed.into_iter().map(|finding| format!("source: {finding}")));
    }
    let partitions = metadata.apps.values().map(|app| app.partitions.len() as u64).sum();
    migration.state.tables = Some(Tables { tables: metadata.apps.len() as u64, partitions });
    found.wrong.extend(busy);
    found
        .unchecked
        .push("whether somebody is about to start a backup, a bulk load, a split or a duplication".to_owned());
    found
        .unchecked
        .push("whether Ranger policies are being refreshed (they write now and then, also at blind)".to_owned());
    Ok(())
}

/// What a znode says is under way.
fn under_way(path: &str, data: &[u8]) -> Option<String> {
    let names: Vec<&str> = path.split('/').collect();
    match names[..] {
        // A table's own bulk load, and those of its partitions, are removed when it has ended.
        ["bulk_load", "cluster", app] | ["bulk_load", app] if app.parse::<u32>().is_ok() => {
            Some(format!("a bulk load of table {app} is under way (znode {path})"))
        }
        // A backup's own znode has no end time while it runs (meta_backup_service.h, `backup_info`).
        ["backup", policy, backup] => {
            let info: serde_json::Value = serde_json::from_slice(data).ok()?;
            (info.get("end_time_ms").and_then(serde_json::Value::as_i64) == Some(0))
                .then(|| format!("backup {backup} of policy {policy} is under way"))
        }
        _ => None,
    }
}

/// The target answers, takes what the tree holds, and has nothing below the root.
pub(super) async fn target(migration: &mut Migration, found: &mut Findings) -> Result<()> {
    let must_be_empty = migration.plan.policy.target_must_be_empty && !migration.state.copied;
    let stop = migration.stop.clone();
    let trees = migration.trees()?;
    let there = trees.at_target().await?;
    if must_be_empty && there > 0 {
        found.wrong.push(format!(
            "{} has {there} znode(s) below the cluster's root already: look what they are (zkreplicator scan), and remove them \
             (zkreplicator rm)",
            trees.target()
        ));
        return Ok(());
    }
    let plan = trees.rehearse(&stop).await?;
    let listed = &plan.notes.blockers_listed;
    found.wrong.extend(listed.iter().map(|blocker| blocker.error.to_string()));
    let all: u64 = plan.notes.blockers.values().sum();
    if all > listed.len() as u64 {
        found.wrong.push(format!("{all} znodes can't be copied, the first are listed"));
    }
    found.fine.push(format!(
        "the copy: {} znodes, {} bytes of data, {} to create, in {} to {} ms",
        plan.counts.read,
        plan.counts.read_bytes,
        plan.counts.created,
        plan.estimate.least().as_millis(),
        plan.estimate.most().as_millis()
    ));
    Ok(())
}
