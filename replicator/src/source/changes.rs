//! What has changed in a tree since it was walked before.
//!
//! A server lists no changes, so each pass walks the whole tree again and sifts what it meets: a znode is taken whose
//! czxid, mzxid or pzxid is above the zxid that the pass before began behind. A setACL moves nothing but the aversion,
//! which is compared with the one that was seen. What was seen and is no longer there has gone.
//!
//! Other tenants' traffic moves the ensemble's zxid and nothing here.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Visit;
use super::fingerprints::Fingerprints;
use crate::limits;
use crate::znode::{Names, ZnodePath, Zxid};

/// What several walks of one tree have met.
#[derive(Debug)]
pub struct Changes(Mutex<State>);

#[derive(Debug)]
struct State {
    seen: Fingerprints,
    /// `None` during the first walk, which takes everything.
    since: Option<Zxid>,
    /// Znodes that were taken and have children that are still being walked; with whether children came or went.
    open: HashSet<ZnodePath>,
    found: Found,
}

/// What a pass has found besides znodes that are to be compared.
#[derive(Debug, Default)]
pub struct Found {
    /// Znodes that were seen before and have gone; whatever is below them has gone too.
    pub gone: Vec<ZnodePath>,
    /// Something went away while the pass went on, or more has gone than is remembered: another pass has to look.
    pub unsure: bool,
}

impl Default for Changes {
    fn default() -> Self {
        let (seen, open, found) = (Fingerprints::new(), HashSet::new(), Found::default());
        Self(Mutex::new(State { seen, since: None, open, found }))
    }
}

impl Changes {
    /// The next walk takes only what has changed after `since`.
    pub fn since(&self, since: Zxid) {
        let mut state = self.state();
        state.since = Some(since);
        state.found = Found::default();
        state.open.clear();
    }

    /// What the walk has found.
    pub fn found(&self) -> Found {
        std::mem::take(&mut self.state().found)
    }

    /// Removes from `visits` what has not changed.
    pub fn sift(&self, visits: &mut Vec<Visit>) {
        let mut state = self.state();
        visits.retain(|visit| state.takes(visit));
    }

    /// Compares the children that a taken znode has with those that stand at the target: what was seen at the source,
    /// is no longer there and is still at the target has gone.
    pub fn children(&self, parent: &ZnodePath, source: &Names, target: &Names) {
        let mut state = self.state();
        let at_source: HashSet<&str> = source.iter().collect();
        for name in target.iter().filter(|name| !at_source.contains(name)) {
            state.gone(parent.child(name));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn takes(&mut self, visit: &Visit) -> bool {
        match visit {
            Visit::Znode(znode) => {
                let unchanged = self.seen.note(&znode.path, znode.stat.aversion);
                let Some(Zxid(since)) = self.since else { return true };
                let stat = &znode.stat;
                let taken = !unchanged || stat.czxid > since || stat.mzxid > since || stat.pzxid > since;
                if taken && stat.num_children > 0 {
                    self.open.insert(znode.path.clone());
                }
                taken
            }
            Visit::Children(parent, _) => self.since.is_none() || self.open.contains(parent),
            Visit::Leave(parent) => self.since.is_none() || self.open.remove(parent),
            Visit::Ephemeral { path, .. } => {
                if self.since.is_some() {
                    self.gone(path.clone());
                }
                self.since.is_none()
            }
            Visit::Vanished(_) => {
                self.found.unsure = true;
                self.since.is_none()
            }
            Visit::Reserved(_) | Visit::Filtered(_) => self.since.is_none(),
            Visit::Unreadable(..) => true,
        }
    }

    /// A znode that is not at the source: if it was seen there, it has gone.
    fn gone(&mut self, path: ZnodePath) {
        if !self.seen.has(&path) {
            // Full, it can't tell: what stands at the target is left there, and nobody calls it equal.
            self.found.unsure |= self.seen.is_full();
        } else if self.found.gone.len() < limits::GONE_REMEMBERED_MAX {
            self.seen.forget(&path);
            self.found.gone.push(path);
        } else {
            self.found.unsure = true;
        }
    }
}

#[cfg(test)]
mod tests;
