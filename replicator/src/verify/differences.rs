//! Where two trees are not the same: the first places, and how many there are of each kind.

use crate::znode::ZnodePath;

/// How a place, or all below it, compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sign {
    /// Both have the same; said of subtrees only, never of a [`Difference`].
    Same,
    /// Only the source has a znode there.
    OnlySource,
    /// Only the target has one.
    OnlyTarget,
    /// Both have one, and they are not the same.
    Differs,
    /// It could not be read.
    Unreadable,
}

impl Sign {
    /// `=`, `+`, `-`, `*` or `!`.
    pub fn as_char(self) -> char {
        match self {
            Self::Same => '=',
            Self::OnlySource => '+',
            Self::OnlyTarget => '-',
            Self::Differs => '*',
            Self::Unreadable => '!',
        }
    }
}

/// One place where the trees are not the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// How.
    pub sign: Sign,
    /// Where, below the root.
    pub path: ZnodePath,
    /// What differs: `data`, `acl`, `kind`, `counter`; empty when only one side has it.
    pub what: Vec<&'static str>,
    /// The sequence counters, the source's first, where they differ.
    pub counters: Option<[u32; 2]>,
}

impl Difference {
    /// A difference of whole znodes.
    pub(super) fn at(sign: Sign, path: ZnodePath) -> Self {
        Self { sign, path, what: Vec::new(), counters: None }
    }
}

/// Places where the trees are not the same: the first ones, and how many there are of each kind.
#[derive(Clone, Debug, Default)]
pub struct Differences {
    /// The first, in the order in which they were met.
    pub list: Vec<Difference>,
    /// How many the list may hold.
    pub listed: usize,
    /// Znodes that only the source has.
    pub only_source: u64,
    /// Znodes that only the target has.
    pub only_target: u64,
    /// Znodes that both have and that differ.
    pub differing: u64,
    /// Znodes that could not be read on one side.
    pub unreadable: u64,
}

impl Differences {
    pub(super) fn new(listed: usize) -> Self {
        Self { listed, ..Self::default() }
    }

    /// Differences that are certain.
    pub fn total(&self) -> u64 {
        self.only_source + self.only_target + self.differing
    }

    pub(super) fn add(&mut self, difference: Difference) {
        match difference.sign {
            Sign::Same => return,
            Sign::OnlySource => self.only_source += 1,
            Sign::OnlyTarget => self.only_target += 1,
            Sign::Differs => self.differing += 1,
            Sign::Unreadable => self.unreadable += 1,
        }
        if self.list.len() < self.listed {
            self.list.push(difference);
        }
    }

    /// The same with the two sides in each other's place.
    pub(super) fn swapped(mut self) -> Self {
        std::mem::swap(&mut self.only_source, &mut self.only_target);
        for difference in &mut self.list {
            difference.sign = match difference.sign {
                Sign::OnlySource => Sign::OnlyTarget,
                Sign::OnlyTarget => Sign::OnlySource,
                sign => sign,
            };
            if let Some(counters) = &mut difference.counters {
                counters.reverse();
            }
        }
        self
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.only_source += other.only_source;
        self.only_target += other.only_target;
        self.differing += other.differing;
        self.unreadable += other.unreadable;
        let room = self.listed.saturating_sub(self.list.len());
        self.list.extend(other.list.into_iter().take(room));
    }
}
