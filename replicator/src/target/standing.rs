//! Whether a request of unknown outcome was executed, told by what stands at the places that it wrote.
//!
//! A multi is executed as a whole or not at all, so whatever of it can be told is true of all of it. It is taken for
//! executed only if everything that can be told says so, and shows just what it would have left; otherwise it is sent
//! again, and where somebody else has written meanwhile the server refuses that, for every write but the raise of a counter
//! is conditional. A counter that is as high as it was to be need not be raised, whoever has raised it.

use bytes::Bytes;

use crate::session::WriteOp;
use crate::znode::{Acl, Kind, Stat};

/// What stands at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Nothing.
    Empty,
    /// A znode that we may not read.
    Hidden,
    /// A znode, with its ACL where that was asked for.
    Znode { data: Option<Bytes>, stat: Stat, acl: Option<Acl> },
}

/// What a place says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Done,
    NotDone,
    /// It can't tell.
    Nothing,
}

impl Says {
    fn if_done(done: bool) -> Self {
        if done { Self::Done } else { Self::NotDone }
    }
}

/// Whether the request of these writes was executed. `places` are where they write, in their order: of the raise of a
/// counter that is the parent.
pub(super) fn stands(writes: &[WriteOp], places: &[Place]) -> bool {
    let says = |raises: bool| {
        let told = writes.iter().zip(places).filter(|(write, _)| is_raise(write) == raises);
        let mut says =
            told.map(|(write, place)| told_by(write, place)).filter(|says| *says != Says::Nothing).peekable();
        // None where nothing can be told.
        says.peek().is_some().then(|| says.all(|says| says == Says::Done))
    };
    // A counter may have been raised by others: it is asked last.
    is_of_one_moment(writes, places) && says(false).or_else(|| says(true)).unwrap_or(false)
}

fn is_raise(write: &WriteOp) -> bool {
    matches!(write, WriteOp::RaiseCounter { .. })
}

/// All znodes that a multi creates are of one transaction.
fn is_of_one_moment(writes: &[WriteOp], places: &[Place]) -> bool {
    let created = writes.iter().zip(places).filter_map(|(write, place)| match (write, place) {
        (WriteOp::Create { .. }, Place::Znode { stat, .. }) => Some(stat.czxid),
        _ => None,
    });
    let mut moments = created.collect::<Vec<_>>();
    moments.dedup();
    moments.len() <= 1
}

fn told_by(write: &WriteOp, place: &Place) -> Says {
    match (write, place) {
        (WriteOp::Check { .. }, _) | (WriteOp::SetData { .. } | WriteOp::RaiseCounter { .. }, Place::Hidden) => {
            Says::Nothing
        }
        (WriteOp::Delete { .. }, place) => Says::if_done(*place == Place::Empty),
        (_, Place::Empty) => Says::NotDone,
        // There was nothing before; and who may set an ACL may read it, until another one forbids it.
        (WriteOp::Create { .. } | WriteOp::SetAcl { .. }, Place::Hidden) => Says::Done,
        // A session's own znode is none of ours, whatever it holds.
        (WriteOp::Create { .. }, Place::Znode { stat, .. }) if Kind::of_owner(stat.ephemeral_owner).is_ephemeral() => {
            Says::NotDone
        }
        (WriteOp::Create { data, acl, .. }, Place::Znode { data: there, acl: stands, .. }) => {
            Says::if_done(data == there && may_be(acl, stands.as_ref()))
        }
        (WriteOp::SetData { data, version, .. }, Place::Znode { data: there, stat, .. }) => {
            Says::if_done(data == there && is_next(*version, stat.version))
        }
        (WriteOp::SetAcl { acl, aversion, .. }, Place::Znode { stat, acl: stands, .. }) => {
            Says::if_done(is_next(*aversion, stat.aversion) && may_be(acl, stands.as_ref()))
        }
        (WriteOp::RaiseCounter { to, .. }, Place::Znode { stat, .. }) => Says::if_done(stat.counter() >= *to),
    }
}

/// Whether a conditional write has left this version; one without a condition may have left any.
fn is_next(expected: i32, stands: i32) -> bool {
    expected == -1 || stands == expected.wrapping_add(1)
}

/// Whether `wanted` may show as `stands`: the server puts our identities in the place of `auth`, and hides ids from who has
/// no ADMIN.
fn may_be(wanted: &Acl, stands: Option<&Acl>) -> bool {
    let Some(stands) = stands else { return true };
    let is_auth = wanted.entries().iter().any(|entry| &*entry.scheme == "auth");
    is_auth || stands.is_masked() || wanted.entries().iter().all(|entry| stands.entries().contains(entry))
}

#[cfg(test)]
mod tests;
