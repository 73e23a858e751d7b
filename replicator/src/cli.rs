//! The command line: what was typed, understood once; nothing past this room sees clap.
//!
//! Reports go to stdout, everything else to stderr. With `--format json` stdout holds one document at the end and
//! nothing else.

mod acl;
mod archive;
mod bench;
mod copy;
mod counted;
pub mod credentials;
pub mod manual;
mod monitor;
mod pace;
mod process;
mod recorder;
mod rm;
mod scan;
mod status;
mod trees;
pub mod usage;
mod verify;
mod watch;
mod zkcopy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use tokio_util::sync::CancellationToken;

use self::archive::{DumpArgs, Typed};
use self::copy::{CopyArgs, RestoreArgs, SyncArgs};
use self::manual::{Completions, Pages, completions_examples, pages_examples};
use self::monitor::Monitor;
use self::process::{conclude, in_runtime, log_to_stderr, stop_on_signal, tell};
use self::recorder::Recorder;
use self::trees::Format;
use self::verify::VerifyArgs;
use self::watch::WatchArgs;
use crate::archive::dump::dump;
use crate::certificate;
use crate::copy::dry_run::{Removal, dry_run};
use crate::copy::{CopyReport, copy};
use crate::error::{Error, Result};
use crate::limits;
use crate::options::{AgainstOptions, CopyOptions, DumpOptions, VerifyOptions};
use crate::pace::Sides;
use crate::progress::{Counts, Progress};
use crate::report::page::outcome;
use crate::report::{self, Outcome, Task, exit};
use crate::resources::Resources;
use crate::status::Shown;
use crate::sync::{fix, sync};
use crate::verify::{against, verify};

/// Who says what a page says.
const MADE_BY: &str = concat!("zkreplicator ", env!("CARGO_PKG_VERSION"));

const ENVIRONMENT: &str = "\
Environment:
  ZKREPLICATOR_AUTH         scheme:credentials for both sides, for example digest:user:password
  ZKREPLICATOR_SOURCE_AUTH  the same for the source alone; replaces what is for both sides there
  ZKREPLICATOR_TARGET_AUTH  the same for the target alone
  RUST_LOG                  what is logged to stderr, for example replicator=debug

Signals:
  INT, TERM  end it in good order; the same command goes on (copy and restore: with --update)
  USR1       prints to stderr how far it is, and what it waits for

Exit codes:
  0    done; equal
  1    differences found
  2    error, or something in the way of what a dry run plans; the message says what to do
  3    done, but the source changed while it was read, or ACLs were not copied for
       --masked-acl skip or open, or the target can't have a quota of --quotas, or the
       certificate that was asked for could not be given, or only what is left of a
       damaged archive was restored
  130  interrupted; can be run again";

/// What the program is called.
const PROGRAM: &str = "zkreplicator";

#[derive(Parser)]
#[command(name = PROGRAM, version, about = "Copies, compares, archives, scans and removes ZooKeeper trees, and measures how fast", after_help = ENVIRONMENT)]
struct Cli {
    #[command(subcommand)]
    command: Action,
    /// Log more to stderr; twice for even more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Who is shown on stderr how it goes
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    progress: Shown,
}

#[derive(Subcommand)]
enum Action {
    Copy(CopyArgs),
    Sync(SyncArgs),
    Verify(VerifyArgs),
    Dump(DumpArgs),
    Restore(RestoreArgs),
    Scan(scan::Scan),
    Rm(rm::Rm),
    #[command(name = "zkcopy")]
    ZkCopy(Box<zkcopy::ZkCopy>),
    Bench(bench::Bench),
    #[command(after_help = completions_examples(PROGRAM))]
    Completions(Completions),
    #[command(after_help = pages_examples(PROGRAM))]
    Man(Pages),
}

/// What is to be done, after everything typed has been understood.
enum Work {
    Copy(Box<CopyOptions>),
    /// With how many znodes may be removed.
    Sync(Box<CopyOptions>, Option<u64>),
    DryRun(Box<CopyOptions>, Removal),
    Fix(Box<Fix>),
    /// With the verify that is to follow.
    Dump(Box<DumpOptions>, Option<Box<VerifyOptions>>),
    Verify(Box<VerifyOptions>),
    Against(Box<AgainstOptions>),
}

impl Work {
    /// How fast its sides may be asked.
    fn sides(&self) -> Sides {
        match self {
            Self::Copy(options) | Self::Sync(options, _) | Self::DryRun(options, _) => {
                Sides::of(options.source.ensemble(), &options.target)
            }
            Self::Fix(fix) => Sides::of(fix.verify.source.ensemble(), &fix.copy.target),
            Self::Dump(options, _) => Sides::of(&options.source, None),
            Self::Verify(options) => Sides::of(options.source.ensemble(), options.target.ensemble()),
            Self::Against(options) => Sides::of(&options.tree, None),
        }
    }
}

/// A verify, and what sends the differences that it finds.
struct Fix {
    verify: VerifyOptions,
    copy: CopyOptions,
    max_delete: Option<u64>,
}

/// The work, what the report calls it, and where its certificate and the report go.
struct Order {
    task: Task,
    work: Result<Work>,
    /// How many znodes a dry run of the same has counted.
    counted: Option<u64>,
    certificate: Option<PathBuf>,
    format: Format,
    out: Option<PathBuf>,
    watch: WatchArgs,
}

/// Runs the program.
pub fn main() -> ExitCode {
    let arguments = zkcopy::arguments(acl::join_map_file(std::env::args_os()));
    let parsed = Cli::command().try_get_matches_from(&arguments).and_then(|matches| {
        let cli = Cli::from_arg_matches(&matches)?;
        Ok((cli, Typed::of(&matches)))
    });
    let (cli, typed) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            let error = usage::with_tips(error, &arguments).format(&mut Cli::command());
            if let Some(why) = usage::asked_as_json(&arguments, &error) {
                // It goes out with the same exit code, whether or not anybody could read it.
                let _ = conclude(|_| report::usage_json(&why), Format::Json, exit::ERROR, None);
            }
            error.exit()
        }
    };
    log_to_stderr(cli.verbose);
    let order = match cli.command {
        Action::Copy(args) => args.understand(&typed),
        Action::Sync(args) => args.understand(&typed),
        Action::Verify(args) => args.understand(&typed),
        Action::Dump(args) => args.understand(&typed),
        Action::Restore(args) => args.understand(&typed),
        Action::Scan(scan) => return scan.main(&typed, cli.progress),
        Action::Rm(rm) => return rm.main(&typed, cli.progress),
        Action::ZkCopy(zkcopy) => zkcopy.understand(),
        Action::Bench(bench) => return bench.main(&typed, cli.progress),
        Action::Completions(completions) => return told(completions.write(Cli::command())),
        Action::Man(pages) => return told(pages.write(Cli::command())),
    };
    let Order { task, work, counted, certificate, format, out, watch } = order;
    let (work, recorder) = match Recorder::new(task.command, &task.source, &task.target, typed.files(), watch) {
        Ok(recorder) => (work, recorder),
        Err(error) => (Err(error), None),
    };
    let outcome = match work {
        Ok(work) => run(&work, counted, certificate.as_deref(), cli.progress, recorder.clone()),
        Err(error) => Outcome { error: Some((error, Counts::default())), ..Outcome::default() },
    };
    let outcome = Outcome { resources: Resources::now(), ..outcome };
    finish(&task, &outcome, format, out.as_deref(), recorder.as_deref())
}

/// How a command ends that has written all that it had to say.
fn told(written: Result<()>) -> ExitCode {
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&error.to_string());
            ExitCode::from(exit::ERROR)
        }
    }
}

fn check_jute_maxbuffer(bytes: usize) -> Result<()> {
    let min = limits::JUTE_MAXBUFFER_BYTES_MIN;
    if bytes >= min {
        Ok(())
    } else {
        Err(Error::bad_input(format!("--jute-maxbuffer {bytes}: it is at least {min} bytes")))
    }
}

fn run(
    work: &Work,
    counted: Option<u64>,
    certificate: Option<&Path>,
    shown: Shown,
    recorder: Option<Rc<Recorder>>,
) -> Outcome {
    in_runtime(perform(work, counted, certificate, shown, recorder))
        .unwrap_or_else(|error| Outcome { error: Some((error, Counts::default())), ..Outcome::default() })
}

async fn perform(
    work: &Work,
    counted: Option<u64>,
    certificate: Option<&Path>,
    shown: Shown,
    recorder: Option<Rc<Recorder>>,
) -> Outcome {
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone()));
    let monitor = Monitor::of(work.sides(), shown, recorder);
    let progress = monitor.progress();
    progress.expect(counted.unwrap_or_default());
    let mut outcome = Outcome::default();
    let verify_options = match work {
        Work::Verify(options) => Some((**options).clone()),
        Work::Copy(options) => {
            let copied = monitor.shown("copy", &progress, copy(options, &progress, &stop)).await;
            outcome.copied(copied, options, &progress)
        }
        Work::Sync(options, max_delete) => {
            let synced = monitor.shown("sync", &progress, sync(options, *max_delete, &progress, &stop)).await;
            outcome.copied(synced, options, &progress)
        }
        Work::Dump(options, verify) => {
            match monitor.shown("dump", &progress, dump(options, &progress, &stop)).await {
                Ok(report) => {
                    outcome.dump = Some(report);
                    verify.as_deref().cloned()
                }
                // What was counted was read, and is nowhere.
                Err(error) => {
                    outcome.error = Some((error, progress.counts()));
                    None
                }
            }
        }
        Work::Fix(work) => {
            outcome.fix(work, certificate, &monitor, &stop).await;
            None
        }
        Work::DryRun(options, removal) => {
            match monitor.shown("dry run", &progress, dry_run(options, *removal, &progress, &stop)).await {
                Ok(planned) => outcome.planned = Some(planned),
                // What was counted was not written.
                Err(error) => outcome.error = Some((error, Counts::default())),
            }
            None
        }
        Work::Against(options) => {
            match monitor.shown("verify", &progress, against(options, &progress, &stop)).await {
                Ok(report) => outcome.against = Some((report, options.certificate.clone())),
                Err(error) => outcome.error = Some((error, progress.counts())),
            }
            None
        }
    };
    if let Some(options) = verify_options {
        outcome.compare(&options, certificate, &monitor, &stop).await;
    }
    if let Some((error, counts)) = outcome.error.take() {
        outcome.error = Some((error.if_interrupted(outcome.stands(work)), counts));
    }
    (outcome.waited, outcome.retried) = (monitor.sides().waits(), monitor.sides().retries());
    outcome
}

impl Outcome {
    /// What stands when `work` is interrupted now, and what to do next.
    fn stands(&self, work: &Work) -> &'static str {
        match work {
            _ if self.copy.is_some() => {
                "all that was to be sent was sent and stands, and was not compared to the end: zkreplicator verify does that"
            }
            _ if self.dump.is_some() => {
                "the archive is written and stands, and was not compared to the end: zkreplicator verify does that"
            }
            Work::Copy(_) | Work::Sync(..) => "nothing of the tree was written yet: run the same command again",
            Work::Dump(..) => "no archive was written, and nothing was changed: run the same command again",
            Work::DryRun(..) | Work::Fix(_) | Work::Verify(_) | Work::Against(_) => {
                "nothing was changed: run the same command again"
            }
        }
    }

    /// Compares, and keeps the certificate if one is asked for and can be given.
    async fn compare(
        &mut self,
        options: &VerifyOptions,
        certificate: Option<&Path>,
        monitor: &Monitor,
        stop: &CancellationToken,
    ) {
        let progress = monitor.progress();
        if let Some(copied) = &self.copy {
            progress.expect(copied.counts.read);
        }
        match monitor.shown("verify", &progress, verify(options, &progress, stop)).await {
            Ok(report) => {
                match certificate.map(|file| certificate::issue(file, options, &report)).transpose() {
                    Ok(issued) => self.certificate = issued,
                    Err(error) => self.error = Some((error, progress.counts())),
                }
                self.verify = Some(report);
            }
            Err(error) => self.error = Some((error, progress.counts())),
        }
    }

    /// Compares, sends what differs, and compares again.
    async fn fix(&mut self, work: &Fix, certificate: Option<&Path>, monitor: &Monitor, stop: &CancellationToken) {
        self.compare(&work.verify, certificate, monitor, stop).await;
        let Some(found) = self.verify.take_if(|found| found.differences.total() > 0) else { return };
        let progress = monitor.progress();
        progress.expect(found.source.sum.znodes);
        let fixed = fix(&work.copy, &found, work.max_delete, &progress, stop);
        let fixed = monitor.shown("fix", &progress, fixed).await;
        let target_seen = fixed.as_ref().map(|fixed| fixed.target_zxid).unwrap_or_default();
        self.found = Some(found);
        self.copied(fixed, &work.copy, &progress);
        if self.error.is_none() {
            self.compare(&VerifyOptions { target_seen, ..work.verify.clone() }, certificate, monitor, stop).await;
        }
    }

    /// Takes what came of a copy; gives the verify that is to follow.
    fn copied(
        &mut self,
        copied: Result<CopyReport>,
        options: &CopyOptions,
        progress: &Progress,
    ) -> Option<VerifyOptions> {
        match copied {
            Ok(report) => {
                let verify = options.verify.then(|| VerifyOptions::of_copy(options, &report));
                self.copy = Some(report);
                verify
            }
            Err(error) => {
                self.error = Some((error, progress.counts()));
                None
            }
        }
    }
}

fn finish(task: &Task, outcome: &Outcome, format: Format, out: Option<&Path>, recorder: Option<&Recorder>) -> ExitCode {
    if let Some((error, counts)) = &outcome.error {
        tell(&error.to_string());
        let written = counts.written();
        if written > 0 {
            tell(&format!(
                "{written} write(s) were acknowledged before; they stand, and the same command{} goes on",
                report::again(task.command)
            ));
        }
        outcome.retried_text().lines().for_each(|line| tell(line.trim_start()));
    }
    let text = |code| match format {
        Format::Text => outcome.text(task),
        Format::Json => report::document(outcome.json(task), code),
    };
    let code = outcome.exit_code();
    let code = recorder
        .map_or(code, |recorder| recorder.write_page(code, |watched| outcome::page(MADE_BY, task, outcome, watched)));
    let code = conclude(text, format, code, out);
    ExitCode::from(recorder.map_or(code, |recorder| recorder.write_metrics(code, outcome.verdict())))
}

#[cfg(test)]
mod tests;
