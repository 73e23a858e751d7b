//! What has changed in a tree since it was walked before.
//!
//! A server lists no changes, so each pass walks the whole tree again and sifts what it meets: a znode is taken whose
//! czxid, mzxid or pzxid is above the zxid that the pass before began behind. A setACL moves nothing but the aversion,
//! which is compared with the one that was seen. What was seen and is no longer there has gone.
//!
//! An ACL is read behind the data, perhaps from a server that has not come as far. What is remembered is the aversion of the
//! ACL that was read, and never that of one which was not; and where the two differ, another pass has to look.
//!
//! Other tenants' traffic moves the ensemble's zxid and nothing here.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Visit;
use super::fingerprints::Fingerprints;
use super::reader::Torn;
use crate::znode::{ZnodePath, Zxid};

/// What several walks of one tree have met.
#[derive(Debug)]
pub struct Changes(Mutex<State>);

#[derive(Debug)]
struct State {
    seen: Fingerprints,
    /// `None` during the first walk, which takes everything.
    since: Option<Zxid>,
    /// Znodes that were taken and have children that are still being walked.
    open: HashSet<ZnodePath>,
    /// Whether later walks will ask what this one has seen.
    remembers: bool,
    /// Something went away or was changed while it was read, or more was met than is remembered: another pass has to look.
    unsure: bool,
}

impl Default for Changes {
    fn default() -> Self {
        let (seen, open) = (Fingerprints::default(), HashSet::new());
        Self(Mutex::new(State { seen, since: None, open, remembers: true, unsure: false }))
    }
}

impl Changes {
    /// What one walk alone has met: whether it was disturbed, and nothing to be asked later.
    pub fn of_one_walk() -> Self {
        let changes = Self::default();
        changes.state().remembers = false;
        changes
    }

    /// The next walk takes only what has changed after `since`.
    pub fn since(&self, since: Zxid) {
        let mut state = self.state();
        state.since = Some(since);
        state.unsure = false;
        state.open.clear();
    }

    /// Whether another pass has to look, whatever this one has found.
    pub fn is_unsure(&self) -> bool {
        self.state().unsure
    }

    /// Removes from `visits` what has not changed.
    pub fn sift(&self, visits: &mut Vec<Visit>) {
        let mut state = self.state();
        visits.retain(|visit| state.takes(visit));
    }

    /// Takes note of znodes that were sifted and whose ACLs then turned out to be of another moment. The next pass meets
    /// another aversion than the one of the ACL that was read, if that one is old, and takes the znode again.
    pub fn torn(&self, znodes: &[Torn]) {
        if znodes.is_empty() {
            return;
        }
        let mut state = self.state();
        state.unsure = true;
        if !state.remembers {
            return;
        }
        for (path, aversion) in znodes {
            if let Some(aversion) = aversion {
                state.seen.correct(path, *aversion);
            }
        }
    }

    /// Whether a znode was seen at the source. Full, the memory can't tell: then it was not, what stands at the target is
    /// left there, and nobody calls it equal.
    pub fn has_seen(&self, path: &ZnodePath) -> bool {
        let mut state = self.state();
        let seen = state.seen.has(path);
        state.unsure |= !seen && state.seen.is_full();
        seen
    }

    /// Forgets a znode that has gone from both sides.
    pub fn forget(&self, path: &ZnodePath) {
        self.state().seen.forget(path);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn takes(&mut self, visit: &Visit) -> bool {
        match visit {
            Visit::Znode(znode) => {
                let Some(Zxid(since)) = self.since else {
                    if self.remembers {
                        self.seen.add(&znode.path, znode.stat.aversion);
                    }
                    return true;
                };
                let unchanged = self.seen.note(&znode.path, znode.stat.aversion);
                let stat = &znode.stat;
                let taken = !unchanged || stat.czxid > since || stat.mzxid > since || stat.pzxid > since;
                if taken && stat.num_children > 0 {
                    self.open.insert(znode.path.clone());
                }
                taken
            }
            Visit::Children { parent, .. } => self.since.is_none() || self.open.contains(parent),
            Visit::Leave(parent) => self.since.is_none() || self.open.remove(parent),
            // In the place of what was seen before: that has gone.
            Visit::Ephemeral { path, .. } => self.since.is_none() || self.seen.has(path),
            Visit::Vanished(_) => {
                self.unsure = true;
                self.since.is_none()
            }
            Visit::Reserved(_) | Visit::Filtered(..) => self.since.is_none(),
            // What was taken below it may have gone.
            Visit::OnTheWay(..) | Visit::Unreadable(..) => true,
        }
    }
}

#[cfg(test)]
mod tests;
