//! The few that have most of something, in a bounded list.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::znode::ZnodePath;

/// The znodes with the highest values; of equal ones those whose paths come first, whatever order they are met in.
#[derive(Clone, Debug)]
pub struct Top {
    size_max: usize,
    entries: BTreeSet<(Reverse<u64>, ZnodePath)>,
}

impl Top {
    /// An empty list that takes `size_max` znodes.
    pub fn new(size_max: usize) -> Self {
        Self { size_max, entries: BTreeSet::new() }
    }

    /// Takes a znode, if it is among the highest so far.
    pub fn offer(&mut self, value: u64, path: &ZnodePath) {
        if self.entries.len() >= self.size_max {
            // Nearly every znode of a large tree ends here, and nothing is cloned for it.
            let Some((last_value, last_path)) = self.entries.last() else { return };
            if (Reverse(value), path) >= (*last_value, last_path) {
                return;
            }
        }
        // One that is met again takes no place from another.
        if self.entries.insert((Reverse(value), path.clone())) && self.entries.len() > self.size_max {
            self.entries.pop_last();
        }
    }

    /// What a value has to be above to be sure of a place: the lowest of a full list, 0 of any other.
    pub fn floor(&self) -> u64 {
        let lowest = self.entries.last().filter(|_| self.entries.len() >= self.size_max);
        lowest.map_or(0, |(Reverse(value), _)| *value)
    }

    /// The znodes with their values, the highest first.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &ZnodePath)> {
        self.entries.iter().map(|(Reverse(value), path)| (*value, path))
    }
}

#[cfg(test)]
mod tests;
