//! Items of an archive give the visits of a walk: the same that the tree gave, cut by a filter if one is wanted.
//!
//! An archive names no children: they are those that come, so a list of them is given when its parent is left. A filter is
//! applied as a walk applies it: a znode that is only on the way is kept until something below it is taken, and its parent is
//! not left before that is known.
//!
//! In a damaged archive znodes come without their parents. Where that is to be made do with, a lost parent is made up: null
//! data, and the ACL of the child that needs it; and every znode that was not left is left at the end.
//!
//! Pure, and in the memory of the znodes that are open: those that were given, and not yet left. To mend what is torn, a hash
//! of each znode that has children is remembered, too.

use std::collections::{HashMap, HashSet};

use ahash::RandomState;

use super::block::Item;
use super::fields::{Malformed, malformed};
use crate::acl_map::AclMap;
use crate::filter::{Filter, Place};
use crate::limits;
use crate::options::AclPolicy;
use crate::source::Visit;
use crate::znode::{Acl, Kind, Names, Stat, Znode, ZnodePath, parent_of};

/// What of an archive is wanted, and how.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// What is taken of it.
    pub filter: Filter,
    /// What becomes of its ACLs.
    pub acl: AclPolicy,
    /// Whether lists of children are given.
    pub names: bool,
    /// Whether znodes may come without their parents.
    pub torn: bool,
}

/// Znodes that were made up for lost ones: the first of them, and how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MadeUp {
    /// All of them.
    pub count: u64,
    /// The first.
    pub list: Vec<ZnodePath>,
}

/// A replay under way.
#[derive(Debug)]
pub struct Replay {
    wanted: Wanted,
    open: HashMap<ZnodePath, Open, RandomState>,
    /// The znode that came last, without its data.
    last: Option<Znode>,
    /// It is on the way, and has no children unless they come next.
    childless: Option<Znode>,
    /// Where parents may be missing: hashes of those that came.
    parents: HashSet<u64, RandomState>,
    made_up: MadeUp,
}

/// A znode whose children may still come, or of which it is not known yet whether they lead to anything.
#[derive(Debug)]
struct Open {
    place: Place,
    /// If it is on the way and was not given yet.
    kept: Option<Znode>,
    names: PackedNames,
    listed: usize,
    left_out: usize,
    /// Children that are kept, and not settled.
    unsettled: usize,
    /// All its children have come.
    is_left: bool,
}

/// Names of children, one behind the other.
#[derive(Debug, Default)]
struct PackedNames {
    text: Vec<u8>,
    ends: Vec<u32>,
}

impl Replay {
    /// Nothing came yet.
    pub fn new(wanted: Wanted) -> Self {
        let (open, parents) = (HashMap::default(), HashSet::default());
        Self { wanted, open, last: None, childless: None, parents, made_up: MadeUp::default() }
    }

    /// Znodes that were made up until now.
    pub fn made_up(&self) -> &MadeUp {
        &self.made_up
    }

    /// Adds the visits that an item gives.
    pub fn take(&mut self, item: Item, visits: &mut Vec<Visit>) -> Result<(), Malformed> {
        if !matches!(&item, Item::Children { parent, .. } if self.last.as_ref().is_some_and(|last| last.path == *parent))
        {
            self.settle_childless(visits);
        }
        match item {
            Item::Znode(znode) => {
                self.parent_of(&znode, visits)?;
                self.znode(znode, visits)
            }
            Item::Ephemeral { path, owner } => self.ephemeral(path, owner, visits),
            Item::Children { parent, listed } => self.children(&parent, listed),
            Item::Leave(path) => self.leave(&path, visits),
        }
    }

    /// The archive has ended.
    pub fn finish(&mut self, visits: &mut Vec<Visit>) -> Result<(), Malformed> {
        self.settle_childless(visits);
        if !self.wanted.torn && !self.open.is_empty() {
            return malformed("it ends before all children have come");
        }
        let open: Vec<ZnodePath> = self.open.keys().cloned().collect();
        open.iter().try_for_each(|path| self.leave(path, visits))
    }

    fn znode(&mut self, mut znode: Znode, visits: &mut Vec<Visit>) -> Result<(), Malformed> {
        let place = self.place(&znode.path);
        self.named(&znode.path, place)?;
        znode.acl = match (znode.acl.take(), &self.wanted.acl) {
            (_, AclPolicy::Open) => None,
            (Some(acl), AclPolicy::Map(map)) => Some(mapped(map, &acl, &znode.path)?),
            (acl, _) => acl,
        };
        self.last = Some(Znode { data: None, ..znode.clone() });
        let has_children = znode.stat.num_children > 0;
        if has_children {
            self.opened(&znode.path, place)?;
        }
        match place {
            Place::LeftOut => {}
            Place::Taken => {
                let settled = self.give_ancestors(&znode.path, visits);
                visits.push(Visit::Znode(znode));
                for parent in settled {
                    self.settle_one(&parent, visits);
                }
            }
            Place::OnTheWay if has_children => self.keep(znode),
            Place::OnTheWay => self.childless = Some(znode),
        }
        Ok(())
    }

    fn ephemeral(&mut self, path: ZnodePath, owner: i64, visits: &mut Vec<Visit>) -> Result<(), Malformed> {
        if !self.stands(&path) {
            // Nobody restores it: nothing is made up for it.
            return if self.wanted.torn { Ok(()) } else { malformed(format!("{path:?} comes without its parent")) };
        }
        let place = self.place(&path);
        self.named(&path, place)?;
        if place != Place::LeftOut {
            visits.push(Visit::Ephemeral { path, owner });
        }
        Ok(())
    }

    fn children(&mut self, parent: &ZnodePath, listed: usize) -> Result<(), Malformed> {
        if !self.open.contains_key(parent) {
            // It had no children yet when its own stat was read.
            if self.last.take_if(|last| last.path == *parent).is_some() {
                self.opened(parent, self.place(parent))?;
                if let Some(kept) = self.childless.take() {
                    self.keep(kept);
                }
            } else if !self.wanted.torn {
                return malformed(format!("children of {parent:?} are listed, which did not come"));
            }
        }
        if let Some(open) = self.open.get_mut(parent) {
            open.listed = listed;
        }
        Ok(())
    }

    fn leave(&mut self, path: &ZnodePath, visits: &mut Vec<Visit>) -> Result<(), Malformed> {
        match self.open.get_mut(path) {
            Some(open) => open.is_left = true,
            None if self.wanted.torn => {}
            None => return malformed(format!("{path:?} is left, which did not come")),
        }
        self.close(path, visits);
        Ok(())
    }

    /// Closes a znode all of whose children have come and are settled; which may settle its parent in turn.
    fn close(&mut self, path: &ZnodePath, visits: &mut Vec<Visit>) {
        if !self.open.get(path).is_some_and(|open| open.is_left && open.unsettled == 0) {
            return;
        }
        let Some(Open { place, kept, names, listed, left_out, .. }) = self.open.remove(path) else { return };
        if place == Place::LeftOut {
            return;
        }
        if left_out > 0 {
            visits.push(Visit::Filtered(path.clone(), left_out));
        }
        if kept.is_some() {
            // It was not given: what comes below it all the same needs another.
            self.parents.remove(&self.open.hasher().hash_one(path.as_str()));
            self.leads_nowhere(path.clone(), names.pack(), visits);
            if let Some(parent) = path.parent() {
                self.settle_one(&parent, visits);
            }
            return;
        }
        if self.wanted.names {
            visits.push(Visit::Children { parent: path.clone(), names: names.pack(), listed });
        }
        visits.push(Visit::Leave(path.clone()));
    }

    /// It is known of one more child of `parent` whether it leads to anything.
    fn settle_one(&mut self, parent: &ZnodePath, visits: &mut Vec<Visit>) {
        if let Some(open) = self.open.get_mut(parent) {
            open.unsettled = open.unsettled.saturating_sub(1);
        }
        self.close(parent, visits);
    }

    fn settle_childless(&mut self, visits: &mut Vec<Visit>) {
        if let Some(znode) = self.childless.take() {
            self.leads_nowhere(znode.path, Names::default(), visits);
        }
    }

    /// A znode that was on the way, and nothing below it is taken.
    fn leads_nowhere(&mut self, path: ZnodePath, names: Names, visits: &mut Vec<Visit>) {
        if let Some(parent) = path.parent_str().and_then(|parent| self.open.get_mut(parent)) {
            parent.left_out += 1;
        }
        visits.push(Visit::OnTheWay(path, names));
    }

    fn opened(&mut self, path: &ZnodePath, place: Place) -> Result<(), Malformed> {
        let (names, kept) = (PackedNames::default(), None);
        let open = Open { place, kept, names, listed: 0, left_out: 0, unsettled: 0, is_left: false };
        if self.open.insert(path.clone(), open).is_some() {
            return malformed(format!("{path:?} comes twice"));
        }
        if self.wanted.torn {
            if self.parents.len() >= limits::FINGERPRINTS_MAX {
                return malformed("it has more parents than can be remembered to mend it");
            }
            self.parents.insert(self.open.hasher().hash_one(path.as_str()));
        }
        Ok(())
    }

    /// Keeps an open znode that is on the way until it is known whether it leads to anything.
    fn keep(&mut self, znode: Znode) {
        if let Some(parent) = znode.path.parent_str().and_then(|parent| self.open.get_mut(parent)) {
            parent.unsettled += 1;
        }
        if let Some(open) = self.open.get_mut(&znode.path) {
            open.kept = Some(znode);
        }
    }

    /// What becomes of a path whose parent is open.
    fn place(&self, path: &ZnodePath) -> Place {
        if self.wanted.filter.is_empty() {
            return Place::Taken;
        }
        let parent = path.parent_str().and_then(|parent| self.open.get(parent));
        match parent {
            Some(Open { place: Place::LeftOut, .. }) => Place::LeftOut,
            _ => self.wanted.filter.place(path),
        }
    }

    /// Notes a child of an open znode.
    fn named(&mut self, path: &ZnodePath, place: Place) -> Result<(), Malformed> {
        let Some(parent) = path.parent_str().and_then(|parent| self.open.get_mut(parent)) else { return Ok(()) };
        match (place, path.name()) {
            (Place::LeftOut, _) => parent.left_out += 1,
            (_, Some(name)) if self.wanted.names => parent.names.push(name)?,
            _ => {}
        }
        Ok(())
    }

    /// Gives what was kept above a znode that is taken, parents first; gives the parents of what was kept.
    fn give_ancestors(&mut self, path: &ZnodePath, visits: &mut Vec<Visit>) -> Vec<ZnodePath> {
        if self.wanted.filter.is_empty() {
            return Vec::new();
        }
        let (mut above, mut given) = (path.as_str(), Vec::new());
        while let Some(parent) = parent_of(above) {
            let Some(kept) = self.open.get_mut(parent).and_then(|open| open.kept.take()) else { break };
            given.push(kept);
            above = parent;
        }
        let parents = given.iter().filter_map(|kept| kept.path.parent()).collect();
        visits.extend(given.into_iter().rev().map(Visit::Znode));
        parents
    }

    fn stands(&self, path: &ZnodePath) -> bool {
        path.parent_str().is_none_or(|parent| self.came(parent))
    }

    fn came(&self, parent: &str) -> bool {
        self.open.contains_key(parent)
            || (self.wanted.torn && self.parents.contains(&self.open.hasher().hash_one(parent)))
    }

    /// Sees to it that the parent of a znode has come.
    fn parent_of(&mut self, znode: &Znode, visits: &mut Vec<Visit>) -> Result<(), Malformed> {
        if self.stands(&znode.path) {
            return Ok(());
        }
        if !self.wanted.torn {
            return malformed(format!("{:?} comes without its parent", znode.path));
        }
        let above = std::iter::successors(znode.path.parent(), ZnodePath::parent);
        let missing: Vec<_> = above.take_while(|parent| !self.came(parent.as_str())).collect();
        for path in missing.into_iter().rev() {
            self.made_up.count += 1;
            if self.made_up.list.len() < limits::ARCHIVE_LOSSES_LISTED {
                self.made_up.list.push(path.clone());
            }
            // A counter of zero: it had no children, as far as anybody knows.
            let stat = Stat { num_children: 1, cversion: -1, ..Stat::default() };
            let acl = znode.acl.clone();
            self.znode(Znode { path, data: None, acl, kind: Kind::Persistent, stat }, visits)?;
        }
        Ok(())
    }
}

impl PackedNames {
    fn push(&mut self, name: &str) -> Result<(), Malformed> {
        self.text.extend_from_slice(name.as_bytes());
        match u32::try_from(self.text.len()) {
            Ok(end) => self.ends.push(end),
            Err(_) => return malformed("a znode has more children than any list can name"),
        }
        Ok(())
    }

    fn pack(self) -> Names {
        Names::packed(self.text.into(), self.ends, 0)
    }
}

fn mapped(map: &AclMap, acl: &Acl, path: &ZnodePath) -> Result<Acl, Malformed> {
    map.apply(acl).ok_or_else(|| {
        let path = path.as_str().escape_debug();
        Malformed(format!("the ACL map leaves no entry of the ACL {acl} of {path}: add a rule that keeps one"))
    })
}

#[cfg(test)]
mod tests;
