//! Where a tree is, in an ensemble or in a file, and what is told about files.

use std::path::PathBuf;

use super::{AclPolicy, EnsembleOptions, MaskedAcls};
use crate::error::Side;
use crate::filter::Filter;
use crate::retry::Retries;
use crate::whole_file::Existing;

/// Where a tree is.
#[derive(Clone, Debug)]
pub enum TreeOptions {
    /// In an ensemble.
    Ensemble(EnsembleOptions),
    /// In a file.
    Archive(ArchiveOptions),
}

impl TreeOptions {
    /// How to reach its servers, where it has any.
    pub fn ensemble(&self) -> Option<&EnsembleOptions> {
        if let Self::Ensemble(options) = self { Some(options) } else { None }
    }

    /// Whether it is a file.
    pub fn is_archive(&self) -> bool {
        matches!(self, Self::Archive(_))
    }

    /// How often its servers were tried again.
    pub fn retries(&self) -> Retries {
        self.ensemble().map(|options| options.retry.counts()).unwrap_or_default()
    }
}

impl From<EnsembleOptions> for TreeOptions {
    fn from(options: EnsembleOptions) -> Self {
        Self::Ensemble(options)
    }
}

/// A tree in a file.
#[derive(Clone, Debug)]
pub struct ArchiveOptions {
    /// The file.
    pub file: PathBuf,
    /// What becomes of it where it is damaged.
    pub salvage: Salvage,
}

/// What becomes of an archive that is damaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Salvage {
    /// Nothing of it is used.
    #[default]
    Refused,
    /// What is left is, and what is lost is listed.
    Wanted,
}

/// What a dump is told.
#[derive(Clone, Debug)]
pub struct DumpOptions {
    /// Where the tree is.
    pub source: EnsembleOptions,
    /// What errors call it.
    pub side: Side,
    /// Where the archive goes.
    pub file: PathBuf,
    /// What becomes of a file that is there already.
    pub existing: Existing,
    /// What of the tree is kept.
    pub filter: Filter,
    /// What becomes of ACLs.
    pub acl: AclPolicy,
    /// What becomes of an ACL that the source hides in part.
    pub masked_acls: MaskedAcls,
}

impl DumpOptions {
    /// The defaults of the command line.
    pub fn of(source: EnsembleOptions, file: PathBuf) -> Self {
        Self {
            source,
            side: Side::Source,
            file,
            existing: Existing::Kept,
            filter: Filter::default(),
            acl: AclPolicy::Preserve,
            masked_acls: MaskedAcls::default(),
        }
    }
}
