//! What Pegasus would make of the copy: a meta server that starts on a damaged tree does not say so, it repairs it with
//! empty partitions or default tables (meta/server_state.cpp:653-660, 803-809).

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use replicator::error::Side;
use replicator::znode::Znode;

use crate::error::{Error, ErrorKind, Result};
use crate::lock;
use crate::migration::Migration;
use crate::pegasus::metadata::MetadataReader;
use crate::plan::StepName;
use crate::state::Tables;
use crate::step::{Standing, Step, Touches};

/// See the room.
pub(super) struct CheckCopy;

impl Step for CheckCopy {
    fn name(&self) -> StepName {
        StepName::CheckCopy
    }

    fn purpose(&self) -> &'static str {
        "reads the copy as a meta server would"
    }

    fn touches(&self) -> Touches {
        Touches::Outage
    }

    fn holds_until(&self) -> Option<StepName> {
        Some(StepName::RewriteConfig)
    }

    fn describe(&self, _: &Migration) -> Vec<String> {
        vec!["decode every table and partition at the target; see that no lock node stands there".to_owned()]
    }

    fn check<'a>(&'a self, _: &'a mut Migration) -> LocalBoxFuture<'a, Result<Standing>> {
        async { Ok(Standing::Open("it is read again".to_owned())) }.boxed_local()
    }

    fn run<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            let away = migration.away();
            away.bound(async {
                migration.see_all_gone().await?;
                check(migration).await
            })
            .await
        }
        .boxed_local()
    }

    fn undo<'a>(&'a self, _: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async { Ok(()) }.boxed_local()
    }
}

/// No lock node may stand at the target, and the copy must be a cluster's metadata.
pub(super) async fn check(migration: &mut Migration) -> Result<()> {
    let lane = migration.trees()?.lock_at_target().await?;
    let holders = lock::holders(&lane).await;
    lane.close().await;
    match holders?.first() {
        None => read(migration).await,
        Some(holder) => Err(wrong(format!(
            "a lock node stands there ({}, of {}): meta servers would wait at it, or abort; who made it?",
            holder.name, holder.address
        ))),
    }
}

/// Reads the copy, unless the last proof is of the very tree that was read before.
pub(super) async fn read(migration: &mut Migration) -> Result<()> {
    let digest = migration.state.proof.as_ref().map(|proof| proof.digest.clone());
    if migration.copy.as_ref().is_some_and(|(read, _)| Some(read) == digest.as_ref()) {
        return Ok(());
    }
    let mut reader = MetadataReader::default();
    let take = |znode: &Znode| {
        reader.znode(znode.path.as_str().trim_start_matches('/'), znode.data.as_deref().unwrap_or_default());
    };
    migration.trees()?.read(Side::Target, take).await?;
    let metadata = reader.finish();
    let mut findings = metadata.findings().listed.clone();
    // A process that resumes while no meta server runs has no list.
    findings.extend(migration.apps.iter().flat_map(|apps| metadata.beside(apps).listed));
    if !findings.is_empty() {
        return Err(wrong(findings.join("; ")));
    }
    let partitions = metadata.apps.values().map(|app| app.partitions.len() as u64).sum();
    migration.state.tables = Some(Tables { tables: metadata.apps.len() as u64, partitions });
    migration.copy = digest.map(|digest| (digest, metadata));
    Ok(())
}

fn wrong(why: String) -> Error {
    Error::new(ErrorKind::Refused, "target", "take the copy for the cluster's metadata", why)
}
