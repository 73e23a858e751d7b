//! `zkmigrator cleanup`: the old tree goes, when nobody can want it back.

use std::time::Duration;

use clap::Args;
use replicator::certificate::Certificate;
use replicator::status::Shown;

use super::typed::Common;
use super::{Written, in_format};
use crate::config_file::HOSTS_LIST;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::{Entry, Journal};
use crate::lock;
use crate::migration::Migration;
use crate::state::now_ms;
use crate::steps::{same_hosts, written_hosts};
use crate::telling::Teller;

const EXAMPLES: &str = "\
Examples:
  Some time after the migration (cleanup_hold of the plan), with the old root said once more:
    zkmigrator cleanup --plan zkmigrator.toml --yes-remove /pegasus/c3

  Which root that is, and whether the migration is done:
    zkmigrator status --plan zkmigrator.toml

The old tree is kept in an archive beside the journal; zkreplicator restore brings it back.";

/// Remove the old tree, some time after a migration that is done
///
/// Refused while a meta server still uses the old ZooKeeper, and where somebody has written there since. The tree is kept in an
/// archive first.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Cleanup {
    #[command(flatten)]
    pub(super) common: Common,
    /// The old tree's root, as the plan's source has it: it is removed with all below it
    #[arg(long, value_name = "ROOT")]
    yes_remove: String,
}

impl Cleanup {
    pub(super) async fn run(&self, shown: Shown) -> Result<Written> {
        let teller = Teller::default();
        teller.clone().shown(shown, self.clean_up(teller)).await
    }

    async fn clean_up(&self, teller: Teller) -> Result<Written> {
        let (plan, _) = self.common.read()?;
        let refused = |why: String| Error::new(ErrorKind::Refused, "source", "remove the old tree", why);
        let hold = plan.limits.cleanup_hold;
        let (journal, contents) = Journal::open(&plan.journal)?;
        let state = contents.state().cloned();
        let last = contents.records.last().map(|record| record.entry.clone());
        let again = last == Some(Entry::CleanupBegun);
        let Some(state) = state.filter(|_| again || last == Some(Entry::Done)) else {
            return Err(refused("the plan's migration is not done, or was cleaned up behind already".to_owned()));
        };
        let ended = state.times.ended.unwrap_or_else(now_ms);
        let passed = Duration::from_millis(now_ms().saturating_sub(ended));
        if let Some(rest) = hold.checked_sub(passed).filter(|rest| !rest.is_zero()) {
            let rest = humantime::format_duration(Duration::from_secs(rest.as_secs() + 1));
            return Err(refused(format!("cleanup_hold is not over: {rest} are left")));
        }
        if self.yes_remove != state.cluster_root {
            let why =
                format!("--yes-remove {:?} is not the old tree's root, {:?}", self.yes_remove, state.cluster_root);
            return Err(refused(why));
        }
        let certificate = state.certificate.clone();
        let mut migration = Migration::new(plan, state, Some(journal), super::process::stop_on_signal())?;
        migration.teller = teller;
        let lane = migration.trees()?.lock_at_source().await?;
        let holders = lock::holders(&lane).await;
        lane.close().await;
        if let Some(holder) = holders?.first() {
            return Err(refused(format!(
                "{} stands in line for the lock there: a meta server uses it",
                holder.address
            )));
        }
        let target = written_hosts(&migration.plan.target.connect);
        for server in &migration.servers {
            let hosts = migration.meta.config_value(&server.address, HOSTS_LIST).await?;
            if !same_hosts(&hosts, &target) {
                return Err(refused(format!("meta server {} uses {hosts}, and not {target}", server.address)));
            }
        }
        let stop = migration.stop.clone();
        let archive = migration.directory().join("old-tree.zka");
        // What a cleanup has begun to remove is in the archive, and no longer what it was.
        if !again {
            if let Some(file) = certificate {
                let of = Certificate::read(&file).map_err(|error| refused(error.to_string()))?.source.connect;
                if of != *migration.trees()?.source() {
                    return Err(refused(format!("the plan's source is another than {of}, which was migrated from")));
                }
                if let Some(why) = migration.trees()?.written_at_source(&file, &stop).await? {
                    return Err(refused(format!("somebody has written there since the migration: {why}")));
                }
            }
            migration.say(&format!("keeps the old tree in {}", archive.display()));
            // One that an earlier attempt has left is of an earlier moment.
            match std::fs::remove_file(&archive) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(refused(error.to_string())),
                _ => {}
            }
            migration.trees()?.keep_source(&archive, &stop).await?;
        }
        migration.write(Entry::CleanupBegun)?;
        let removed = migration.trees()?.remove_source(&stop).await?;
        migration.write(Entry::CleanedUp)?;
        let text = format!("{removed} znodes of the old tree were removed; they are kept in {}\n", archive.display());
        let json = serde_json::json!({
            "schema": 1,
            "command": "cleanup",
            "verdict": "done",
            "exit_code": 0,
            "removed": removed,
            "archive": archive.display().to_string(),
        });
        Ok(Written::of(in_format(self.common.format, &text, &json), 0, None))
    }
}
