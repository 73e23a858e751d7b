//! The error type, and the words that people read.
//!
//! Printed as `target: create /pegasus/a: not authorized; give credentials that may do that there`: the side, what was
//! tried, where, why, and what to do, in one line. Lower case, no full stop. An outcome that is not known says so: it is never
//! reported as failed.

use std::fmt;

/// Which ensemble an error came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Where the tree is read from; never written, but by a bench that makes it up.
    Source,
    /// Where the tree goes to.
    Target,
    /// Where the only tree of a command is that has no other.
    Tree,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Source => "source",
            Self::Target => "target",
            Self::Tree => "tree",
        })
    }
}

/// An error code of the ZooKeeper protocol (KeeperException.java, `CodeDeprecated`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Code(pub i32);

#[expect(missing_docs, reason = "ZooKeeper's own names")]
impl Code {
    pub const OK: Self = Self(0);
    pub const RUNTIME_INCONSISTENCY: Self = Self(-2);
    pub const MARSHALLING_ERROR: Self = Self(-5);
    pub const UNIMPLEMENTED: Self = Self(-6);
    pub const BAD_ARGUMENTS: Self = Self(-8);
    pub const NO_NODE: Self = Self(-101);
    pub const NO_AUTH: Self = Self(-102);
    pub const BAD_VERSION: Self = Self(-103);
    pub const NO_CHILDREN_FOR_EPHEMERALS: Self = Self(-108);
    pub const NODE_EXISTS: Self = Self(-110);
    pub const NOT_EMPTY: Self = Self(-111);
    pub const SESSION_EXPIRED: Self = Self(-112);
    pub const INVALID_ACL: Self = Self(-114);
    pub const AUTH_FAILED: Self = Self(-115);
    pub const SESSION_MOVED: Self = Self(-118);
    pub const NOT_READ_ONLY: Self = Self(-119);
    pub const NO_WATCHER: Self = Self(-121);
    pub const RECONFIG_DISABLED: Self = Self(-123);
    pub const SESSION_CLOSED_REQUIRE_SASL_AUTH: Self = Self(-124);
    pub const QUOTA_EXCEEDED: Self = Self(-125);
    pub const THROTTLED_OP: Self = Self(-127);
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::RUNTIME_INCONSISTENCY => "rolled back with the operation that failed",
            Self::MARSHALLING_ERROR => "the server could not read the request",
            Self::UNIMPLEMENTED => "the server does not know or does not allow this operation",
            Self::BAD_ARGUMENTS => "bad arguments",
            Self::NO_NODE => "no such znode",
            Self::NO_AUTH => "not authorized",
            Self::BAD_VERSION => "another client changed it in the meantime",
            Self::NO_CHILDREN_FOR_EPHEMERALS => "an ephemeral znode can't have children",
            Self::NODE_EXISTS => "it exists already: another client is writing there",
            Self::NOT_EMPTY => "it has children",
            Self::SESSION_EXPIRED => "the session expired",
            Self::INVALID_ACL => "the server does not accept this ACL",
            Self::AUTH_FAILED => "authentication failed",
            Self::SESSION_MOVED => "the session moved to another server",
            Self::NOT_READ_ONLY => "the server is in read-only mode",
            Self::NO_WATCHER => "no such watcher",
            Self::RECONFIG_DISABLED => "reconfiguration is disabled",
            Self::SESSION_CLOSED_REQUIRE_SASL_AUTH => "the server requires SASL authentication",
            Self::QUOTA_EXCEEDED => "the quota is exceeded",
            Self::THROTTLED_OP => "the server throttled the request and did not execute it",
            Self(code) => return write!(f, "error code {code}"),
        })
    }
}

impl Code {
    /// What to do about it.
    fn advice(self) -> &'static str {
        match self {
            Self::NO_AUTH => "give credentials that may do that there",
            Self::AUTH_FAILED => {
                "check the scheme and the credentials for that side (scheme:credentials, for example \
                 digest:user:password); the scheme needs a provider at every server"
            }
            Self::SESSION_CLOSED_REQUIRE_SASL_AUTH => {
                "that is not spoken here: let sessions in without it (zookeeper.sessionRequireClientSASLAuth, enforce.auth.enabled)"
            }
            Self::NO_NODE | Self::BAD_VERSION | Self::NODE_EXISTS | Self::NOT_EMPTY => {
                "see who else creates, sets or deletes there, stop it, then run again"
            }
            Self::NO_CHILDREN_FOR_EPHEMERALS => "remove the ephemeral znode, or choose another path",
            Self::SESSION_EXPIRED => "run again, with a longer session timeout if it comes back",
            Self::SESSION_MOVED => "run again",
            Self::NOT_READ_ONLY => "bring its ensemble back to a quorum, or name servers that have one, then run again",
            Self::QUOTA_EXCEEDED => "raise the quota there (zkCli.sh listquota, setquota), then run again",
            Self::THROTTLED_OP => "ask for less at a time, or wait until the server has less to do, then run again",
            Self::RECONFIG_DISABLED => "nothing here needs it: look at the server's log",
            // What is left tells of a server that is another than is thought.
            _ => "look at that server's log, and at its version: ZooKeeper 3.4 and later are known here",
        }
    }
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The input is wrong and nothing was changed; the text says what to do.
    BadInput(String),
    /// No session could be had.
    Unreachable(String),
    /// The server answered with an error: the operation was not executed.
    Refused(Code),
    /// The server takes none of the credentials, of these schemes, or not all of them.
    NotAuthenticated(String),
    /// The target does not take this ACL; nothing was written that carries it.
    AclRefused(String),
    /// The connection or the session ended before the answer came. A write's outcome is unknown.
    Lost(String),
    /// The server's bytes are not what the protocol allows.
    Protocol(String),
    /// A single znode does not fit into a request.
    TooLarge {
        /// Bytes of the smallest request that would carry it.
        bytes: usize,
        /// The server's `jute.maxbuffer`.
        limit: usize,
    },
    /// The server ended the connection again and again over one request, which is larger than any that it took.
    CutOff {
        /// Bytes of the request.
        bytes: usize,
        /// Bytes of the largest one that it took.
        passed: usize,
    },
    /// The user stopped it; what was done stands.
    Interrupted,
    /// A file or the terminal could not be read or written.
    Io(String),
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadInput(text) | Self::Unreachable(text) | Self::Lost(text) | Self::Io(text) => f.write_str(text),
            Self::Protocol(text) => write!(f, "unexpected answer from the server: {text}"),
            Self::Refused(code) => code.fmt(f),
            Self::NotAuthenticated(schemes) => write!(f, "{}; tried: scheme {schemes}", Code::AUTH_FAILED),
            Self::AclRefused(acl) => write!(
                f,
                "the server does not accept the ACL {acl}: it has no provider for one of its schemes, or takes an id for \
                 none; give it the provider (zookeeper.authProvider.*), or rewrite the ACL with --acl map, then run again \
                 with --update"
            ),
            Self::Interrupted => f.write_str("interrupted"),
            Self::CutOff { bytes, passed } => write!(
                f,
                "the server ends the connection over its request of {bytes} bytes, each time that it is sent (the largest \
                 that it took had {passed}): most likely its jute.maxbuffer is smaller; raise it on every target server, \
                 or give --jute-maxbuffer as they have it, then run again with --update"
            ),
            Self::TooLarge { bytes, limit } => write!(
                f,
                "it needs a request of {bytes} bytes, the target takes {limit}; raise jute.maxbuffer on every target \
                 server, then give --jute-maxbuffer"
            ),
        }
    }
}

/// Why an operation of this crate failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What went wrong.
    pub kind: ErrorKind,
    /// Which ensemble it came from, if from one.
    pub side: Option<Side>,
    /// What was tried.
    pub op: &'static str,
    /// The absolute path it was tried on, if any.
    pub path: Option<String>,
    /// Whether a write may or may not have been executed: this one, or one that was under way with it.
    pub outcome_unknown: bool,
    /// What stands and what to do next, where only whoever made the call knows.
    pub next: Option<&'static str>,
}

/// Results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind` from `op`.
    pub fn new(kind: ErrorKind, op: &'static str) -> Self {
        Self { kind, side: None, op, path: None, outcome_unknown: false, next: None }
    }

    /// Wrong input; `text` says what is wrong and what to do.
    pub fn bad_input(text: impl Into<String>) -> Self {
        Self::new(ErrorKind::BadInput(text.into()), "")
    }

    /// The same error, seen at `side`.
    #[must_use]
    pub fn at(mut self, side: Side) -> Self {
        self.side.get_or_insert(side);
        self
    }

    /// The same error, about `path`.
    #[must_use]
    pub fn on(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// The same error, where it is an interrupt, with what stands and what to do next. Of writes whose outcome is unknown it
    /// says more already.
    #[must_use]
    pub fn if_interrupted(mut self, next: &'static str) -> Self {
        if self.kind == ErrorKind::Interrupted && !self.outcome_unknown {
            self.next = Some(next);
        }
        self
    }

    /// What to do about it, where its own words do not say so.
    fn advice(&self) -> Option<&'static str> {
        if self.next.is_some() {
            return self.next;
        }
        match &self.kind {
            // By the side, where people type it; a migration has its credentials in its plan.
            ErrorKind::Refused(Code::NO_AUTH) if self.side == Some(Side::Source) => Some(
                "give credentials that may do that there (zkreplicator: ZKREPLICATOR_SOURCE_AUTH, --source-auth-file)",
            ),
            ErrorKind::Refused(Code::NO_AUTH) if self.side == Some(Side::Target) => Some(
                "give credentials that may do that there (zkreplicator: ZKREPLICATOR_TARGET_AUTH, --target-auth-file)",
            ),
            ErrorKind::Refused(code) => Some(code.advice()),
            ErrorKind::NotAuthenticated(_) => Some(Code::AUTH_FAILED.advice()),
            // With the outcome stands what to do.
            ErrorKind::Lost(_) if !self.outcome_unknown => Some("see to the servers and the network, then run again"),
            ErrorKind::Protocol(_) => {
                Some("see that it is a ZooKeeper server and what its log says, then run again with -vv")
            }
            ErrorKind::Io(_) => Some("see to that, then run again"),
            _ => None,
        }
    }

    /// The code that the server answered, if it did.
    pub fn code(&self) -> Option<Code> {
        match self.kind {
            ErrorKind::Refused(code) => Some(code),
            ErrorKind::NotAuthenticated(_) => Some(Code::AUTH_FAILED),
            ErrorKind::AclRefused(_) => Some(Code::INVALID_ACL),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(side) = self.side {
            write!(f, "{side}: ")?;
        }
        match (&self.path, self.op) {
            (Some(path), "") => write!(f, "{}: ", path.escape_debug())?,
            (Some(path), op) => write!(f, "{op} {}: ", path.escape_debug())?,
            (None, "") => {}
            (None, op) => write!(f, "{op}: ")?,
        }
        self.kind.fmt(f)?;
        if let Some(advice) = self.advice() {
            write!(f, "; {advice}")?;
        }
        if self.outcome_unknown {
            f.write_str("; the outcome of writes that were under way is unknown: run the same command again (copy and restore: with --update)")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
