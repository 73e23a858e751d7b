//! What a filter leaves of the tree while it is walked: where the walk goes, and which znodes it keeps for later.
//!
//! A znode that is only on the way to what an include speaks of is kept until something below it is taken, and is then
//! given first; when everything below it was left out, so is the znode itself.
//!
//! Invariant: what is kept is an open parent, one whose children have been listed and not all been settled. Its bytes
//! count against [`limits::FRONTIER_NAMES_BYTES_MAX`](crate::limits::FRONTIER_NAMES_BYTES_MAX).

use std::collections::HashMap;

use crate::filter::{Filter, Place};
use crate::znode::{Names, Znode, ZnodePath};

#[derive(Debug)]
pub(super) struct Ways {
    filter: Filter,
    kept: HashMap<ZnodePath, Kept>,
    /// Bytes of data and names of what is kept.
    bytes: usize,
}

/// A znode of which it is not known yet whether it leads to anything.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) znode: Znode,
    /// The group that it is a member of.
    pub(super) group: usize,
    /// Its children that the walk goes to.
    pub(super) names: Names,
    /// How many of its children are left out.
    pub(super) left_out: usize,
    /// How many children the server has listed.
    pub(super) listed: usize,
}

impl Ways {
    pub(super) fn new(filter: Filter) -> Self {
        Self { filter, kept: HashMap::new(), bytes: 0 }
    }

    /// Bytes that are kept.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether a znode that is met is only on the way.
    pub(super) fn is_on_the_way(&self, path: &ZnodePath) -> bool {
        self.filter.place(path) == Place::OnTheWay
    }

    /// The children of `parent` that the walk goes to, and how many it leaves out.
    pub(super) fn enter(&self, parent: &ZnodePath, names: Names) -> (Names, usize) {
        if self.filter.is_empty() {
            return (names, 0);
        }
        let entered: Names =
            names.iter().filter(|name| self.filter.place(&parent.child(name)) != Place::LeftOut).collect();
        let left_out = names.len() - entered.len();
        (entered, left_out)
    }

    /// Keeps a znode that is on the way, a member of `group`.
    pub(super) fn keep(&mut self, znode: Znode, group: usize) {
        self.bytes += znode.data_len();
        let names = Names::default();
        self.kept.insert(znode.path.clone(), Kept { znode, group, names, left_out: 0, listed: 0 });
    }

    /// Keeps the children of `parent` with it; gives whether it is kept at all.
    pub(super) fn keep_names(&mut self, parent: &ZnodePath, names: &Names, listed: usize) -> bool {
        let Some(kept) = self.kept.get_mut(parent) else { return false };
        self.bytes += names.size();
        (kept.names, kept.listed) = (names.clone(), listed);
        true
    }

    /// Keeps with `parent` that children of it are left out; gives whether it is kept at all.
    pub(super) fn keep_left_out(&mut self, parent: &ZnodePath, count: usize) -> bool {
        let Some(kept) = self.kept.get_mut(parent) else { return false };
        kept.left_out += count;
        true
    }

    /// The ancestors of a znode that is taken that were kept until now, parents first.
    pub(super) fn leading_to(&mut self, path: &ZnodePath) -> Vec<Kept> {
        let mut ancestors = Vec::new();
        if !self.kept.is_empty() {
            let mut path = path.parent();
            while let Some(kept) = path.and_then(|path| self.release(&path)) {
                path = kept.znode.path.parent();
                ancestors.push(kept);
            }
        }
        ancestors.reverse();
        ancestors
    }

    /// Gives back a znode that was kept until now.
    pub(super) fn release(&mut self, path: &ZnodePath) -> Option<Kept> {
        let kept = self.kept.remove(path)?;
        self.bytes -= kept.znode.data_len() + kept.names.size();
        Some(kept)
    }
}
