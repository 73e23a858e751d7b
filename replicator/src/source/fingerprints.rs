//! Which znodes were seen, and with which ACL version: 8 bytes a znode.
//!
//! A path's hash has 64 bits: 16 of them choose a bucket, 48 stand in it beside the low 16 bits of the aversion. Two
//! paths of a tree of ten million are taken for one with a probability of 1 in 370,000. The hash is keyed anew in each
//! process: nobody can choose names that collide.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use crate::limits;
use crate::znode::ZnodePath;

/// Bits of the hash that choose a bucket.
const BUCKET_BITS: u32 = 16;
const AVERSION_MASK: u64 = 0xffff;

/// Fingerprints of znodes, a bounded number of them.
#[derive(Debug)]
pub(super) struct Fingerprints {
    keys: RandomState,
    /// In each: 48 bits of the hash, then the aversion.
    buckets: Vec<Vec<u64>>,
    count: usize,
}

impl Fingerprints {
    pub(super) fn new() -> Self {
        Self { keys: RandomState::new(), buckets: vec![Vec::new(); 1 << BUCKET_BITS], count: 0 }
    }

    /// Whether there is no more room: then what was not seen may have been.
    pub(super) fn is_full(&self) -> bool {
        self.count >= limits::FINGERPRINTS_MAX
    }

    /// Whether the znode was seen.
    pub(super) fn has(&self, path: &ZnodePath) -> bool {
        let (bucket, hash) = self.place(path);
        self.buckets[bucket].iter().any(|entry| entry & !AVERSION_MASK == hash)
    }

    /// Notes the aversion of a znode; gives whether it was seen before with the same one.
    pub(super) fn note(&mut self, path: &ZnodePath, aversion: i32) -> bool {
        let full = self.is_full();
        let (bucket, hash) = self.place(path);
        let entry = hash | u64::from(u32::from_ne_bytes(aversion.to_ne_bytes())) & AVERSION_MASK;
        let bucket = &mut self.buckets[bucket];
        match bucket.iter_mut().find(|known| **known & !AVERSION_MASK == hash) {
            Some(known) => std::mem::replace(known, entry) == entry,
            None if full => false,
            None => {
                if bucket.len() == bucket.capacity() {
                    // By an eighth, not by doubling: memory is what this is about.
                    bucket.reserve_exact((bucket.len() / 8).max(4));
                }
                bucket.push(entry);
                self.count += 1;
                false
            }
        }
    }

    /// Forgets a znode.
    pub(super) fn forget(&mut self, path: &ZnodePath) {
        let (bucket, hash) = self.place(path);
        let bucket = &mut self.buckets[bucket];
        if let Some(at) = bucket.iter().position(|known| known & !AVERSION_MASK == hash) {
            bucket.swap_remove(at);
            self.count -= 1;
        }
    }

    fn place(&self, path: &ZnodePath) -> (usize, u64) {
        let hash = self.keys.hash_one(path.as_str());
        let bucket = usize::try_from(hash >> (u64::BITS - BUCKET_BITS)).unwrap_or(0);
        (bucket, hash << BUCKET_BITS)
    }
}

#[cfg(test)]
mod tests;
