//! Source znode beside target znode gives the writes that make them equal.
//!
//! A write that would change nothing is not planned: a setData with the same bytes bumps the version and fires
//! watches. Overwrites are conditional on the version that was compared, so that another client's write in between is
//! refused by the server instead of lost.
//!
//! A restrictive ACL must not block a znode's own children: where our session may not surely create below it, the znode
//! gets a working ACL before the first of its children and its own after the last. That last setACL seals: it is sent
//! when everything before it was acknowledged, so that a failure never leaves children out behind a closed door.

mod counters;

use std::collections::HashMap;

use base64::Engine;
use sha1::{Digest, Sha1};

use self::counters::{Counters, Missing};
use crate::connect::is_reserved;
use crate::error::{Code, Error, Result, Side};
use crate::options::Auth;
use crate::pair::Beside;
use crate::session::{Lane, WriteOp};
use crate::znode::{Acl, Kind, Znode, ZnodePath};

/// The child with which counters are raised.
const RAISING_CHILD: &str = ".zkreplicator-counter";

/// One thing to do at the target, in its order.
#[derive(Debug)]
pub enum Step {
    /// A write.
    Write(WriteOp),
    /// A sequence counter that is raised many times.
    Raise {
        /// The child with which it is raised.
        child: ZnodePath,
        /// What it is now.
        from: u32,
        /// How often.
        times: u32,
    },
}

/// Plans writes; holds the final ACLs of the znodes whose children are still being planned.
#[derive(Debug)]
pub struct Plan {
    working: Acl,
    /// For znodes whose own ACL was not read or is masked; one for all of them.
    unread: Acl,
    /// Our digest ids at the target.
    identities: Vec<String>,
    open: HashMap<ZnodePath, Shelter>,
    /// `None`: they are not carried over.
    counters: Option<Counters>,
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
    /// A plan of what a session with these credentials will write, with sequence counters or without.
    pub fn new(auths: &[Auth], counters: bool) -> Self {
        let working = if auths.is_empty() { Acl::open() } else { Acl::creator() };
        let digests = auths.iter().filter(|auth| auth.scheme == "digest");
        let identities = digests.filter_map(|auth| digest_id(&auth.credentials)).collect();
        Self {
            working,
            unread: Acl::open(),
            identities,
            open: HashMap::new(),
            counters: counters.then(Counters::default),
        }
    }

    /// Adds the steps that bring `target` to `source`; gives whether there are any, now or at its `leave`.
    pub fn znode(&mut self, source: Znode, beside: &Beside, target: &Lane, steps: &mut Vec<Step>) -> Result<bool> {
        let Znode { path, data, acl, kind, stat } = source;
        if target.chroot().is_none() && is_reserved(path.as_str()) {
            return Err(reserved(&path));
        }
        let there = match beside {
            Beside::Nothing => None,
            Beside::Znode(there) => Some(there),
            Beside::Ephemeral => return Err(target.refused(Code::NODE_EXISTS, "create", &path)),
            Beside::Unreadable(code) => return Err(target.refused(*code, "read", &path)),
        };
        let leaf = stat.num_children == 0;
        let missing = match there {
            _ if self.counters.is_none() || !leaf || kind == Kind::Container => 0,
            there => counters::missing(&path, stat.counter(), there.map_or(0, |there| there.stat.counter()))?,
        };
        let rights = match (&self.counters, leaf) {
            (None, false) => Acl::CREATE,
            // An ephemeral among the children, which is left out, is made up for too.
            (Some(_), false) => Acl::CREATE | Acl::DELETE,
            (_, true) if missing > 0 => Acl::CREATE | Acl::DELETE,
            (_, true) => 0,
        };
        let shelters = rights != 0 && acl.as_ref().is_some_and(|acl| !self.may(acl, rights));
        let planned = steps.len();
        let mut sheltered_change = false;
        match there {
            None => {
                self.lift_parent(&path, steps);
                if let Some(counters) = &mut self.counters {
                    counters.created(&path);
                }
                let acl = match acl {
                    Some(acl) if shelters => {
                        self.open.insert(path.clone(), Shelter { acl, aversion: 0, lifted: true, set: true });
                        self.working.clone()
                    }
                    Some(acl) => acl,
                    None => self.unread.clone(),
                };
                steps.push(Step::Write(WriteOp::Create { path: path.clone(), data, acl, kind }));
            }
            Some(there) => {
                if data != there.data {
                    let version = there.stat.version;
                    steps.push(Step::Write(WriteOp::SetData { path: path.clone(), data, version }));
                }
                let aversion = there.stat.aversion;
                let set = acl.as_ref().is_some_and(|acl| there.acl.as_ref() != Some(acl));
                sheltered_change = shelters && set;
                match acl {
                    Some(acl) if shelters => {
                        let lifted = there.acl.as_ref().is_some_and(|acl| self.may(acl, rights));
                        self.open.insert(path.clone(), Shelter { acl, aversion, lifted, set });
                    }
                    Some(acl) if set => {
                        // It may give the right to create what comes below, so it keeps its place unless nothing does.
                        let seals = rights == 0;
                        steps.push(Step::Write(WriteOp::SetAcl { path: path.clone(), acl, aversion, seals }));
                    }
                    _ => {}
                }
            }
        }
        if !leaf {
            if let Some(counters) = &mut self.counters {
                counters.opened(&path, kind, &stat, there.map(|there| &there.stat));
            }
        } else if rights != 0 {
            self.raise(&path, Missing { steps: missing, to: stat.counter() }, steps);
            self.seal(path, steps);
        }
        Ok(steps.len() > planned || sheltered_change)
    }

    /// The last child of `path` has been planned.
    pub fn leave(&mut self, path: ZnodePath, steps: &mut Vec<Step>) -> Result<()> {
        if let Some(counters) = &mut self.counters {
            let missing = counters.left(&path)?;
            self.raise(&path, missing, steps);
        }
        self.seal(path, steps);
        Ok(())
    }

    fn raise(&mut self, path: &ZnodePath, missing: Missing, steps: &mut Vec<Step>) {
        let Missing { steps: times, to } = missing;
        if times > 0 {
            self.lift(path, steps);
            steps.push(Step::Raise { child: path.child(RAISING_CHILD), from: to - times, times });
        }
    }

    /// Gives a znode its own ACL, if it has another one until now.
    fn seal(&mut self, path: ZnodePath, steps: &mut Vec<Step>) {
        if let Some(Shelter { acl, aversion, set: true, .. }) = self.open.remove(&path) {
            steps.push(Step::Write(WriteOp::SetAcl { path, acl, aversion, seals: true }));
        }
    }

    /// Lets us create and delete below the parent of `path`.
    fn lift_parent(&mut self, path: &ZnodePath, steps: &mut Vec<Step>) {
        if self.open.is_empty() {
            return;
        }
        if let Some(parent) = path.parent() {
            self.lift(&parent, steps);
        }
    }

    /// Puts the working ACL on a znode, where its own would not let us work below it.
    fn lift(&mut self, path: &ZnodePath, steps: &mut Vec<Step>) {
        let Some(shelter) = self.open.get_mut(path).filter(|shelter| !shelter.lifted) else { return };
        let (acl, aversion) = (self.working.clone(), shelter.aversion);
        steps.push(Step::Write(WriteOp::SetAcl { path: path.clone(), acl, aversion, seals: false }));
        (shelter.aversion, shelter.lifted, shelter.set) = (aversion.wrapping_add(1), true, true);
    }

    /// Whether `acl` surely lets our session do all of `rights`: as everybody, or as one of our digest ids.
    pub(crate) fn may(&self, acl: &Acl, rights: i32) -> bool {
        acl.grants_anyone(rights)
            || acl.entries().iter().any(|entry| {
                entry.perms & rights == rights
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
    let text = format!(
        "{} can't live at the root of the target, where it is ZooKeeper's own: choose another target",
        path.as_str().escape_debug()
    );
    Error::bad_input(text).at(Side::Target)
}

#[cfg(test)]
mod tests;
