//! What a step of a migration is: something that can be looked at, done, and taken back.

use futures::future::LocalBoxFuture;

use crate::error::Result;
use crate::migration::Migration;
use crate::plan::StepName;

/// What a step touches, which decides what a failure in it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Touches {
    /// Nothing but the journal's directory.
    Nothing,
    /// The target's tree, which nobody uses yet.
    Target,
    /// The living cluster.
    Cluster,
    /// The cluster while it has no meta server: nothing may take long, and nothing may stop half-way.
    Outage,
}

/// How the world stands to a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// What the step is for is there.
    Done,
    /// It is not, or not in full: what is missing.
    Open(String),
}

/// One step. `run` looks before it acts, so that it can be called again after any interruption; `undo` takes back what
/// `run` may have done, all of it, half of it or nothing.
pub trait Step: Sync {
    /// Its name in the journal, in reports and on the command line.
    fn name(&self) -> StepName;

    /// What it does, in a line.
    fn purpose(&self) -> &'static str;

    /// What a failure in it costs.
    fn touches(&self) -> Touches;

    /// The step that rightly ends what this one has brought about; until then it is looked at again when a migration is
    /// resumed.
    fn holds_until(&self) -> Option<StepName> {
        None
    }

    /// What it will do, exactly: commands, files, differences. Asks nobody.
    fn describe(&self, migration: &Migration) -> Vec<String>;

    /// Asks the world, not the journal.
    fn check<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<Standing>>;

    /// Does it.
    fn run<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>>;

    /// Takes it back.
    fn undo<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>>;
}
