//! Items of an archive give the visits of a walk: the same that the tree gave, cut by a filter if one is wanted.
//!
//! An archive names no children: they are those that come, so a list of them is given when its parent is left. A filter is
//! applied as a walk applies it: a znode that is only on the way is kept until something below it is taken.
//!
//! In a damaged archive znodes come without their parents. Where that is to be made do with, a lost parent is made up: null
//! data, the ACL of the nearest ancestor that is there (open to anyone where there is none); and every znode that was not
//! left is left at the end.
//!
//! Pure, and in the memory of the znodes that are open: those that were given, and not yet left.

use std::collections::HashMap;

use ahash::RandomState;

use super::block::Item;
use super::fields::{Malformed, malformed};
use crate::acl_map::AclMap;
use crate::filter::{Filter, Place};
use crate::limits;
use crate::options::AclPolicy;
use crate::source::Visit;
use crate::znode::{Acl, Kind, Names, Stat, Znode, ZnodePath};

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
    /// The znode that came last.
    last: Option<Znode>,
    made_up: MadeUp,
}

/// A znode whose children may still come.
#[derive(Debug)]
struct Open {
    place: Place,
    /// If it is on the way and was not given yet.
    kept: Option<Znode>,
    acl: Option<Acl>,
    names: PackedNames,
    listed: usize,
    left_out: usize,
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
        Self { wanted, open: HashMap::default(), last: None, made_up: MadeUp::default() }
    }

    /// Znodes that were made up until now.
    pub fn made_up(&self) -> &MadeUp {
        &self.made_up
    }

    /// Adds the visits that an item gives.
    pub fn take(&mut self, item: Item, visits: &mut Vec<Visit>) -> Result<(), Malformed> {
        match item {
            Item::Znode(znode) => {
                self.parent_of(&znode.path, visits)?;
                self.znode(znode, visits)
            }
            Item::Ephemeral { path, owner } => self.ephemeral(path, owner, visits),
            Item::Children { parent, listed } => self.children(&parent, listed),
            Item::Leave(path) => self.leave(path, visits),
        }
    }

    /// The archive has ended.
    pub fn finish(&mut self, visits: &mut Vec<Visit>) -> Result<(), Malformed> {
        if !self.wanted.torn && !self.open.is_empty() {
            return malformed("it ends before all children have come");
        }
        let mut open: Vec<ZnodePath> = self.open.keys().cloned().collect();
        // Children before their parents.
        open.sort_by_cached_key(|path| (std::cmp::Reverse(path.as_str().matches('/').count()), path.is_root(), path.clone()));
        open.into_iter().try_for_each(|path| self.leave(path, visits))
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
        if znode.stat.num_children > 0 {
            self.opened(&znode, place);
        }
        match place {
            Place::LeftOut => {}
            Place::Taken => {
                self.give_ancestors(&znode.path, visits);
                visits.push(Visit::Znode(znode));
            }
            Place::OnTheWay => match self.open.get_mut(&znode.path) {
                Some(open) => open.kept = Some(znode),
                None => self.leads_nowhere(znode.path, Names::default(), visits),
            },
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
            match self.last.take_if(|last| last.path == *parent) {
                Some(last) => {
                    let place = self.place(parent);
                    self.opened(&last, place);
                }
                None if self.wanted.torn => return Ok(()),
                None => return malformed(format!("children of {parent:?} are listed, which did not come")),
            }
        }
        if let Some(open) = self.open.get_mut(parent) {
            open.listed = listed;
        }
        Ok(())
    }

    fn leave(&mut self, path: ZnodePath, visits: &mut Vec<Visit>) -> Result<(), Malformed> {
        let Some(open) = self.open.remove(&path) else {
            let why = || malformed(format!("{path:?} is left, which did not come"));
            return if self.wanted.torn { Ok(()) } else { why() };
        };
        let Open { place, kept, names, listed, left_out, .. } = open;
        match (place, kept) {
            (Place::LeftOut, _) => {}
            (_, Some(_)) => self.leads_nowhere(path, names.pack(), visits),
            (_, None) => {
                if left_out > 0 {
                    visits.push(Visit::Filtered(path.clone(), left_out));
                }
                if self.wanted.names {
                    visits.push(Visit::Children { parent: path.clone(), names: names.pack(), listed });
                }
                visits.push(Visit::Leave(path));
            }
        }
        Ok(())
    }

    /// A znode that was on the way, and nothing below it is taken.
    fn leads_nowhere(&mut self, path: ZnodePath, names: Names, visits: &mut Vec<Visit>) {
        if let Some(parent) = parent_of(path.as_str()).and_then(|parent| self.open.get_mut(parent)) {
            parent.left_out += 1;
        }
        visits.push(Visit::OnTheWay(path, names));
    }

    fn opened(&mut self, znode: &Znode, place: Place) {
        let Znode { path, acl, .. } = znode;
        // Only for those that are made up below it.
        let acl = if self.wanted.torn { acl.clone() } else { None };
        let open = Open { place, kept: None, acl, names: PackedNames::default(), listed: 0, left_out: 0 };
        self.open.insert(path.clone(), open);
    }

    /// What becomes of a path whose parent is open.
    fn place(&self, path: &ZnodePath) -> Place {
        if self.wanted.filter.is_empty() {
            return Place::Taken;
        }
        let parent = parent_of(path.as_str()).and_then(|parent| self.open.get(parent));
        match parent {
            Some(Open { place: Place::LeftOut, .. }) => Place::LeftOut,
            _ => self.wanted.filter.place(path),
        }
    }

    /// Notes a child of an open znode.
    fn named(&mut self, path: &ZnodePath, place: Place) -> Result<(), Malformed> {
        let Some(parent) = parent_of(path.as_str()).and_then(|parent| self.open.get_mut(parent)) else { return Ok(()) };
        match (place, path.name()) {
            (Place::LeftOut, _) => parent.left_out += 1,
            (_, Some(name)) if self.wanted.names => parent.names.push(name)?,
            _ => {}
        }
        Ok(())
    }

    /// Gives what was kept above a znode that is taken, parents first.
    fn give_ancestors(&mut self, path: &ZnodePath, visits: &mut Vec<Visit>) {
        if self.wanted.filter.is_empty() {
            return;
        }
        let (mut above, mut given) = (path.as_str(), Vec::new());
        while let Some(parent) = parent_of(above) {
            let Some(kept) = self.open.get_mut(parent).and_then(|open| open.kept.take()) else { break };
            given.push(Visit::Znode(kept));
            above = parent;
        }
        visits.extend(given.into_iter().rev());
    }

    fn stands(&self, path: &ZnodePath) -> bool {
        parent_of(path.as_str()).is_none_or(|parent| self.open.contains_key(parent))
    }

    /// Sees to it that the parent of a znode is open.
    fn parent_of(&mut self, path: &ZnodePath, visits: &mut Vec<Visit>) -> Result<(), Malformed> {
        if self.stands(path) {
            return Ok(());
        }
        if !self.wanted.torn {
            return malformed(format!("{path:?} comes without its parent"));
        }
        let mut missing = Vec::new();
        let mut above = path.parent();
        while let Some(parent) = above.take_if(|parent| !self.open.contains_key(parent)) {
            above = parent.parent();
            missing.push(parent);
        }
        let acl = match above.and_then(|found| self.open.get(&found)) {
            Some(Open { acl, .. }) => acl.clone(),
            None => Some(Acl::open()),
        };
        for path in missing.into_iter().rev() {
            self.made_up.count += 1;
            if self.made_up.list.len() < limits::ARCHIVE_LOSSES_LISTED {
                self.made_up.list.push(path.clone());
            }
            // A counter of zero: it had no children, as far as anybody knows.
            let stat = Stat { num_children: 1, cversion: -1, ..Stat::default() };
            self.znode(Znode { path, data: None, acl: acl.clone(), kind: Kind::Persistent, stat }, visits)?;
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

fn parent_of(path: &str) -> Option<&str> {
    match path.rsplit_once('/') {
        _ if path == "/" => None,
        Some(("", _)) => Some("/"),
        parent => parent.map(|(parent, _)| parent),
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
