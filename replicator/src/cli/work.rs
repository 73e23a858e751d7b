//! The work of a copy, a sync, a verify, a dump or a restore, as it was understood: done piece by piece, each shown as it goes.

use std::path::Path;
use std::rc::Rc;

use tokio_util::sync::CancellationToken;

use super::monitor::Monitor;
use super::process::{in_runtime, stop_on_signal};
use super::recorder::Recorder;
use crate::archive::dump::dump;
use crate::certificate;
use crate::copy::dry_run::{Removal, dry_run};
use crate::copy::{CopyReport, copy};
use crate::error::Result;
use crate::options::{AgainstOptions, CopyOptions, DumpOptions, VerifyOptions};
use crate::pace::Sides;
use crate::progress::{Counts, Progress};
use crate::report::Outcome;
use crate::status::Shown;
use crate::sync::{fix, sync};
use crate::verify::{against, verify};

/// What is to be done, after everything typed has been understood.
pub(super) enum Work {
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
pub(super) struct Fix {
    pub(super) verify: VerifyOptions,
    pub(super) copy: CopyOptions,
    pub(super) max_delete: Option<u64>,
}

/// Does it, and gives how it ended; `counted` is how many znodes a dry run of the same has counted.
pub(super) fn run(
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
            Work::Fix(_) if self.found.is_some() => "nothing of the tree was written yet: run the same command again",
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
