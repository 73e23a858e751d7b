//! Removes from the target what the source does not have, as the pairs pass by.
//!
//! A sync removes all of it; a later pass of a copy only what was seen at the source before and has gone. Removal is
//! careful: a delete is refused where somebody has written since it was read. Below a znode that is left out for its masked
//! ACL everything stays.

use std::cell::RefCell;

use futures::{Stream, StreamExt, TryStreamExt};
use tokio::sync::mpsc::Receiver;

use super::pair;
use super::passes::Line;
use crate::budget::Budget;
use crate::connect::is_reserved;
use crate::error::Result;
use crate::filter::Place;
use crate::masked::LeftOut;
use crate::pair::{Beside, Pair, Pairing, Pairs};
use crate::remove::{self, Care};
use crate::source::reader::Reader;
use crate::source::walk::Walk;
use crate::source::{Chunk, Visit};
use crate::znode::{Kind, Names, ZnodePath};

/// What is to go, and how.
pub(super) struct Extras<'a> {
    line: &'a Line<'a>,
    target: &'a Reader,
    /// The same with windows of its own: while something is removed nobody drives the pairs, which hold places in the
    /// others.
    aside: Reader,
    care: Care<'a>,
    /// What the planner, behind us, will leave out too.
    left_out: RefCell<LeftOut>,
}

impl<'a> Extras<'a> {
    pub(super) fn new(line: &'a Line<'a>, target: &'a Reader, care: Care<'a>) -> Self {
        let left_out = RefCell::new(LeftOut::by(line.options.masked_acls));
        Self { line, target, aside: target.beside(), care, left_out }
    }

    /// The pairs of `chunks`, behind the removal of what stands beside them.
    pub(super) fn removed_from(&self, chunks: Receiver<Chunk>) -> impl Stream<Item = Result<Pairs>> {
        pair(chunks, Pairing::new(self.target, true)).and_then(|pairs| self.remove(pairs)).boxed_local()
    }

    async fn remove(&self, pairs: Pairs) -> Result<Pairs> {
        for pair in &pairs.pairs {
            if self.is_left_out(pair) {
                continue;
            }
            let Some((parent, names)) = self.of(pair).await? else { continue };
            let names = self.removable(&parent, &names);
            if !names.is_empty() {
                let Line { writer, options, progress, .. } = self.line;
                // What the filter leaves out is not ours to remove, be it below something that is.
                let walk = Walk::of_children(&self.aside, Budget::of_line(), options.filter.clone(), parent, names);
                remove::walked(walk, *writer, options.jute_maxbuffer, self.care, progress).await?;
            }
        }
        Ok(pairs)
    }

    /// Whether the copy leaves this out, so that whatever stands there at the target stays.
    fn is_left_out(&self, pair: &Pair) -> bool {
        let mut left_out = self.left_out.borrow_mut();
        match pair {
            Pair::Znode { source, .. } => left_out.takes(source),
            Pair::Children { parent: path, .. } | Pair::Other(Visit::Ephemeral { path, .. }) => left_out.holds(path),
            Pair::Other(Visit::Leave(path)) => {
                left_out.leave(path);
                false
            }
            Pair::Other(_) => false,
        }
    }

    /// What the target has beside a pair and the source has not.
    async fn of(&self, pair: &Pair) -> Result<Option<(ZnodePath, Names)>> {
        Ok(match pair {
            Pair::Children { parent, source, target, .. } => Some((parent.clone(), target.without(source))),
            Pair::Znode { source, target: Beside::Znode(there) }
                if source.stat.num_children == 0 && there.stat.num_children > 0 =>
            {
                let children = self.aside.lane().children(&source.path).await?;
                children.map(|(names, _)| (source.path.clone(), names))
            }
            // The source's ephemerals are no part of its tree; an ephemeral at the target is none of that one's.
            Pair::Other(Visit::Ephemeral { path, .. }) => {
                let there = self.aside.lane().stat(path).await?;
                let stands = there.is_some_and(|stat| !Kind::of_owner(stat.ephemeral_owner).is_ephemeral());
                path.parent().filter(|_| stands).zip(path.name().map(|name| [name].into_iter().collect()))
            }
            _ => None,
        })
    }

    /// Not ZooKeeper's own, not what a filter leaves out, and not somebody else's.
    fn removable(&self, parent: &ZnodePath, names: &Names) -> Names {
        let at_root = self.aside.lane().chroot().is_none() && parent.is_root();
        let kept = |path: ZnodePath| {
            (at_root && is_reserved(path.as_str()))
                || self.line.options.filter.place(&path) == Place::LeftOut
                || !self.care.owns(&path)
        };
        names.iter().filter(|name| !kept(parent.child(name))).collect()
    }
}
