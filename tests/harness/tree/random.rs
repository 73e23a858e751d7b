//! The random numbers of the generators: splitmix64.
//!
//! Ours because trees must be the same for a seed for ever, and a crate may change its stream with a release. It also
//! makes a znode a function of seed and index, so that generators keep no state.
//!
//! Invariant: the stream of a seed never changes.

/// A stream of random numbers (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A stream of its own for each index below a seed.
    pub fn at(seed: u64, index: usize) -> Self {
        Self(Self(seed ^ Self(index as u64).number()).number())
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The next number below `limit`, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.number() % limit as u64).expect("below a usize")
    }

    /// The next `size` bytes, which no compressor makes smaller.
    pub fn bytes(&mut self, size: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(size.next_multiple_of(8));
        while bytes.len() < size {
            bytes.extend(self.number().to_le_bytes());
        }
        bytes.truncate(size);
        bytes
    }
}
