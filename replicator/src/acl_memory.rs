//! ACLs that were read before and must still be what they were.
//!
//! A getACL is the one read that can't be batched, and a tree's ACLs take longer than all the rest of it. But an ACL can't
//! change unseen: each setACL raises the znode's aversion, and a znode that was made anew has another czxid
//! (PrepRequestProcessor.java, `setACL` and `create`). Both are in the stat that comes with its data. So whoever reads a
//! tree again and again gives all reads of that side one memory: an ACL is then asked for once, and again when one of the
//! two has moved. Data and children are read anew each time.
//!
//! Two creates of one path in one multi share their czxid, and a read between them would see an ACL that the second
//! replaces: there is none, for a write is applied while no read is (CommitProcessor.java, `run`). What is hidden from us
//! is remembered as it was shown: a memory is for one set of credentials.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ahash::RandomState;

use crate::limits;
use crate::znode::{Acl, Stat, ZnodePath};

/// ACLs of one ensemble, as one set of credentials sees them. Clones share it. It holds
/// [`limits::REMEMBERED_ACLS_MAX`] at most, and what does not fit is read each time.
#[derive(Clone, Default)]
pub struct AclMemory(Arc<Shared>);

#[derive(Default)]
struct Shared {
    recalled: AtomicU64,
    /// Two keys: one hash of 64 bits would take two znodes of a large tree for one too often.
    keys: (RandomState, RandomState),
    acls: Mutex<HashMap<(u64, u64), Acl, RandomState>>,
}

impl AclMemory {
    /// The ACL that the znode with this stat has, if it was read before.
    pub fn recall(&self, path: &ZnodePath, stat: &Stat) -> Option<Acl> {
        let acl = self.acls().get(&self.key(path, stat)).cloned();
        self.0.recalled.fetch_add(u64::from(acl.is_some()), Ordering::Relaxed);
        acl
    }

    /// How many ACLs were not read because they were remembered, until now.
    pub fn recalled(&self) -> u64 {
        self.0.recalled.load(Ordering::Relaxed)
    }

    /// Forgets all of them: where an ensemble was set back to an older state, versions come again with other ACLs.
    pub fn forget(&self) {
        self.acls().clear();
    }

    /// Notes an ACL that came with this stat.
    pub fn remember(&self, path: &ZnodePath, stat: &Stat, acl: &Acl) {
        let mut acls = self.acls();
        if acls.len() < limits::REMEMBERED_ACLS_MAX {
            acls.insert(self.key(path, stat), acl.clone());
        }
    }

    fn key(&self, path: &ZnodePath, Stat { czxid, aversion, .. }: &Stat) -> (u64, u64) {
        let version = (path.as_str(), czxid, aversion);
        (self.0.keys.0.hash_one(version), self.0.keys.1.hash_one(version))
    }

    fn acls(&self) -> MutexGuard<'_, HashMap<(u64, u64), Acl, RandomState>> {
        self.0.acls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for AclMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AclMemory of {}", self.acls().len())
    }
}

#[cfg(test)]
mod tests;
