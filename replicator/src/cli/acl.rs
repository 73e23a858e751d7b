//! What a user says about ACLs.

use clap::ValueEnum;

use crate::options::{AclPolicy, MaskedAcls};

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Acls {
    /// Read, copied and compared
    Preserve,
    /// Not read; znodes that are created are open to anyone (world:anyone:cdrwa)
    Open,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum ComparedAcls {
    /// They are compared, and part of the digests
    Preserve,
    /// They are not read; the report says so
    Ignore,
}

/// What to do with an ACL of which the server hides an id (digest:user:x), for want of ADMIN.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Masked {
    /// Stop there
    Fail,
    /// Leave the znode out, with everything below it; list it, and end with exit code 3
    Skip,
    /// Create the znode open to anyone (world:anyone:cdrwa); list it, and end with exit code 3
    Open,
}

impl From<Acls> for AclPolicy {
    fn from(acl: Acls) -> Self {
        match acl {
            Acls::Preserve => Self::Preserve,
            Acls::Open => Self::Open,
        }
    }
}

impl From<ComparedAcls> for AclPolicy {
    fn from(acl: ComparedAcls) -> Self {
        match acl {
            ComparedAcls::Preserve => Self::Preserve,
            ComparedAcls::Ignore => Self::Open,
        }
    }
}

impl From<Masked> for MaskedAcls {
    fn from(masked: Masked) -> Self {
        match masked {
            Masked::Fail => Self::Fail,
            Masked::Skip => Self::Skip,
            Masked::Open => Self::Open,
        }
    }
}
