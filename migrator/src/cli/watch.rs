//! What is wanted to be seen of a migration besides its report: a page, and metrics for a monitoring system.

use std::path::{Path, PathBuf};

use clap::Args;
use replicator::whole_file::{self, Existing};

use super::{Action, tell};
use crate::error::{Error, ErrorKind, Result};

/// Of `plan`, which has nothing to be measured.
#[derive(Args, Clone, Default)]
pub(super) struct PageArgs {
    /// Write a page to look at to FILE: the outcome, every step with its time, the proof, what became of each configuration
    /// file; for example --report move.html. It needs no network, and is written also when it fails
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// Of commands that migrate.
#[derive(Args, Clone, Default)]
pub(super) struct WatchArgs {
    #[command(flatten)]
    page: PageArgs,
    /// Keep FILE up to date for Prometheus while it works, and with the outcome at the end: for node_exporter's textfile
    /// collector, for example --metrics-file /var/lib/prometheus/node-exporter/zkmigrator.prom
    #[arg(long, value_name = "FILE")]
    metrics_file: Option<PathBuf>,
}

impl WatchArgs {
    pub(super) fn wants_page(&self) -> bool {
        self.page.report.is_some()
    }
}

/// The same of any command.
#[derive(Default)]
pub(super) struct Watch {
    pub(super) report: Option<PathBuf>,
    pub(super) metrics: Option<PathBuf>,
}

impl Watch {
    /// What was typed. Finds out whether the files can be written, before anything is done.
    pub(super) fn of(action: &Action) -> Result<Self> {
        let WatchArgs { page, metrics_file: metrics } = match action {
            Action::Plan(rehearse) => WatchArgs { page: rehearse.page.clone(), ..WatchArgs::default() },
            Action::Run(run) => run.watch.clone(),
            Action::Resume(resume) => resume.watch.clone(),
            Action::Rollback(rollback) => rollback.watch.clone(),
            _ => WatchArgs::default(),
        };
        let refused = |file: &Path, why: String| {
            Error::new(ErrorKind::Input, format!("file {}", file.display()), "write it", why)
        };
        if let (Action::Run(run), Some(file)) = (action, &metrics) {
            if !run.execute {
                return Err(refused(file, "--metrics-file is of a migration: give --execute too".to_owned()));
            }
        }
        if let Some(file) = page.report.as_ref().filter(|report| metrics.as_ref() == Some(report)) {
            return Err(refused(
                file,
                "--report and --metrics-file name the same file: give each one of its own".to_owned(),
            ));
        }
        for file in [&page.report, &metrics].into_iter().flatten() {
            whole_file::check(file).map_err(|why| refused(file, why))?;
        }
        Ok(Self { report: page.report, metrics })
    }

    /// Writes the page, if one is wanted; gives the exit code.
    pub(super) fn write(&self, page: Option<&str>, code: u8) -> u8 {
        let (Some(file), Some(page)) = (&self.report, page) else { return code };
        match whole_file::write(file, page, Existing::Replaced) {
            Ok(()) => code,
            Err(error) => {
                tell(&format!("{} could not be written: {error}", file.display()));
                code.max(2)
            }
        }
    }
}
