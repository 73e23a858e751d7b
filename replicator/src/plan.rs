//! Source znode beside target znode gives the writes that make them equal.
//!
//! A write that would change nothing is not planned: a setData with the same bytes bumps the version and fires
//! watches. Overwrites are conditional on the version that was compared, so that another client's write in between is
//! refused by the server instead of lost.
//!
//! A restrictive ACL must not block a znode's own children: where our session may not surely create below it, the znode
//! gets a working ACL before the first of its children and its own after the last. That last setACL seals: it is sent
//! when everything before it was acknowledged, so that a failure never leaves children out behind a closed door.

use std::collections::HashMap;

use base64::Engine;
use sha1::{Digest, Sha1};

use crate::connect::is_reserved;
use crate::error::{Code, Error, Result, Side};
use crate::options::Auth;
use crate::pair::Beside;
use crate::session::{Lane, WriteOp};
use crate::znode::{Acl, Znode, ZnodePath};

/// Plans writes; holds the final ACLs of the znodes whose children are still being planned.
#[derive(Debug)]
pub struct Plan {
    working: Acl,
    /// For znodes whose own ACL was not read or is masked; one for all of them.
    unread: Acl,
    /// Our digest ids at the target.
    identities: Vec<String>,
    open: HashMap<ZnodePath, Shelter>,
}

/// A znode below which not everybody may create.
#[derive(Debug)]
struct Shelter {
    /// The ACL that it is to have.
    acl: Acl,
    /// The aversion that it has.
    aversion: i32,
    /// Whether the working ACL is on it.
    lifted: bool,
    /// Whether its ACL must be set in the end.
    set: bool,
}

impl Plan {
    /// A plan of what a session with these credentials will write.
    pub fn new(auths: &[Auth]) -> Self {
        let working = if auths.is_empty() { Acl::open() } else { Acl::creator() };
        let digests = auths.iter().filter(|auth| auth.scheme == "digest");
        let identities = digests.filter_map(|auth| digest_id(&auth.credentials)).collect();
        Self { working, unread: Acl::open(), identities, open: HashMap::new() }
    }

    /// Adds the writes that bring `target` to `source`; gives whether there are any, now or at its `leave`.
    pub fn znode(&mut self, source: Znode, beside: &Beside, target: &Lane, writes: &mut Vec<WriteOp>) -> Result<bool> {
        let Znode { path, data, acl, kind, stat } = source;
        if target.chroot().is_none() && is_reserved(path.as_str()) {
            return Err(reserved(&path));
        }
        let shelters = stat.num_children > 0 && acl.as_ref().is_some_and(|acl| !self.may_create_below(acl));
        match beside {
            Beside::Nothing => {
                self.lift_parent(&path, writes);
                let acl = match acl {
                    Some(acl) if shelters => {
                        self.open.insert(path.clone(), Shelter { acl, aversion: 0, lifted: true, set: true });
                        self.working.clone()
                    }
                    Some(acl) => acl,
                    None => self.unread.clone(),
                };
                writes.push(WriteOp::Create { path, data, acl, kind });
                Ok(true)
            }
            Beside::Znode(there) => {
                let mut changed = data != there.data;
                if changed {
                    writes.push(WriteOp::SetData { path: path.clone(), data, version: there.stat.version });
                }
                let aversion = there.stat.aversion;
                let Some(acl) = acl else { return Ok(changed) };
                let set = there.acl.as_ref() != Some(&acl);
                changed |= set;
                if shelters {
                    let lifted = there.acl.as_ref().is_some_and(|acl| self.may_create_below(acl));
                    self.open.insert(path, Shelter { acl, aversion, lifted, set });
                } else if set {
                    // It may give the right to create what comes below, so it keeps its place unless nothing does.
                    writes.push(WriteOp::SetAcl { path, acl, aversion, seals: stat.num_children == 0 });
                }
                Ok(changed)
            }
            Beside::Ephemeral => Err(target.refused(Code::NODE_EXISTS, "create", &path)),
            Beside::Unreadable(code) => Err(target.refused(*code, "read", &path)),
        }
    }

    /// The last child of `path` has been planned.
    pub fn leave(&mut self, path: ZnodePath, writes: &mut Vec<WriteOp>) {
        if let Some(Shelter { acl, aversion, set: true, .. }) = self.open.remove(&path) {
            writes.push(WriteOp::SetAcl { path, acl, aversion, seals: true });
        }
    }

    /// Puts the working ACL on the parent of a znode that is to be created, where its own would not let us.
    fn lift_parent(&mut self, path: &ZnodePath, writes: &mut Vec<WriteOp>) {
        if self.open.is_empty() {
            return;
        }
        let Some(parent) = path.parent() else { return };
        let Some(shelter) = self.open.get_mut(&parent).filter(|shelter| !shelter.lifted) else { return };
        let (acl, aversion) = (self.working.clone(), shelter.aversion);
        writes.push(WriteOp::SetAcl { path: parent, acl, aversion, seals: false });
        (shelter.aversion, shelter.lifted, shelter.set) = (aversion.wrapping_add(1), true, true);
    }

    /// Whether `acl` surely lets our session create children: everybody, or one of our digest ids.
    fn may_create_below(&self, acl: &Acl) -> bool {
        acl.grants_anyone(Acl::CREATE)
            || acl.entries().iter().any(|entry| {
                entry.perms & Acl::CREATE != 0
                    && &*entry.scheme == "digest"
                    && self.identities.iter().any(|identity| **identity == *entry.id)
            })
    }
}

/// What the server makes of `user:password` (DigestAuthenticationProvider.java, generateDigest).
fn digest_id(credentials: &str) -> Option<String> {
    let (user, _) = credentials.split_once(':')?;
    let hash = Sha1::digest(credentials.as_bytes());
    Some(format!("{user}:{}", base64::engine::general_purpose::STANDARD.encode(hash)))
}

/// A place that is ZooKeeper's own at the target is never written.
fn reserved(path: &ZnodePath) -> Error {
    let text =
        format!("{path} can't live at the root of the target, where it is ZooKeeper's own: choose another target");
    Error::bad_input(text).at(Side::Target)
}

#[cfg(test)]
mod tests;
