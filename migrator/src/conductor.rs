//! Goes through the steps: forward, on from where it was, and back. The only reader of the journal.
//!
//! ```text
//! begin (journal) ──> run ──> done (journal) ──> next step
//!                      └─ fails ──> what was begun is undone, last step first
//! ```
//!
//! A failure before the cluster was touched leaves everything as it is. Later it goes back by itself, for a cluster that
//! stands at blind or without a meta server must not wait for a person, as long as there is a way back: until the new
//! ZooKeeper has taken its first write. Past that the only way is on.

use std::collections::BTreeSet;

use futures::future::LocalBoxFuture;

use crate::error::{Error, ErrorKind, Result};
use crate::journal::Entry;
use crate::migration::Migration;
use crate::plan::StepName;
use crate::step::{Standing, Step, Touches};

/// A way to migrate: its steps, and until when it can be taken back.
pub struct Method {
    /// Its name, as `--method` has it.
    pub name: &'static str,
    /// Its steps, in order.
    pub steps: &'static [&'static dyn Step],
    /// Refuses where there is no way back any more: why, and what a person can do.
    pub way_back: for<'a> fn(&'a mut Migration) -> LocalBoxFuture<'a, Result<()>>,
}

/// How a run ended.
#[derive(Debug)]
pub enum Ended {
    /// All steps are done.
    Done,
    /// It stopped before this step, as it was told.
    Paused(StepName),
    /// It was interrupted, and can be resumed.
    Interrupted,
    /// It failed, and nothing of the cluster was changed.
    Failed(Error),
    /// Everything is as it was before; `None`: as was asked.
    RolledBack(Option<Error>),
    /// Neither forward nor back by itself.
    NeedsPerson {
        /// What went wrong first.
        failed: Error,
        /// Why it did not go back.
        stuck: Option<Error>,
    },
}

impl Ended {
    /// The exit code of `zkmigrator`.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Done | Self::Paused(_) | Self::RolledBack(None) => 0,
            Self::Failed(_) => 2,
            Self::RolledBack(Some(_)) => 4,
            Self::NeedsPerson { .. } => 5,
            Self::Interrupted => 130,
        }
    }
}

impl Method {
    /// The step of a name.
    pub fn index_of(&self, name: StepName) -> Option<usize> {
        self.steps.iter().position(|step| step.name() == name)
    }

    /// Goes forward from wherever the world stands, until the end or before one of `pause_before`; past `paused_at`, where it
    /// stopped the last time.
    pub async fn forward(
        &self,
        migration: &mut Migration,
        pause_before: &BTreeSet<StepName>,
        paused_at: Option<StepName>,
    ) -> Ended {
        migration.teller.of(self.steps.len());
        let first = match self.first_open(migration).await {
            Ok(first) => first,
            Err(error) => return self.failed(migration, error).await,
        };
        // Where something before it is done again, a person may want to look again.
        let paused_at = paused_at.filter(|step| self.index_of(*step) == Some(first));
        for (index, step) in self.steps.iter().enumerate().skip(first) {
            if pause_before.contains(&step.name()) && paused_at != Some(step.name()) {
                return Ended::Paused(step.name());
            }
            if let Err(error) = self.take(migration, index, *step).await {
                return self.failed(migration, error).await;
            }
        }
        Ended::Done
    }

    /// Takes back all that was begun.
    pub async fn back(&self, migration: &mut Migration) -> Ended {
        match self.undo_all(migration).await {
            Ok(()) => Ended::RolledBack(None),
            Err(error) if error.kind == ErrorKind::Interrupted => Ended::Interrupted,
            Err(error) => Ended::NeedsPerson { failed: error, stuck: None },
        }
    }

    /// Where to go on. What the journal says is done is looked at again: a stopped meta server may have been started by
    /// its supervisor meanwhile.
    async fn first_open(&self, migration: &mut Migration) -> Result<usize> {
        let done = migration.state.done;
        for (index, step) in self.steps[..done].iter().enumerate() {
            if step.holds_until().is_some_and(|name| self.index_of(name).is_some_and(|end| end < migration.state.begun))
            {
                continue;
            }
            if let Standing::Open(what) = step.check(migration).await? {
                migration.say(&format!("{} is to be done again: {what}", step.name()));
                return Ok(index);
            }
        }
        Ok(done)
    }

    async fn take(&self, migration: &mut Migration, index: usize, step: &dyn Step) -> Result<()> {
        // Without a meta server nothing may wait for whoever pressed a key.
        if step.touches() != Touches::Outage {
            migration.refuse_when_stopped()?;
        }
        if index > 0 && step.touches() != Touches::Outage {
            migration.take_guard().await?;
        }
        migration.hook("before", step.name()).await?;
        migration.begin(index, step)?;
        step.run(migration).await?;
        migration.finish(index, step)?;
        migration.hook("after", step.name()).await
    }

    async fn failed(&self, migration: &mut Migration, error: Error) -> Ended {
        if error.kind == ErrorKind::Interrupted {
            return Ended::Interrupted;
        }
        migration.fail(&error);
        if error.kind == ErrorKind::Alarm {
            return Ended::NeedsPerson { failed: error, stuck: None };
        }
        let touched = self.steps[..migration.state.begun].iter().map(|step| step.touches()).max();
        if touched.is_none_or(|touched| touched < Touches::Cluster) {
            return Ended::Failed(error);
        }
        migration.say(&format!("failed, and goes back: {error}"));
        match self.undo_all(migration).await {
            Ok(()) => Ended::RolledBack(Some(error)),
            Err(stuck) => Ended::NeedsPerson { failed: error, stuck: Some(stuck) },
        }
    }

    /// Takes everything back, the last step first. What can't be taken back of one step does not keep a cluster from being
    /// served: the rest is taken back all the same, and the next attempt begins with that step again.
    async fn undo_all(&self, migration: &mut Migration) -> Result<()> {
        (self.way_back)(migration).await?;
        migration.only_restores = true;
        migration.write(Entry::GoingBack)?;
        // One more migrator at work would be worse than none with the lock: but a target that is gone must not hold this up.
        if let Err(error) = migration.take_guard().await {
            migration.say(&error.to_string());
        }
        let mut partly = None;
        for (index, step) in self.steps[..migration.state.begun].iter().enumerate().rev() {
            migration.begin_undo(*step)?;
            match step.undo(migration).await {
                Ok(()) if partly.is_none() => migration.finish_undo(index, *step)?,
                Ok(()) => {}
                Err(error) if error.kind == ErrorKind::Partly => {
                    migration.fail(&error);
                    partly.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        partly.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests;
