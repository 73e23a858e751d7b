//! Trees with one extreme each.
//!
//! Invariant: a znode is a function of seed and index, so nothing is remembered.

use std::iter;

use super::{Random, TreeZnode};

/// How many children a znode of [`small`] has.
const SMALL_FANOUT: usize = 16;
/// The longest data of [`small`] and of [`bush`], in bytes.
const SMALL_DATA_MAX: usize = 8;
const BUSH_DATA_MAX: usize = 200;

/// One parent, `/wide`, and its `children`: a list of children that may outgrow a response.
pub fn wide(children: usize) -> impl Iterator<Item = TreeZnode> + Send {
    let children = (0..children).map(|child| TreeZnode::new(format!("/wide/child-{child:07}"), child.to_string()));
    iter::once(TreeZnode::new("/wide", "")).chain(children)
}

/// A chain of `depth` znodes: `/d`, `/d/d` and so on.
pub fn deep(depth: usize) -> impl Iterator<Item = TreeZnode> + Send {
    (1..=depth).map(|level| TreeZnode::new("/d".repeat(level), level.to_string()))
}

/// A tree of `znodes` of random shape: the parent of each is any one before it, or the root.
pub fn bush(seed: u64, znodes: usize) -> impl Iterator<Item = TreeZnode> + Send {
    (1..=znodes).map(move |index| {
        let mut random = Random::at(!seed, index);
        let size = random.below(BUSH_DATA_MAX + 1);
        TreeZnode::new(bush_path(seed, index), random.bytes(size))
    })
}

/// `count` znodes with `size` bytes of incompressible data.
pub fn big_values(seed: u64, count: usize, size: usize) -> impl Iterator<Item = TreeZnode> + Send {
    (0..count).map(move |index| TreeZnode::new(format!("/value-{index:05}"), Random::at(seed, index).bytes(size)))
}

/// `znodes` znodes of 8 bytes at most, 16 children each, so that requests count and not bytes.
pub fn small(seed: u64, znodes: usize) -> impl Iterator<Item = TreeZnode> + Send {
    (1..=znodes).map(move |index| {
        let mut random = Random::at(seed, index);
        let size = random.below(SMALL_DATA_MAX + 1);
        TreeZnode::new(small_path(index), random.bytes(size))
    })
}

/// A random recursive tree: the depth is about the logarithm of the index.
fn bush_path(seed: u64, index: usize) -> String {
    let parent = Random::at(seed, index).below(index);
    let above = if parent == 0 { String::new() } else { bush_path(seed, parent) };
    format!("{above}/n{index}")
}

/// A heap of 16 children each, in breadth-first order.
fn small_path(index: usize) -> String {
    let (parent, child) = ((index - 1) / SMALL_FANOUT, (index - 1) % SMALL_FANOUT);
    let above = if parent == 0 { String::new() } else { small_path(parent) };
    format!("{above}/{child:x}")
}
