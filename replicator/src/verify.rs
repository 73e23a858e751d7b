//! Two trees give differences, and a digest each.
//!
//! Both sides are read by sessions of their own, opened after whatever was written before and each behind a sync, so
//! nothing here rests on what a copy believes. The source's walk leads; the target is read beside it, and what only
//! the target has is found from the children lists and walked too. The digests are made from the same bytes that are
//! compared.

use std::time::{Duration, Instant};

use futures::{Stream, StreamExt};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::budget::Budget;
use crate::connect::is_reserved;
use crate::digest::TreeDigest;
use crate::error::{Code, Error, ErrorKind, Result, Side};
use crate::filter::{Filter, Place};
use crate::latency::Latency;
use crate::limits;
use crate::options::VerifyOptions;
use crate::pair::{Beside, Pair, Pairing, Pairs};
use crate::pool::Pool;
use crate::progress::{Counts, Progress};
use crate::source::Visit;
use crate::source::reader::Reader;
use crate::source::walk::Walk;
use crate::znode::{Acl, Names, Znode, ZnodePath, Zxid};

/// One tree as it was read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
    /// Znodes, ephemerals and `/zookeeper` not counted.
    pub znodes: u64,
    /// Bytes of their data.
    pub bytes: u64,
    /// See [`crate::digest`].
    pub digest: TreeDigest,
}

/// How a place differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sign {
    /// Only the source has a znode there.
    OnlySource,
    /// Only the target has one.
    OnlyTarget,
    /// Both have one, and they are not the same.
    Differs,
    /// It could not be read.
    Unreadable,
}

impl Sign {
    /// `+`, `-`, `*` or `!`.
    pub fn as_char(self) -> char {
        match self {
            Self::OnlySource => '+',
            Self::OnlyTarget => '-',
            Self::Differs => '*',
            Self::Unreadable => '!',
        }
    }
}

/// One place where the trees are not the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// How.
    pub sign: Sign,
    /// Where, below the root.
    pub path: ZnodePath,
    /// What differs: `data`, `acl`, `kind`; empty when only one side has it.
    pub what: Vec<&'static str>,
}

/// Places where the trees are not the same: the first ones, and how many there are of each kind.
#[derive(Clone, Debug, Default)]
pub struct Differences {
    /// The first, in the order in which they were met.
    pub list: Vec<Difference>,
    /// How many the list may hold.
    pub listed: usize,
    /// Znodes that only the source has.
    pub only_source: u64,
    /// Znodes that only the target has.
    pub only_target: u64,
    /// Znodes that both have and that differ.
    pub differing: u64,
    /// Znodes that could not be read on one side.
    pub unreadable: u64,
}

impl Differences {
    /// Differences that are certain.
    pub fn total(&self) -> u64 {
        self.only_source + self.only_target + self.differing
    }
}

/// What came of a verify.
#[derive(Clone, Debug, Default)]
pub struct VerifyReport {
    /// The source's tree.
    pub source: Summary,
    /// The target's tree.
    pub target: Summary,
    /// Where they are not the same.
    pub differences: Differences,
    /// What was left out of the source.
    pub skipped: Counts,
    /// How long the source's servers took to answer.
    pub source_latencies: Vec<Latency>,
    /// How long the target's servers took to answer.
    pub target_latencies: Vec<Latency>,
    /// From the first connect to the last reply.
    pub elapsed: Duration,
}

impl VerifyReport {
    /// Whether both trees were read in full and hold the same.
    pub fn is_equal(&self) -> bool {
        self.differences.total() == 0 && self.differences.unreadable == 0 && self.skipped.vanished == 0
    }
}

/// Compares the trees. Reads only.
pub async fn verify(options: &VerifyOptions, progress: &Progress, stop: &CancellationToken) -> Result<VerifyReport> {
    let started = Instant::now();
    let mut sessions = None;
    let compared = tokio::select! {
        compared = run(options, progress, &mut sessions) => compared,
        () = stop.cancelled() => Err(Error::new(ErrorKind::Interrupted, "")),
    };
    let elapsed = started.elapsed();
    let mut latencies = (Vec::new(), Vec::new());
    if let Some((source, target)) = sessions {
        latencies = (source.lane().latencies().summary(), target.lane().latencies().summary());
        tokio::join!(source.close(), target.close());
    }
    let (source_latencies, target_latencies) = latencies;
    let report = compared?;
    Ok(VerifyReport { skipped: progress.counts(), source_latencies, target_latencies, elapsed, ..report })
}

async fn run(
    options: &VerifyOptions,
    progress: &Progress,
    sessions: &mut Option<(Reader, Reader)>,
) -> Result<VerifyReport> {
    let opened = tokio::try_join!(
        Reader::connect(Side::Source, &options.source, &options.acl, Zxid::default()),
        Reader::connect(Side::Target, &options.target, &options.acl, options.target_seen),
    )?;
    let (source, target) = &*sessions.insert(opened);
    crate::copy::check_source(source).await?;
    let pool = Pool::new()?;
    let (chunks_in, chunks) = mpsc::channel(1);
    let walk = Walk::of_tree(source, Budget::of_line(), options.filter.clone());
    let listed = options.differences_listed;
    let found = crate::copy::pair(chunks, Pairing::new(target, true))
        .map(|pairs| async { Ok(pool.run_sized(pairs?, move |pairs| compare(pairs, listed)).await) })
        .buffered(limits::CHUNKS_IN_FLIGHT_MAX);
    let report = VerifyReport { differences: Differences::new(listed), ..VerifyReport::default() };
    // While it asks for extras nobody drives the pairs, which hold places in the reader's windows.
    let beside = target.beside();
    let comparison = Comparison { target: &beside, filter: &options.filter, report };
    let (read, compared) = tokio::join!(crate::copy::read(walk, chunks_in, progress), comparison.run(found));
    // The walk's own failure is the cause when both fail.
    read.and(compared)
}

/// What a chunk of pairs has shown.
#[derive(Debug, Default)]
struct Found {
    source: Summary,
    target: Summary,
    differences: Differences,
    /// What can only be told by asking the target more.
    open: Vec<Open>,
}

/// A place where the target may have more than the source.
#[derive(Debug)]
enum Open {
    /// These children are at the target and not at the source.
    Extras(ZnodePath, Names),
    /// The source's znode has no children, the target's has.
    Childless(ZnodePath),
    /// The source has an ephemeral here.
    Ephemeral(ZnodePath),
}

/// Compares pairs: all that can be told without asking a server. Runs on the pool.
fn compare(pairs: Pairs, listed: usize) -> Found {
    let mut found = Found { differences: Differences::new(listed), ..Found::default() };
    for pair in pairs.pairs {
        match pair {
            Pair::Znode { source, target } => found.znode(&source, &target),
            Pair::Children { parent, source, target } => {
                let extras = target.without(&source);
                if !extras.is_empty() {
                    found.open.push(Open::Extras(parent, extras));
                }
            }
            Pair::Other(Visit::Ephemeral { path, .. }) => found.open.push(Open::Ephemeral(path)),
            Pair::Other(Visit::Unreadable(path, _)) => found.differences.add(Sign::Unreadable, path, vec![]),
            Pair::Other(_) => {}
        }
    }
    found
}

impl Found {
    fn znode(&mut self, source: &Znode, target: &Beside) {
        self.source.add(source);
        let path = source.path.clone();
        let there = match target {
            Beside::Znode(there) => there,
            Beside::Nothing | Beside::Ephemeral => return self.differences.add(Sign::OnlySource, path, vec![]),
            Beside::Unreadable(_) => return self.differences.add(Sign::Unreadable, path, vec![]),
        };
        self.target.add(there);
        // A list of children comes only for a znode that has some at the source.
        if there.stat.num_children > 0 && source.stat.num_children == 0 {
            self.open.push(Open::Childless(path.clone()));
        }
        // Two hidden ids look the same whatever they are.
        if [source, there].iter().any(|znode| znode.acl.as_ref().is_some_and(Acl::is_masked)) {
            return self.differences.add(Sign::Unreadable, path, vec!["acl"]);
        }
        let parts = [
            ("data", source.data != there.data),
            ("acl", source.acl != there.acl),
            ("kind", source.kind != there.kind),
        ];
        let what: Vec<_> = parts.into_iter().filter(|(_, differs)| *differs).map(|(part, _)| part).collect();
        if !what.is_empty() {
            self.differences.add(Sign::Differs, path, what);
        }
    }
}

/// The end of the line: takes what was found, in order, and asks the target for what is open.
struct Comparison<'a> {
    target: &'a Reader,
    filter: &'a Filter,
    report: VerifyReport,
}

impl Comparison<'_> {
    async fn run(mut self, found: impl Stream<Item = Result<Found>>) -> Result<VerifyReport> {
        let mut found = std::pin::pin!(found);
        while let Some(found) = found.next().await {
            let Found { source, target, differences, open } = found?;
            self.report.source.merge(&source);
            self.report.target.merge(&target);
            self.report.differences.merge(differences);
            for open in open {
                match open {
                    Open::Extras(parent, names) => self.extras(parent, names).await?,
                    Open::Childless(parent) => self.children(parent).await?,
                    Open::Ephemeral(path) => self.beside_ephemeral(path).await?,
                }
            }
        }
        Ok(self.report)
    }

    /// Children that only the target has, and all below them.
    async fn extras(&mut self, parent: ZnodePath, names: Names) -> Result<()> {
        let at_root = self.target.lane().chroot().is_none() && parent.is_root();
        let names: Names = names.iter().filter(|name| !(at_root && is_reserved(parent.child(name).as_str()))).collect();
        let mut walk = Walk::of_children(self.target, Budget::of_line(), self.filter.clone(), parent, names);
        while let Some(chunk) = walk.next().await? {
            for visit in chunk.visits {
                match visit {
                    Visit::Znode(znode) => {
                        self.report.target.add(&znode);
                        self.found(Sign::OnlyTarget, znode.path);
                    }
                    Visit::Unreadable(path, _) => self.found(Sign::Unreadable, path),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    async fn children(&mut self, parent: ZnodePath) -> Result<()> {
        let (names, _) = self.target.lane().children(&parent).await?.unwrap_or_default();
        self.extras(parent, names).await
    }

    /// The source's ephemerals are no part of its tree: a znode of that name at the target is one too many, unless it
    /// is an ephemeral itself.
    async fn beside_ephemeral(&mut self, path: ZnodePath) -> Result<()> {
        match self.target.lane().znode(&path).await {
            Ok(Some(znode)) if !znode.kind.is_ephemeral() => {
                if self.filter.place(&path) == Place::Taken {
                    self.report.target.add(&znode);
                    self.found(Sign::OnlyTarget, path.clone());
                }
                self.children(path).await
            }
            Err(error) if error.code() == Some(Code::NO_AUTH) => {
                self.found(Sign::Unreadable, path);
                Ok(())
            }
            other => other.map(drop),
        }
    }

    fn found(&mut self, sign: Sign, path: ZnodePath) {
        self.report.differences.add(sign, path, vec![]);
    }
}

impl Differences {
    fn new(listed: usize) -> Self {
        Self { listed, ..Self::default() }
    }

    fn add(&mut self, sign: Sign, path: ZnodePath, what: Vec<&'static str>) {
        let count = match sign {
            Sign::OnlySource => &mut self.only_source,
            Sign::OnlyTarget => &mut self.only_target,
            Sign::Differs => &mut self.differing,
            Sign::Unreadable => &mut self.unreadable,
        };
        *count += 1;
        if self.list.len() < self.listed {
            self.list.push(Difference { sign, path, what });
        }
    }

    fn merge(&mut self, other: Self) {
        self.only_source += other.only_source;
        self.only_target += other.only_target;
        self.differing += other.differing;
        self.unreadable += other.unreadable;
        let room = self.listed.saturating_sub(self.list.len());
        self.list.extend(other.list.into_iter().take(room));
    }
}

impl Summary {
    fn add(&mut self, znode: &Znode) {
        self.znodes += 1;
        self.bytes += znode.data_len() as u64;
        self.digest.add(znode);
    }

    fn merge(&mut self, other: &Self) {
        self.znodes += other.znodes;
        self.bytes += other.bytes;
        self.digest.merge(&other.digest);
    }
}
