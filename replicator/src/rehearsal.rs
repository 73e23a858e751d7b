//! What a dry run notes in place of writing: what stands in the way, and what at the target would change.
//!
//! The line of a dry run is that of a copy, down to the batches; then they are counted, and nothing is sent but probes,
//! which never hold. What would end a copy at a znode is noted, and the line goes on: the operator wants all of them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Code, Error, ErrorKind, Result};
use crate::limits;
use crate::session::WriteOp;
use crate::znode::ZnodePath;

/// Notes of a dry run; both lists are bounded, all are counted.
#[derive(Debug, Default)]
pub struct Rehearsal(Mutex<Notes>);

/// What was noted.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    /// What would end the copy, by kind.
    pub blockers: BTreeMap<Block, u64>,
    /// The first of them.
    pub blockers_listed: Vec<Blocker>,
    /// The first changes to what the target holds; znodes that it does not hold yet are not among them.
    pub changes_listed: Vec<Change>,
    /// All of them.
    pub changes: u64,
    /// The root's ACL is set before anything is done below it.
    opens_root: bool,
}

/// Something that would end the copy.
#[derive(Clone, Debug)]
pub struct Blocker {
    /// Of what kind it is.
    pub block: Block,
    /// What the copy would end with.
    pub error: Error,
}

/// Why a copy can't go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Block {
    /// The target does not take an ACL.
    RefusedAcl,
    /// The source hides an id of an ACL.
    MaskedAcl,
    /// A znode fits into no request that the target takes.
    Oversized,
    /// Our session may not create at the target's root.
    Rights,
    /// A znode can't be read, at the source or at the target.
    Unreadable,
    /// Something stands in a znode's place that is not ours to overwrite.
    InTheWay,
    /// A sequence counter can't be carried over.
    Counter,
    /// More would be removed than may be, or something that must not.
    Removal,
}

impl Block {
    /// What it is called in a report.
    pub fn name(self) -> &'static str {
        match self {
            Self::RefusedAcl => "refused_acl",
            Self::MaskedAcl => "masked_acl",
            Self::Oversized => "oversized",
            Self::Rights => "rights",
            Self::Unreadable => "unreadable",
            Self::InTheWay => "in_the_way",
            Self::Counter => "counter",
            Self::Removal => "removal",
        }
    }

    /// What an error of the line is; `otherwise` where its words alone do not tell.
    fn of(error: &Error, otherwise: Self) -> Self {
        match &error.kind {
            ErrorKind::AclRefused(_) => Self::RefusedAcl,
            ErrorKind::TooLarge { .. } => Self::Oversized,
            ErrorKind::Refused(Code::NODE_EXISTS) => Self::InTheWay,
            _ => otherwise,
        }
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RefusedAcl => "ACLs that the target does not take",
            Self::MaskedAcl => "ACLs of which the source hides an id",
            Self::Oversized => "znodes that fit into no request",
            Self::Rights => "rights at the target's root",
            Self::Unreadable => "znodes that can't be read",
            Self::InTheWay => "znodes in whose place something else stands",
            Self::Counter => "sequence counters near their end",
            Self::Removal => "removals that are not allowed",
        })
    }
}

/// A change to something that the target holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What would be done: `set data of`, `set ACL of`, `delete`, ...
    pub what: &'static str,
    /// To which znode.
    pub path: ZnodePath,
}

impl Rehearsal {
    /// Notes what would end a copy. An error that is about no znode, such as a lost connection, ends the dry run too.
    pub fn blocked(&self, error: Error, otherwise: Block) -> Result<()> {
        let about_a_znode = match &error.kind {
            ErrorKind::BadInput(_) | ErrorKind::AclRefused(_) | ErrorKind::TooLarge { .. } => true,
            ErrorKind::Refused(code) => matches!(*code, Code::NODE_EXISTS | Code::NO_AUTH | Code::NO_NODE),
            _ => false,
        };
        if !about_a_znode {
            return Err(error);
        }
        let block = Block::of(&error, otherwise);
        let mut notes = self.notes();
        *notes.blockers.entry(block).or_default() += 1;
        if notes.blockers_listed.len() < limits::BLOCKERS_LISTED {
            notes.blockers_listed.push(Blocker { block, error });
        }
        Ok(())
    }

    /// Notes a change to a znode that the target holds.
    pub fn changed(&self, what: &'static str, path: &ZnodePath) {
        let mut notes = self.notes();
        notes.changes += 1;
        if notes.changes_listed.len() < limits::CHANGES_LISTED {
            notes.changes_listed.push(Change { what, path: path.clone() });
        }
    }

    /// Notes writes that are not sent.
    pub fn planned(&self, ops: &[WriteOp]) {
        for op in ops {
            match op {
                WriteOp::Delete { path, .. } => self.changed(op.name(), path),
                WriteOp::SetAcl { path, seals: false, .. } if path.is_root() => self.notes().opens_root = true,
                _ => {}
            }
        }
    }

    /// Whether the root's ACL is set before anything is done below it.
    pub fn opens_root(&self) -> bool {
        self.notes().opens_root
    }

    /// What was noted until now.
    pub fn into_notes(self) -> Notes {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notes {
    /// How many things would end the copy.
    pub fn blocked(&self) -> u64 {
        self.blockers.values().sum()
    }
}
