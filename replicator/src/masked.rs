//! Znodes whose ACL the server hides in part, and what becomes of them.
//!
//! A session without ADMIN sees `digest:user:x` (FinalRequestProcessor.java:444-465). Written back it would be accepted
//! and lock everybody out, so an ACL with such an id never goes past this room: the copy stops there, or does what the
//! user chose instead, and every znode that this befell is counted and listed.

use std::collections::HashSet;

use crate::error::{Error, Result, Side};
use crate::limits;
use crate::options::MaskedAcls;
use crate::znode::{Acl, Znode, ZnodePath};

/// Znodes that were met with a masked ACL.
#[derive(Clone, Debug, Default)]
pub struct MaskedReport {
    /// What became of them.
    pub policy: MaskedAcls,
    /// How many there are.
    pub znodes: u64,
    /// Znodes below them that were left out with them.
    pub below: u64,
    /// The first of them, with what the server shows of their ACLs.
    pub list: Vec<(ZnodePath, Acl)>,
}

/// Looks at every znode of the source before anything is planned for it.
#[derive(Debug)]
pub struct Masked {
    report: MaskedReport,
    left_out: LeftOut,
}

/// Which znodes are left out for a masked ACL, each with all below it. Whoever wants to know shows it every znode in the
/// source's order.
#[derive(Debug)]
pub struct LeftOut {
    skips: bool,
    /// Those whose children are still to come.
    open: HashSet<ZnodePath>,
}

impl LeftOut {
    /// Leaves out what `policy` says.
    pub fn by(policy: MaskedAcls) -> Self {
        Self { skips: policy == MaskedAcls::Skip, open: HashSet::new() }
    }

    /// Whether this znode is left out. The root never is: without it nothing would be left.
    pub fn takes(&mut self, znode: &Znode) -> bool {
        let masked = znode.acl.as_ref().is_some_and(Acl::is_masked);
        let taken = self.holds(&znode.path) || (self.skips && masked && !znode.path.is_root());
        if taken && znode.stat.num_children > 0 {
            self.open.insert(znode.path.clone());
        }
        taken
    }

    /// Whether `path` or its parent is left out, so that it is of no interest what is there.
    pub fn holds(&self, path: &ZnodePath) -> bool {
        !self.open.is_empty()
            && (self.open.contains(path) || path.parent().is_some_and(|parent| self.open.contains(&parent)))
    }

    /// The last child of `path` has come.
    pub fn leave(&mut self, path: &ZnodePath) {
        self.open.remove(path);
    }
}

impl Masked {
    /// Does with masked ACLs what `policy` says.
    pub fn new(policy: MaskedAcls) -> Self {
        Self { report: MaskedReport { policy, ..MaskedReport::default() }, left_out: LeftOut::by(policy) }
    }

    /// Gives whether the znode is to be copied. What it then holds of an ACL may be written.
    pub fn admit(&mut self, znode: &mut Znode) -> Result<bool> {
        let below = self.left_out.holds(&znode.path);
        let left_out = self.left_out.takes(znode);
        if below {
            self.report.below += 1;
            return Ok(false);
        }
        let Some(acl) = znode.acl.as_ref().filter(|acl| acl.is_masked()) else { return Ok(true) };
        match self.report.policy {
            MaskedAcls::Open => {
                self.report.add(&znode.path, acl);
                znode.acl = None;
                Ok(true)
            }
            MaskedAcls::Skip if left_out => {
                self.report.add(&znode.path, acl);
                Ok(false)
            }
            MaskedAcls::Skip | MaskedAcls::Fail => Err(masked(&znode.path, acl)),
        }
    }

    /// Whether `path` or its parent is left out, so that it is of no interest what is there.
    pub fn leaves_out(&self, path: &ZnodePath) -> bool {
        self.left_out.holds(path)
    }

    /// Whether any znode was left out.
    pub fn has_left_out(&self) -> bool {
        self.report.policy == MaskedAcls::Skip && self.report.znodes > 0
    }

    /// The last child of `path` has come.
    pub fn leave(&mut self, path: &ZnodePath) {
        self.left_out.leave(path);
    }

    /// What was met.
    pub fn into_report(self) -> MaskedReport {
        self.report
    }
}

impl MaskedReport {
    fn add(&mut self, path: &ZnodePath, acl: &Acl) {
        self.znodes += 1;
        if self.list.len() < limits::MASKED_LISTED {
            self.list.push((path.clone(), acl.clone()));
        }
    }
}

fn masked(path: &ZnodePath, acl: &Acl) -> Error {
    Error::bad_input(format!(
        "the server hides an id of the ACL {acl} ({}) since our session may not administer this znode: nothing of it was \
         written; give credentials that have ADMIN there (or those of a superuser), or say with --masked-acl what is to \
         become of it, then run again with --update",
        path.as_str().escape_debug()
    ))
    .at(Side::Source)
}

#[cfg(test)]
mod tests;
