//! The trees that a bench makes: the same znodes for the same seed, on every machine.
//!
//! A znode is a function of its seed and its index, parents come before their children, and nothing is remembered: a
//! tree of ten million znodes takes as much memory as one of ten.

use std::fmt;

use bytes::{Bytes, BytesMut};

use crate::znode::ZnodePath;

/// Children of each znode of [`Shape::Small`].
const SMALL_FANOUT: u64 = 16;
/// Levels of each chain of [`Shape::Deep`]. A server keeps every path in full, so that one chain would grow with its
/// square.
const DEEP_LEVELS: u64 = 256;
/// Powers of two between which the number of partitions of a table lies.
const PARTITIONS_LOG2: std::ops::RangeInclusive<u32> = 2..=10;

/// What a tree looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Tables with 4 to 1024 partitions each, as a Pegasus meta server keeps them.
    Pegasus,
    /// One parent.
    Wide,
    /// Chains of 256.
    Deep,
    /// The parent of each znode is any one before it.
    Bush,
    /// 16 children each, a few bytes of data.
    Small,
    /// Values near the largest request.
    Big,
}

impl Shape {
    /// Bytes of data of each znode, where nobody says otherwise.
    pub fn data_bytes(self) -> usize {
        match self {
            // What is usual in a recorded tree: 293 to 364.
            Self::Pegasus => 310,
            Self::Wide | Self::Deep => 16,
            Self::Bush => 100,
            Self::Small => 8,
            Self::Big => 900_000,
        }
    }

    /// Znodes, where nobody says otherwise. A server holds them all in its heap.
    pub fn znodes(self) -> u64 {
        if self == Self::Big { 100 } else { 100_000 }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pegasus => "pegasus",
            Self::Wide => "wide",
            Self::Deep => "deep",
            Self::Bush => "bush",
            Self::Small => "small",
            Self::Big => "big",
        })
    }
}

/// A tree to make. Its root is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tree {
    /// What it looks like.
    pub shape: Shape,
    /// How many znodes it has.
    pub znodes: u64,
    /// Bytes of data of each.
    pub data_bytes: usize,
    /// What its data, and where it is random its shape, follow from.
    pub seed: u64,
}

impl Tree {
    /// Bytes of data of all its znodes.
    pub fn bytes(&self) -> u64 {
        self.znodes.saturating_mul(self.data_bytes as u64)
    }

    /// Its znodes: paths and data, parents before their children.
    pub fn iter(self) -> impl Iterator<Item = (ZnodePath, Bytes)> + Send {
        let count = usize::try_from(self.znodes).unwrap_or(usize::MAX);
        self.paths().take(count).zip(0..).map(move |(path, index)| (path, self.data(index)))
    }

    fn paths(self) -> Box<dyn Iterator<Item = ZnodePath> + Send> {
        let seed = self.seed;
        let of_index = |path: fn(u64, u64) -> String| {
            Box::new((0..).map(move |index| ZnodePath::new(&path(seed, index)))) as Box<dyn Iterator<Item = _> + Send>
        };
        match self.shape {
            Shape::Pegasus => Box::new(pegasus(seed)),
            Shape::Wide => of_index(|_, index| match index {
                0 => "/wide".to_owned(),
                _ => format!("/wide/child-{index:07}"),
            }),
            Shape::Deep => of_index(|_, index| {
                let level = usize::try_from(index % DEEP_LEVELS).unwrap_or_default();
                format!("/chain-{:05}{}", index / DEEP_LEVELS, "/d".repeat(level))
            }),
            Shape::Bush => of_index(|seed, index| bush(seed, index + 1)),
            Shape::Small => of_index(|_, index| small(index + 1)),
            Shape::Big => of_index(|_, index| format!("/value-{index:05}")),
        }
    }

    /// Random, so that nothing on its way makes it smaller, and no two are alike unless they are very short.
    fn data(&self, index: u64) -> Bytes {
        let mut random = Random::at(!self.seed, index);
        let mut data = BytesMut::with_capacity(self.data_bytes + 8);
        while data.len() < self.data_bytes {
            data.extend_from_slice(&random.next().to_le_bytes());
        }
        data.truncate(self.data_bytes);
        data.freeze()
    }
}

/// `/apps` and, below it, tables with their partitions.
fn pegasus(seed: u64) -> impl Iterator<Item = ZnodePath> + Send {
    let tables = (1..).flat_map(move |table| {
        let choices = u64::from(PARTITIONS_LOG2.end() - PARTITIONS_LOG2.start() + 1);
        let partitions = 1_u64 << (u64::from(*PARTITIONS_LOG2.start()) + Random::at(seed, table).below(choices));
        let below = (0..partitions).map(move |partition| format!("/apps/{table}/{partition}"));
        std::iter::once(format!("/apps/{table}")).chain(below)
    });
    std::iter::once("/apps".to_owned()).chain(tables).map(|path| ZnodePath::new(&path))
}

/// A random recursive tree; 0 is its root. The depth is about the logarithm of the index.
fn bush(seed: u64, index: u64) -> String {
    let parent = Random::at(seed, index).below(index);
    let above = if parent == 0 { String::new() } else { bush(seed, parent) };
    format!("{above}/n{index}")
}

/// A heap of 16 children each, breadth first; 0 is its root.
fn small(index: u64) -> String {
    let (parent, child) = ((index - 1) / SMALL_FANOUT, (index - 1) % SMALL_FANOUT);
    let above = if parent == 0 { String::new() } else { small(parent) };
    format!("{above}/{child:x}")
}

/// splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014). Ours, since a seed must give
/// the same tree for ever, and a crate may change its stream.
struct Random(u64);

impl Random {
    /// A stream of its own for each index below a seed.
    fn at(seed: u64, index: u64) -> Self {
        Self(Self(seed ^ Self(index).next()).next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The next number below `limit`, which is not 0.
    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

#[cfg(test)]
mod tests;
