//! Keeps the items of an archive in an order that can be read back: each behind its parent, none about a znode that did not
//! come.
//!
//! A walk may show what a restore could not place: a znode that vanished between its data and its ACL does not come, and its
//! list of children, or a child that was read before, does.

use std::collections::HashSet;

use ahash::RandomState;

use super::block::ItemRef;
use crate::znode::ZnodePath;

/// What has come, and may still be spoken of.
#[derive(Debug, Default)]
pub struct Order {
    open: HashSet<ZnodePath, RandomState>,
    last: Option<ZnodePath>,
}

impl Order {
    /// Whether an item has its place; it is taken to be written then.
    pub fn admits(&mut self, item: ItemRef<'_>) -> bool {
        let last = self.last.take();
        match item {
            ItemRef::Znode(znode) => {
                if !self.has_parent_of(&znode.path) {
                    return false;
                }
                if znode.stat.num_children > 0 {
                    self.open.insert(znode.path.clone());
                }
                self.last = Some(znode.path.clone());
                true
            }
            ItemRef::Ephemeral { path, .. } => self.has_parent_of(path),
            ItemRef::Children { parent, .. } => {
                // It had no children yet when its own stat was read.
                if last.is_some_and(|last| last == *parent) {
                    self.open.insert(parent.clone());
                }
                self.open.contains(parent)
            }
            ItemRef::Leave(path) => self.open.remove(path),
        }
    }

    fn has_parent_of(&self, path: &ZnodePath) -> bool {
        path.parent_str().is_none_or(|parent| self.open.contains(parent))
    }
}

#[cfg(test)]
mod tests;
