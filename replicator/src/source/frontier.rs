//! Which znodes are asked for next: the walk's bookkeeping, without any I/O.
//!
//! The frontier is a stack of groups; a group is what is left of one znode's children. It is taken from the top, so
//! that a tree is walked depth first and the frontier stays small however large the tree is: beside the names of the
//! parents on the way down, only what is in flight grows it.
//!
//! Invariants: a znode is asked for only after its parent was answered; batches are answered in the order in which
//! they were asked; a znode's `Leave` comes after its last child. And the source is not harmed: a multiRead's reply is
//! built in the server's heap without bound, so few znodes of unknown size are outstanding at once
//! ([`limits::UNSIZED_OUTSTANDING_MAX`]). Once siblings have shown sizes the largest rules, and a group's batch at most
//! doubles per reply.

use std::mem;

use bytes::Bytes;
use slab::Slab;

use super::Visit;
use crate::budget::Weight;
use crate::connect::is_reserved;
use crate::error::{Code, Error, ErrorKind, Result};
use crate::limits;
use crate::session::{ReadOp, ReadReply};
use crate::znode::{Kind, Names, Stat, Znode, ZnodePath};

/// Reply bytes of one znode besides its data: multi header, length, stat.
const REPLY_OVERHEAD_BYTES: usize = 96;
/// Bytes of a child's name in a children list, where only their number is known.
const NAME_GUESS_BYTES: usize = 32;
/// What a znode of unknown size is taken for in the budget.
const UNSIZED_GUESS_BYTES: usize = 4 * 1024;
/// Expected reply of one batch at most, so that several share what may be outstanding.
const BATCH_REPLY_BYTES_MAX: usize = 512 * 1024;
/// Request bytes of one operation besides its path.
const REQUEST_OVERHEAD_BYTES: usize = 16;
/// Groups that one batch looks into: as many as can wait for their first sizes, and some.
const GROUPS_LOOKED_INTO: usize = 2 * limits::UNSIZED_OUTSTANDING_MAX;

/// Znodes to read, answered together.
#[derive(Debug)]
pub(super) struct Batch {
    asks: Vec<Ask>,
    expected: usize,
    unsized_asks: usize,
    request_bytes: usize,
}

#[derive(Debug)]
struct Ask {
    path: ZnodePath,
    what: What,
}

#[derive(Debug)]
enum What {
    /// getData of a member of `group`; with its children, when the frontier is narrow.
    Znode { group: usize, with_children: bool },
    /// getChildren of a znode that has some.
    Children,
}

impl Batch {
    fn new() -> Self {
        Self { asks: Vec::new(), expected: 0, unsized_asks: 0, request_bytes: 0 }
    }

    /// The operations, in order.
    pub(super) fn ops(&self) -> Vec<ReadOp<'_>> {
        let mut ops = Vec::with_capacity(self.asks.len());
        for ask in &self.asks {
            match ask.what {
                What::Znode { with_children, .. } => {
                    ops.push(ReadOp::Data(&ask.path));
                    if with_children {
                        ops.push(ReadOp::Children(&ask.path));
                    }
                }
                What::Children => ops.push(ReadOp::Children(&ask.path)),
            }
        }
        ops
    }

    /// What the answer is taken to weigh.
    pub(super) fn guess(&self) -> Weight {
        let unsized_bytes = self.unsized_asks * UNSIZED_GUESS_BYTES;
        let bytes = self.expected + unsized_bytes + self.asks.len() * limits::ZNODE_OVERHEAD_BYTES;
        Weight { operations: self.asks.len(), bytes }
    }

    fn is_full(&self) -> bool {
        self.asks.len() >= limits::READ_BATCH_OPS_MAX
            || self.expected >= BATCH_REPLY_BYTES_MAX
            || self.request_bytes >= limits::READ_REQUEST_BYTES_MAX
    }

    fn push(&mut self, path: ZnodePath, what: What) {
        self.request_bytes += path.as_str().len() + REQUEST_OVERHEAD_BYTES;
        self.asks.push(Ask { path, what });
    }
}

/// The children of one znode that are still to be read.
#[derive(Debug)]
struct Group {
    /// `None`: the only member is the root of the tree.
    parent: Option<ZnodePath>,
    names: Names,
    next: usize,
    outstanding: usize,
    /// The largest reply that a member has shown.
    largest: Option<usize>,
    /// How many members one batch may take.
    take_max: usize,
}

impl Group {
    fn member(&self, index: usize) -> ZnodePath {
        match &self.parent {
            Some(parent) => parent.child(self.names.get(index)),
            None => ZnodePath::root(),
        }
    }

    fn left(&self) -> usize {
        self.names.len() - self.next
    }
}

/// What is known and not yet read.
#[derive(Debug)]
pub(super) struct Frontier {
    groups: Slab<Group>,
    /// Groups with members that were not yet asked for; the last is the next.
    stack: Vec<usize>,
    /// Znodes whose children are to be listed, with how many they were.
    parents: Vec<(ZnodePath, usize)>,
    asked: usize,
    expected: usize,
    unsized_asks: usize,
    /// Bytes of names that wait in the stack.
    names_bytes: usize,
    /// Whether the root of the tree is the root of the ensemble, where `/zookeeper` is.
    holds_reserved: bool,
    chroot_len: usize,
}

impl Frontier {
    /// A walk of the whole tree.
    pub(super) fn of_tree(chroot: &str) -> Self {
        let mut frontier = Self {
            groups: Slab::new(),
            stack: Vec::new(),
            parents: Vec::new(),
            asked: 0,
            expected: 0,
            unsized_asks: 0,
            names_bytes: 0,
            holds_reserved: chroot == "/",
            chroot_len: if chroot == "/" { 0 } else { chroot.len() },
        };
        frontier.add_group(None, ["/"].into_iter().collect());
        frontier
    }

    /// A walk of some children of `parent`, and all below them.
    pub(super) fn of_children(chroot: &str, parent: ZnodePath, names: Names) -> Self {
        let mut frontier = Self::of_tree(chroot);
        frontier.groups.clear();
        frontier.stack.clear();
        frontier.names_bytes = 0;
        if !names.is_empty() {
            frontier.add_group(Some(parent), names);
        }
        frontier
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
        while let Some((_, children)) = self.parents.last() {
            let bytes = children * NAME_GUESS_BYTES;
            // Rather read what is known than list more, unless there is nothing else.
            let enough = self.names_bytes + bytes > limits::FRONTIER_NAMES_BYTES_MAX && !self.stack.is_empty();
            if enough || batch.is_full() || !self.may_expect(batch, bytes) {
                return;
            }
            if let Some((path, _)) = self.parents.pop() {
                batch.expected += bytes;
                batch.request_bytes += self.chroot_len;
                batch.push(path, What::Children);
            }
        }
    }

    fn take_members(&mut self, batch: &mut Batch, narrow: bool) {
        let mut taken_up = Vec::new();
        for at in (0..self.stack.len()).rev().take(GROUPS_LOOKED_INTO) {
            if batch.is_full() {
                break;
            }
            let index = self.stack[at];
            let take = self.may_take(batch, &self.groups[index]);
            let group = &mut self.groups[index];
            for _ in 0..take {
                if batch.is_full() {
                    break;
                }
                let path = group.member(group.next);
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
                self.names_bytes -= group.names.size();
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
                (limits::UNSIZED_BATCH_MAX - batch.unsized_asks.min(limits::UNSIZED_BATCH_MAX))
                    .min(limits::UNSIZED_OUTSTANDING_MAX.saturating_sub(outstanding))
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
        let group = Group { parent, names, next: 0, outstanding: 0, largest: None, take_max };
        let index = self.groups.insert(group);
        self.stack.push(index);
    }

    /// Takes the answer to a batch and gives what was met, in order.
    pub(super) fn answered(&mut self, batch: Batch, replies: Vec<ReadReply>) -> Result<Vec<Visit>> {
        self.asked -= batch.asks.len();
        self.expected -= batch.expected;
        self.unsized_asks -= batch.unsized_asks;
        let mut replies = replies.into_iter();
        let mut visits = Vec::with_capacity(batch.asks.len());
        let mut doubled = usize::MAX;
        for Ask { path, what } in batch.asks {
            let reply = replies.next().ok_or_else(|| unexpected(&path))?;
            match what {
                What::Children => self.children_answered(path, reply, &mut visits)?,
                What::Znode { group, with_children } => {
                    let children =
                        if with_children { Some(replies.next().ok_or_else(|| unexpected(&path))?) } else { None };
                    if mem::replace(&mut doubled, group) != group {
                        let take_max = &mut self.groups[group].take_max;
                        *take_max = (*take_max * 2).min(limits::READ_BATCH_OPS_MAX);
                    }
                    self.member_answered(group, path, reply, children, &mut visits)?;
                }
            }
        }
        if replies.next().is_some() {
            return Err(Error::new(
                ErrorKind::Protocol("more answers than questions in a multiRead".to_owned()),
                "read",
            ));
        }
        Ok(visits)
    }

    fn member_answered(
        &mut self,
        index: usize,
        path: ZnodePath,
        reply: ReadReply,
        children: Option<ReadReply>,
        visits: &mut Vec<Visit>,
    ) -> Result<()> {
        let size = match reply {
            ReadReply::Data(data, stat) => {
                let size = data.as_ref().map_or(0, Bytes::len) + REPLY_OVERHEAD_BYTES;
                self.znode_answered(path, data, stat, children, visits)?;
                size
            }
            ReadReply::Refused(Code::NO_NODE) => {
                visits.push(Visit::Vanished(path));
                REPLY_OVERHEAD_BYTES
            }
            ReadReply::Refused(code) => {
                visits.push(Visit::Unreadable(path, code));
                REPLY_OVERHEAD_BYTES
            }
            ReadReply::Children(_) => return Err(unexpected(&path)),
        };
        let group = &mut self.groups[index];
        group.largest = group.largest.max(Some(size));
        group.outstanding -= 1;
        if group.left() == 0 && group.outstanding == 0 {
            if let Some(parent) = self.groups.remove(index).parent {
                visits.push(Visit::Leave(parent));
            }
        }
        Ok(())
    }

    fn znode_answered(
        &mut self,
        path: ZnodePath,
        data: Option<Bytes>,
        stat: Stat,
        children: Option<ReadReply>,
        visits: &mut Vec<Visit>,
    ) -> Result<()> {
        let kind = Kind::of_owner(stat.ephemeral_owner);
        if let Kind::Ephemeral { owner } = kind {
            visits.push(Visit::Ephemeral { path, owner });
            return Ok(());
        }
        let parent = path.clone();
        visits.push(Visit::Znode(Znode { path, data, acl: None, kind, stat }));
        match children {
            Some(ReadReply::Children(names)) if names.is_empty() && stat.num_children == 0 => {}
            Some(children) => self.children_answered(parent, children, visits)?,
            None if stat.num_children > 0 => {
                self.parents.push((parent, usize::try_from(stat.num_children).unwrap_or_default()));
            }
            None => {}
        }
        Ok(())
    }

    fn children_answered(&mut self, parent: ZnodePath, reply: ReadReply, visits: &mut Vec<Visit>) -> Result<()> {
        let mut names = match reply {
            ReadReply::Children(names) => names,
            ReadReply::Refused(Code::NO_NODE) => {
                visits.push(Visit::Vanished(parent.clone()));
                Names::default()
            }
            ReadReply::Refused(code) => {
                visits.push(Visit::Unreadable(parent, code));
                return Ok(());
            }
            ReadReply::Data(..) => return Err(unexpected(&parent)),
        };
        if self.holds_reserved && parent.is_root() {
            for name in names.iter().filter(|name| is_reserved(parent.child(name).as_str())) {
                visits.push(Visit::Reserved(parent.child(name)));
            }
            names = names.iter().filter(|name| !is_reserved(parent.child(name).as_str())).collect();
        }
        visits.push(Visit::Children(parent.clone(), names.clone()));
        if names.is_empty() {
            visits.push(Visit::Leave(parent));
        } else {
            self.add_group(Some(parent), names);
        }
        Ok(())
    }
}

fn unexpected(path: &ZnodePath) -> Error {
    let text = "an answer in a multiRead does not belong to its question".to_owned();
    Error::new(ErrorKind::Protocol(text), "read").on(path.as_str())
}

#[cfg(test)]
mod tests;
