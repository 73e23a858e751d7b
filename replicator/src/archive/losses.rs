//! What a damaged archive has lost, in words: which blocks, how many znodes, and where in the tree.

use std::fmt::{self, Write};

use crate::limits;
use crate::report::grouped;

/// Blocks that follow one another and can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The first of them.
    pub first: u32,
    /// The last; `None` where nobody knows how many there were.
    pub last: Option<u32>,
    /// Their znodes, where that is known.
    pub znodes: Option<u64>,
    /// Where they were.
    pub place: Place,
    /// What happened to them.
    pub why: &'static str,
}

/// Where something was that is lost; paths may be cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// From the first path to the last, in the archive's order.
    From(String, String),
    /// Behind the last path before it and before the first one after it, as far as there are any.
    Between(Option<String>, Option<String>),
    /// It held nothing of the tree: it said what the archive is.
    Nowhere,
}

/// All that is lost: the first losses, and how much there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// The first, in the archive's order.
    pub list: Vec<Loss>,
    /// How many there are.
    pub count: u64,
    /// Znodes of those of which it is known.
    pub znodes: u64,
    /// Whether there are some of which it is not.
    pub more: bool,
}

impl Losses {
    /// Whether nothing is lost.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Counts one that is not listed.
    pub(super) fn count(&mut self, znodes: Option<u64>) {
        self.count += 1;
        match znodes {
            Some(znodes) => self.znodes = self.znodes.saturating_add(znodes),
            None => self.more = true,
        }
    }

    pub(super) fn add(&mut self, loss: Loss) {
        self.count(loss.znodes);
        if self.list.len() < limits::ARCHIVE_LOSSES_LISTED {
            self.list.push(loss);
        }
    }

    /// How many znodes are lost.
    pub fn znodes_text(&self) -> String {
        let znodes = grouped(self.znodes);
        if self.more { format!("{znodes} and an unknown number more") } else { znodes }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Blocks are numbered as the frames that they are.
        let what = if self.place == Place::Nowhere { "frame" } else { "block" };
        match (self.first, self.last) {
            (first, Some(last)) if first == last => write!(f, "{what} {first}")?,
            (first, Some(last)) => write!(f, "{what}s {first} to {last}")?,
            (first, None) => write!(f, "{what} {first} and all behind it")?,
        }
        match (&self.place, self.znodes) {
            (Place::Nowhere, _) => f.write_str(" (no znodes)")?,
            (place, Some(znodes)) => write!(f, " ({} znode(s){place})", grouped(znodes))?,
            (place, None) => write!(f, " (an unknown number of znodes{place})")?,
        }
        write!(f, ": {}", self.why)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::From(first, last) => write!(f, ", from {} to {}", first.escape_debug(), last.escape_debug()),
            Self::Between(after, before) => {
                let mut both = String::new();
                if let Some(after) = after {
                    write!(both, ", behind {}", after.escape_debug())?;
                }
                if let Some(before) = before {
                    write!(both, ", before {}", before.escape_debug())?;
                }
                f.write_str(&both)
            }
            Self::Nowhere => Ok(()),
        }
    }
}

/// The first losses in one line, for an error.
impl fmt::Display for Losses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 10;
        for (index, loss) in self.list.iter().take(SHOWN).enumerate() {
            write!(f, "{}{loss}", if index == 0 { "" } else { "; " })?;
        }
        match self.count.saturating_sub(SHOWN as u64) {
            0 => Ok(()),
            more => write!(f, "; and {} more", grouped(more)),
        }
    }
}
