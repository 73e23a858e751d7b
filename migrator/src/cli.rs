//! The command line. Reports go to stdout, everything else to stderr.

mod cleanup;
mod init;
mod migrate;
mod process;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use self::process::{conclude, in_runtime, tell};
use self::watch::{PageArgs, Watch, WatchArgs};
use crate::conductor::Method;
use crate::error::{Error, ErrorKind, Result};
use crate::metrics::Metrics;
use crate::page;
use crate::plan::{Plan, StepName};
use crate::steps::{COPY, RECOVERY};

const AFTER: &str = "\
Signals:
  INT, TERM  end it in good order where that does no harm: not while the cluster has no meta server; zkmigrator resume goes on

Exit codes:
  0    done
  2    failed; nothing of the cluster was changed
  4    failed; rolled back
  5    needs a person: the report says what happened and what to do
  130  interrupted; can be resumed

Examples:
  zkmigrator init --meta-servers a1:34601,a2:34601 --target zk4:2181,zk5:2181,zk6:2181 --out zkmigrator.toml
  zkmigrator plan --plan zkmigrator.toml
  zkmigrator run --plan zkmigrator.toml --execute --report move.html
  zkmigrator run --plan zkmigrator.toml --method recovery --execute";

#[derive(Parser)]
#[command(
    name = "zkmigrator",
    version,
    about = "Moves an Apache Pegasus cluster to another ZooKeeper ensemble, with a way back at every step",
    after_help = AFTER
)]
struct Cli {
    #[command(subcommand)]
    command: Action,
    /// Log more to stderr; twice for even more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Subcommand)]
enum Action {
    /// Writes a new plan by asking the cluster
    ///
    /// Example: zkmigrator init --meta-servers a1:34601,a2:34601 --target zk4:2181,zk5:2181 --out zkmigrator.toml
    Init(init::Init),
    /// Checks a plan against the living cluster and shows every step; changes nothing
    ///
    /// Example: zkmigrator plan --plan zkmigrator.toml
    Plan(Rehearse),
    /// Migrates; without --execute it only rehearses, as plan does
    ///
    /// Example: zkmigrator run --plan zkmigrator.toml --execute
    Run(Run),
    /// Looks at the world, and goes on with a migration that was interrupted or paused
    ///
    /// Example: zkmigrator resume --plan zkmigrator.toml
    Resume(Resume),
    /// Takes a migration back, while the new ZooKeeper has taken no write
    ///
    /// Example: zkmigrator rollback --plan zkmigrator.toml
    Rollback(Rollback),
    /// Says how far a migration has come, from its journal alone
    ///
    /// Example: zkmigrator status --plan zkmigrator.toml
    Status(Common),
    /// Removes the old tree, some time after a migration that is done
    ///
    /// Example: zkmigrator cleanup --plan zkmigrator.toml --yes-remove /pegasus/c3
    Cleanup(cleanup::Cleanup),
}

#[derive(Args)]
struct Common {
    /// The plan
    #[arg(long, value_name = "FILE", default_value = "zkmigrator.toml")]
    plan: PathBuf,
    /// How the report is written to stdout
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Args)]
struct Rehearse {
    #[command(flatten)]
    common: Common,
    /// How to migrate
    #[arg(long, value_enum, default_value_t = MethodName::Copy)]
    method: MethodName,
    #[command(flatten)]
    page: PageArgs,
}

#[derive(Args)]
struct Run {
    #[command(flatten)]
    common: Common,
    /// Really do it
    #[arg(long)]
    execute: bool,
    /// Stop before this step, so that a person can look; resume goes on. Can be given more than once
    #[arg(long, value_name = "STEP", value_parser = step_name)]
    pause_before: Vec<StepName>,
    /// How to migrate
    #[arg(long, value_enum, default_value_t = MethodName::Copy)]
    method: MethodName,
    #[command(flatten)]
    watch: WatchArgs,
}

#[derive(Args)]
struct Resume {
    #[command(flatten)]
    common: Common,
    /// Stop before this step. Can be given more than once
    #[arg(long, value_name = "STEP", value_parser = step_name)]
    pause_before: Vec<StepName>,
    #[command(flatten)]
    watch: WatchArgs,
}

#[derive(Args)]
struct Rollback {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    watch: WatchArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum MethodName {
    /// Copy the tree: the cluster serves all the time, but for moments
    Copy,
    /// Rebuild the metadata from the replica servers: an outage, and some things are lost (docs/choosing.md)
    Recovery,
    /// Copy where that can be done; otherwise say why, and what a recovery would be begun with
    Auto,
}

/// How a report is written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// One JSON document
    Json,
}

fn step_name(text: &str) -> Result<StepName, String> {
    serde_json::from_value(text.into()).map_err(|_| {
        let names =
            |method: &Method| method.steps.iter().map(|step| step.name().to_string()).collect::<Vec<_>>().join(", ");
        format!("it is no step; the steps are {} (copy) or {} (recovery)", names(&COPY), names(&RECOVERY))
    })
}

impl Action {
    /// Its name, and what it has in common with others.
    fn common(&self) -> (&'static str, Option<&Common>) {
        match self {
            Self::Init(_) => ("init", None),
            Self::Plan(rehearse) => ("plan", Some(&rehearse.common)),
            Self::Run(run) => ("run", Some(&run.common)),
            Self::Resume(resume) => ("resume", Some(&resume.common)),
            Self::Rollback(rollback) => ("rollback", Some(&rollback.common)),
            Self::Status(common) => ("status", Some(common)),
            Self::Cleanup(cleanup) => ("cleanup", Some(&cleanup.common)),
        }
    }
}

impl Common {
    fn read(&self) -> Result<(Plan, String)> {
        let (plan, text) = Plan::read(&self.plan)?;
        Ok((plan, blake3::hash(text.as_bytes()).to_hex().to_string()))
    }
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    process::log_to_stderr(cli.verbose);
    let (command, common) = cli.command.common();
    let format = common.map_or(Format::Text, |common| common.format);
    let plan_file = common.map(|common| common.plan.display().to_string()).unwrap_or_default();
    let (watch, ended) = match Watch::of(&cli.command) {
        Ok(watch) => (watch, Ok(())),
        Err(error) => (Watch::default(), Err(error)),
    };
    let metrics = watch.metrics.clone().map(|file| Metrics::new(command, file));
    let ended = ended.and_then(|()| {
        in_runtime(async {
            if let Some(metrics) = &metrics {
                tokio::spawn(metrics.clone().keep());
            }
            match cli.command {
                Action::Init(init) => init.run().await,
                Action::Plan(asked) => migrate::rehearse(&asked.common, asked.method).await,
                Action::Run(run) if run.execute => migrate::run(&run, metrics.clone()).await,
                Action::Run(run) => migrate::rehearse(&run.common, run.method).await,
                Action::Resume(resume) => migrate::resume(&resume, metrics.clone()).await,
                Action::Rollback(rollback) => migrate::rollback(&rollback.common, metrics.clone()).await,
                Action::Status(common) => migrate::status(&common),
                Action::Cleanup(cleanup) => cleanup.run().await,
            }
        })
    });
    let (text, page, code) = match ended {
        Ok(Written { text, code, page }) => (text, page, code),
        Err(error) => {
            tell(&error.to_string());
            let code = if error.kind == ErrorKind::Interrupted { 130 } else { 2 };
            (failed(&error, format, code), Some(page::failed(&error, code, &plan_file)), code)
        }
    };
    let code = watch.write(page.as_deref(), code);
    let told = metrics.map_or(Ok(()), |metrics| metrics.conclude(code, "failed, nothing changed"));
    let code = told.map_or_else(
        |error| {
            tell(&format!("the file of --metrics-file could not be written: {error}"));
            code.max(2)
        },
        |()| code,
    );
    conclude(&text, code)
}

/// A report, the exit code, and a page where there is one.
struct Written {
    text: String,
    code: u8,
    page: Option<String>,
}

/// The report of a command that could not even begin.
fn failed(error: &Error, format: Format, code: u8) -> String {
    match format {
        Format::Text => String::new(),
        Format::Json => format!(
            "{:#}\n",
            serde_json::json!({"schema": 1, "verdict": "failed, nothing changed", "exit_code": code, "errors": [error.to_string()]})
        ),
    }
}
