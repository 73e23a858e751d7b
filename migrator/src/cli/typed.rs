//! What may be typed, and what `--help` says of it.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use replicator::cli::manual::{Completions, Pages, completions_examples, pages_examples};
use replicator::status::Shown;

use super::watch::{PageArgs, WatchArgs};
use super::{cleanup, init};
use crate::conductor::Method;
use crate::error::Result;
use crate::plan::{Plan, StepName};
use crate::steps::{COPY, RECOVERY};

const AFTER: &str = "\
Signals:
  INT, TERM, HUP  end it in good order where that does no harm: not while the cluster has no meta server; zkmigrator resume
                  goes on. HUP is ignored under nohup
  USR1            prints to stderr at which step it is, and what it waits for

Exit codes:
  0    done
  2    failed; nothing of the cluster was changed
  4    failed; rolled back
  5    needs a person: the report says what happened and what to do
  130  interrupted; can be resumed

Examples:
  zkmigrator init --meta-servers a1:34601,a2:34601 \\
    --target zk4:2181,zk5:2181,zk6:2181 --out zkmigrator.toml
  zkmigrator plan --plan zkmigrator.toml
  zkmigrator run --plan zkmigrator.toml --execute --report move.html
  zkmigrator run --plan zkmigrator.toml --method recovery --execute";

const PLAN: &str = "\
Examples:
  What a migration would do, step by step; nothing is changed:
    zkmigrator plan --plan zkmigrator.toml

  The same for a rebuild from the replica servers, which is an outage:
    zkmigrator plan --method recovery --plan zkmigrator.toml

  For a script, which asks whether it can begin:
    zkmigrator plan --plan zkmigrator.toml --format json

Exit code 0: it can begin; 2: it can't, and each reason is listed as wrong.";

const RUN: &str = "\
Examples:
  A rehearsal, which is what plan does; nothing is changed:
    zkmigrator run --plan zkmigrator.toml

  The migration:
    zkmigrator run --plan zkmigrator.toml --execute

  With a look at everything before the leader is stopped (zkmigrator resume goes on):
    zkmigrator run --plan zkmigrator.toml --pause-before stop-leader --execute

  A rebuild from the replica servers, where no copy can be made (docs/choosing.md):
    zkmigrator run --plan zkmigrator.toml --method recovery --execute";

const RESUME: &str = "\
Examples:
  Go on after an interrupt, a crash or a pause; what is there is looked at first:
    zkmigrator resume --plan zkmigrator.toml

  The same, up to another step:
    zkmigrator resume --plan zkmigrator.toml --pause-before start-followers";

const ROLLBACK: &str = "\
Examples:
  Back to the old ZooKeeper:
    zkmigrator rollback --plan zkmigrator.toml

  With the report for a script:
    zkmigrator rollback --plan zkmigrator.toml --format json";

const STATUS: &str = "\
Examples:
  How far it is, and what comes next:
    zkmigrator status --plan zkmigrator.toml

  Every few seconds, beside a migration that is under way:
    watch zkmigrator status --plan zkmigrator.toml

  For a script:
    zkmigrator status --plan zkmigrator.toml --format json";

/// What the program is called.
const PROGRAM: &str = "zkmigrator";

#[derive(Parser)]
#[command(
    name = PROGRAM,
    version,
    about = "Moves an Apache Pegasus cluster to another ZooKeeper ensemble, with a way back at every step",
    after_help = AFTER
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Action,
    /// Log more to stderr; twice for even more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// Who is shown on stderr how it goes
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(super) progress: Shown,
}

#[derive(Subcommand)]
pub(super) enum Action {
    Init(init::Init),
    Plan(Rehearse),
    Run(Run),
    Resume(Resume),
    /// Take a migration back, while the new ZooKeeper has taken no write
    ///
    /// Steps are taken back in their reverse order, until the cluster is served as it was before. Refused as soon as the new
    /// ZooKeeper has taken a write that the old one does not have; the report says what can be done then.
    #[command(after_help = ROLLBACK)]
    Rollback(Rollback),
    /// Say how far a migration has come, from its journal alone
    ///
    /// Asks nobody and changes nothing: it can be run at any time, also beside a migration that is under way.
    #[command(after_help = STATUS)]
    Status(Common),
    Cleanup(cleanup::Cleanup),
    #[command(after_help = completions_examples(PROGRAM))]
    Completions(Completions),
    #[command(after_help = pages_examples(PROGRAM))]
    Man(Pages),
}

#[derive(Args)]
pub(super) struct Common {
    /// The plan
    #[arg(long, value_name = "FILE", default_value = "zkmigrator.toml")]
    pub(super) plan: PathBuf,
    /// How the report is written to stdout
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
}

/// Check a plan against the living cluster and show every step; change nothing
///
/// Looks at the meta servers, both ZooKeepers, every host and every configuration file, and lists what is wrong, what is fine
/// and what could not be checked; then each step with all that it would do.
#[derive(Args)]
#[command(after_help = PLAN)]
pub(super) struct Rehearse {
    #[command(flatten)]
    pub(super) common: Common,
    /// How to migrate
    #[arg(long, value_enum, default_value_t = MethodName::Copy)]
    pub(super) method: MethodName,
    #[command(flatten)]
    pub(super) page: PageArgs,
}

/// Migrate; without --execute it only rehearses, as plan does
///
/// Each act stands in the journal before it begins. When something is not as it must be it goes back by itself; the report
/// says how it ended and what to do next.
#[derive(Args)]
#[command(after_help = RUN)]
pub(super) struct Run {
    #[command(flatten)]
    pub(super) common: Common,
    /// Really do it
    #[arg(long)]
    pub(super) execute: bool,
    /// Stop before this step, so that a person can look; resume goes on. Can be given more than once
    #[arg(long, value_name = "STEP", value_parser = step_name)]
    pub(super) pause_before: Vec<StepName>,
    /// How to migrate
    #[arg(long, value_enum, default_value_t = MethodName::Copy)]
    pub(super) method: MethodName,
    #[command(flatten)]
    pub(super) watch: WatchArgs,
}

/// Look at the world, and go on with a migration that was interrupted or paused
///
/// What is done already is looked at and not done again. A migration that was on its way back goes on with that.
#[derive(Args)]
#[command(after_help = RESUME)]
pub(super) struct Resume {
    #[command(flatten)]
    pub(super) common: Common,
    /// Stop before this step. Can be given more than once
    #[arg(long, value_name = "STEP", value_parser = step_name)]
    pub(super) pause_before: Vec<StepName>,
    #[command(flatten)]
    pub(super) watch: WatchArgs,
}

#[derive(Args)]
pub(super) struct Rollback {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    pub(super) watch: WatchArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum MethodName {
    /// Copy the tree: the cluster serves all the time, but for moments
    Copy,
    /// Rebuild the metadata from the replica servers: an outage, and some things are lost (docs/choosing.md)
    Recovery,
    /// Copy where that can be done; otherwise say why, and what a recovery would be begun with
    Auto,
}

/// How a report is written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
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
    /// The plan that it reads, where it migrates or rehearses.
    pub(super) fn plan_file(&self) -> Option<&Path> {
        match self {
            Self::Plan(rehearse) => Some(&rehearse.common.plan),
            Self::Run(run) => Some(&run.common.plan),
            Self::Resume(resume) => Some(&resume.common.plan),
            Self::Rollback(rollback) => Some(&rollback.common.plan),
            _ => None,
        }
    }

    /// Its name, and what it has in common with others.
    pub(super) fn asked(&self) -> (&'static str, Format, String) {
        let (command, common) = match self {
            Self::Init(init) => return ("init", init.format, String::new()),
            Self::Completions(_) => return ("completions", Format::Text, String::new()),
            Self::Man(_) => return ("man", Format::Text, String::new()),
            Self::Plan(rehearse) => ("plan", &rehearse.common),
            Self::Run(run) => ("run", &run.common),
            Self::Resume(resume) => ("resume", &resume.common),
            Self::Rollback(rollback) => ("rollback", &rollback.common),
            Self::Status(common) => ("status", common),
            Self::Cleanup(cleanup) => ("cleanup", &cleanup.common),
        };
        (command, common.format, common.plan.display().to_string())
    }
}

impl Common {
    pub(super) fn read(&self) -> Result<(Plan, String)> {
        let (plan, text) = Plan::read(&self.plan)?;
        Ok((plan, blake3::hash(text.as_bytes()).to_hex().to_string()))
    }
}
