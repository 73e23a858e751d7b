//! What a scan counts: visits in, figures out. Pure, so that it is tested without a server.
//!
//! Memory does not depend on the tree: every list has a limit, and what goes beyond it is counted.

use std::fmt;

use hdrhistogram::Histogram;

use super::acls::AclCensus;
use super::top::Top;
use crate::batch::Batcher;
use crate::connect::Chroot;
use crate::ephemerals::{Ephemerals, Owner};
use crate::error::Code;
use crate::limits;
use crate::session::WriteOp;
use crate::source::Visit;
use crate::znode::{Acl, Kind, Names, Znode, ZnodePath};

/// The largest value that is told apart in the histogram: no data is longer than an int says.
const SIZE_MAX: u64 = i32::MAX.unsigned_abs() as u64;
/// Bytes of a reply to getChildren2 beside the names: length, header, count, stat.
const LIST_OVERHEAD_BYTES: usize = 4 + 16 + 4 + 68;
/// Each bucket of the histogram as it is shown ends where one more than its last value has as many times this more bits.
const BUCKET_BITS: u32 = 2;
/// The first bucket behind that of no data ends here.
const BUCKET_FIRST_BITS: u32 = 6;

/// What is in a tree.
pub struct Census {
    chroot: Chroot,
    requests: Batcher,
    request_bytes_max: usize,
    /// All znodes; ephemerals are among them.
    pub znodes: u64,
    /// Those that belong to a session.
    pub ephemerals: u64,
    /// Containers and TTL znodes, where the server tells them apart, which it hardly does.
    pub told_apart: u64,
    /// Bytes of data.
    pub data_bytes: u64,
    /// Bytes of absolute paths.
    pub path_bytes: u64,
    /// Znodes whose data is null.
    pub null: u64,
    /// Znodes whose data is empty, and not null.
    pub empty: u64,
    /// Znodes by level.
    pub levels: Levels,
    sizes: Histogram<u64>,
    /// Those with the most children.
    pub widest: Top,
    /// Those with the most data.
    pub largest: Top,
    /// Those with the highest sequence counters.
    pub counters: Top,
    /// Who may do what.
    pub acls: AclCensus,
    owners: Ephemerals,
    /// What will be a problem.
    pub problems: Problems,
}

/// Znodes by their level; the root of the tree is level 0.
#[derive(Clone, Debug, Default)]
pub struct Levels {
    /// Level by level, from the root.
    pub znodes: Vec<u64>,
    /// Those of all levels below these.
    pub deeper: u64,
    /// The lowest level.
    pub max: usize,
}

/// Znodes that whoever moves the tree will have to deal with.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    /// Too large for a request, each with the bytes of the one that would carry it.
    pub oversized: Listed<usize>,
    /// The server hides an id of their ACL.
    pub masked_acls: Listed<Acl>,
    /// Their children's names do not fit into what ZooKeeper's own clients take.
    pub long_lists: Listed<LongList>,
    /// Their sequence counters are near their end.
    pub counters: Listed<u32>,
    /// They, or their children, can't be read.
    pub unreadable: Listed<Code>,
}

/// Znodes of one kind: the first of them, and how many there are.
#[derive(Clone, Debug)]
pub struct Listed<T> {
    /// All of them.
    pub count: u64,
    /// The first.
    pub list: Vec<(ZnodePath, T)>,
}

/// A children list that is too long for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongList {
    /// How many children.
    pub children: usize,
    /// Bytes of the reply that names them.
    pub reply_bytes: usize,
}

/// Znodes whose data is of some size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// From so many bytes.
    pub from: u64,
    /// To so many.
    pub to: u64,
    /// How many znodes.
    pub znodes: u64,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self { count: 0, list: Vec::new() }
    }
}

impl<T> Listed<T> {
    pub(crate) fn add(&mut self, path: &ZnodePath, what: T) {
        self.count += 1;
        if self.list.len() < limits::SCAN_PROBLEMS_LISTED {
            self.list.push((path.clone(), what));
        }
    }
}

impl Problems {
    /// All of them.
    pub fn total(&self) -> u64 {
        let Self { oversized, masked_acls, long_lists, counters, unreadable } = self;
        oversized.count + masked_acls.count + long_lists.count + counters.count + unreadable.count
    }
}

impl Levels {
    fn add(&mut self, level: usize) {
        self.max = self.max.max(level);
        if level >= limits::SCAN_LEVELS_MAX {
            self.deeper += 1;
            return;
        }
        if self.znodes.len() <= level {
            self.znodes.resize(level + 1, 0);
        }
        self.znodes[level] += 1;
    }
}

impl Census {
    /// Of the tree at `chroot`, with lists of `top` znodes, for a target that takes requests of `request_bytes_max` bytes.
    pub fn new(chroot: Chroot, top: usize, request_bytes_max: usize) -> Self {
        Self {
            requests: Batcher::new(chroot.clone(), request_bytes_max),
            chroot,
            request_bytes_max,
            znodes: 0,
            ephemerals: 0,
            told_apart: 0,
            data_bytes: 0,
            path_bytes: 0,
            null: 0,
            empty: 0,
            levels: Levels::default(),
            sizes: Histogram::new_with_max(SIZE_MAX, 3).expect("three digits up to the longest data are in range"),
            widest: Top::new(top),
            largest: Top::new(top),
            counters: Top::new(top),
            acls: AclCensus::default(),
            owners: Ephemerals::default(),
            problems: Problems::default(),
        }
    }

    /// Counts what was met.
    pub fn add(&mut self, visit: &Visit) {
        match visit {
            Visit::Znode(znode) => self.znode(znode),
            Visit::Children { parent, names, listed } => self.children(parent, names, *listed),
            Visit::Unreadable(path, code) => self.problems.unreadable.add(path, *code),
            // A scan's walk gives ephemerals as znodes; an archive knows where they were, and whose.
            Visit::Ephemeral { path, owner } => {
                self.znodes += 1;
                self.ephemerals += 1;
                self.path_bytes += self.chroot.locate(path).len() as u64;
                self.levels.add(path.as_str().matches('/').count());
                self.owners.met(path, *owner);
            }
            Visit::Leave(_) | Visit::Reserved(_) | Visit::OnTheWay(..) | Visit::Filtered(..) | Visit::Vanished(_) => {}
        }
    }

    fn znode(&mut self, znode: &Znode) {
        let Znode { path, data, acl, stat, .. } = znode;
        let bytes = znode.data_len() as u64;
        self.znodes += 1;
        self.data_bytes += bytes;
        self.path_bytes += self.chroot.locate(path).len() as u64;
        match data {
            None => self.null += 1,
            Some(data) => self.empty += u64::from(data.is_empty()),
        }
        match Kind::of_owner(stat.ephemeral_owner) {
            Kind::Persistent => {}
            Kind::Ephemeral { owner } => {
                self.ephemerals += 1;
                self.owners.met(path, owner);
            }
            Kind::Container | Kind::Ttl { .. } => self.told_apart += 1,
        }
        let level = if path.is_root() { 0 } else { path.as_str().matches('/').count() };
        self.levels.add(level);
        self.sizes.saturating_record(bytes);
        if bytes > 0 {
            self.largest.offer(bytes, path);
        }
        let counter = stat.counter();
        if counter > 0 {
            self.counters.offer(u64::from(counter), path);
        }
        if counter > limits::COUNTER_MAX {
            self.problems.counters.add(path, counter);
        }
        if let Some(acl) = acl {
            self.acls.add(acl, path);
            if acl.is_masked() {
                self.problems.masked_acls.add(path, acl.clone());
            }
        }
        let acl = acl.clone().unwrap_or_else(Acl::open);
        let create = WriteOp::Create { path: path.clone(), data: data.clone(), acl, kind: Kind::Persistent };
        let request_bytes = self.requests.request_len(&create);
        if request_bytes > self.request_bytes_max {
            self.problems.oversized.add(path, request_bytes);
        }
    }

    fn children(&mut self, parent: &ZnodePath, names: &Names, listed: usize) {
        if listed == 0 {
            return;
        }
        self.widest.offer(listed as u64, parent);
        let seen: usize = names.iter().map(|name| 4 + name.len()).sum();
        // Names that a filter left out are taken to be as long as the others.
        let all = if names.is_empty() { 0 } else { seen / names.len() * (listed - names.len()) + seen };
        let reply_bytes = LIST_OVERHEAD_BYTES + all;
        if reply_bytes > limits::CLIENT_REPLY_BYTES_MAX {
            self.problems.long_lists.add(parent, LongList { children: listed, reply_bytes });
        }
    }

    /// The bytes of data that this share of all znodes does not exceed; exact up to 2,047 bytes, to a thousandth beyond.
    pub fn size_at(&self, share: f64) -> u64 {
        self.sizes.value_at_quantile(share)
    }

    /// Znodes by the size of their data, from none at all to the largest; each bucket is four times as wide as the one
    /// before.
    pub fn buckets(&self) -> Vec<Bucket> {
        let mut buckets = vec![Bucket { from: 0, to: 0, znodes: self.sizes.count_at(0) }];
        let (mut from, mut bits) = (1_u64, BUCKET_FIRST_BITS);
        while self.sizes.max() >= from {
            let to = (1 << bits) - 1;
            buckets.push(Bucket { from, to, znodes: self.sizes.count_between(from, to) });
            (from, bits) = (to + 1, bits + BUCKET_BITS);
        }
        buckets
    }

    /// Sessions that own ephemerals.
    pub fn ephemeral_owners(&self) -> Vec<Owner> {
        self.owners.by_owner()
    }
}

impl fmt::Debug for Census {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Census").field("znodes", &self.znodes).field("problems", &self.problems).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
