//! Which znodes were seen, and with which ACL version: 8 bytes a znode, 16 with what a growing list keeps free.
//!
//! A fingerprint holds 56 bits of a path's hash and the low 8 bits of the aversion. Two paths of a tree of ten million are
//! taken for one with a probability of 1 in 1,400. The hash is keyed anew in each process: nobody can choose names that
//! collide. It is made for every znode, so it is one that the processor helps with: SipHash took a tenth of a copy's time.
//!
//! The first walk meets every znode once and only adds; the list is sorted when the first question comes. What is noted
//! from then on, few znodes, stands in a map beside it.

use std::collections::HashMap;

use ahash::RandomState;

use crate::limits;
use crate::znode::ZnodePath;

const AVERSION_MASK: u64 = 0xff;

/// Fingerprints of znodes, a bounded number of them.
#[derive(Debug, Default)]
pub(super) struct Fingerprints {
    keys: RandomState,
    /// Of the first walk.
    all: Vec<u64>,
    sorted: bool,
    /// Of later ones: hash and aversion; `None` for what was forgotten.
    later: HashMap<u64, Option<u64>>,
}

impl Fingerprints {
    /// Whether there is no more room: then what was not seen may have been.
    pub(super) fn is_full(&self) -> bool {
        self.all.len() + self.later.len() >= limits::FINGERPRINTS_MAX
    }

    /// Adds a znode of the first walk, which meets each one once.
    pub(super) fn add(&mut self, path: &ZnodePath, aversion: i32) {
        if !self.is_full() {
            let fingerprint = self.hash(path) | low_bits(aversion);
            self.all.push(fingerprint);
            self.sorted = false;
        }
    }

    /// Whether the znode was seen.
    pub(super) fn has(&mut self, path: &ZnodePath) -> bool {
        let hash = self.hash(path);
        self.aversion(hash).is_some()
    }

    /// Notes the aversion of a znode; gives whether it was seen before with the same one.
    pub(super) fn note(&mut self, path: &ZnodePath, aversion: i32) -> bool {
        let (hash, aversion) = (self.hash(path), low_bits(aversion));
        let same = self.aversion(hash) == Some(aversion);
        if !same && !self.is_full() {
            self.later.insert(hash, Some(aversion));
        }
        same
    }

    /// Puts another aversion in the place of the one that was noted last, whatever room there is: a wrong one would hide a
    /// change.
    pub(super) fn correct(&mut self, path: &ZnodePath, aversion: i32) {
        let hash = self.hash(path);
        self.later.insert(hash, Some(low_bits(aversion)));
    }

    /// Forgets a znode.
    pub(super) fn forget(&mut self, path: &ZnodePath) {
        let hash = self.hash(path);
        self.later.insert(hash, None);
    }

    fn aversion(&mut self, hash: u64) -> Option<u64> {
        if let Some(later) = self.later.get(&hash) {
            return *later;
        }
        if !self.sorted {
            self.all.sort_unstable();
            self.sorted = true;
        }
        let at = self.all.partition_point(|fingerprint| fingerprint & !AVERSION_MASK < hash);
        let found = self.all.get(at).filter(|fingerprint| **fingerprint & !AVERSION_MASK == hash);
        found.map(|fingerprint| fingerprint & AVERSION_MASK)
    }

    fn hash(&self, path: &ZnodePath) -> u64 {
        self.keys.hash_one(path.as_str()) & !AVERSION_MASK
    }
}

fn low_bits(aversion: i32) -> u64 {
    u64::from(u32::from_ne_bytes(aversion.to_ne_bytes())) & AVERSION_MASK
}

#[cfg(test)]
mod tests;
