//! The error type: what was tried, on whom, and why it did not work.
//!
//! Printed as `meta server 10.0.0.1:34601: set the level to blind: no answer within 3000 ms`. Lower case, no full stop. An
//! outcome that is not known says so: it is never reported as failed.

use std::fmt;

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What did not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What kind of failure, which says whether it may be tried again.
    pub kind: ErrorKind,
    /// Who it was asked of: `meta server 10.0.0.1:34601`, `host a1`, `plan`, `source`.
    pub subject: String,
    /// What was tried, as words that follow the subject: `set the level to blind`.
    pub op: String,
    /// Why it did not work, in one sentence, and what to do where that is known.
    pub why: String,
    /// Whether what was tried may have happened nevertheless.
    pub outcome_unknown: bool,
}

/// Kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// What was given is wrong: the plan, the command line, a file. Nothing was tried.
    Input,
    /// The other side can't be reached, or the connection broke. May be tried again.
    Unreachable,
    /// No answer in time. May be tried again where the outcome does not matter.
    TimedOut,
    /// The other side speaks another protocol, or what it says is damaged.
    Protocol,
    /// The other side says no.
    Refused,
    /// It has ended already. Nothing is wrong, and nothing is left to do.
    Ended,
    /// Somebody wanted it to end. Nothing is wrong.
    Interrupted,
    /// Something was taken back as far as it could be; the rest is taken back all the same.
    Partly,
    /// All is done, and something is wrong elsewhere that a person must see to.
    Alarm,
    /// Something of this machine: a file, a process.
    Local,
}

impl Error {
    /// A failure with a known outcome: what was tried did not happen.
    pub fn new(kind: ErrorKind, subject: impl Into<String>, op: impl Into<String>, why: impl Into<String>) -> Self {
        Self { kind, subject: subject.into(), op: op.into(), why: why.into(), outcome_unknown: false }
    }

    /// The same, of what may have happened nevertheless.
    #[must_use]
    pub fn with_unknown_outcome(mut self) -> Self {
        self.outcome_unknown = true;
        self
    }
}

impl ErrorKind {
    /// What to do when a command could not begin for it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Input => "correct that, then run the same command again (docs/plan.md)",
            Self::Unreachable => "see that it runs and can be reached from here, then run the same command again",
            Self::TimedOut => "see what it waits for, or raise that limit in the plan, then run the same command again",
            Self::Protocol => "see that it is what the plan takes it for (docs/plan.md), and what its log says",
            Self::Refused | Self::Partly | Self::Alarm => "see to that, then run the same command again",
            Self::Local => "see to that on this machine, then run the same command again",
            Self::Ended => "zkmigrator status says how it ended, zkmigrator run begins a new one",
            Self::Interrupted => "run the same command again",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, op, why, .. } = self;
        write!(f, "{subject}: {op}: {why}")?;
        if self.outcome_unknown {
            f.write_str(" (it may have happened nevertheless)")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
