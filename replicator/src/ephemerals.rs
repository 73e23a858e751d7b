//! Ephemeral znodes that were left out, by the session that owns them: who holds a lock is what an operator asks first.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::limits;
use crate::znode::ZnodePath;

/// Ephemerals by owner; beyond a number of sessions only their znodes are counted, elsewhere.
#[derive(Debug, Default)]
pub struct Ephemerals(Mutex<BTreeMap<i64, Owner>>);

/// A session and what it owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The session's id, as `dump` and `cons` show it.
    pub session: i64,
    /// Ephemerals of it that were met.
    pub znodes: u64,
    /// The first of them.
    pub first: ZnodePath,
}

impl Ephemerals {
    /// Notes one that was met.
    pub fn met(&self, path: &ZnodePath, session: i64) {
        let mut owners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = owners.len() < limits::EPHEMERAL_OWNERS_LISTED;
        if let Some(owner) = owners.get_mut(&session) {
            owner.znodes += 1;
        } else if room {
            owners.insert(session, Owner { session, znodes: 1, first: path.clone() });
        }
    }

    /// The sessions, by id.
    pub fn owners(&self) -> Vec<Owner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}
