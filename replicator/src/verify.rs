//! Two trees give differences, and a digest each.
//!
//! Both sides are read by sessions of their own, opened after whatever was written before and each behind a sync, so
//! nothing here rests on what a copy believes. The source's walk leads; the target is read beside it, and what only
//! the target has is found from the children lists and walked too. The digests are made from the same bytes that are
//! compared.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use futures::{Stream, StreamExt};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::budget::Budget;
use crate::connect::is_reserved;
use crate::digest::TreeDigest;
use crate::error::{Code, Error, ErrorKind, Result, Side};
use crate::limits;
use crate::options::VerifyOptions;
use crate::pair::{Beside, Pair, Pairing, Pairs};
use crate::progress::{Counts, Progress};
use crate::source::Visit;
use crate::source::reader::Reader;
use crate::source::walk::Walk;
use crate::znode::{Acl, Names, Znode, ZnodePath};

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

/// What came of a verify.
#[derive(Clone, Debug, Default)]
pub struct VerifyReport {
    /// The source's tree.
    pub source: Summary,
    /// The target's tree.
    pub target: Summary,
    /// The first differences, in the order in which they were met.
    pub differences: Vec<Difference>,
    /// Znodes that only the source has.
    pub only_source: u64,
    /// Znodes that only the target has.
    pub only_target: u64,
    /// Znodes that both have and that differ.
    pub differing: u64,
    /// Znodes that could not be read on one side.
    pub unreadable: u64,
    /// What was left out of the source.
    pub skipped: Counts,
    /// From the first connect to the last reply.
    pub elapsed: Duration,
}

impl VerifyReport {
    /// Differences of any kind that are certain.
    pub fn total(&self) -> u64 {
        self.only_source + self.only_target + self.differing
    }

    /// Whether both trees were read in full and hold the same.
    pub fn is_equal(&self) -> bool {
        self.total() == 0 && self.unreadable == 0 && self.skipped.vanished == 0
    }
}

/// Compares the trees. Reads only.
pub async fn verify(options: &VerifyOptions, progress: &Progress, stop: &CancellationToken) -> Result<VerifyReport> {
    let started = Instant::now();
    let (source, target) = tokio::try_join!(
        Reader::connect(Side::Source, &options.source),
        Reader::connect(Side::Target, &options.target),
    )?;
    let compared = tokio::select! {
        compared = run(options, progress, &source, &target) => compared,
        () = stop.cancelled() => Err(Error::new(ErrorKind::Interrupted, "")),
    };
    tokio::join!(source.close(), target.close());
    let report = compared?;
    Ok(VerifyReport { skipped: progress.counts(), elapsed: started.elapsed(), ..report })
}

async fn run(options: &VerifyOptions, progress: &Progress, source: &Reader, target: &Reader) -> Result<VerifyReport> {
    if source.lane().znode(&ZnodePath::root()).await?.is_none() {
        let text = format!("the source has no znode {}", source.lane().chroot().as_str());
        return Err(Error::bad_input(text).at(Side::Source));
    }
    let (chunks_in, chunks) = mpsc::channel(1);
    let walk = Walk::of_tree(source, Budget::new(limits::BUDGET_BYTES));
    let comparison = Comparison { target, listed: options.differences_listed, report: VerifyReport::default() };
    let pairs = crate::copy::pair(chunks, Pairing::new(target, true));
    let (read, compared) = tokio::join!(crate::copy::read(walk, chunks_in, progress), comparison.run(pairs));
    // The walk's own failure is the cause when both fail.
    read.and(compared)
}

struct Comparison<'a> {
    target: &'a Reader,
    listed: usize,
    report: VerifyReport,
}

impl Comparison<'_> {
    async fn run(mut self, pairs: impl Stream<Item = Result<Pairs>>) -> Result<VerifyReport> {
        let mut pairs = std::pin::pin!(pairs);
        while let Some(pairs) = pairs.next().await {
            let Pairs { pairs, permit } = pairs?;
            for pair in pairs {
                self.compare(pair).await?;
            }
            drop(permit);
        }
        Ok(self.report)
    }

    async fn compare(&mut self, pair: Pair) -> Result<()> {
        match pair {
            Pair::Znode { source, target } => {
                self.report.source.add(&source);
                if let Beside::Znode(target) = &target {
                    self.report.target.add(target);
                }
                self.differ(&source, &target);
                match target {
                    // A list of children comes only for a znode that has some at the source.
                    Beside::Znode(target) if target.stat.num_children > 0 && source.stat.num_children == 0 => {
                        let names = self.target.lane().children(&source.path).await?.unwrap_or_default();
                        self.extras(source.path, &Names::default(), &names).await?;
                    }
                    _ => {}
                }
            }
            Pair::Children { parent, source, target } => self.extras(parent, &source, &target).await?,
            Pair::Other(Visit::Ephemeral { path, .. }) => self.beside_ephemeral(path).await?,
            Pair::Other(Visit::Unreadable(path, _)) => self.found(Sign::Unreadable, path, vec![]),
            Pair::Other(_) => {}
        }
        Ok(())
    }

    fn differ(&mut self, source: &Znode, target: &Beside) {
        match target {
            Beside::Nothing | Beside::Ephemeral => self.found(Sign::OnlySource, source.path.clone(), vec![]),
            Beside::Unreadable(_) => self.found(Sign::Unreadable, source.path.clone(), vec![]),
            // Two hidden ids look the same whatever they are.
            Beside::Znode(there) if [source, there].iter().any(|znode| znode.acl.as_ref().is_some_and(Acl::is_masked)) => {
                self.found(Sign::Unreadable, source.path.clone(), vec!["acl"]);
            }
            Beside::Znode(target) => {
                let parts = [
                    ("data", source.data != target.data),
                    ("acl", source.acl != target.acl),
                    ("kind", source.kind != target.kind),
                ];
                let what: Vec<_> = parts.into_iter().filter(|(_, differs)| *differs).map(|(part, _)| part).collect();
                if !what.is_empty() {
                    self.found(Sign::Differs, source.path.clone(), what);
                }
            }
        }
    }

    /// Children that only the target has, and all below them.
    async fn extras(&mut self, parent: ZnodePath, source: &Names, target: &Names) -> Result<()> {
        if target.is_empty() {
            return Ok(());
        }
        let at_root = self.target.lane().chroot().is_none() && parent.is_root();
        let known: HashSet<&str> = source.iter().collect();
        let reserved = |name: &str| at_root && is_reserved(parent.child(name).as_str());
        let extras: Names = target.iter().filter(|name| !known.contains(name) && !reserved(name)).collect();
        if extras.is_empty() {
            return Ok(());
        }
        let budget = Budget::new(limits::BUDGET_BYTES);
        let mut walk = Walk::of_children(self.target, budget, parent, extras);
        while let Some(chunk) = walk.next().await? {
            for visit in chunk.visits {
                match visit {
                    Visit::Znode(znode) => {
                        self.report.target.add(&znode);
                        self.found(Sign::OnlyTarget, znode.path, vec![]);
                    }
                    Visit::Unreadable(path, _) => self.found(Sign::Unreadable, path, vec![]),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// The source's ephemerals are no part of its tree: a znode of that name at the target is one too many, unless it
    /// is an ephemeral itself.
    async fn beside_ephemeral(&mut self, path: ZnodePath) -> Result<()> {
        match self.target.lane().znode(&path).await {
            Ok(Some(znode)) if !znode.kind.is_ephemeral() => {
                self.report.target.add(&znode);
                self.found(Sign::OnlyTarget, path.clone(), vec![]);
                if znode.stat.num_children > 0 {
                    let names = self.target.lane().children(&path).await?.unwrap_or_default();
                    self.extras(path, &Names::default(), &names).await?;
                }
                Ok(())
            }
            Err(error) if error.code() == Some(Code::NO_AUTH) => {
                self.found(Sign::Unreadable, path, vec![]);
                Ok(())
            }
            other => other.map(drop),
        }
    }

    fn found(&mut self, sign: Sign, path: ZnodePath, what: Vec<&'static str>) {
        let count = match sign {
            Sign::OnlySource => &mut self.report.only_source,
            Sign::OnlyTarget => &mut self.report.only_target,
            Sign::Differs => &mut self.report.differing,
            Sign::Unreadable => &mut self.report.unreadable,
        };
        *count += 1;
        if self.report.differences.len() < self.listed {
            self.report.differences.push(Difference { sign, path, what });
        }
    }
}

impl Summary {
    fn add(&mut self, znode: &Znode) {
        self.znodes += 1;
        self.bytes += znode.data_len() as u64;
        self.digest.add(znode);
    }
}
