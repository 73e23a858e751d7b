//! Source znode beside target znode gives the writes that make them equal.
//!
//! A write that would change nothing is not planned: a setData with the same bytes bumps the version and fires
//! watches. Overwrites are conditional on the version that was compared, so that another client's write in between is
//! refused by the server instead of lost.
//!
//! A restrictive ACL must not block a znode's own children: where not everybody may create below it, the znode gets a
//! working ACL first and its own when the last of its children has been planned. The writing session executes in
//! order, so that is soon enough.

use std::collections::HashMap;

use crate::error::{Code, Error, Result, Side};
use crate::pair::Beside;
use crate::session::{Lane, WriteOp};
use crate::znode::{Acl, Znode, ZnodePath};

/// Plans writes; holds the final ACLs of the znodes whose children are still being planned.
#[derive(Debug)]
pub struct Plan {
    working: Acl,
    open: HashMap<ZnodePath, (Acl, i32)>,
}

impl Plan {
    /// A plan for what `target` will write.
    pub fn new(target: &Lane) -> Self {
        let working = if target.is_authenticated() { Acl::creator() } else { Acl::open() };
        Self { working, open: HashMap::new() }
    }

    /// Adds the writes that bring `target` to `source`; none when they are equal.
    pub fn znode(&mut self, source: Znode, beside: &Beside, target: &Lane, writes: &mut Vec<WriteOp>) -> Result<()> {
        let Znode { path, data, acl, kind, stat } = source;
        if let Some(acl) = acl.as_ref().filter(|acl| acl.is_masked()) {
            return Err(masked(&path, acl));
        }
        let shelters = stat.num_children > 0 && acl.as_ref().is_some_and(|acl| !acl.grants_anyone(Acl::CREATE));
        match beside {
            Beside::Nothing => {
                let acl = match acl {
                    Some(acl) if shelters => self.defer(&path, acl, 0),
                    Some(acl) => acl,
                    None => Acl::open(),
                };
                writes.push(WriteOp::Create { path, data, acl, kind });
            }
            Beside::Znode(there) => {
                if data != there.data {
                    writes.push(WriteOp::SetData { path: path.clone(), data, version: there.stat.version });
                }
                let aversion = there.stat.aversion;
                match acl.filter(|acl| there.acl.as_ref() != Some(acl)) {
                    Some(acl) if shelters => drop(self.defer(&path, acl, aversion)),
                    Some(acl) => writes.push(WriteOp::SetAcl { path, acl, aversion }),
                    None => {}
                }
            }
            Beside::Ephemeral => return Err(target.refused(Code::NODE_EXISTS, "create", &path)),
            Beside::Unreadable(code) => return Err(target.refused(*code, "read", &path)),
        }
        Ok(())
    }

    /// The last child of `path` has been planned.
    pub fn leave(&mut self, path: ZnodePath, writes: &mut Vec<WriteOp>) {
        if let Some((acl, aversion)) = self.open.remove(&path) {
            writes.push(WriteOp::SetAcl { path, acl, aversion });
        }
    }

    /// How many final ACLs wait for the children of their znodes.
    pub fn deferred(&self) -> usize {
        self.open.len()
    }

    /// Keeps the final ACL for later; gives the one to work with.
    fn defer(&mut self, path: &ZnodePath, acl: Acl, aversion: i32) -> Acl {
        self.open.insert(path.clone(), (acl, aversion));
        self.working.clone()
    }
}

/// A hidden id can't be copied, and what stands in its place must never be written.
fn masked(path: &ZnodePath, acl: &Acl) -> Error {
    Error::bad_input(format!(
        "the server hides an id of the ACL {acl} ({}) since our session may not administer this znode: nothing of it was \
         written; give credentials that have ADMIN there (or those of a superuser), then run again with --update",
        path.as_str().escape_debug()
    ))
    .at(Side::Source)
}
