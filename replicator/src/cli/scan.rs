//! What is typed behind `scan`, and how it ends.

use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;

use clap::{Args, ValueEnum};
use tokio_util::sync::CancellationToken;

use super::archive::{self, Typed};
use super::check_jute_maxbuffer;
use super::monitor::Monitor;
use super::pace::PaceArgs;
use super::process::{check_out, conclude, in_runtime, stop_on_signal, tell};
use super::recorder::Recorder;
use super::trees::{Access, Format, Globs};
use super::watch::MetricsArgs;
use crate::error::Result;
use crate::limits;
use crate::options::{AclPolicy, ArchiveOptions, Salvage, ScanOptions, TreeOptions};
use crate::pace::Sides;
use crate::progress::Progress;
use crate::report::scan::Account;
use crate::report::{Acls, document};
use crate::resources::Resources;
use crate::scan::{ScanReport, scan};
use crate::status::Shown;

const EXAMPLES: &str = "\
Examples:
  What is in a tree, before it is moved:
    zkreplicator scan zk1:2181,zk2:2181/pegasus/onebox

  Of a whole ensemble, for a script, and kept:
    zkreplicator scan --format json --out zk1.json zk1:2181

  The 50 widest parents and the 50 largest values of one application:
    zkreplicator scan --top 50 --include /apps/7 zk1:2181/pegasus/onebox

  Faster, without ACLs:
    zkreplicator scan --acl ignore zk1:2181/pegasus

  What an archive holds:
    zkreplicator scan archive:onebox.zka

Under PROBLEMS stands what a copy, or another program, will stumble over:
  oversized   a znode that needs a larger request than --jute-maxbuffer
  masked ACL  the server hides an id (digest:user:x) for want of ADMIN
  long list   a children list that ZooKeeper's own clients do not take (1 MiB)
  counter     a sequence counter within a million of 2^31
  unreadable  the server does not let us read it; the figures lack it and all below it

Exit codes: 0 it was read in full, whatever was found; 2 an error, or something was unreadable; 3 znodes were deleted
while they were being read; 130 interrupted. Credentials are those of the source.";

/// Say what is in the tree at SOURCE
///
/// Counts znodes, bytes, levels and sizes; lists the widest parents, the largest values, the highest sequence counters,
/// distinct ACLs, ephemerals by session, and znodes that will be a problem. Reads every znode once, in bounded memory, and
/// writes nothing.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Scan {
    /// Servers and root of the tree to read, host:port,host:port/path; or archive:FILE
    source: String,
    #[command(flatten)]
    globs: Globs,
    /// Whether ACLs are read, which costs a request for each znode
    #[arg(long, value_enum, default_value_t = AclName::Preserve)]
    acl: AclName,
    /// How many of the widest, the largest and the highest are listed
    #[arg(long, value_name = "N", default_value_t = limits::SCAN_TOP, value_parser = parse_top)]
    top: usize,
    /// Write the report to FILE too
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The largest request that a target would take (its jute.maxbuffer)
    #[arg(long, value_name = "BYTES", default_value_t = limits::JUTE_MAXBUFFER_BYTES)]
    jute_maxbuffer: usize,
    #[command(flatten)]
    pace: PaceArgs,
    #[command(flatten)]
    access: Access,
    #[command(flatten)]
    metrics: MetricsArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum AclName {
    /// They are read
    Preserve,
    /// They are not read
    Ignore,
}

fn parse_top(text: &str) -> Result<usize, String> {
    let max = limits::SCAN_TOP_MAX;
    text.parse().ok().filter(|top| *top <= max).ok_or_else(|| format!("it is a number up to {max}"))
}

impl Scan {
    pub(super) fn main(mut self, typed: &Typed, shown: Shown) -> ExitCode {
        let acls = match self.acl {
            AclName::Preserve => Acls::Preserved,
            AclName::Ignore => Acls::NotRead,
        };
        let task = self.access.task("scan", &self.source, "", acls, &self.globs);
        let metrics = std::mem::take(&mut self.metrics);
        let recorder = Recorder::new("scan", &task.source, "", typed.files(), metrics.into());
        let (recorder, files) = recorder.map_or_else(|error| (None, Err(error)), |recorder| (recorder, Ok(())));
        let scanned = files.and_then(|()| self.understand(typed));
        let scanned = scanned.and_then(|options| in_runtime(perform(&options, shown, recorder.clone()))?);
        let account = Account { task: &task, scanned: &scanned, resources: Resources::now() };
        let text = |code| match self.access.format {
            Format::Text => account.text(),
            Format::Json => document(account.json(), code),
        };
        if let Err(error) = &scanned {
            tell(&error.to_string());
        }
        let code = conclude(text, self.access.format, account.exit_code(), self.out.as_deref());
        ExitCode::from(recorder.map_or(code, |recorder| recorder.write_metrics(code, account.verdict())))
    }

    fn understand(&self, typed: &Typed) -> Result<ScanOptions> {
        check_jute_maxbuffer(self.jute_maxbuffer)?;
        self.out.as_deref().map_or(Ok(()), check_out)?;
        Ok(ScanOptions {
            filter: self.globs.understand()?,
            acl: match self.acl {
                AclName::Preserve => AclPolicy::Preserve,
                AclName::Ignore => AclPolicy::Open,
            },
            top: self.top,
            jute_maxbuffer: self.jute_maxbuffer,
            ..ScanOptions::of(match archive::named(&self.source)? {
                Some(file) => {
                    typed.refuse_servers()?;
                    TreeOptions::Archive(ArchiveOptions { file, salvage: Salvage::Refused })
                }
                None => self.pace.of(self.access.source(&self.source)?).into(),
            })
        })
    }
}

async fn perform(options: &ScanOptions, shown: Shown, recorder: Option<Rc<Recorder>>) -> Result<ScanReport> {
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone()));
    let progress = Progress::default();
    let monitor = Monitor::of(Sides::of(options.tree.ensemble(), None), shown, recorder);
    let scanned = monitor.shown("scan", &progress, scan(options, &progress, &stop)).await;
    scanned.map_err(|error| error.if_interrupted("nothing was changed: run the same command again"))
}
