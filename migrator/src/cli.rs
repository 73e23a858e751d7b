//! The command line. Reports go to stdout, everything else to stderr.

mod cleanup;
mod init;
mod method;
mod migrate;
mod process;
mod rehearse;
mod status;
mod typed;
mod watch;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use replicator::cli::usage;
use replicator::metrics::file::MetricsFile;
use serde_json::json;

use self::process::{conclude, in_runtime, tell};
use self::typed::{Action, Cli, Format};
use self::watch::Watch;
use crate::error::ErrorKind;
use crate::metrics::Metrics;
use crate::page;

/// Runs the program.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let error = usage::with_tips(error, &arguments);
            if let Some(why) = usage::asked_as_json(&arguments, &error) {
                // It goes out with the same exit code, whether or not anybody could read it.
                let _ = conclude(&failed(None, &why, None, "failed, nothing changed", Format::Json, 2), 2, 2);
            }
            error.exit()
        }
    };
    let logging = process::log_to_stderr(cli.verbose);
    match &cli.command {
        Action::Completions(completions) => return printed(completions.write(Cli::command())),
        Action::Man(pages) => return printed(pages.write(Cli::command())),
        _ => {}
    }
    let (command, format, plan_file) = cli.command.asked();
    let is_migration = match &cli.command {
        Action::Run(run) => run.execute,
        Action::Resume(_) | Action::Rollback(_) => true,
        _ => false,
    };
    let (watch, ended) = match Watch::of(&cli.command) {
        Ok(watch) => (watch, Ok(())),
        Err(error) => (Watch::default(), Err(error)),
    };
    let metrics = watch.metrics.clone().map(|file| Metrics::new(command, MetricsFile::new(file, tell)));
    let ended = ended.and_then(|()| {
        in_runtime(async {
            if let Some(metrics) = &metrics {
                tokio::spawn(metrics.clone().keep());
            }
            match cli.command {
                Action::Completions(_) | Action::Man(_) => unreachable!("they ask nobody, and have ended"),
                Action::Init(init) => init.run().await,
                Action::Plan(asked) => rehearse::rehearse(&asked.common, asked.method, cli.progress).await,
                Action::Run(run) if run.execute => migrate::run(&run, cli.progress, metrics.clone()).await,
                Action::Run(run) => rehearse::rehearse(&run.common, run.method, cli.progress).await,
                Action::Resume(resume) => migrate::resume(&resume, cli.progress, metrics.clone()).await,
                Action::Rollback(rollback) => migrate::rollback(&rollback.common, cli.progress, metrics.clone()).await,
                Action::Status(common) => status::status(&common),
                Action::Cleanup(cleanup) => cleanup.run(cli.progress).await,
            }
        })
    });
    // What led to an error stands before it.
    logging.flush();
    let (text, page, code, verdict) = match ended {
        Ok(Written { text, code, page, verdict }) => (text, page, code, verdict),
        Err(error) => {
            let next = error.kind.advice();
            tell(&format!("{error}; {next}"));
            let (verdict, code) = match error.kind {
                ErrorKind::Interrupted => ("interrupted", 130),
                // It may have begun to remove the old tree, which is no part of the cluster any more.
                _ if command == "cleanup" => ("failed", 2),
                _ => ("failed, nothing changed", 2),
            };
            let report = failed(Some(command), &error.to_string(), Some(next), verdict, format, code);
            (report, Some(page::failed(&error, verdict, next, code, &plan_file)), code, verdict)
        }
    };
    // How a migration has ended is what its code says, whatever becomes of the files that tell of it.
    let unwritten = if is_migration { code } else { code.max(2) };
    let code = if watch.write(page.as_deref()) { code } else { unwritten };
    if let Some(metrics) = &metrics {
        metrics.conclude(code, verdict);
    }
    conclude(&text, code, unwritten)
}

/// How a command ends that has written all that it had to say.
fn printed(written: replicator::error::Result<()>) -> ExitCode {
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&error.to_string());
            ExitCode::from(2)
        }
    }
}

/// A report, the exit code, and a page where there is one.
struct Written {
    text: String,
    code: u8,
    page: Option<String>,
    /// For the metrics of a migration.
    verdict: &'static str,
}

impl Written {
    /// Of what is no migration, and has no metrics.
    fn of(text: String, code: u8, page: Option<String>) -> Self {
        Self { text, code, page, verdict: "" }
    }
}

/// The report of a command that could not even begin.
fn failed(command: Option<&str>, why: &str, next: Option<&str>, verdict: &str, format: Format, code: u8) -> String {
    let json =
        json!({"schema": 1, "command": command, "verdict": verdict, "exit_code": code, "errors": [why], "next": next});
    in_format(format, "", &json)
}

/// A report as a terminal shows it and does not obey.
fn in_format(format: Format, text: &str, json: &serde_json::Value) -> String {
    match format {
        Format::Text => replicator::terminal::lines(text).into_owned(),
        Format::Json => replicator::terminal::json(&format!("{json:#}\n")).into_owned(),
    }
}

#[cfg(test)]
mod tests;
