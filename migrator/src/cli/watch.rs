//! What is wanted to be seen of a migration besides its report: a page, and metrics for a monitoring system.

use std::path::{Path, PathBuf};

use clap::Args;
use replicator::report::page::BEGINS;
use replicator::whole_file::{self, Existing, is_same};

use super::tell;
use super::typed::Action;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{Credentials, Place, Plan};

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
        if let Some((file, _)) = page.report.as_ref().zip(metrics.as_ref()).filter(|(one, other)| is_same(one, other)) {
            return Err(refused(
                file,
                "--report and --metrics-file name the same file: give each one of its own".to_owned(),
            ));
        }
        let own = action.plan_file().map_or_else(Vec::new, own_files);
        for file in [&page.report, &metrics].into_iter().flatten() {
            let path = absolute(file);
            if let Some(own) = own.iter().find(|own| path.starts_with(own)) {
                let why = format!("the migration needs {} for itself: give it a file of its own", own.display());
                return Err(refused(file, why));
            }
            whole_file::check(file).map_err(|why| refused(file, why))?;
        }
        if let Some(file) = &page.report {
            whole_file::check_like(file, BEGINS).map_err(|why| refused(file, why))?;
        }
        Ok(Self { report: page.report, metrics })
    }

    /// Writes the page, if one is wanted; gives whether there is nothing that could not be written.
    pub(super) fn write(&self, page: Option<&str>) -> bool {
        let (Some(file), Some(page)) = (&self.report, page) else { return true };
        let written = whole_file::write(file, page, Existing::Replaced);
        if let Err(error) = &written {
            tell(&whole_file::unwritten(file, error));
        }
        written.is_ok()
    }
}

/// Files and directories that a migration reads or writes on this machine. Of a plan that can't be read it is the plan: the
/// command says why.
fn own_files(plan_file: &Path) -> Vec<PathBuf> {
    let mut own = vec![absolute(plan_file)];
    let Ok((plan, _)) = Plan::read(plan_file) else { return own };
    own.push(absolute(&plan.journal));
    for ensemble in [&plan.source, &plan.target] {
        if let Credentials::File(file) = &ensemble.credentials {
            own.push(absolute(file));
        }
    }
    let local = plan.meta_servers.iter().filter(|server| matches!(server.host, Place::Local));
    own.extend(local.map(|server| absolute(&server.config_file)));
    own.extend([&plan.recovery.app_list, &plan.recovery.node_list].into_iter().flatten().map(|list| absolute(list)));
    own
}

/// Where a file is or will be, whatever it is called by: of one that is not there its directory counts.
fn absolute(file: &Path) -> PathBuf {
    let path = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let there = path.canonicalize().ok();
    let beside = || Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?));
    there.or_else(beside).unwrap_or(path)
}
