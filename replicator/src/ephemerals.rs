//! Ephemeral znodes that were left out, by the session that owns them: who holds a lock is what an operator asks first.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::limits;
use crate::znode::ZnodePath;

/// Ephemerals by owner; beyond a number of sessions only their znodes are counted, elsewhere.
#[derive(Debug, Default)]
pub struct Ephemerals(Mutex<Owners>);

#[derive(Debug, Default)]
struct Owners {
    by_session: BTreeMap<i64, Owner>,
    listed: usize,
}

/// A session and what it owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The session's id, as `dump` and `cons` show it.
    pub session: i64,
    /// Ephemerals of it that were met.
    pub znodes: u64,
    /// The first of them.
    pub paths: Vec<ZnodePath>,
}

impl Ephemerals {
    /// Notes one that was met.
    pub fn met(&self, path: &ZnodePath, session: i64) {
        let Owners { by_session, listed } = &mut *self.owners();
        if by_session.len() == limits::EPHEMERAL_OWNERS_LISTED && !by_session.contains_key(&session) {
            return;
        }
        let owner = by_session.entry(session).or_insert(Owner { session, znodes: 0, paths: Vec::new() });
        owner.znodes += 1;
        // Each session shows one at least.
        if owner.paths.is_empty() || *listed < limits::EPHEMERALS_LISTED {
            owner.paths.push(path.clone());
            *listed += 1;
        }
    }

    /// The sessions, by id.
    pub fn by_owner(&self) -> Vec<Owner> {
        self.owners().by_session.values().cloned().collect()
    }

    fn owners(&self) -> MutexGuard<'_, Owners> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
