//! What these servers can do: a tree is made up at the source, copied, verified, copied again, and removed.
//!
//! ```text
//! make two paths ──> generate ──> copy ──> verify ──> update ──> remove both paths
//! ```
//!
//! It is the one command that writes at the source, and it writes nothing but below a path that it made itself
//! ([`site`]). Both paths are removed however it ends: after an error, and when it is stopped. What can't be removed is
//! named in the report, and nothing else was changed. Whatever others write below those paths meanwhile goes with them.

mod generate;
pub mod shape;
pub mod site;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use self::site::{Site, State};
use crate::copy::{CopyReport, copy};
use crate::error::{Error, ErrorKind, Result, Side};
use crate::latency::Latency;
use crate::limits;
use crate::options::{BenchOptions, CopyOptions, VerifyOptions};
use crate::progress::{Counts, Notable, Progress};
use crate::remove::{self, Care};
use crate::resources::Resources;
use crate::session::Lane;
use crate::status::Size;
use crate::verify::{VerifyReport, verify};

/// One part of a bench, measured.
#[derive(Clone, Debug)]
pub struct Phase {
    /// `generate`, `copy`, `verify`, `update` or `remove`.
    pub name: &'static str,
    /// Znodes that it went through.
    pub znodes: u64,
    /// Bytes of their data.
    pub bytes: u64,
    /// Write requests that were acknowledged.
    pub write_requests: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// Processor time of this process.
    pub processor: Duration,
    /// How long the source's servers took to answer.
    pub source_latencies: Vec<Latency>,
    /// How long the target's servers took to answer.
    pub target_latencies: Vec<Latency>,
}

/// A path that a bench has made and could not remove.
#[derive(Clone, Debug)]
pub struct Left {
    /// Where it is.
    pub site: Site,
    /// Why.
    pub why: Error,
}

/// What came of a bench.
#[derive(Clone, Debug, Default)]
pub struct BenchReport {
    /// What was measured, as far as it came.
    pub phases: Vec<Phase>,
    /// What the verify found, if it came to its end.
    pub verified: Option<VerifyReport>,
    /// What was not removed.
    pub left: Vec<Left>,
    /// Why it ended early.
    pub error: Option<Error>,
}

/// What is going on, for whoever shows it.
#[derive(Debug)]
pub struct Board(Mutex<Phases>);

#[derive(Debug)]
struct Phases {
    ended: Vec<Ended>,
    now: (&'static str, Arc<Progress>),
    is_noting: bool,
    /// Of the first phase that has read the tree: the later ones read the same.
    notable: Option<Notable>,
}

/// A phase that has ended, for whoever shows it.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Its name.
    pub name: &'static str,
    /// What it came to.
    pub counts: Counts,
    /// When it ended, and the one behind it began.
    pub at: Instant,
}

impl Board {
    /// One that notes the largest and the widest znodes too, if `is_noting`.
    pub fn new(is_noting: bool) -> Self {
        let now = ("connect", Arc::default());
        Self(Mutex::new(Phases { ended: Vec::new(), now, is_noting, notable: None }))
    }

    /// A phase that goes through so many znodes.
    fn begin(&self, phase: &'static str, znodes: u64) -> Arc<Progress> {
        let mut phases = self.phases();
        let progress = Arc::new(if phases.is_noting { Progress::noting() } else { Progress::default() });
        progress.expect(znodes);
        phases.notable = phases.notable();
        let (name, before) = std::mem::replace(&mut phases.now, (phase, Arc::clone(&progress)));
        phases.ended.push(Ended { name, counts: before.counts(), at: Instant::now() });
        progress
    }

    /// The phases that have ended.
    pub fn ended(&self) -> Vec<Ended> {
        self.phases().ended.clone()
    }

    /// The phase, and how far it has come.
    pub fn now(&self) -> (&'static str, Counts, Size) {
        let (name, progress) = &self.phases().now;
        (name, progress.counts(), progress.size())
    }

    /// The znodes of the tree that stand out, as far as it was read.
    pub fn notable(&self) -> Option<Notable> {
        self.phases().notable()
    }

    fn phases(&self) -> MutexGuard<'_, Phases> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Phases {
    fn notable(&self) -> Option<Notable> {
        let progress = &self.now.1;
        self.notable.clone().or_else(|| progress.notable().filter(|_| progress.counts().read > 0))
    }
}

/// Looks whether a bench could begin: the servers answer, and the paths below which it would write are there. Writes
/// nothing.
pub async fn look(options: &BenchOptions, stop: &CancellationToken) -> Result<()> {
    let (source, target) = plan(options)?;
    let (one, other) = until_stopped(stop, async { tokio::try_join!(source.look(), target.look()) }).await?;
    tokio::join!(one.close(), other.close());
    Ok(())
}

/// The two paths that a bench makes. Refuses a tree that the servers could not take.
pub fn plan(options: &BenchOptions) -> Result<(Site, Site)> {
    let BenchOptions { source, target, name, tree, jute_maxbuffer, .. } = options;
    if tree.znodes > limits::BENCH_ZNODES_MAX || tree.bytes() > limits::BENCH_BYTES_MAX {
        return Err(Error::bad_input(format!(
            "{} znodes of {} bytes each: a server holds all of them in its heap, so a bench makes {} znodes and {} bytes \
             at most",
            tree.znodes,
            tree.data_bytes,
            limits::BENCH_ZNODES_MAX,
            limits::BENCH_BYTES_MAX
        )));
    }
    let paths = source.connect.chroot.as_str().len().max(target.connect.chroot.as_str().len());
    let request = tree.data_bytes.saturating_add(paths + limits::BENCH_REQUEST_ROOM_BYTES);
    if request > *jute_maxbuffer {
        return Err(Error::bad_input(format!(
            "{} bytes of data need a request of up to {request} bytes, and the servers take {jute_maxbuffer}: make less \
             data, or give --jute-maxbuffer where every server of both sides takes more",
            tree.data_bytes
        )));
    }
    Ok((Site::new(Side::Source, source, name)?, Site::new(Side::Target, target, name)?))
}

/// Runs it. `stop` ends what is measured within a round trip; then the paths are removed all the same, within
/// [`limits::REMOVE_WITHIN`].
pub async fn bench(options: &BenchOptions, board: &Board, stop: &CancellationToken) -> BenchReport {
    let mut run = Run { options, board, stop, report: BenchReport::default() };
    let (mut source, mut target) = match plan(options) {
        Ok(sites) => sites,
        Err(error) => return BenchReport { error: Some(error), ..run.report },
    };
    let measured = run.measure(&mut source, &mut target).await;
    run.remove([source, target]).await;
    // Of writes with an unknown outcome nothing is left where the paths are gone, and where not they are named.
    let error = measured.err().map(|error| Error { outcome_unknown: false, ..error });
    BenchReport { error, ..run.report }
}

/// A bench under way.
struct Run<'a> {
    options: &'a BenchOptions,
    board: &'a Board,
    stop: &'a CancellationToken,
    report: BenchReport,
}

impl Run<'_> {
    async fn measure(&mut self, source: &mut Site, target: &mut Site) -> Result<()> {
        let looks = async { tokio::try_join!(source.look(), target.look()) };
        let (at_source, at_target) = until_stopped(self.stop, looks).await?;
        // Not to be stopped: what is made must be known.
        source.make(&at_source).await?;
        target.make(&at_target).await?;
        at_target.close().await;
        let generated = self.generate(&at_source).await;
        at_source.close().await;
        generated?;
        let first = CopyOptions {
            acl: self.options.acl.clone(),
            jute_maxbuffer: self.options.jute_maxbuffer,
            ..CopyOptions::between(source.ensemble().clone(), target.ensemble().clone())
        };
        let copied = self.copy("copy", &first).await?;
        self.verify(&VerifyOptions::of_copy(&first, &copied)).await?;
        self.copy("update", &CopyOptions { update: true, ..first }).await.map(drop)
    }

    async fn generate(&mut self, lane: &Lane) -> Result<()> {
        let BenchOptions { tree, jute_maxbuffer, .. } = self.options;
        let (progress, clock) = (self.board.begin("generate", tree.znodes), Clock::start());
        until_stopped(self.stop, generate::generate(lane, *tree, *jute_maxbuffer, &progress)).await?;
        let counts = progress.counts();
        self.report.phases.push(Phase {
            bytes: counts.written_bytes,
            source_latencies: lane.latencies().summary(),
            ..clock.stop("generate", counts.created, &counts)
        });
        Ok(())
    }

    async fn copy(&mut self, name: &'static str, options: &CopyOptions) -> Result<CopyReport> {
        let (progress, clock) = (self.board.begin(name, self.options.tree.znodes), Clock::start());
        let copied = copy(options, &progress, self.stop).await?;
        self.report.phases.push(Phase {
            elapsed: copied.elapsed,
            source_latencies: copied.source_latencies.clone(),
            target_latencies: copied.target_latencies.clone(),
            ..clock.stop(name, copied.counts.read, &copied.counts)
        });
        Ok(copied)
    }

    async fn verify(&mut self, options: &VerifyOptions) -> Result<()> {
        let (progress, clock) = (self.board.begin("verify", self.options.tree.znodes), Clock::start());
        let verified = verify(options, &progress, self.stop).await?;
        self.report.phases.push(Phase {
            elapsed: verified.elapsed,
            source_latencies: verified.source_latencies.clone(),
            target_latencies: verified.target_latencies.clone(),
            ..clock.stop("verify", verified.source.sum.znodes, &progress.counts())
        });
        self.report.verified = Some(verified);
        Ok(())
    }

    /// Removes what was made, on both sides at once.
    async fn remove(&mut self, sites: [Site; 2]) {
        let sites: Vec<Site> = sites.into_iter().filter(|site| site.state() != State::Absent).collect();
        if sites.is_empty() {
            return;
        }
        let all = sites.len() as u64 * self.options.tree.znodes;
        let (progress, clock) = (self.board.begin("remove", all), Clock::start());
        let removed = sites.iter().map(|site| remove_site(site, self.options.jute_maxbuffer, &progress));
        let removed = futures::future::join_all(removed).await;
        let counts = progress.counts();
        self.report.phases.push(clock.stop("remove", counts.deleted, &counts));
        let left =
            sites.into_iter().zip(removed).filter_map(|(site, removed)| Some(Left { why: removed.err()?, site }));
        self.report.left.extend(left);
    }
}

async fn remove_site(site: &Site, request_bytes_max: usize, progress: &Progress) -> Result<()> {
    let failed = |kind| Err(Error::new(kind, "remove").at(site.side()).on(site.ensemble().connect.chroot.as_str()));
    // It has a limit of its own, and who stopped the bench wants it done.
    let never = CancellationToken::new();
    let removed = remove::tree(site.side(), site.ensemble(), request_bytes_max, Care::None, progress, &never);
    match timeout(limits::REMOVE_WITHIN, removed).await {
        Err(_) => {
            let seconds = limits::REMOVE_WITHIN.as_secs();
            failed(ErrorKind::Lost(format!("it was not done within {seconds} s")))
        }
        // The request may still be on its way, and overtaken by the look for what it made.
        Ok(Ok(())) if site.state() == State::Unknown => {
            failed(ErrorKind::Lost("the connection broke while it was made, so that it may yet come to be".to_owned()))
        }
        Ok(removed) => removed,
    }
}

/// Does `work` unless it is stopped before its end.
async fn until_stopped<T>(stop: &CancellationToken, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        done = work => done,
        () = stop.cancelled() => Err(Error::new(ErrorKind::Interrupted, "")),
    }
}

/// What a phase takes.
struct Clock {
    started: Instant,
    processor: Duration,
}

impl Clock {
    fn start() -> Self {
        Self { started: Instant::now(), processor: Resources::now().processor() }
    }

    fn stop(&self, name: &'static str, znodes: u64, counts: &Counts) -> Phase {
        Phase {
            name,
            znodes,
            bytes: counts.read_bytes,
            write_requests: counts.requests,
            elapsed: self.started.elapsed(),
            processor: Resources::now().processor().saturating_sub(self.processor),
            source_latencies: Vec::new(),
            target_latencies: Vec::new(),
        }
    }
}
