//! The command line. Reports go to stdout, everything else to stderr.

mod cleanup;
mod init;
mod migrate;
mod process;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use self::process::{conclude, in_runtime, tell};
use crate::conductor::Method;
use crate::error::{Error, ErrorKind, Result};
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
  zkmigrator run --plan zkmigrator.toml --execute
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
    Rollback(Common),
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
}

#[derive(Args)]
struct Resume {
    #[command(flatten)]
    common: Common,
    /// Stop before this step. Can be given more than once
    #[arg(long, value_name = "STEP", value_parser = step_name)]
    pause_before: Vec<StepName>,
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
    let format = match &cli.command {
        Action::Init(_) => Format::Text,
        Action::Plan(rehearse) => rehearse.common.format,
        Action::Rollback(common) | Action::Status(common) => common.format,
        Action::Run(run) => run.common.format,
        Action::Resume(resume) => resume.common.format,
        Action::Cleanup(cleanup) => cleanup.common.format,
    };
    let ended = in_runtime(async {
        match cli.command {
            Action::Init(init) => init.run().await,
            Action::Plan(asked) => migrate::rehearse(&asked.common, asked.method).await,
            Action::Run(run) if run.execute => migrate::run(&run).await,
            Action::Run(run) => migrate::rehearse(&run.common, run.method).await,
            Action::Resume(resume) => migrate::resume(&resume).await,
            Action::Rollback(common) => migrate::rollback(&common).await,
            Action::Status(common) => migrate::status(&common),
            Action::Cleanup(cleanup) => cleanup.run().await,
        }
    });
    match ended {
        Ok(Written { text, code }) => conclude(&text, code),
        Err(error) => {
            tell(&error.to_string());
            let code = if error.kind == ErrorKind::Interrupted { 130 } else { 2 };
            conclude(&failed(&error, format, code), code)
        }
    }
}

/// A report, and the exit code.
struct Written {
    text: String,
    code: u8,
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
