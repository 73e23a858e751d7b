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
mod work;
mod zkcopy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use self::archive::{DumpArgs, Typed};
use self::copy::{CopyArgs, RestoreArgs, SyncArgs};
use self::manual::{Completions, Pages, completions_examples, pages_examples};
use self::process::{conclude, log_to_stderr, tell};
use self::recorder::Recorder;
use self::trees::Format;
use self::verify::VerifyArgs;
use self::watch::WatchArgs;
use self::work::Work;
use crate::error::{Error, Result};
use crate::limits;
use crate::progress::Counts;
use crate::report::page::outcome;
use crate::report::{self, Outcome, Task, exit};
use crate::resources::Resources;
use crate::status::Shown;

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
    let logging = log_to_stderr(cli.verbose);
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
        Ok(work) => work::run(&work, counted, certificate.as_deref(), cli.progress, recorder.clone()),
        Err(error) => Outcome { error: Some((error, Counts::default())), ..Outcome::default() },
    };
    let outcome = Outcome { resources: Resources::now(), ..outcome };
    // What led to an error stands before it.
    logging.flush();
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
