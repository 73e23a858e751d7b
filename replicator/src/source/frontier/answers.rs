//! What a batch's answer shows, in order, and what there is to ask for after it.

use std::mem;

use bytes::Bytes;

use super::batch::{Ask, Batch, What};
use super::ways::Kept;
use super::{Frontier, Parent};
use crate::connect::is_reserved;
use crate::error::{Code, Error, ErrorKind, Result};
use crate::limits;
use crate::options::EphemeralPolicy;
use crate::session::ReadReply;
use crate::source::Visit;
use crate::znode::{Kind, Names, Stat, Znode, ZnodePath};

/// Reply bytes of one znode besides its data: multi header, length, stat.
const REPLY_OVERHEAD_BYTES: usize = 96;

impl Frontier {
    /// Takes the answer to a batch and gives what was met, in order.
    pub(in crate::source) fn answered(&mut self, batch: Batch, replies: Vec<ReadReply>) -> Result<Vec<Visit>> {
        self.asked -= batch.asks.len();
        self.expected -= batch.expected;
        self.unsized_asks -= batch.unsized_asks;
        let mut replies = replies.into_iter();
        // Beside the znodes, children lists and places that are left.
        let mut visits = Vec::with_capacity(batch.asks.len() + batch.asks.len() / 2);
        let mut doubled = usize::MAX;
        for Ask { path, what } in batch.asks {
            let mut reply = || replies.next().ok_or_else(|| unexpected(&path));
            match what {
                What::Children { on_the_way: None } => {
                    let children = reply()?;
                    self.children_answered(path, children, &mut visits)?;
                }
                What::Children { on_the_way: Some(group) } => {
                    let (data, children) = (reply()?, reply()?);
                    self.way_answered(group, path, data, children, &mut visits)?;
                }
                What::Znode { group, with_children } => {
                    let data = reply()?;
                    let children = if with_children { Some(reply()?) } else { None };
                    if mem::replace(&mut doubled, group) != group {
                        let take_max = &mut self.groups[group].take_max;
                        *take_max = (*take_max * 2).min(limits::READ_BATCH_OPS_MAX);
                    }
                    self.member_answered(group, path, data, children, &mut visits)?;
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
                self.znode_answered(index, znode(path, data, stat), children, visits)?;
                size
            }
            ReadReply::Refused(code) => {
                visits.push(refused(path, code));
                REPLY_OVERHEAD_BYTES
            }
            ReadReply::Children(_) => return Err(unexpected(&path)),
        };
        let group = &mut self.groups[index];
        self.unsized_groups -= usize::from(group.largest.is_none());
        group.largest = group.largest.max(Some(size));
        group.outstanding -= 1;
        self.settle(index, visits);
        Ok(())
    }

    fn znode_answered(
        &mut self,
        group: usize,
        mut znode: Znode,
        children: Option<ReadReply>,
        visits: &mut Vec<Visit>,
    ) -> Result<()> {
        let path = znode.path.clone();
        match (znode.kind, self.ephemerals) {
            (Kind::Ephemeral { owner }, EphemeralPolicy::LeftOut) => {
                visits.push(Visit::Ephemeral { path, owner });
                return Ok(());
            }
            (Kind::Ephemeral { .. }, EphemeralPolicy::AsPersistent) => znode.kind = Kind::Persistent,
            _ => {}
        }
        let num_children = usize::try_from(znode.stat.num_children).unwrap_or_default();
        let to_be_listed = children.is_none() && num_children > 0;
        let on_the_way = self.ways.is_on_the_way(&path).then(|| (group, znode.data_len()));
        if on_the_way.is_none() {
            self.give(znode, visits);
        } else {
            self.groups[group].unsettled += 1;
            if !to_be_listed {
                self.ways.keep(znode, group);
            }
        }
        if to_be_listed {
            self.parents.push(Parent { path, children: num_children, on_the_way });
            return Ok(());
        }
        let children = children.unwrap_or(ReadReply::Children(Names::default()));
        let childless = num_children == 0 && matches!(&children, ReadReply::Children(names) if names.is_empty());
        if childless && on_the_way.is_none() { Ok(()) } else { self.children_answered(path, children, visits) }
    }

    /// Gives a znode that is taken, behind the ancestors that were kept until it came.
    fn give(&mut self, znode: Znode, visits: &mut Vec<Visit>) {
        let ancestors = self.ways.leading_to(&znode.path);
        let groups: Vec<usize> = ancestors.iter().map(|kept| kept.group).collect();
        for Kept { znode, names, left_out, listed, .. } in ancestors {
            let parent = znode.path.clone();
            visits.extend([Visit::Znode(znode), Visit::Children { parent: parent.clone(), names, listed }]);
            self.left_out(&parent, left_out, visits);
        }
        visits.push(Visit::Znode(znode));
        for group in groups {
            self.settle_one(group, visits);
        }
    }

    /// The children of a znode on the way, with the data that is kept from now on.
    fn way_answered(
        &mut self,
        group: usize,
        path: ZnodePath,
        data: ReadReply,
        children: ReadReply,
        visits: &mut Vec<Visit>,
    ) -> Result<()> {
        match data {
            ReadReply::Data(data, stat) => {
                self.ways.keep(znode(path.clone(), data, stat), group);
                return self.children_answered(path, children, visits);
            }
            ReadReply::Refused(code) => visits.push(refused(path, code)),
            ReadReply::Children(_) => return Err(unexpected(&path)),
        }
        self.settle_one(group, visits);
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
                if let Some(Kept { group, .. }) = self.ways.release(&parent) {
                    self.settle_one(group, visits);
                }
                visits.push(Visit::Unreadable(parent, code));
                return Ok(());
            }
            ReadReply::Data(..) => return Err(unexpected(&parent)),
        };
        let listed = names.len();
        if self.holds_reserved && parent.is_root() {
            for name in names.iter().filter(|name| is_reserved(parent.child(name).as_str())) {
                visits.push(Visit::Reserved(parent.child(name)));
            }
            names = names.iter().filter(|name| !is_reserved(parent.child(name).as_str())).collect();
        }
        let (names, left_out) = self.ways.enter(&parent, names);
        self.left_out(&parent, left_out, visits);
        if !self.ways.keep_names(&parent, &names, listed) {
            visits.push(Visit::Children { parent: parent.clone(), names: names.clone(), listed });
        }
        if names.is_empty() {
            if let Some(group) = self.left(parent, visits) {
                self.settle(group, visits);
            }
        } else {
            self.add_group(Some(parent), names);
        }
        Ok(())
    }

    /// It is known of one more member on the way whether it leads to anything.
    fn settle_one(&mut self, group: usize, visits: &mut Vec<Visit>) {
        self.groups[group].unsettled -= 1;
        self.settle(group, visits);
    }

    /// When nothing of a group is open any more its parent is left, which may settle the parent's own group in turn.
    fn settle(&mut self, mut index: usize, visits: &mut Vec<Visit>) {
        while self.groups[index].is_settled() {
            let parent = self.groups.remove(index).parent;
            let Some(group) = parent.and_then(|parent| self.left(parent, visits)) else { return };
            index = group;
        }
    }

    /// All below `parent` is settled; gives the group in which it was open itself, being only on the way, until now.
    fn left(&mut self, parent: ZnodePath, visits: &mut Vec<Visit>) -> Option<usize> {
        let Some(Kept { group, names, left_out, .. }) = self.ways.release(&parent) else {
            visits.push(Visit::Leave(parent));
            return None;
        };
        self.left_out(&parent, left_out, visits);
        if let Some(above) = parent.parent() {
            self.left_out(&above, 1, visits);
        }
        visits.push(Visit::OnTheWay(parent, names));
        self.groups[group].unsettled -= 1;
        Some(group)
    }

    /// Children of `parent` are left out: said behind the parent itself, which may still be kept.
    fn left_out(&mut self, parent: &ZnodePath, count: usize, visits: &mut Vec<Visit>) {
        if count > 0 && !self.ways.keep_left_out(parent, count) {
            visits.push(Visit::Filtered(parent.clone(), count));
        }
    }
}

fn znode(path: ZnodePath, data: Option<Bytes>, stat: Stat) -> Znode {
    Znode { path, data, acl: None, kind: Kind::of_owner(stat.ephemeral_owner), stat }
}

fn refused(path: ZnodePath, code: Code) -> Visit {
    if code == Code::NO_NODE { Visit::Vanished(path) } else { Visit::Unreadable(path, code) }
}

fn unexpected(path: &ZnodePath) -> Error {
    let text = "an answer in a multiRead does not belong to its question".to_owned();
    Error::new(ErrorKind::Protocol(text), "read").on(path.as_str())
}
