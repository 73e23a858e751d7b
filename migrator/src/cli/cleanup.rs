//! `zkmigrator cleanup`: the old tree goes, when nobody can want it back.

use std::time::Duration;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::{Common, Written};
use crate::error::{Error, ErrorKind, Result};
use crate::journal::{Entry, Journal};
use crate::lock;
use crate::migration::Migration;
use crate::state::now_ms;

#[derive(Args)]
pub(super) struct Cleanup {
    #[command(flatten)]
    pub(super) common: Common,
    /// The old tree's root, as the plan's source has it: it is removed with all below it
    #[arg(long, value_name = "ROOT")]
    yes_remove: String,
}

impl Cleanup {
    pub(super) async fn run(&self) -> Result<Written> {
        let (plan, _) = self.common.read()?;
        let refused = |why: String| Error::new(ErrorKind::Refused, "source", "remove the old tree", why);
        let hold = plan.limits.cleanup_hold;
        let (journal, contents) = Journal::open(&plan.journal)?;
        let state = contents.state().cloned();
        let done = matches!(contents.records.last().map(|record| &record.entry), Some(Entry::Done));
        let (Some(state), true) = (state, done) else {
            return Err(refused("the plan's migration is not done".to_owned()));
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
        let lane = migration.trees()?.lock_at_source().await?;
        let holders = lock::holders(&lane).await;
        lane.close().await;
        if let Some(holder) = holders?.first() {
            return Err(refused(format!(
                "{} stands in line for the lock there: a meta server uses it",
                holder.address
            )));
        }
        let stop = CancellationToken::new();
        if let Some(file) = certificate {
            if let Some(why) = migration.trees()?.written_at_source(&file, &stop).await? {
                return Err(refused(format!("somebody has written there since the migration: {why}")));
            }
        }
        let archive = migration.directory().join("old-tree.zka");
        migration.say(&format!("keeps the old tree in {}", archive.display()));
        migration.trees()?.keep_source(&archive, &stop).await?;
        let stop = migration.stop.clone();
        let removed = migration.trees()?.remove_source(&stop).await?;
        let text = format!("{removed} znodes of the old tree were removed; they are kept in {}\n", archive.display());
        let json = serde_json::json!({"schema": 1, "command": "cleanup", "removed": removed, "archive": archive});
        Ok(Written { text: super::migrate::in_format(self.common.format, &text, &json), code: 0 })
    }
}
