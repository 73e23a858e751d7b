//! Plain options: what a run is told, after everything typed has been understood.
//!
//! Nothing here knows a command line; see [`crate::cli`] for how a user says it.

use std::fmt;
use std::time::Duration;

use crate::connect::ConnectString;
use crate::limits;

/// One side's identity in one scheme, as `addauth` takes it. Its credentials never reach a log: `Debug` hides them.
#[derive(Clone, PartialEq, Eq)]
pub struct Auth {
    /// `digest`, `sasl`, ...
    pub scheme: String,
    /// `user:password` for digest.
    pub credentials: String,
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:***", self.scheme)
    }
}

/// How to reach one side.
#[derive(Clone, Debug)]
pub struct EnsembleOptions {
    /// Its servers and the tree's root.
    pub connect: ConnectString,
    /// Who we are there.
    pub auths: Vec<Auth>,
    /// Asked of the server, which clamps it.
    pub session_timeout: Duration,
    /// How long a server may take to give us a session.
    pub connect_timeout: Duration,
}

/// What a copy is told.
#[derive(Clone, Debug)]
pub struct CopyOptions {
    /// Where the tree is.
    pub source: EnsembleOptions,
    /// Where it goes.
    pub target: EnsembleOptions,
    /// Whether a target that holds znodes is brought up to date instead of refused.
    pub update: bool,
    /// Whether both trees are compared afterwards.
    pub verify: bool,
    /// The largest request that the target takes, in bytes.
    pub jute_maxbuffer: usize,
}

/// What a verify is told.
#[derive(Clone, Debug)]
pub struct VerifyOptions {
    /// One tree.
    pub source: EnsembleOptions,
    /// The tree that should be equal.
    pub target: EnsembleOptions,
    /// Differences that are listed; the rest is counted.
    pub differences_listed: usize,
}

impl VerifyOptions {
    /// A verify of what `copy` makes.
    pub fn of_copy(copy: &CopyOptions) -> Self {
        Self {
            source: copy.source.clone(),
            target: copy.target.clone(),
            differences_listed: limits::DIFFERENCES_LISTED,
        }
    }
}
