//! An archive in chunks: blocks are unpacked on the pool, a few at once, and replayed in their order.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};

use super::block::Item;
use super::{Archive, MadeUp, Replay, Wanted};
use crate::budget::{Budget, Weight};
use crate::error::Result;
use crate::limits;
use crate::source::{Chunk, Visit};

/// Chunks of an archive that are still to come.
pub struct Chunks<'a> {
    archive: &'a Archive,
    blocks: BoxStream<'a, Result<Vec<Item>>>,
    replay: Replay,
    budget: Budget,
    visits: VecDeque<Visit>,
    ended: bool,
}

impl<'a> Chunks<'a> {
    pub(super) fn of(archive: &'a Archive, wanted: Wanted) -> Self {
        let blocks = stream::iter(&archive.blocks)
            .map(|found| async {
                let (store, found) = (Arc::clone(&archive.store), *found);
                archive.pool.run(move || Archive::items(&store, &found)).await
            })
            .buffered(limits::ARCHIVE_BLOCKS_IN_FLIGHT_MAX)
            .map_err(|why| archive.unusable(why))
            .boxed();
        let budget = Budget::of_line();
        Self { archive, blocks, replay: Replay::new(wanted), budget, visits: VecDeque::new(), ended: false }
    }

    /// The next chunk, with its permit; `None` when all of the archive was given.
    pub async fn next(&mut self) -> Result<Option<Chunk>> {
        while self.visits.len() < limits::ARCHIVE_CHUNK_VISITS && !self.ended {
            let mut visits = Vec::new();
            let replayed = if let Some(items) = self.blocks.try_next().await? {
                items.into_iter().try_for_each(|item| self.replay.take(item, &mut visits))
            } else {
                self.ended = true;
                self.replay.finish(&mut visits)
            };
            self.visits.extend(visits);
            replayed.map_err(|why| self.archive.refused(&why))?;
        }
        if self.visits.is_empty() {
            return Ok(None);
        }
        let count = self.visits.len().min(limits::ARCHIVE_CHUNK_VISITS);
        let visits: Vec<Visit> = self.visits.drain(..count).collect();
        let weight = Weight { operations: visits.len(), bytes: visits.iter().map(Visit::weight).sum() };
        loop {
            if let Some(permit) = self.budget.try_take(weight) {
                return Ok(Some(Chunk { visits, permit }));
            }
            self.budget.freed().await;
        }
    }

    /// Znodes that were made up for lost ones until now.
    pub fn made_up(&self) -> &MadeUp {
        self.replay.made_up()
    }
}

impl fmt::Debug for Chunks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunks").field("archive", &self.archive.file).finish_non_exhaustive()
    }
}
