//! What is going on: counters that the line moves and anybody may look at.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::ephemerals::{Ephemerals, Owner};
use crate::limits;
use crate::scan::Top;
use crate::session::WriteOp;
use crate::source::Visit;
use crate::status::Size;
use crate::znode::{Kind, Znode};

/// Counters of a run. Written means acknowledged by the target.
#[derive(Debug, Default)]
pub struct Progress {
    read: AtomicU64,
    read_bytes: AtomicU64,
    kept: AtomicU64,
    created: AtomicU64,
    data_set: AtomicU64,
    acl_set: AtomicU64,
    deleted: AtomicU64,
    counter_raised: AtomicU64,
    written_bytes: AtomicU64,
    requests: AtomicU64,
    ephemeral: AtomicU64,
    reserved: AtomicU64,
    filtered: AtomicU64,
    vanished: AtomicU64,
    older: AtomicU64,
    ephemeral_taken: AtomicU64,
    /// Children that the stats of znodes have promised.
    promised: AtomicU64,
    /// How many znodes there may be; 0 where nobody knows.
    expected: AtomicU64,
    /// Passes over the source that were begun after the first.
    later: AtomicU64,
    mtime_max_ms: AtomicI64,
    ephemerals: Ephemerals,
    noting: Option<Box<Noting>>,
}

/// The znodes that have most of something, for who wants to see them.
#[derive(Clone, Debug)]
pub struct Notable {
    /// By the bytes of their data.
    pub largest: Top,
    /// By the number of their children.
    pub widest: Top,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Znodes of the source that were read.
    pub read: u64,
    /// Bytes of their data.
    pub read_bytes: u64,
    /// Znodes that were equal already.
    pub kept: u64,
    /// Znodes created.
    pub created: u64,
    /// Znodes whose data was set.
    pub data_set: u64,
    /// Znodes whose ACL was set, be it after a create.
    pub acl_set: u64,
    /// Znodes deleted.
    pub deleted: u64,
    /// Steps by which sequence counters were raised.
    pub counter_raised: u64,
    /// Bytes of data written.
    pub written_bytes: u64,
    /// Write requests acknowledged.
    pub requests: u64,
    /// Ephemerals left out.
    pub ephemeral: u64,
    /// Znodes of ZooKeeper's own left out.
    pub reserved: u64,
    /// Znodes that the filter left out; what is below them was not looked at, and is not counted.
    pub filtered: u64,
    /// Znodes that were deleted while they were being read.
    pub vanished: u64,
    /// Znodes that were left alone since they are not newer than was asked.
    pub older: u64,
    /// Ephemerals that were taken for persistent znodes.
    pub ephemeral_taken: u64,
    /// When the znode that was written last was written, in ms since the epoch.
    pub mtime_max_ms: i64,
}

impl Counts {
    /// Writes of any kind.
    pub fn written(&self) -> u64 {
        self.created + self.data_set + self.acl_set + self.deleted + self.counter_raised
    }

    /// Adds what was counted elsewhere.
    pub fn add(&mut self, other: &Self) {
        self.read += other.read;
        self.read_bytes += other.read_bytes;
        self.kept += other.kept;
        self.created += other.created;
        self.data_set += other.data_set;
        self.acl_set += other.acl_set;
        self.deleted += other.deleted;
        self.counter_raised += other.counter_raised;
        self.written_bytes += other.written_bytes;
        self.requests += other.requests;
        self.ephemeral += other.ephemeral;
        self.reserved += other.reserved;
        self.filtered += other.filtered;
        self.vanished += other.vanished;
        self.older += other.older;
        self.ephemeral_taken += other.ephemeral_taken;
        self.mtime_max_ms = self.mtime_max_ms.max(other.mtime_max_ms);
    }
}

/// Those that were met until now. Nearly every znode is told apart by a number, before anything is locked.
#[derive(Debug, Default)]
struct Noting {
    notable: Mutex<Notable>,
    /// What is no more than this is no news: bytes of data, children.
    floors: [AtomicU64; 2],
}

impl Noting {
    fn met(&self, znode: &Znode) {
        let (bytes, children) = (znode.data_len() as u64, u64::try_from(znode.stat.num_children).unwrap_or_default());
        let [largest, widest] = &self.floors;
        if bytes <= largest.load(Ordering::Relaxed) && children <= widest.load(Ordering::Relaxed) {
            return;
        }
        let mut notable = self.notable.lock().unwrap_or_else(PoisonError::into_inner);
        notable.largest.offer(bytes, &znode.path);
        notable.widest.offer(children, &znode.path);
        largest.store(notable.largest.floor(), Ordering::Relaxed);
        widest.store(notable.widest.floor(), Ordering::Relaxed);
    }
}

impl Default for Notable {
    fn default() -> Self {
        Self { largest: Top::new(limits::REPORT_TOP), widest: Top::new(limits::REPORT_TOP) }
    }
}

impl Progress {
    /// One that notes the largest and the widest znodes too.
    pub fn noting() -> Self {
        Self { noting: Some(Box::default()), ..Self::default() }
    }

    /// Those that were noted until now.
    pub fn notable(&self) -> Option<Notable> {
        Some(self.noting.as_ref()?.notable.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Counts what the source has shown.
    pub fn visited(&self, visit: &Visit) {
        match visit {
            Visit::Znode(znode) => {
                add(&self.read, 1);
                add(&self.read_bytes, znode.data_len() as u64);
                self.mtime_max_ms.fetch_max(znode.stat.mtime, Ordering::Relaxed);
                add(&self.promised, u64::try_from(znode.stat.num_children).unwrap_or_default());
                add(&self.ephemeral_taken, u64::from(Kind::of_owner(znode.stat.ephemeral_owner).is_ephemeral()));
                if let Some(noting) = &self.noting {
                    noting.met(znode);
                }
            }
            Visit::Ephemeral { path, owner } => {
                add(&self.ephemeral, 1);
                self.ephemerals.met(path, *owner);
            }
            Visit::Reserved(_) => add(&self.reserved, 1),
            Visit::Filtered(_, count) => add(&self.filtered, *count as u64),
            Visit::Vanished(_) => add(&self.vanished, 1),
            Visit::Children { .. } | Visit::OnTheWay(..) | Visit::Leave(_) | Visit::Unreadable(..) => {}
        }
    }

    /// Somebody has counted before how many znodes there are; 0: nobody has.
    pub fn expect(&self, znodes: u64) {
        self.expected.store(znodes, Ordering::Relaxed);
    }

    /// All of the source was read, and another pass looks for what has changed since the one before began.
    pub fn another_pass(&self) {
        add(&self.later, 1);
    }

    /// How many znodes there may be, by what is known now.
    pub fn size(&self) -> Size {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        match (get(&self.later), get(&self.expected), get(&self.promised)) {
            (later @ 1.., ..) => Size::Changes { pass: later + 1 },
            (0, 0, 0) => Size::Unknown,
            // A count that was exceeded is none.
            (0, expected, promised) if expected < get(&self.read).max(1) => Size::AtLeast(promised + 1),
            (0, expected, _) => Size::About(expected),
        }
    }

    /// Counts a znode that needs no write.
    pub fn kept(&self) {
        add(&self.kept, 1);
    }

    /// Counts a znode that is not newer than was asked.
    pub fn older(&self) {
        add(&self.older, 1);
    }

    /// What a request will count for, once it is acknowledged.
    pub fn count(&self, ops: &[WriteOp]) -> Counts {
        let mut counts = Counts { requests: 1, ..Counts::default() };
        for op in ops {
            let (counter, data) = match op {
                WriteOp::Create { data, .. } => (&mut counts.created, data.as_ref()),
                WriteOp::SetData { data, .. } => (&mut counts.data_set, data.as_ref()),
                WriteOp::SetAcl { .. } => (&mut counts.acl_set, None),
                WriteOp::Delete { .. } => (&mut counts.deleted, None),
                WriteOp::RaiseCounter { .. } => (&mut counts.counter_raised, None),
                WriteOp::Check { .. } => continue,
            };
            *counter += 1;
            counts.written_bytes += data.map_or(0, |data| data.len() as u64);
        }
        counts
    }

    /// Counts an acknowledged request.
    pub fn written(&self, counts: Counts) {
        add(&self.created, counts.created);
        add(&self.data_set, counts.data_set);
        add(&self.acl_set, counts.acl_set);
        add(&self.deleted, counts.deleted);
        add(&self.counter_raised, counts.counter_raised);
        add(&self.written_bytes, counts.written_bytes);
        add(&self.requests, counts.requests);
    }

    /// The sessions whose ephemerals were left out.
    pub fn ephemeral_owners(&self) -> Vec<Owner> {
        self.ephemerals.by_owner()
    }

    /// The counters now.
    pub fn counts(&self) -> Counts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            read: get(&self.read),
            read_bytes: get(&self.read_bytes),
            kept: get(&self.kept),
            created: get(&self.created),
            data_set: get(&self.data_set),
            acl_set: get(&self.acl_set),
            deleted: get(&self.deleted),
            counter_raised: get(&self.counter_raised),
            written_bytes: get(&self.written_bytes),
            requests: get(&self.requests),
            ephemeral: get(&self.ephemeral),
            reserved: get(&self.reserved),
            filtered: get(&self.filtered),
            vanished: get(&self.vanished),
            older: get(&self.older),
            ephemeral_taken: get(&self.ephemeral_taken),
            mtime_max_ms: self.mtime_max_ms.load(Ordering::Relaxed),
        }
    }
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

#[cfg(test)]
mod tests;
