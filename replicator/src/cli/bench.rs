//! `zkreplicator bench`: what was typed, the plan that is told before anything is written, and how it ends.

use std::process::ExitCode;
use std::rc::Rc;

use clap::{Args, ValueEnum};
use tokio_util::sync::CancellationToken;

use super::archive::Typed;
use super::monitor::Monitor;
use super::process::{conclude, in_runtime, stop_on_signal, tell};
use super::recorder::Recorder;
use super::trees::{Format, Trees, reported};
use super::watch::WatchArgs;
use super::{MADE_BY, check_jute_maxbuffer};
use crate::bench::shape::{Shape, Tree};
use crate::bench::site::fresh_name;
use crate::bench::{BenchReport, Board, bench, look, plan};
use crate::error::Result;
use crate::limits;
use crate::options::{AclPolicy, BenchOptions};
use crate::pace::Sides;
use crate::report::bench::{Account, remove_command};
use crate::report::{Acls, Task, bytes, document, grouped, page};
use crate::resources::Resources;
use crate::status::Shown;

const EXAMPLES: &str = "\
Examples:
  What a migration of about 100,000 znodes will take, and nothing written yet:
    zkreplicator bench --dry-run zk1:2181/pegasus new1:2181/pegasus

  The same for true, with the report for a script:
    zkreplicator bench --format json zk1:2181/pegasus new1:2181/pegasus

  With a page that shows rates and latency over time:
    zkreplicator bench --report bench.html zk1:2181/pegasus new1:2181/pegasus

  A million small znodes without ACLs:
    zkreplicator bench --shape small --znodes 1000000 --acl open zk1:2181 \\
      new1:2181

It loads both ensembles as a copy does. What it makes stays in every server's heap until it is removed at the end:
choose --znodes so that it takes a small part of it.";

/// Measure generate, copy, verify and update between SOURCE and TARGET on a made-up tree
///
/// Makes one new znode below SOURCE's path and one below TARGET's, fills the first, copies it to the second, compares
/// them, copies again, and removes both: also after an error and when it is interrupted. Nothing else is written, and no
/// other znode is read. Both paths must exist; both may be on one ensemble.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
#[command(mut_arg("source", |arg| arg.help("Servers, and the znode below which the tree is made up: host:port,host:port/path")))]
#[command(mut_arg("target", |arg| arg.help("Servers, and the znode below which it is copied to")))]
pub(super) struct Bench {
    #[command(flatten)]
    trees: Trees,
    /// What the tree looks like
    #[arg(long, value_enum, default_value_t = ShapeName::Pegasus)]
    shape: ShapeName,
    /// How many znodes it has [default: 100000; 100 of the shape big]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=limits::BENCH_ZNODES_MAX))]
    znodes: Option<u64>,
    /// Bytes of data of each znode [default: 310 pegasus, 16 wide and deep, 100 bush, 8 small, 900000 big]
    #[arg(long, value_name = "N")]
    data_bytes: Option<usize>,
    /// Whether ACLs are read, copied and compared; the tree's are open to anyone
    #[arg(long, value_enum, default_value_t = AclName::Preserve)]
    acl: AclName,
    /// Another seed gives other data, and another tree where its shape is random
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Say what would be written and where, look whether it could be, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// The largest request that the servers of both sides take (their jute.maxbuffer)
    #[arg(long, value_name = "BYTES", default_value_t = limits::JUTE_MAXBUFFER_BYTES)]
    jute_maxbuffer: usize,
    #[command(flatten)]
    watch: WatchArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum ShapeName {
    /// Tables with 4 to 1024 partitions each, as a Pegasus meta server keeps them
    Pegasus,
    /// One parent
    Wide,
    /// Chains of 256
    Deep,
    /// The parent of each znode is any one before it
    Bush,
    /// 16 children each, a few bytes of data
    Small,
    /// Values near the largest request
    Big,
}

#[derive(Clone, Copy, ValueEnum)]
enum AclName {
    /// Read, copied and compared
    Preserve,
    /// Not read
    Open,
}

impl From<AclName> for AclPolicy {
    fn from(name: AclName) -> Self {
        match name {
            AclName::Preserve => Self::Preserve,
            AclName::Open => Self::Open,
        }
    }
}

impl From<AclName> for Acls {
    fn from(name: AclName) -> Self {
        match name {
            AclName::Preserve => Self::Preserved,
            AclName::Open => Self::NotRead,
        }
    }
}

impl From<ShapeName> for Shape {
    fn from(name: ShapeName) -> Self {
        match name {
            ShapeName::Pegasus => Self::Pegasus,
            ShapeName::Wide => Self::Wide,
            ShapeName::Deep => Self::Deep,
            ShapeName::Bush => Self::Bush,
            ShapeName::Small => Self::Small,
            ShapeName::Big => Self::Big,
        }
    }
}

impl Bench {
    pub(super) fn main(mut self, typed: &Typed, shown: Shown) -> ExitCode {
        let watch = std::mem::take(&mut self.watch);
        let (source, target) = (reported(&self.trees.source), reported(&self.trees.target));
        let (transport, acls) = (self.trees.access.transport.into(), self.acl.into());
        let (include, exclude) = (Vec::new(), Vec::new());
        let task = Task { command: "bench", source, target, transport, acls, include, exclude };
        let (format, planned) = (self.trees.access.format, self.dry_run);
        let (recorder, files) = match Recorder::new("bench", &task.source, &task.target, typed.files(), watch) {
            Ok(recorder) => (recorder, Ok(())),
            Err(error) => (None, Err(error)),
        };
        let options = files.and_then(|()| self.understand());
        let failed = |error| BenchReport { error: Some(error), ..BenchReport::default() };
        let report = match &options {
            Ok(options) => in_runtime(perform(options, planned, shown, recorder.clone())).unwrap_or_else(failed),
            Err(error) => failed(error.clone()),
        };
        let options = options.ok();
        let account =
            Account { task: &task, options: options.as_ref(), planned, report: &report, resources: Resources::now() };
        finish(&account, format, recorder.as_deref())
    }

    fn understand(self) -> Result<BenchOptions> {
        check_jute_maxbuffer(self.jute_maxbuffer)?;
        let (source, target) = self.trees.understand()?;
        let shape = Shape::from(self.shape);
        let tree = Tree {
            shape,
            znodes: self.znodes.unwrap_or(shape.znodes()),
            data_bytes: self.data_bytes.unwrap_or(shape.data_bytes()),
            seed: self.seed,
        };
        let (name, acl) = (fresh_name(), self.acl.into());
        let options = BenchOptions { source, target, name, tree, acl, jute_maxbuffer: self.jute_maxbuffer };
        plan(&options).map(|_| options)
    }
}

async fn perform(options: &BenchOptions, planned: bool, shown: Shown, recorder: Option<Rc<Recorder>>) -> BenchReport {
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone()));
    if planned {
        let error = look(options, &stop).await.err();
        let error = error.map(|error| error.if_interrupted("nothing was changed: run the same command again"));
        return BenchReport { error, ..BenchReport::default() };
    }
    announce(options);
    let board = Board::new(recorder.as_ref().is_some_and(|recorder| recorder.is_noting()));
    let monitor = Monitor::of(Sides::of(&options.source, &options.target), shown, recorder.clone());
    let mut report = monitor.shown_by(|| board.now(), || board.ended(), bench(options, &board, &stop)).await;
    if let Some(recorder) = &recorder {
        recorder.note(board.notable());
    }
    let next = "what it has made is removed, and what could not be is named: run the same command again";
    report.error = report.error.map(|error| error.if_interrupted(next));
    report
}

/// Says what is going to be written, and where: also for whoever has to clear up after a bench that was killed.
fn announce(options: &BenchOptions) {
    let Ok((source, target)) = plan(options) else { return };
    let (znodes, data) = (grouped(options.tree.znodes), bytes(options.tree.bytes()));
    tell(&format!(
        "will write {znodes} znodes, {data} of data, below each of {} and {}, and remove them again",
        source.ensemble().connect,
        target.ensemble().connect
    ));
}

fn finish(account: &Account<'_>, format: Format, recorder: Option<&Recorder>) -> ExitCode {
    let text = |code| match format {
        Format::Text => account.text(),
        Format::Json => document(account.json(), code),
    };
    if let Some(error) = &account.report.error {
        tell(&error.to_string());
    }
    for left in &account.report.left {
        tell(&format!(
            "left behind at the {}: {} ({}); remove it with: {}",
            left.site.side(),
            left.site.ensemble().connect,
            left.why,
            remove_command(&left.site)
        ));
    }
    let code = account.exit_code();
    let code = recorder
        .map_or(code, |recorder| recorder.write_page(code, |watched| page::bench::page(MADE_BY, account, watched)));
    let code = conclude(text, format, code, None);
    ExitCode::from(recorder.map_or(code, |recorder| recorder.write_metrics(code, account.verdict())))
}
