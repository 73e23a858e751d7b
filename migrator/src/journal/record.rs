//! What a migration writes into its journal.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::plan::StepName;

/// A record. `act` is a word of the step's own for the one thing that is done; `detail` is what the step needs to look at the
/// world again. No secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Record {
    /// The first one: whose journal it is.
    Begun {
        /// What backups and the lock at the target are called by.
        migration: String,
        /// BLAKE3 of the plan's text, in hex: another plan does not resume it.
        plan_digest: String,
        /// This program's version.
        version: String,
    },
    /// Something is about to be done. Until there is a `Done` or `Failed` nobody knows whether it was.
    Intent {
        /// Whose act it is.
        step: StepName,
        /// What is done.
        act: String,
        /// To whom, and how it was before.
        #[serde(default)]
        detail: Value,
    },
    /// It was done.
    Done {
        /// Whose act it was.
        step: StepName,
        /// What was done.
        act: String,
        /// What came of it.
        #[serde(default)]
        detail: Value,
    },
    /// It did not work.
    Failed {
        /// Whose act it was.
        step: StepName,
        /// What was tried.
        act: String,
        /// Why.
        error: String,
        /// Whether it may have happened nevertheless.
        outcome_unknown: bool,
    },
    /// What a command printed, for a person.
    Output {
        /// Where it ran, as the plan has it.
        host: String,
        /// What it was.
        command: String,
        /// Its exit code.
        code: Option<i32>,
        /// The end of what it printed and complained.
        tail: String,
    },
    /// For a person.
    Note {
        /// What is said.
        text: String,
    },
}
