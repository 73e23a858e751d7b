//! The trees of the benchmarks: a shape and a size.

use clap::ValueEnum;
use harness::tree::{self, TreeZnode};

/// Seed of every tree: figures of two days are of the same znodes.
const SEED: u64 = 1;
/// Data of a big znode, in bytes.
const BIG_BYTES: usize = 900_000;

/// What a tree looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shape {
    /// Tables and partitions, 300 bytes each
    Pegasus,
    /// One parent
    Wide,
    /// One chain
    #[value(alias = "chain")]
    Deep,
    /// Any shape
    Bush,
    /// 900 KB each
    Big,
    /// A few bytes each, several levels
    Small,
}

/// A tree that is made when it is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Tree {
    /// What it looks like.
    pub shape: Shape,
    /// How many znodes it has, its root not counted.
    pub znodes: usize,
}

impl Tree {
    /// Its znodes, parents first.
    pub fn znodes(self) -> Box<dyn Iterator<Item = TreeZnode> + Send> {
        match self.shape {
            Shape::Pegasus => Box::new(tree::pegasus_like(SEED, self.znodes)),
            Shape::Wide => Box::new(tree::wide(self.znodes)),
            Shape::Deep => Box::new(tree::deep(self.znodes)),
            Shape::Bush => Box::new(tree::bush(SEED, self.znodes)),
            Shape::Big => Box::new(tree::big_values(SEED, self.znodes, BIG_BYTES)),
            Shape::Small => Box::new(tree::small(SEED, self.znodes)),
        }
    }

    /// How many levels a chain has, its root among them; none for another shape, whose levels are no bound.
    pub fn chain_levels(self) -> Option<usize> {
        (self.shape == Shape::Deep).then_some(self.znodes + 1)
    }
}
