//! Pairs of znodes give what they show: sums, differences, and what only more questions to the target can tell.
//!
//! Nothing here asks a server; it runs on the pool, a chunk at a time.

use super::differences::{Difference, Differences, Sign};
use super::reading::Reading;
use super::subtrees::Sums;
use crate::digest::TreeDigest;
use crate::options::{CounterPolicy, VerifyOptions};
use crate::pair::{Beside, Pair, Pairs};
use crate::source::Visit;
use crate::znode::{Acl, Names, Znode, ZnodePath};

/// What is compared, and how much is kept of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) counters: CounterPolicy,
    pub(super) depth: usize,
    pub(super) listed: usize,
}

impl Rules {
    pub(super) fn new(options: &VerifyOptions) -> Self {
        let VerifyOptions { counters, depth, differences_listed: listed, .. } = *options;
        Self { counters, depth, listed }
    }
}

/// What a part of the trees has shown.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) rules: Rules,
    pub(super) source: Reading,
    pub(super) target: Reading,
    pub(super) sums: Sums,
    pub(super) differences: Differences,
    /// What can only be told by asking the target more.
    pub(super) open: Vec<Open>,
}

/// A place where the target may have more than the source.
#[derive(Debug)]
pub(super) enum Open {
    /// These children are at the target and not at the source.
    Extras(ZnodePath, Names),
    /// The source's znode has no children, the target's has.
    Childless(ZnodePath),
    /// The source has an ephemeral here.
    Ephemeral(ZnodePath),
}

/// Compares pairs: all that can be told without asking a server.
pub(super) fn compare(pairs: Pairs, rules: Rules) -> Found {
    let mut found = Found::new(rules);
    for pair in pairs.pairs {
        match pair {
            Pair::Znode { source, target } => found.pair(&source, &target),
            Pair::Children { parent, source, listed, target } => {
                if let Some(listed) = listed {
                    found.source.listed += listed as u64;
                    found.target.listed += target.len() as u64;
                }
                let extras = target.without(&source);
                if !extras.is_empty() {
                    found.open.push(Open::Extras(parent, extras));
                }
            }
            Pair::Other(visit) => found.other(visit),
        }
    }
    found
}

impl Found {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            source: Reading::default(),
            target: Reading::default(),
            sums: Sums::new(rules.depth),
            differences: Differences::new(rules.listed),
            open: Vec::new(),
            rules,
        }
    }

    /// Adds what another part has shown, but for what is open there.
    pub(super) fn merge(&mut self, other: Self) {
        self.source.merge(&other.source);
        self.target.merge(&other.target);
        self.sums.merge(other.sums);
        self.differences.merge(other.differences);
    }

    /// The same with the two sides in each other's place.
    pub(super) fn swapped(self) -> Self {
        let Self { rules, source, target, sums, differences, open } = self;
        let (sums, differences) = (sums.swapped(), differences.swapped());
        Self { rules, source: target, target: source, sums, differences, open }
    }

    pub(super) fn add_source(&mut self, znode: &Znode) {
        let digest = TreeDigest::of(znode, self.rules.counters);
        self.source.add(znode, &digest);
        self.sums.add(znode.path.as_str(), |sum| sum.source.add(znode, &digest));
    }

    pub(super) fn add_target(&mut self, znode: &Znode) {
        let digest = TreeDigest::of(znode, self.rules.counters);
        self.target.add(znode, &digest);
        self.sums.add(znode.path.as_str(), |sum| sum.target.add(znode, &digest));
    }

    pub(super) fn add(&mut self, difference: Difference) {
        self.sums.add(difference.path.as_str(), |sum| match difference.sign {
            Sign::Unreadable => sum.unread += 1,
            _ => sum.different += 1,
        });
        self.differences.add(difference);
    }

    fn pair(&mut self, source: &Znode, target: &Beside) {
        self.add_source(source);
        let path = source.path.clone();
        let there = match target {
            Beside::Znode(there) => there,
            Beside::Nothing | Beside::Ephemeral => return self.add(Difference::at(Sign::OnlySource, path)),
            Beside::Unreadable(_) => return self.add(Difference::at(Sign::Unreadable, path)),
        };
        self.add_target(there);
        // A list of children comes only for a znode that has some at the source.
        if there.stat.num_children > 0 && source.stat.num_children == 0 {
            self.open.push(Open::Childless(path.clone()));
        }
        // Two hidden ids look the same whatever they are.
        if is_masked(source) || is_masked(there) {
            return self.add(Difference { what: vec!["acl"], ..Difference::at(Sign::Unreadable, path) });
        }
        let counters = [source, there].map(|znode| znode.stat.counter());
        let counters =
            (self.rules.counters == CounterPolicy::Compare && counters[0] != counters[1]).then_some(counters);
        let parts = [
            ("data", source.data != there.data),
            ("acl", source.acl != there.acl),
            ("kind", source.kind != there.kind),
            ("counter", counters.is_some()),
        ];
        let what: Vec<_> = parts.into_iter().filter(|(_, differs)| *differs).map(|(part, _)| part).collect();
        if !what.is_empty() {
            self.add(Difference { sign: Sign::Differs, path, what, counters });
        }
    }

    fn other(&mut self, visit: Visit) {
        match visit {
            Visit::Ephemeral { path, .. } => self.open.push(Open::Ephemeral(path)),
            Visit::Unreadable(path, _) => self.add(Difference::at(Sign::Unreadable, path)),
            Visit::Vanished(path) => self.sums.add(path.as_str(), |sum| sum.unread += 1),
            // What the target has of reserved and filtered names is among its extras: the source's list of children is
            // without them.
            Visit::Reserved(_)
            | Visit::Filtered(..)
            | Visit::Znode(_)
            | Visit::Children { .. }
            | Visit::OnTheWay(..)
            | Visit::Leave(_) => {}
        }
    }
}

/// Whether its ACL hides an id from us.
pub(super) fn is_masked(znode: &Znode) -> bool {
    znode.acl.as_ref().is_some_and(Acl::is_masked)
}

#[cfg(test)]
mod tests;
