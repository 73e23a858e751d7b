//! What is typed behind `rm`, how its root is confirmed, and how it ends.

use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::archive::Typed;
use super::check_jute_maxbuffer;
use super::monitor::Monitor;
use super::pace::PaceArgs;
use super::process::{conclude, in_runtime, stop_on_signal, tell};
use super::recorder::Recorder;
use super::trees::{Access, Format, reported};
use super::watch::MetricsArgs;
use crate::error::{Error, ErrorKind, Result, Side};
use crate::limits;
use crate::options::{DumpOptions, OwnedZnodes, RmOptions};
use crate::pace::Sides;
use crate::progress::Progress;
use crate::report::rm::{Account, Outcome};
use crate::report::{bytes, document, grouped};
use crate::resources::Resources;
use crate::rm::{Survey, check_root, keep, rm, survey};
use crate::status::Shown;

const EXAMPLES: &str = "\
Examples:
  What would go, and which sessions own something there; nothing is removed:
    zkreplicator rm --dry-run zk1:2181,zk2:2181/pegasus/onebox

  At a terminal, where the root is typed once more:
    zkreplicator rm zk1:2181,zk2:2181/pegasus/onebox

  In a script, with the root said twice:
    zkreplicator rm --yes-remove /pegasus/onebox \\
      zk1:2181,zk2:2181/pegasus/onebox

  With a copy of it on the disk first (back again: zkreplicator restore):
    zkreplicator rm --archive onebox.zka --yes-remove /pegasus/onebox \\
      zk1:2181/pegasus/onebox

  With ephemerals, whose sessions then go on without them:
    zkreplicator rm --with-ephemerals --yes-remove /kafka zk1:2181/kafka

Exit codes: 0 the tree is gone, or was not there; 2 an error, or a reason not to remove it (nothing was removed, or the
message says how much); 130 interrupted, and the same command goes on from there. Credentials are those of the target.";

/// What stands when it is interrupted before it removes anything.
const UNREMOVED: &str = "nothing was removed: run the same command again";

/// Remove the tree at TARGET, its root included
///
/// All of it is read first, and nothing is removed where a session that has not ended owns an ephemeral in it, or where
/// something can't be read. Then children go before their parents, many in one request and several requests at once. Never
/// the root of an ensemble, and never /zookeeper.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Rm {
    /// Servers and root of the tree to remove: host:port,host:port/path
    target: String,
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// The root of the tree once more, exactly: where nobody is there to type it
    #[arg(long, value_name = "ROOT")]
    yes_remove: Option<String>,
    /// Remove ephemerals too, although the sessions that own them have not ended
    #[arg(long)]
    with_ephemerals: bool,
    /// Keep the tree in the archive FILE first, which must not be there. Nothing is removed unless all of it is in the archive,
    /// which is read back before
    #[arg(long, value_name = "FILE", conflicts_with_all = ["with_ephemerals", "dry_run"])]
    archive: Option<PathBuf>,
    /// The largest request that the servers take (their jute.maxbuffer)
    #[arg(long, value_name = "BYTES", default_value_t = limits::JUTE_MAXBUFFER_BYTES)]
    jute_maxbuffer: usize,
    #[command(flatten)]
    pace: PaceArgs,
    #[command(flatten)]
    access: Access,
    #[command(flatten)]
    metrics: MetricsArgs,
}

/// What stands between a survey and the first delete.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// It was only to be looked at.
    LookOnly,
    /// The root is to be typed.
    Ask,
    /// It was said on the command line.
    Confirmed,
}

impl Rm {
    pub(super) fn main(mut self, typed: &Typed, shown: Shown) -> ExitCode {
        let (metrics, target) = (std::mem::take(&mut self.metrics), reported(&self.target));
        let recorder = Recorder::new("rm", "", &target, typed.files(), metrics.into());
        let (recorder, files) = recorder.map_or_else(|error| (None, Err(error)), |recorder| (recorder, Ok(())));
        let outcome = match files.and_then(|()| self.understand()) {
            Ok((options, kept, step)) => in_runtime(perform(&options, kept.as_ref(), step, shown, recorder.clone()))
                .unwrap_or_else(Outcome::failed),
            Err(error) => Outcome::failed(error),
        };
        let account =
            Account { target: &target, planned: self.dry_run, outcome: &outcome, resources: Resources::now() };
        let text = |code| match self.access.format {
            Format::Text => account.text(),
            Format::Json => document(account.json(), code),
        };
        account.complaints().iter().for_each(|line| tell(line));
        let code = conclude(text, self.access.format, account.exit_code(), None);
        ExitCode::from(recorder.map_or(code, |recorder| recorder.write_metrics(code, account.verdict())))
    }

    /// Everything that can be known to be wrong before a server is spoken to.
    fn understand(&self) -> Result<(RmOptions, Option<DumpOptions>, Step)> {
        check_jute_maxbuffer(self.jute_maxbuffer)?;
        let options = RmOptions {
            target: self.pace.of(self.access.target(&self.target)?),
            ephemerals: if self.with_ephemerals { OwnedZnodes::Removed } else { OwnedZnodes::Refused },
            jute_maxbuffer: self.jute_maxbuffer,
        };
        check_root(&options)?;
        let kept = self
            .archive
            .clone()
            .map(|file| DumpOptions { side: Side::Target, ..DumpOptions::of(options.target.clone(), file) });
        kept.as_ref().map_or(Ok(()), DumpOptions::check_file)?;
        let root = options.target.connect.chroot.as_str();
        let step = match &self.yes_remove {
            Some(said) if said != root => {
                return Err(Error::bad_input(format!(
                    "--yes-remove {said:?} is not the root of the tree, which is {root:?}: nothing was removed"
                )));
            }
            _ if self.dry_run => Step::LookOnly,
            Some(_) => Step::Confirmed,
            None if std::io::stdin().is_terminal() => Step::Ask,
            None => {
                return Err(Error::bad_input(format!(
                    "there is no terminal at which the root could be typed: nothing was removed; give --yes-remove {root}, \
                     or --dry-run to see what would go"
                )));
            }
        };
        Ok((options, kept, step))
    }
}

async fn perform(
    options: &RmOptions,
    kept: Option<&DumpOptions>,
    step: Step,
    shown: Shown,
    recorder: Option<Rc<Recorder>>,
) -> Outcome {
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone()));
    let (progress, monitor) = (Progress::default(), Monitor::of(Sides::of_target(&options.target), shown, recorder));
    let found = match monitor.shown("look", &progress, survey(options, &progress, &stop)).await {
        Ok(found) => found,
        Err(error) => return Outcome::failed(error.if_interrupted(UNREMOVED)),
    };
    if let Some(refusal) = found.refusal(options.ephemerals) {
        return Outcome { survey: Some(found), ..Outcome::failed(refusal) };
    }
    let mut outcome = Outcome { survey: None, kept: None, removed: None, error: None };
    if found.is_empty() || step == Step::LookOnly {
        return Outcome { survey: Some(found), ..outcome };
    }
    if step == Step::Ask {
        if let Err(error) = ask(&found, &stop).await {
            return Outcome { survey: Some(found), error: Some(error.if_interrupted(UNREMOVED)), ..outcome };
        }
    }
    if let Some(kept) = kept {
        let progress = Progress::default();
        progress.expect(found.znodes());
        match monitor.shown("archive", &progress, keep(kept, &progress, &stop)).await {
            Ok(report) => outcome.kept = Some((kept.file.clone(), report)),
            Err(error) => {
                let next =
                    "nothing was removed: run the same command again, with another name for the archive if it is there";
                return Outcome { survey: Some(found), error: Some(error.if_interrupted(next)), ..outcome };
            }
        }
    }
    let progress = Progress::default();
    progress.expect(found.znodes());
    let (removed, done) = monitor.shown("rm", &progress, rm(options, &progress, &stop)).await;
    Outcome { survey: Some(found), removed: Some(removed), error: done.err(), ..outcome }
}

/// Has the root typed. What is typed must be it, and nothing else.
async fn ask(found: &Survey, stop: &CancellationToken) -> Result<()> {
    let root = found.root.as_str();
    let question = format!(
        "{} znodes, {} of data, {} ephemeral. To remove all of them type the root, {}: ",
        grouped(found.znodes()),
        bytes(found.counts.read_bytes),
        grouped(found.counts.ephemeral),
        root.escape_debug()
    );
    let typed = tokio::task::spawn_blocking(move || {
        let mut stderr = std::io::stderr();
        let mut line = String::new();
        stderr.write_all(question.as_bytes()).and_then(|()| stderr.flush())?;
        std::io::stdin().lock().read_line(&mut line)?;
        Ok(line)
    });
    let line: std::io::Result<String> = tokio::select! {
        typed = typed => typed.unwrap_or_else(|panic| Err(std::io::Error::other(panic))),
        // The line is read by nobody then; the process ends.
        () = stop.cancelled() => return Err(Error::new(ErrorKind::Interrupted, "")),
    };
    let line = line.map_err(|error| Error::new(ErrorKind::Io(error.to_string()), "read the terminal"))?;
    if line.trim_end_matches(['\r', '\n']) == root {
        return Ok(());
    }
    Err(Error::bad_input(format!("what was typed is not {root:?}: nothing was removed")).at(Side::Target))
}
