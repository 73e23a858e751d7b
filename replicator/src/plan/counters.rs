//! Sequence counters on their way: how many steps a znode's counter at the target is behind its source's.
//!
//! A znode remembers how many children were ever created below it, and the next sequential child gets that number
//! (PrepRequestProcessor.java:668-670). Where children were deleted, creating those that are left gives a lower one:
//! a queue would hand out numbers again that were in use. What is missing is made up for by children that are created
//! and deleted in one multi. A counter only goes up, so one that is ahead stays ahead.

use std::collections::HashMap;

use crate::error::{Error, Result, Side};
use crate::limits;
use crate::znode::{Kind, Stat, ZnodePath};

/// Counters of the znodes whose children are still being planned.
#[derive(Debug, Default)]
pub(super) struct Counters {
    open: HashMap<ZnodePath, Counter>,
    /// Children that were planned last, all of one parent: they come in rows.
    row: Option<(ZnodePath, u32)>,
}

/// Steps by which a counter is behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Missing {
    pub(super) steps: u32,
    /// The source's counter.
    pub(super) to: u32,
}

/// One znode's counter.
#[derive(Debug)]
struct Counter {
    source: u32,
    /// With the children that are to be created.
    target: u32,
    /// It has no children, and would be taken away if it seemed to have had one (ContainerManager.java:161-182).
    empty_container: bool,
}

impl Counters {
    /// A znode that has children at the source; `target` is what the target has in its place.
    pub(super) fn opened(&mut self, path: &ZnodePath, kind: Kind, source: &Stat, target: Option<&Stat>) {
        let empty_container = kind == Kind::Container && target.is_none_or(|target| target.num_children == 0);
        let target = target.map_or(0, Stat::counter);
        self.open.insert(path.clone(), Counter { source: source.counter(), target, empty_container });
    }

    /// A child is to be created.
    pub(super) fn created(&mut self, child: &ZnodePath) {
        match &mut self.row {
            Some((parent, count)) if child.is_child_of(parent) => *count += 1,
            _ => {
                self.end_row();
                self.row = child.parent().map(|parent| (parent, 1));
            }
        }
    }

    /// All children are planned: how many steps are missing.
    pub(super) fn left(&mut self, path: &ZnodePath) -> Result<Missing> {
        self.end_row();
        match self.open.remove(path) {
            Some(Counter { empty_container: true, .. }) | None => Ok(Missing::default()),
            Some(Counter { source, target, .. }) => Ok(Missing { steps: missing(path, source, target)?, to: source }),
        }
    }

    fn end_row(&mut self) {
        let Some((parent, count)) = self.row.take() else { return };
        if let Some(counter) = self.open.get_mut(&parent) {
            counter.target = counter.target.saturating_add(count);
            counter.empty_container = false;
        }
    }
}

/// Steps from the target's counter to the source's, where that can be reached.
pub(super) fn missing(path: &ZnodePath, source: u32, target: u32) -> Result<u32> {
    let steps = source.saturating_sub(target);
    if steps > 0 && source > limits::COUNTER_MAX {
        let max = limits::COUNTER_MAX;
        return Err(Error::bad_input(format!(
            "the sequence counter of {:?} is {source}, more than {max}: it is about to run over (2^31 - 1), and is not \
             carried over; give --no-counters to copy without counters, or make the znode anew",
            path.as_str()
        ))
        .at(Side::Source));
    }
    Ok(steps)
}

#[cfg(test)]
mod tests;
