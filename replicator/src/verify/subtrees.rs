//! Sums by subtree, down to a depth: where two trees differ, without a list of all that differs.
//!
//! While znodes come, each is added to the one subtree whose root is the znode itself or, below the depth, its ancestor
//! there; at the end the subtrees are added up from below. Their number is bounded: when there are too many, the
//! deepest level goes, so that what is left depends on the tree alone and not on the order in which it was read.

use std::collections::BTreeMap;

use super::differences::Sign;
use super::reading::Summary;
use crate::limits;
use crate::znode::ZnodePath;

/// A znode with all below it, on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subtree {
    /// Its root.
    pub path: ZnodePath,
    /// What the source holds there.
    pub source: Summary,
    /// What the target holds there.
    pub target: Summary,
    /// How the two compare.
    pub sign: Sign,
}

/// All subtrees down to a depth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subtrees {
    /// Levels below the root that were asked for.
    pub asked: usize,
    /// Levels that are here: fewer where one more has more than [`limits::SUBTREES_MAX`].
    pub depth: usize,
    /// By path.
    pub list: Vec<Subtree>,
}

/// What is known of a subtree so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum {
    pub(super) source: Summary,
    pub(super) target: Summary,
    /// Differences that are certain.
    pub(super) different: u64,
    /// Znodes that could not be read, or went away.
    pub(super) unread: u64,
}

impl Sum {
    fn merge(&mut self, other: &Self) {
        self.source.merge(&other.source);
        self.target.merge(&other.target);
        self.different += other.different;
        self.unread += other.unread;
    }

    fn sign(&self) -> Sign {
        match self {
            Self { unread: 0, target: Summary { znodes: 0, .. }, .. } => Sign::OnlySource,
            Self { unread: 0, source: Summary { znodes: 0, .. }, .. } => Sign::OnlyTarget,
            Self { different: 1.., .. } => Sign::Differs,
            Self { unread: 1.., .. } => Sign::Unreadable,
            Self { source, target, .. } if source == target => Sign::Same,
            _ => Sign::Differs,
        }
    }
}

/// Sums in the making.
#[derive(Debug)]
pub(super) struct Sums {
    asked: usize,
    depth: usize,
    by_root: BTreeMap<Box<str>, Sum>,
    paths_bytes: usize,
}

impl Sums {
    /// The same with the two sides in each other's place.
    pub(super) fn swapped(mut self) -> Self {
        for sum in self.by_root.values_mut() {
            std::mem::swap(&mut sum.source, &mut sum.target);
        }
        self
    }

    pub(super) fn new(depth: usize) -> Self {
        Self { asked: depth, depth, by_root: BTreeMap::new(), paths_bytes: 0 }
    }

    /// Changes the sum that `path` belongs to; the root of the tree, and everything where no depth is wanted, belongs to
    /// none.
    pub(super) fn add(&mut self, path: &str, change: impl FnOnce(&mut Sum)) {
        let Some(root) = root_of(path, self.depth) else { return };
        if let Some(sum) = self.by_root.get_mut(root) {
            return change(sum);
        }
        let mut sum = Sum::default();
        change(&mut sum);
        self.paths_bytes += root.len();
        self.by_root.insert(root.into(), sum);
        while self.by_root.len() > limits::SUBTREES_MAX || self.paths_bytes > limits::SUBTREE_PATHS_BYTES_MAX {
            self.lower_to(self.deepest() - 1);
        }
    }

    /// Adds the sums of other znodes of the same tree.
    pub(super) fn merge(&mut self, other: Self) {
        self.lower_to(other.depth);
        for (root, theirs) in other.by_root {
            self.add(&root, |sum| sum.merge(&theirs));
        }
    }

    /// Adds each level below `depth` to the one above it, and forgets it.
    fn lower_to(&mut self, depth: usize) {
        if depth >= self.depth {
            return;
        }
        for level in (depth + 1..=self.deepest()).rev() {
            for (root, sum) in self.level(level) {
                self.by_root.remove(&root);
                self.paths_bytes -= root.len();
                self.add_to_parent(&root, &sum);
            }
        }
        self.depth = depth;
    }

    fn level(&self, depth: usize) -> Vec<(Box<str>, Sum)> {
        let at_depth = self.by_root.iter().filter(|(root, _)| level(root) == depth);
        at_depth.map(|(root, sum)| (root.clone(), *sum)).collect()
    }

    fn add_to_parent(&mut self, root: &str, sum: &Sum) {
        match root.rsplit_once('/') {
            None | Some(("", _)) => {}
            Some((parent, _)) => {
                let before = self.by_root.len();
                self.by_root.entry(parent.into()).or_default().merge(sum);
                self.paths_bytes += (self.by_root.len() - before) * parent.len();
            }
        }
    }

    /// Adds all up.
    pub(super) fn finish(self) -> Subtrees {
        self.finish_beside(&[])
    }

    /// Adds all up, with `sources` in the place of what was read of the source: one tree beside a certificate.
    pub(super) fn finish_beside(mut self, sources: &[(ZnodePath, Summary)]) -> Subtrees {
        for depth in (2..=self.deepest()).rev() {
            for (root, sum) in self.level(depth) {
                self.add_to_parent(&root, &sum);
            }
        }
        for (path, source) in sources.iter().filter(|(path, _)| level(path.as_str()) <= self.depth) {
            self.by_root.entry(path.as_str().into()).or_default().source = *source;
        }
        let list = self.by_root.into_iter().map(|(root, sum)| {
            let Sum { source, target, .. } = sum;
            Subtree { path: ZnodePath::new(&root), source, target, sign: sum.sign() }
        });
        Subtrees { asked: self.asked, depth: self.depth, list: list.collect() }
    }

    fn deepest(&self) -> usize {
        self.by_root.keys().map(|root| level(root)).max().unwrap_or_default()
    }
}

/// How far below the root of the tree a path is; not asked for the root itself.
pub(crate) fn level(path: &str) -> usize {
    path.matches('/').count()
}

/// The root of the subtree that `path` belongs to: itself, or its ancestor at `depth`.
fn root_of(path: &str, depth: usize) -> Option<&str> {
    if path == "/" || depth == 0 {
        return None;
    }
    // The slash behind the root of the subtree.
    let end = path.match_indices('/').nth(depth).map_or(path.len(), |(at, _)| at);
    Some(&path[..end])
}

#[cfg(test)]
mod tests;
