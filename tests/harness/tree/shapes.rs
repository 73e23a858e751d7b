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

/// Three siblings: `/b` with `values` values of `size` bytes, beside `/a` and `/c` with `small` znodes of 8 bytes at most
/// each.
///
/// A server lists three such names in this order (a HashSet of strings with neighbouring hash codes), so whichever end a
/// reader begins at, it has seen nothing but small znodes when it meets the values.
pub fn values_between_small(
    seed: u64,
    small: usize,
    values: usize,
    size: usize,
) -> impl Iterator<Item = TreeZnode> + Send {
    let parent = |path| iter::once(TreeZnode::new(path, ""));
    let leaves = move |parent: &'static str| {
        (0..small).map(move |index| TreeZnode::new(format!("{parent}/{index:06}"), small_data(seed, index)))
    };
    let values = big_values(seed, values, size).map(|value| TreeZnode { path: format!("/b{}", value.path), ..value });
    parent("/a").chain(leaves("/a")).chain(parent("/b")).chain(values).chain(parent("/c")).chain(leaves("/c"))
}

/// One parent with `znodes` children of 8 bytes at most, but for one in `every`, which has `size` bytes.
pub fn values_among_small(
    seed: u64,
    znodes: usize,
    every: usize,
    size: usize,
) -> impl Iterator<Item = TreeZnode> + Send {
    let children = (0..znodes).map(move |index| {
        let is_value = index % every == every - 1;
        let data = if is_value { Random::at(seed, index).bytes(size) } else { small_data(seed, index) };
        TreeZnode::new(format!("/mixed/{index:06}"), data)
    });
    iter::once(TreeZnode::new("/mixed", "")).chain(children)
}

/// `znodes` znodes of 8 bytes at most, 16 children each, so that requests count and not bytes.
pub fn small(seed: u64, znodes: usize) -> impl Iterator<Item = TreeZnode> + Send {
    (1..=znodes).map(move |index| TreeZnode::new(small_path(index), small_data(seed, index)))
}

fn small_data(seed: u64, index: usize) -> Vec<u8> {
    let mut random = Random::at(seed, index);
    let size = random.below(SMALL_DATA_MAX + 1);
    random.bytes(size)
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
