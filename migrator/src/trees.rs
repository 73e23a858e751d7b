//! The cluster's tree at both ensembles: copied, proven equal, and looked at for writes.
//!
//! Everything here is the replicator's work, told what a cluster needs. Below the lock's own znode meta servers come and
//! go while nothing is moved, and their sessions end long after them: it is copied with the rest, without the ephemerals,
//! and is no part of a proof.

mod at_target;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use replicator::acl_memory::AclMemory;
use replicator::archive::dump::{DumpReport, dump};
use replicator::budget::Budget;
use replicator::certificate::{self, Certificate, Issued};
use replicator::connect::{Chroot, ConnectString};
use replicator::copy::dry_run::{self, DryRun, Removal};
use replicator::copy::{CopyReport, copy};
use replicator::error::Side;
use replicator::filter::Filter;
use replicator::options::{
    AclPolicy, AgainstOptions, Auth, CopyOptions, DumpOptions, EnsembleOptions, OwnedZnodes, RmOptions, VerifyOptions,
};
use replicator::pace::{Pace, PaceOptions};
use replicator::progress::Progress;
use replicator::rm;
use replicator::session::Lane;
use replicator::source::reader::Reader;
use replicator::source::walk::Walk;
use replicator::verify::{self, VerifyReport, verify};
use replicator::znode::{Znode, Zxid};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::error::{Error, ErrorKind, Result};
use crate::plan::{Limits, PaceLimits, Policy};
use crate::telling::Teller;

/// The znode below the lock root that holds the lock's children (meta_server_failure_detector.cpp, `LOCK_NAME`).
pub const LOCK: &str = "dsn.meta.server.leader";

/// One ensemble, as the plan names it.
#[derive(Clone, Debug)]
pub struct Ensemble {
    /// Its servers, and a chroot if meta servers are given one.
    pub connect: ConnectString,
    /// Who we are there.
    pub auths: Vec<Auth>,
    /// What its servers take at most, in bytes.
    pub jute_maxbuffer: usize,
}

/// The cluster's tree at the source and at the target.
#[derive(Clone, Debug)]
pub struct Trees {
    source: EnsembleOptions,
    target: EnsembleOptions,
    /// Where meta servers find their lock, as they see it.
    lock: String,
    /// The same in each ensemble, behind its chroot.
    locks: [Chroot; 2],
    target_jute_maxbuffer: usize,
    proven: Filter,
    /// Znodes that a delta may remove; more would rather be a source that has lost its tree.
    removals_max: u64,
    /// How each side is asked while the cluster is live.
    care: [PaceOptions; 2],
    /// How many znodes the source's tree had when it was last read as a whole, for who is told how far the next reading is; 0:
    /// it was not read yet.
    counted: Arc<AtomicU64>,
    /// The last zxid that was seen at each side.
    seen: Arc<[AtomicI64; 2]>,
    /// Who tells a person how far it is.
    pub(crate) teller: Teller,
}

/// That both trees were the same, at one moment on each side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Znodes of each tree, without the lock.
    pub znodes: u64,
    /// The digest of each.
    pub digest: String,
    /// The source was read behind this transaction, and nothing in it was newer.
    pub source_zxid: i64,
    /// The same of the target.
    pub target_zxid: i64,
    /// ACLs of both trees that were read before this proof, and whose znodes' czxid and aversion have not moved since. All
    /// others, and all data and children, were read anew.
    #[serde(default = "some")]
    pub acls_remembered: u64,
}

/// Of a proof in a journal of an earlier build, which did not say it: not to be called full.
fn some() -> u64 {
    1
}

impl Proof {
    /// Whether it rests on nothing that was read before.
    pub fn is_full(&self) -> bool {
        self.acls_remembered == 0
    }
}

/// What came of an attempt at a proof.
#[derive(Clone, Debug)]
pub enum Attempt {
    /// The trees are the same.
    Proven(Proof),
    /// They are not, or it can't be said: why.
    Open(String),
}

impl Trees {
    /// The tree below `cluster_root` at both ensembles, of meta servers whose lock is below `lock_root`.
    pub fn new(
        source: &Ensemble,
        target: &Ensemble,
        cluster_root: &str,
        lock_root: &str,
        limits: &Limits,
        policy: &Policy,
    ) -> Result<Self> {
        let care = [&limits.source_pace, &limits.target_pace].map(PaceLimits::options);
        let root = Chroot::new(cluster_root).map_err(|error| input("cluster_root", &error))?;
        let lock = join(lock_root, LOCK);
        let in_ensemble = |ensemble: &Ensemble| {
            Chroot::new(&join(ensemble.connect.chroot.as_str(), &lock))
                .map_err(|error| input("distributed_lock_service_parameters", &error))
        };
        let locks = [in_ensemble(source)?, in_ensemble(target)?];
        let excluded: Vec<String> = root.below(&lock).iter().map(|path| escaped(path.as_str())).collect();
        let proven =
            Filter::new(&[], &excluded).map_err(|error| input("distributed_lock_service_parameters", &error))?;
        Ok(Self {
            source: options(source, cluster_root)?,
            target: options(target, cluster_root)?,
            lock,
            locks,
            target_jute_maxbuffer: target.jute_maxbuffer,
            proven,
            removals_max: policy.delete_max,
            care,
            counted: Arc::default(),
            seen: Arc::default(),
            teller: Teller::default(),
        })
    }

    /// The source's ensemble and the tree in it.
    pub fn source(&self) -> &ConnectString {
        &self.source.connect
    }

    /// The target's ensemble and the tree in it.
    pub fn target(&self) -> &ConnectString {
        &self.target.connect
    }

    /// Where a meta server finds its lock.
    pub fn lock(&self) -> &str {
        &self.lock
    }

    /// A session with the source whose root is the lock.
    pub async fn lock_at_source(&self) -> Result<Lane> {
        lane(Side::Source, &self.source, self.locks[0].clone()).await
    }

    /// The same with the target.
    pub async fn lock_at_target(&self) -> Result<Lane> {
        lane(Side::Target, &self.target, self.locks[1].clone()).await
    }

    /// A session with the source whose root is the cluster's.
    pub async fn root_at_source(&self) -> Result<Lane> {
        Lane::connect(Side::Source, &self.source).await.map_err(|error| tree("connect", &error))
    }

    /// The lock as a path below the cluster's root; `None` where it lies elsewhere.
    pub fn lock_below_root(&self) -> Option<String> {
        self.source.connect.chroot.below(self.locks[0].as_str()).map(|path| path.as_str().to_owned())
    }

    /// What a copy would do, and how long it would take; reads only.
    pub async fn rehearse(&self, stop: &CancellationToken) -> Result<DryRun> {
        let options = self.copy_options(true);
        let progress = self.teller.counting("look");
        let planned = dry_run::dry_run(&options, Removal::Nothing, &progress, stop).await;
        let planned = planned.map_err(|error| tree("rehearse the copy", &error))?;
        self.counted.store(planned.counts.read, Ordering::Relaxed);
        Ok(planned)
    }

    /// Makes the target what the source is, with care for both while the cluster is `live`.
    pub async fn copy(&self, live: bool, progress: &Progress, stop: &CancellationToken) -> Result<CopyReport> {
        progress.expect(self.counted.load(Ordering::Relaxed));
        Box::pin(copy(&self.copy_options(live), progress, stop)).await.map_err(|error| tree("copy", &error))
    }

    /// Compares both, whole.
    pub async fn verify(&self, seen: Zxid, live: bool, stop: &CancellationToken) -> Result<VerifyReport> {
        let report = self.compare(Filter::default(), seen, live, stop).await?;
        // What differs for that is sent by the next round, and the proof reads everything anew.
        self.set_back(&report);
        Ok(report)
    }

    /// Proves that both are the same, each at one moment, and writes the certificate of it to `file`.
    pub async fn prove(&self, file: &Path, stop: &CancellationToken) -> Result<Attempt> {
        let filter = self.proven.clone();
        let before = self.recalled();
        let report = self.compare(filter.clone(), Zxid::default(), false, stop).await?;
        if let Some(why) = self.set_back(&report) {
            return Ok(Attempt::Open(why));
        }
        let options = self.verify_options(filter, Zxid::default(), false);
        if !report.is_equal() {
            return Ok(Attempt::Open(not_equal(&report)));
        }
        match certificate::issue(file, &options, &report).map_err(|error| tree("write the certificate", &error))? {
            Issued::Written(_) => Ok(Attempt::Proven(Proof {
                znodes: report.source.sum.znodes,
                digest: report.source.sum.digest.to_string(),
                source_zxid: report.source.zxid.unwrap_or_default().0,
                target_zxid: report.target.zxid.unwrap_or_default().0,
                acls_remembered: self.recalled() - before,
            })),
            Issued::Withheld(why) => Ok(Attempt::Open(why)),
        }
    }

    /// What was written at the target since the certificate in `file`, outside the lock; `None`: nothing.
    pub async fn written_at_target(&self, file: &Path, stop: &CancellationToken) -> Result<Option<String>> {
        self.written(&self.target, file, |certificate| certificate.target.zxid, stop).await
    }

    /// The same of the source.
    pub async fn written_at_source(&self, file: &Path, stop: &CancellationToken) -> Result<Option<String>> {
        self.written(&self.source, file, |certificate| certificate.source.zxid, stop).await
    }

    async fn written(
        &self,
        ensemble: &EnsembleOptions,
        file: &Path,
        zxid: impl Fn(&Certificate) -> Zxid,
        stop: &CancellationToken,
    ) -> Result<Option<String>> {
        let op = "look for writes";
        let certificate = Certificate::read(file).map_err(|error| tree(op, &error))?;
        let since = zxid(&certificate);
        let options = AgainstOptions { tree: ensemble.clone(), certificate, differences_listed: 0 };
        let found = verify::against(&options, &Progress::default(), stop).await.map_err(|error| tree(op, &error))?;
        let certified = &options.certificate.source.sum;
        Ok(if found.unreadable.unreadable > 0 {
            Some(format!("{} znode(s) could not be read", found.unreadable.unreadable))
        } else if found.tree.last_write > since {
            Some(format!("zxid {} wrote there, and the proof is of {since}", found.tree.last_write))
        } else if found.tree.sum != *certified {
            Some(format!(
                "it holds {} znodes with the digest {}, and the proof is of {} with {}",
                found.tree.sum.znodes, found.tree.sum.digest, certified.znodes, certified.digest
            ))
        } else {
            None
        })
    }

    /// Gives every persistent znode of the source's or the target's tree to `take`, parents before their children.
    pub async fn read(&self, side: Side, mut take: impl FnMut(&Znode)) -> Result<()> {
        let options = if side == Side::Source { &self.source } else { &self.target };
        let op = "read the tree";
        let reader = Reader::connect(side, options, &AclPolicy::Open, Zxid::default())
            .await
            .map_err(|error| tree(op, &error))?;
        let mut walk = Walk::of_tree(&reader, Budget::of_line(), Filter::default());
        let read = async {
            while let Some(chunk) = walk.next().await? {
                chunk.visits.iter().filter_map(replicator::source::Visit::znode).for_each(&mut take);
            }
            Ok(())
        };
        let read = read.await;
        drop(walk);
        reader.close().await;
        read.map_err(|error: replicator::error::Error| tree(op, &error))
    }

    /// Keeps the source's tree in an archive, which must not be there; as it is, be it written meanwhile.
    pub async fn dump_source(&self, file: &Path, stop: &CancellationToken) -> Result<DumpReport> {
        let (source, _) = self.sides(true);
        let options = DumpOptions::of(source, file.to_owned());
        Box::pin(dump(&options, &self.counting("dump"), stop)).await.map_err(|error| tree("dump the tree", &error))
    }

    /// The same of a tree that is to be removed: an error where anything of it is not in the archive.
    pub async fn keep_source(&self, file: &Path, stop: &CancellationToken) -> Result<DumpReport> {
        let options = DumpOptions::of(self.source.clone(), file.to_owned());
        Box::pin(rm::keep(&options, &self.teller.counting("keep"), stop))
            .await
            .map_err(|error| tree("keep the tree", &error))
    }

    /// Removes the target's tree, and gives how many znodes it had; refused where a session owns one of them.
    pub async fn remove_target(&self, stop: &CancellationToken) -> Result<u64> {
        remove(&self.target, self.target_jute_maxbuffer, stop).await
    }

    /// Removes the source's tree: the last word on a migration, and only `cleanup` says it.
    pub async fn remove_source(&self, stop: &CancellationToken) -> Result<u64> {
        remove(&self.source, self.target_jute_maxbuffer, stop).await
    }

    /// How many ACLs were remembered, of both sides.
    fn recalled(&self) -> u64 {
        [&self.source, &self.target]
            .into_iter()
            .filter_map(|side| side.acl_memory.as_ref())
            .map(AclMemory::recalled)
            .sum()
    }

    /// Why what is remembered of a side's ACLs is of no use any more: its zxids go on from an earlier one than was seen, so
    /// somebody has set it back to an older state, and versions come again. It is forgotten then. One that was set back and
    /// has come further than before since can't be told from here; its meta servers have lost their sessions.
    fn set_back(&self, report: &VerifyReport) -> Option<String> {
        let sides = [(&self.source, report.source.zxid), (&self.target, report.target.zxid)];
        for ((side, now), seen) in sides.into_iter().zip(self.seen.iter()) {
            let now = now.unwrap_or_default().0;
            let before = seen.swap(now, Ordering::Relaxed);
            if now < before {
                side.acl_memory.iter().for_each(AclMemory::forget);
                return Some(format!(
                    "{} stood at zxid {} before and stands at {} now: it was set back to an older state, and all is read anew",
                    side.connect,
                    Zxid(before),
                    Zxid(now)
                ));
            }
        }
        None
    }

    async fn compare(&self, filter: Filter, seen: Zxid, live: bool, stop: &CancellationToken) -> Result<VerifyReport> {
        let options = self.verify_options(filter, seen, live);
        let compared = Box::pin(verify(&options, &self.counting("compare"), stop)).await;
        let report = compared.map_err(|error| tree("compare", &error))?;
        self.counted.store(report.source.sum.znodes, Ordering::Relaxed);
        Ok(report)
    }

    /// Counters for work that reads the source's tree.
    fn counting(&self, what: &'static str) -> Arc<Progress> {
        let progress = self.teller.counting(what);
        progress.expect(self.counted.load(Ordering::Relaxed));
        progress
    }

    fn verify_options(&self, filter: Filter, seen: Zxid, live: bool) -> VerifyOptions {
        let (source, target) = self.sides(live);
        VerifyOptions { target_seen: seen, ..VerifyOptions::between(source, target, filter) }
    }

    fn copy_options(&self, live: bool) -> CopyOptions {
        let (source, target) = self.sides(live);
        CopyOptions {
            update: true,
            removal: Some(Arc::new(AtomicU64::new(self.removals_max))),
            jute_maxbuffer: self.target_jute_maxbuffer,
            ..CopyOptions::between(source, target)
        }
    }

    /// Where the cluster serves on both must be treated with care, which costs time; where it stands still, time is what
    /// it has least of: at blind no dead primary is replaced, little is left to send, and a leader that loses its session is
    /// noticed at once (`steps/watch`).
    fn sides(&self, live: bool) -> (EnsembleOptions, EnsembleOptions) {
        let paced = |side: &EnsembleOptions, care: &PaceOptions| {
            let pace = if live { Pace::of(care) } else { None };
            EnsembleOptions { pace, ..side.clone() }
        };
        (paced(&self.source, &self.care[0]), paced(&self.target, &self.care[1]))
    }
}

/// The options for the tree at `root` of an ensemble, with a memory of its ACLs.
fn options(ensemble: &Ensemble, root: &str) -> Result<EnsembleOptions> {
    let chroot = join(ensemble.connect.chroot.as_str(), root);
    let chroot = Chroot::new(&chroot).map_err(|error| input("cluster_root", &error))?;
    let connect = ConnectString { chroot, ..ensemble.connect.clone() };
    let (auths, acl_memory) = (ensemble.auths.clone(), Some(AclMemory::default()));
    Ok(EnsembleOptions { auths, acl_memory, ..EnsembleOptions::to(connect) })
}

async fn remove(ensemble: &EnsembleOptions, jute_maxbuffer: usize, stop: &CancellationToken) -> Result<u64> {
    let op = "remove the tree";
    let ephemerals = OwnedZnodes::Refused;
    let options = RmOptions { target: ensemble.clone(), ephemerals, jute_maxbuffer };
    let found = rm::survey(&options, &Progress::default(), stop).await.map_err(|error| tree(op, &error))?;
    if found.is_empty() {
        return Ok(0);
    }
    if let Some(refused) = found.refusal(ephemerals) {
        return Err(tree(op, &refused));
    }
    let (removed, ended) = rm::rm(&options, &Progress::default(), stop).await;
    ended.map_err(|error| tree(op, &error))?;
    Ok(removed.znodes)
}

async fn lane(side: Side, options: &EnsembleOptions, root: Chroot) -> Result<Lane> {
    let lane = Lane::connect(side, options).await.map_err(|error| tree("connect", &error))?;
    Ok(lane.seen_from(root))
}

/// Two absolute paths, one below the other.
fn join(above: &str, below: &str) -> String {
    let parts = [above, below].map(|path| path.trim_matches('/')).into_iter().filter(|path| !path.is_empty());
    parts.fold(String::new(), |path, part| format!("{path}/{part}"))
        + if above == "/" && below == "/" { "/" } else { "" }
}

/// A path as a glob that matches nothing else.
fn escaped(path: &str) -> String {
    path.chars().fold(String::new(), |mut glob, letter| {
        if "\\*?[]{}".contains(letter) {
            glob.push('\\');
        }
        glob.push(letter);
        glob
    })
}

fn not_equal(report: &VerifyReport) -> String {
    let found = &report.differences;
    if found.total() + found.unreadable == 0 {
        return format!("{} znode(s) went away while they were read", report.skipped.vanished);
    }
    let list: Vec<String> =
        found.list.iter().take(5).map(|found| format!("{} {}", found.sign.as_char(), found.path)).collect();
    format!(
        "{} difference(s), {} znode(s) that can't be compared: {}",
        found.total(),
        found.unreadable,
        list.join(", ")
    )
}

fn input(key: &str, error: &replicator::error::Error) -> Error {
    Error::new(ErrorKind::Input, "plan", key, error.to_string())
}

fn tree(op: &str, error: &replicator::error::Error) -> Error {
    let kind = match error.kind {
        replicator::error::ErrorKind::BadInput(_) => ErrorKind::Input,
        replicator::error::ErrorKind::Interrupted => ErrorKind::Interrupted,
        replicator::error::ErrorKind::Unreachable(_) | replicator::error::ErrorKind::Lost(_) => ErrorKind::Unreachable,
        replicator::error::ErrorKind::Protocol(_) => ErrorKind::Protocol,
        _ => ErrorKind::Refused,
    };
    let outcome_unknown = error.outcome_unknown;
    Error { outcome_unknown, ..Error::new(kind, "tree", op, error.to_string()) }
}
