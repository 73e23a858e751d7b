//! How many znodes have which ACL, in bounded memory.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::limits;
use crate::znode::{Acl, ZnodePath};

/// Distinct ACLs with their znodes. When there are too many, those that come later are not told apart.
#[derive(Clone, Debug, Default)]
pub struct AclCensus {
    uses: HashMap<Acl, AclUse>,
    bytes: usize,
    /// Znodes with ACLs that are not told apart.
    pub others: u64,
}

/// Who has an ACL.
#[derive(Clone, Debug)]
pub struct AclUse {
    /// How many znodes.
    pub znodes: u64,
    /// The first of them that was met.
    pub first: ZnodePath,
}

impl AclCensus {
    /// Counts a znode's ACL.
    pub fn add(&mut self, acl: &Acl, path: &ZnodePath) {
        if let Some(known) = self.uses.get_mut(acl) {
            known.znodes += 1;
            return;
        }
        let entries = acl.entries().iter();
        let bytes: usize = entries.map(|entry| size_of_val(entry) + entry.scheme.len() + entry.id.len()).sum();
        if self.uses.len() >= limits::SCAN_ACLS_MAX || self.bytes + bytes > limits::SCAN_ACLS_BYTES_MAX {
            self.others += 1;
            return;
        }
        self.bytes += bytes;
        self.uses.insert(acl.clone(), AclUse { znodes: 1, first: path.clone() });
    }

    /// How many are told apart.
    pub fn distinct(&self) -> usize {
        self.uses.len()
    }

    /// All of these, the most used first.
    pub fn by_use(&self) -> Vec<(&Acl, &AclUse)> {
        let mut uses: Vec<_> = self.uses.iter().collect();
        uses.sort_by_key(|(acl, used)| (Reverse(used.znodes), *acl));
        uses
    }
}
