//! The ACLs that a session has seen: a tree has few distinct ones, and equal ones are to be one.

use std::sync::{Mutex, PoisonError};

use crate::jute::{Decoder, Malformed};
use crate::limits;
use crate::znode::Acl;

/// The last distinct ACLs, with their bytes.
#[derive(Debug, Default)]
pub(super) struct Acls(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    acls: Vec<(Box<[u8]>, Acl)>,
    /// Which one makes room for the next.
    oldest: usize,
}

impl Acls {
    /// Reads an ACL. Bytes that begin as a known ACL's are that ACL: its encoding tells where it ends, so none begins
    /// with another.
    pub(super) fn decode(&self, body: &mut Decoder) -> Result<Acl, Malformed> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((bytes, acl)) = known.acls.iter().find(|(bytes, _)| body.rest().starts_with(bytes)) {
            body.skip(bytes.len())?;
            return Ok(acl.clone());
        }
        let before = body.clone();
        let acl = body.acl()?;
        let bytes = &before.rest()[..before.rest().len() - body.rest().len()];
        known.remember(bytes.into(), acl.clone());
        Ok(acl)
    }
}

impl Known {
    fn remember(&mut self, bytes: Box<[u8]>, acl: Acl) {
        if self.acls.len() < limits::ACLS_REMEMBERED_MAX {
            self.acls.push((bytes, acl));
        } else {
            self.acls[self.oldest] = (bytes, acl);
            self.oldest = (self.oldest + 1) % limits::ACLS_REMEMBERED_MAX;
        }
    }
}
