//! Plain options: what a run is told, after everything typed has been understood.
//!
//! Nothing here knows a command line; see [`crate::cli`] for how a user says it.

mod trees;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

pub use self::trees::{ArchiveOptions, DumpOptions, Salvage, TreeOptions};
use crate::acl_map::AclMap;
use crate::acl_memory::AclMemory;
use crate::bench::shape::Tree;
use crate::certificate::Certificate;
use crate::connect::ConnectString;
use crate::copy::CopyReport;
use crate::error::{Code, Error, ErrorKind};
use crate::filter::Filter;
use crate::latency::Observed;
use crate::limits;
use crate::pace::Pace;
use crate::retry::Retry;
use crate::znode::Zxid;

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
    /// What speaks to its servers.
    pub transport: Transport,
    /// What its servers are taken for, major and minor; asked of them where it is not said. Only the wire transport
    /// wants to know.
    pub server_version: Option<(u32, u32)>,
    /// Bytes of one reply at most; the wire transport ends a session that sends more.
    pub reply_bytes_max: usize,
    /// How a server of it that was lost is tried again, and how often it was.
    pub retry: Retry,
    /// Which servers are read from.
    pub read_from: ReadFrom,
    /// Servers that are asked for a session only when none of those of `connect` gives one; whoever reads finds out
    /// which ones.
    pub spared: Vec<(String, u16)>,
    /// How fast its servers may be asked; all sessions to this side share it.
    pub pace: Option<Pace>,
    /// ACLs that need not be asked for again; for who reads the same tree more than once.
    pub acl_memory: Option<AclMemory>,
    /// What its servers took to answer, for who looks on.
    pub observed: Observed,
}

impl EnsembleOptions {
    /// The same error of a connect, with the schemes that were tried where that is what failed.
    pub(crate) fn with_schemes(&self, mut error: Error) -> Error {
        if error.code() == Some(Code::AUTH_FAILED) {
            let schemes: Vec<String> = self.auths.iter().map(|auth| format!("{:?}", auth.scheme)).collect();
            error.kind = ErrorKind::NotAuthenticated(schemes.join(", "));
        }
        error
    }

    /// The defaults of the command line for the tree at `connect`, without credentials.
    pub fn to(connect: ConnectString) -> Self {
        Self {
            connect,
            auths: Vec::new(),
            session_timeout: limits::SESSION_TIMEOUT,
            connect_timeout: limits::CONNECT_TIMEOUT,
            transport: Transport::default(),
            server_version: None,
            reply_bytes_max: limits::REPLY_BYTES_MAX,
            retry: Retry::default(),
            read_from: ReadFrom::default(),
            spared: Vec::new(),
            pace: None,
            acl_memory: None,
            observed: Observed::default(),
        }
    }
}

/// What speaks to a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// Our own: built for many requests in flight. It tells null data from empty data, bounds replies, can open
    /// sessions behind a zxid, and comes back when its connection breaks. No TLS, no SASL.
    #[default]
    Wire,
    /// The `zookeeper-client` crate. It reads null data as empty, and a lost connection ends it.
    ZookeeperClient,
}

impl Transport {
    /// Whether null data and empty data are two things to it.
    pub fn tells_null_from_empty(self) -> bool {
        self == Self::Wire
    }
}

/// Which servers of an ensemble are read from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadFrom {
    /// Followers and observers; the leader only when there is nothing else.
    #[default]
    Followers,
    /// Every server that was named.
    Any,
}

/// What becomes of ACLs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AclPolicy {
    /// They are read, copied and compared.
    Preserve,
    /// The same, and the source's are taken for what the map makes of them.
    Map(AclMap),
    /// They are not read; what is created is open to anyone, and nothing is said about them.
    Open,
}

/// Whether sequence counters (the number that a znode's next sequential child gets) are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CounterPolicy {
    /// They are no part of a comparison nor of a digest.
    #[default]
    Ignore,
    /// They are part of both. A target's counter may rightly be higher than the source's: nothing lowers one.
    Compare,
}

/// What becomes of a znode when the server hides an id of its ACL. Whatever it is, the hidden id is never written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MaskedAcls {
    /// The copy stops there.
    #[default]
    Fail,
    /// It is left out with everything below it, and listed.
    Skip,
    /// It is created open to anyone, and listed; a znode that the target has keeps the ACL that it has there.
    Open,
}

/// What becomes of ephemeral znodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EphemeralPolicy {
    /// They belong to their sessions, and are no part of a tree.
    #[default]
    LeftOut,
    /// They are taken for persistent ones; their stat still names their session.
    AsPersistent,
}

/// What a copy is told.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option that a user gives or not, whatever the others are"
)]
pub struct CopyOptions {
    /// Where the tree is.
    pub source: TreeOptions,
    /// Where it goes.
    pub target: EnsembleOptions,
    /// Whether a target that holds znodes is brought up to date instead of refused.
    pub update: bool,
    /// Whether both trees are compared afterwards.
    pub verify: bool,
    /// What of the tree is copied.
    pub filter: Filter,
    /// What becomes of ACLs.
    pub acl: AclPolicy,
    /// What becomes of an ACL that the source hides in part.
    pub masked_acls: MaskedAcls,
    /// Whether sequence counters are carried over.
    pub counters: bool,
    /// Whether the quotas at and below the source's root are set at the target, when everything else is there.
    pub quotas: bool,
    /// Whether what the source does not have is removed from the target, and how many znodes at most; each one that goes
    /// makes it one less.
    pub removal: Option<Arc<AtomicU64>>,
    /// What becomes of the source's ephemerals.
    pub ephemerals: EphemeralPolicy,
    /// Only znodes that were written later than this are copied, in ms since the epoch; what the target has of the others
    /// stays as it is, and one that it lacks is created only as the parent of one that is newer.
    pub newer_than_ms: Option<i64>,
    /// Operations in one multi at most.
    pub batch_ops_max: usize,
    /// The largest request that the target takes, in bytes.
    pub jute_maxbuffer: usize,
}

impl CopyOptions {
    /// The defaults of the command line.
    pub fn between(source: impl Into<TreeOptions>, target: EnsembleOptions) -> Self {
        Self {
            source: source.into(),
            target,
            update: false,
            verify: false,
            filter: Filter::default(),
            acl: AclPolicy::Preserve,
            masked_acls: MaskedAcls::default(),
            counters: true,
            quotas: false,
            removal: None,
            ephemerals: EphemeralPolicy::default(),
            newer_than_ms: None,
            batch_ops_max: limits::WRITE_BATCH_OPS_MAX,
            jute_maxbuffer: limits::JUTE_MAXBUFFER_BYTES,
        }
    }
}

/// What a bench is told.
#[derive(Clone, Debug)]
pub struct BenchOptions {
    /// Where the tree is made up, below a path of the bench's own.
    pub source: EnsembleOptions,
    /// Where it is copied to, below another.
    pub target: EnsembleOptions,
    /// What both paths are called; see [`crate::bench::site::fresh_name`].
    pub name: String,
    /// What is made up.
    pub tree: Tree,
    /// Whether ACLs are read, copied and compared. All of them are open to anyone.
    pub acl: AclPolicy,
    /// The largest request that both sides take, in bytes.
    pub jute_maxbuffer: usize,
}

/// What a verify is told.
#[derive(Clone, Debug)]
pub struct VerifyOptions {
    /// One tree.
    pub source: TreeOptions,
    /// The tree that should be equal.
    pub target: TreeOptions,
    /// What of the trees is compared.
    pub filter: Filter,
    /// Whether ACLs are compared.
    pub acl: AclPolicy,
    /// Whether sequence counters are.
    pub counters: CounterPolicy,
    /// What becomes of the source's ephemerals.
    pub ephemerals: EphemeralPolicy,
    /// Levels below the root down to which each subtree gets a digest; 0 for none.
    pub depth: usize,
    /// The target is read on servers that have applied every transaction up to this one.
    pub target_seen: Zxid,
    /// Differences that are listed; the rest is counted.
    pub differences_listed: usize,
}

/// What a comparison of one tree with a certificate is told.
#[derive(Clone, Debug)]
pub struct AgainstOptions {
    /// The tree.
    pub tree: EnsembleOptions,
    /// What it should be; its own options decide what is compared.
    pub certificate: Certificate,
    /// Unreadable znodes that are listed; the rest is counted.
    pub differences_listed: usize,
}

/// What a removal of a tree is told.
#[derive(Clone, Debug)]
pub struct RmOptions {
    /// The tree; its root goes too.
    pub target: EnsembleOptions,
    /// What becomes of ephemerals whose sessions have not ended.
    pub ephemerals: OwnedZnodes,
    /// The largest request that the servers take, in bytes.
    pub jute_maxbuffer: usize,
}

/// What becomes of znodes that belong to sessions, when the tree that they are in is removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OwnedZnodes {
    /// Nothing is removed where there are any.
    #[default]
    Refused,
    /// They are removed with the tree; their sessions go on without them.
    Removed,
}

/// What a scan is told.
#[derive(Clone, Debug)]
pub struct ScanOptions {
    /// The tree.
    pub tree: TreeOptions,
    /// What of it is looked at.
    pub filter: Filter,
    /// Whether ACLs are read. A map is not applied: what stands there is what is told.
    pub acl: AclPolicy,
    /// How many of the widest, the largest and the highest are listed.
    pub top: usize,
    /// The largest request that a target would take, in bytes.
    pub jute_maxbuffer: usize,
}

impl ScanOptions {
    /// The defaults of the command line.
    pub fn of(tree: impl Into<TreeOptions>) -> Self {
        Self {
            tree: tree.into(),
            filter: Filter::default(),
            acl: AclPolicy::Preserve,
            top: limits::SCAN_TOP,
            jute_maxbuffer: limits::JUTE_MAXBUFFER_BYTES,
        }
    }
}

impl VerifyOptions {
    /// The defaults of the command line.
    pub fn between(source: impl Into<TreeOptions>, target: impl Into<TreeOptions>, filter: Filter) -> Self {
        Self {
            source: source.into(),
            target: target.into(),
            filter,
            acl: AclPolicy::Preserve,
            counters: CounterPolicy::default(),
            ephemerals: EphemeralPolicy::default(),
            depth: 0,
            target_seen: Zxid::default(),
            differences_listed: limits::DIFFERENCES_LISTED,
        }
    }

    /// What brings `target`, this verify's own, to what it compares, and nothing else.
    pub fn to_fix(&self, target: EnsembleOptions, jute_maxbuffer: usize) -> CopyOptions {
        CopyOptions {
            update: true,
            filter: self.filter.clone(),
            acl: self.acl.clone(),
            counters: self.counters == CounterPolicy::Compare,
            jute_maxbuffer,
            ..CopyOptions::between(self.source.clone(), target)
        }
    }

    /// A verify of what `copy` made, behind its last write.
    pub fn of_copy(copy: &CopyOptions, report: &CopyReport) -> Self {
        Self {
            source: copy.source.clone(),
            target: copy.target.clone().into(),
            filter: copy.filter.clone(),
            acl: copy.acl.clone(),
            counters: CounterPolicy::default(),
            ephemerals: copy.ephemerals,
            depth: 0,
            target_seen: report.target_zxid,
            differences_listed: limits::DIFFERENCES_LISTED,
        }
    }
}
