//! What a look before a migration has found.

use crate::error::{Error, ErrorKind, Result};
use crate::migration::Migration;

/// What a preflight has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// What stands in the way.
    pub wrong: Vec<String>,
    /// What is as it must be.
    pub fine: Vec<String>,
    /// What a person should know.
    pub notes: Vec<String>,
    /// What nobody can look at from here.
    pub unchecked: Vec<String>,
}

impl Findings {
    /// Tells a person; an error where something stands in the way.
    pub(super) fn judge(self, migration: &mut Migration) -> Result<()> {
        for note in &self.notes {
            migration.note(note.as_str());
        }
        self.unchecked.iter().for_each(|text| migration.say(&format!("not checked: {text}")));
        if self.wrong.is_empty() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Refused, "cluster", "begin a migration", self.wrong.join("; ")))
    }
}
