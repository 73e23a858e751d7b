//! Which znodes are asked for next: the walk's bookkeeping, without any I/O.
//!
//! The frontier is a stack of groups; a group is what is left of one znode's children. It is taken from the top, so
//! that a tree is walked depth first and the frontier stays small however large the tree is: beside the names of the
//! parents on the way down, only what is in flight grows it.
//!
//! Invariants: a znode is asked for only after its parent was answered; batches are answered in the order in which
//! they were asked; a znode's `Leave` comes after its last child. And the source is not harmed: a multiRead's reply is
//! built in the server's heap without bound, so few znodes of unknown size are outstanding at once
//! ([`limits::UNSIZED_OUTSTANDING_MAX`]): many of one group, or few of each of many, so that a tree of many parents need
//! not wait for them one after the other. Once siblings have shown sizes the largest rules, and a group's batch at most
//! doubles per reply.

mod answers;
mod batch;
mod ways;

use std::mem;

use slab::Slab;

pub(super) use self::batch::Batch;
use self::batch::What;
use self::ways::Ways;
use crate::filter::Filter;
use crate::limits;
use crate::options::EphemeralPolicy;
use crate::znode::{Names, ZnodePath};

/// Bytes of a child's name in a children list, where only their number is known.
const NAME_GUESS_BYTES: usize = 32;
/// Groups that one batch looks into: as many as can wait for their first sizes, and some.
const GROUPS_LOOKED_INTO: usize = 2 * limits::UNSIZED_OUTSTANDING_MAX;

/// The children of one znode that are still to be read.
#[derive(Debug)]
struct Group {
    /// `None`: the only member is the root of the tree.
    parent: Option<ZnodePath>,
    names: Names,
    next: usize,
    outstanding: usize,
    /// Members that are on the way, and of which it is not known yet whether they lead to anything.
    unsettled: usize,
    /// The largest reply that a member has shown.
    largest: Option<usize>,
    /// How many members one batch may take, once sizes are known.
    take_max: usize,
}

impl Group {
    fn member(&self, index: usize, scratch: &mut String) -> ZnodePath {
        match &self.parent {
            Some(parent) => parent.child_by(self.names.get(index), scratch),
            None => ZnodePath::root(),
        }
    }

    fn left(&self) -> usize {
        self.names.len() - self.next
    }

    fn is_settled(&self) -> bool {
        self.left() == 0 && self.outstanding == 0 && self.unsettled == 0
    }
}

/// A znode whose children are to be listed.
#[derive(Debug)]
struct Parent {
    path: ZnodePath,
    children: usize,
    /// If it is on the way: the group that it is a member of, and bytes of its data, which is not kept until it is
    /// listed and is read again then.
    on_the_way: Option<(usize, usize)>,
}

/// What is known and not yet read.
#[derive(Debug)]
pub(super) struct Frontier {
    groups: Slab<Group>,
    /// Groups with members that were not yet asked for; the last is the next.
    stack: Vec<usize>,
    /// Znodes whose children are to be listed; the last is the next.
    parents: Vec<Parent>,
    ways: Ways,
    ephemerals: EphemeralPolicy,
    asked: usize,
    expected: usize,
    unsized_asks: usize,
    /// Groups of which no member has been answered.
    unsized_groups: usize,
    /// Bytes of names that wait in the stack.
    names_bytes: usize,
    /// Whether the root of the tree is the root of the ensemble, where `/zookeeper` is.
    holds_reserved: bool,
    chroot_len: usize,
}

impl Frontier {
    /// A walk of the whole tree, or of what `filter` leaves of it.
    pub(super) fn of_tree(chroot: &str, filter: Filter) -> Self {
        let mut frontier = Self {
            groups: Slab::new(),
            stack: Vec::new(),
            parents: Vec::new(),
            ways: Ways::new(filter),
            ephemerals: EphemeralPolicy::default(),
            asked: 0,
            expected: 0,
            unsized_asks: 0,
            unsized_groups: 0,
            names_bytes: 0,
            holds_reserved: chroot == "/",
            chroot_len: if chroot == "/" { 0 } else { chroot.len() },
        };
        frontier.add_group(None, ["/"].into_iter().collect());
        frontier
    }

    /// A walk of some children of `parent`, and all below them, or of what `filter` leaves of it.
    pub(super) fn of_children(chroot: &str, filter: Filter, parent: ZnodePath, names: Names) -> Self {
        let mut frontier = Self::of_tree(chroot, filter);
        let (names, _) = frontier.ways.enter(&parent, names);
        frontier.groups.clear();
        frontier.stack.clear();
        (frontier.names_bytes, frontier.unsized_groups) = (0, 0);
        if !names.is_empty() {
            frontier.add_group(Some(parent), names);
        }
        frontier
    }

    /// Gives ephemerals as `policy` says.
    pub(super) fn take_ephemerals(&mut self, policy: EphemeralPolicy) {
        self.ephemerals = policy;
    }

    /// Whether everything was asked for and answered.
    pub(super) fn is_done(&self) -> bool {
        self.asked == 0 && self.stack.is_empty() && self.parents.is_empty()
    }

    /// The next batch, if one may be asked for now.
    pub(super) fn next_batch(&mut self) -> Option<Batch> {
        let narrow = self.is_narrow();
        let mut batch = Batch::new();
        self.take_parents(&mut batch);
        self.take_members(&mut batch, narrow);
        if batch.asks.is_empty() {
            return None;
        }
        self.asked += batch.asks.len();
        self.expected += batch.expected;
        self.unsized_asks += batch.unsized_asks;
        Some(batch)
    }

    /// Whether so little is known that a round trip is worth more than an answer without need.
    fn is_narrow(&self) -> bool {
        let known = self.asked + self.parents.len() + self.stack.len();
        let members = || self.stack.iter().map(|&group| self.groups[group].left()).sum::<usize>();
        known <= limits::NARROW_FRONTIER && known + members() <= limits::NARROW_FRONTIER
    }

    fn may_expect(&self, batch: &Batch, bytes: usize) -> bool {
        let outstanding = self.expected + batch.expected;
        outstanding == 0 || outstanding + bytes <= limits::EXPECTED_REPLY_BYTES_MAX
    }

    fn take_parents(&mut self, batch: &mut Batch) {
        while let Some(Parent { children, on_the_way, .. }) = self.parents.last() {
            let bytes = children * NAME_GUESS_BYTES + on_the_way.map_or(0, |(_, data_bytes)| data_bytes);
            // Rather read what is known than list more, unless there is nothing else.
            let held = self.names_bytes + self.ways.bytes();
            let enough = held + bytes > limits::FRONTIER_NAMES_BYTES_MAX && !self.stack.is_empty();
            if enough || batch.is_full() || !self.may_expect(batch, bytes) {
                return;
            }
            if let Some(Parent { path, on_the_way, .. }) = self.parents.pop() {
                batch.expected += bytes;
                batch.request_bytes += self.chroot_len;
                batch.push(path, What::Children { on_the_way: on_the_way.map(|(group, _)| group) });
            }
        }
    }

    fn take_members(&mut self, batch: &mut Batch, narrow: bool) {
        let (mut taken_up, mut scratch) = (Vec::new(), String::new());
        for at in (0..self.stack.len()).rev().take(GROUPS_LOOKED_INTO) {
            if batch.is_full() {
                break;
            }
            let index = self.stack[at];
            let take = self.may_take(batch, &self.groups[index]);
            let group = &mut self.groups[index];
            if group.largest.is_none() && take > 0 {
                group.take_max = take;
            }
            for _ in 0..take {
                if batch.is_full() {
                    break;
                }
                let path = group.member(group.next, &mut scratch);
                group.next += 1;
                group.outstanding += 1;
                match group.largest {
                    Some(largest) => batch.expected += largest,
                    None => batch.unsized_asks += 1,
                }
                batch.request_bytes += self.chroot_len;
                batch.push(path, What::Znode { group: index, with_children: narrow });
            }
            if group.left() == 0 {
                self.names_bytes -= mem::take(&mut group.names).size();
                group.next = 0;
                taken_up.push(at);
            }
        }
        for at in taken_up {
            self.stack.remove(at);
        }
    }

    /// How many members of `group` may join `batch`.
    fn may_take(&self, batch: &Batch, group: &Group) -> usize {
        let room = match group.largest {
            // One batch tells the sizes; the others wait for it.
            None if group.outstanding > 0 => 0,
            None => {
                let outstanding = self.unsized_asks + batch.unsized_asks;
                let share = limits::UNSIZED_OUTSTANDING_MAX / self.unsized_groups.max(1);
                let share = share.clamp(limits::UNSIZED_SHARE_MIN, limits::UNSIZED_BATCH_MAX);
                (limits::UNSIZED_BATCH_MAX - batch.unsized_asks.min(limits::UNSIZED_BATCH_MAX))
                    .min(limits::UNSIZED_OUTSTANDING_MAX.saturating_sub(outstanding))
                    .min(share)
            }
            Some(largest) => {
                let outstanding = self.expected + batch.expected;
                let room = limits::EXPECTED_REPLY_BYTES_MAX.saturating_sub(outstanding) / largest.max(1);
                if outstanding == 0 { room.max(1) } else { room }.min(group.take_max)
            }
        };
        room.min(group.left())
    }

    fn add_group(&mut self, parent: Option<ZnodePath>, names: Names) {
        let take_max = limits::UNSIZED_BATCH_MAX;
        self.names_bytes += names.size();
        self.unsized_groups += 1;
        let group = Group { parent, names, next: 0, outstanding: 0, unsettled: 0, largest: None, take_max };
        let index = self.groups.insert(group);
        self.stack.push(index);
    }
}

#[cfg(test)]
mod tests;
