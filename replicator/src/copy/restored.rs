//! What a copy of an archive says of it.

use crate::archive::{End, Head, Losses, MadeUp};
use crate::source::{Chunks, Source};

/// An archive that was restored.
#[derive(Clone, Debug)]
pub struct Restored {
    /// What it is of.
    pub head: Head,
    /// What it came to; `None` where that is lost.
    pub end: Option<End>,
    /// What of it is lost.
    pub losses: Losses,
    /// Znodes that were made up for lost ones.
    pub made_up: MadeUp,
}

impl Restored {
    /// Of a source that was read to its end; `None` where that is no archive.
    pub(super) fn of(source: &Source, chunks: &Chunks<'_>) -> Option<Self> {
        let (Some(archive), Chunks::Replayed(chunks)) = (source.archive(), chunks) else { return None };
        Some(Self {
            head: archive.head().clone(),
            end: archive.end().cloned(),
            losses: archive.losses().clone(),
            made_up: chunks.made_up().clone(),
        })
    }
}
