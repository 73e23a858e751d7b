//! Two archives: where they are not the same.
//!
//! Both are read in full, and that is all where their sums are the same. Where they are not, one is remembered by a
//! fingerprint for each znode, up to [`limits::FINGERPRINTS_MAX`] of them, and both are read once more: neither can be asked
//! for what stands beside a znode of the other, and their orders need not be the same.

use ahash::RandomState;

use super::check_digest;
use super::compare::{Found, Rules};
use super::differences::{Difference, Sign};
use super::reading::Reading;
use crate::digest::TreeDigest;
use crate::error::Result;
use crate::limits;
use crate::options::{CounterPolicy, VerifyOptions};
use crate::progress::Progress;
use crate::source::{Source, Visit};
use crate::znode::{Znode, ZnodePath};

/// What a znode is remembered by.
#[derive(Clone, Copy, Debug)]
struct Fingerprint {
    path: u64,
    znode: u64,
    /// Data, ACL, kind and counter, each by itself.
    parts: [u16; 4],
    met: bool,
}

const PARTS: [&str; 4] = ["data", "acl", "kind", "counter"];

/// Compares them.
pub(super) async fn compare(
    options: &VerifyOptions,
    source: &Source,
    target: &Source,
    progress: &Progress,
) -> Result<Found> {
    let rules = Rules::new(options);
    let keys = Keys { hasher: RandomState::new(), counters: rules.counters };
    let mut found = Found::new(rules);
    let mut index = Vec::new();
    read(options, source, |visit| {
        progress.visited(&visit);
        found.source_visit(&visit);
        if let Visit::Znode(znode) = &visit {
            if index.len() < limits::FINGERPRINTS_MAX {
                index.push(keys.of(znode));
            }
        }
    })
    .await?;
    read(options, target, |visit| found.target_visit(&visit)).await?;
    check_digest(options, source, &found.source)?;
    check_digest(options, target, &found.target)?;
    if found.source.sum == found.target.sum {
        return Ok(found);
    }
    if found.source.sum.znodes > index.len() as u64 {
        // They differ, and nobody can remember where.
        let what = vec!["digest"];
        found.add(Difference { what, ..Difference::at(Sign::Differs, ZnodePath::root()) });
        return Ok(found);
    }
    index.sort_unstable_by_key(|fingerprint| fingerprint.path);
    read(options, target, |visit| {
        let Visit::Znode(znode) = visit else { return };
        let fingerprint = keys.of(&znode);
        match at(&mut index, fingerprint.path) {
            None => found.add(Difference::at(Sign::OnlyTarget, znode.path)),
            Some(there) => {
                there.met = true;
                if there.znode != fingerprint.znode {
                    let what = differing(there, &fingerprint);
                    found.add(Difference { what, ..Difference::at(Sign::Differs, znode.path) });
                }
            }
        }
    })
    .await?;
    read(options, source, |visit| {
        let Visit::Znode(znode) = visit else { return };
        if at(&mut index, keys.path(&znode.path)).is_some_and(|fingerprint| !fingerprint.met) {
            found.add(Difference::at(Sign::OnlySource, znode.path));
        }
    })
    .await?;
    Ok(found)
}

async fn read(options: &VerifyOptions, source: &Source, mut take: impl FnMut(Visit)) -> Result<()> {
    let mut chunks = source.chunks(&options.filter, options.ephemerals, None, true);
    while let Some(chunk) = chunks.next().await? {
        chunk.visits.into_iter().for_each(&mut take);
    }
    Ok(())
}

impl Found {
    fn source_visit(&mut self, visit: &Visit) {
        match visit {
            Visit::Znode(znode) => self.add_source(znode),
            visit => listed(&mut self.source, visit),
        }
    }

    fn target_visit(&mut self, visit: &Visit) {
        match visit {
            Visit::Znode(znode) => self.add_target(znode),
            visit => listed(&mut self.target, visit),
        }
    }
}

fn listed(reading: &mut Reading, visit: &Visit) {
    if let Visit::Children { listed, .. } = visit {
        reading.listed += *listed as u64;
    }
}

/// How fingerprints are made, in this process.
struct Keys {
    hasher: RandomState,
    counters: CounterPolicy,
}

impl Keys {
    fn of(&self, znode: &Znode) -> Fingerprint {
        let hash = |part: u64| u16::from_le_bytes([part.to_le_bytes()[0], part.to_le_bytes()[1]]);
        let counter = if self.counters == CounterPolicy::Compare { znode.stat.counter() } else { 0 };
        Fingerprint {
            path: self.path(&znode.path),
            znode: self.hasher.hash_one(TreeDigest::of(znode, self.counters).to_string()),
            parts: [
                hash(self.hasher.hash_one(&znode.data)),
                hash(self.hasher.hash_one(&znode.acl)),
                hash(self.hasher.hash_one(znode.kind)),
                hash(self.hasher.hash_one(counter)),
            ],
            met: false,
        }
    }

    fn path(&self, path: &ZnodePath) -> u64 {
        self.hasher.hash_one(path)
    }
}

fn at(index: &mut [Fingerprint], path: u64) -> Option<&mut Fingerprint> {
    let at = index.binary_search_by_key(&path, |fingerprint| fingerprint.path).ok()?;
    index.get_mut(at)
}

/// Which parts are not the same. One in 65,000 goes unnamed.
fn differing(one: &Fingerprint, other: &Fingerprint) -> Vec<&'static str> {
    let parts = PARTS.into_iter().zip(one.parts.iter().zip(other.parts));
    parts.filter(|(_, (one, other))| **one != *other).map(|(part, _)| part).collect()
}
