//! What came of it: the same facts as text for a person and as one JSON document for a script.
//!
//! The JSON's `version` changes when a field changes its meaning or goes; new fields may come without.

mod against;
mod archive;
pub mod bench;
mod copy;
mod dry_run;
mod masked;
pub mod page;
mod quota;
mod retries;
pub mod rm;
pub mod scan;
mod verify;
mod waited;

use std::fmt::{self, Write};

use serde_json::{Value, json};

use crate::archive::dump::DumpReport;
use crate::certificate::{Certificate, Issued};
use crate::copy::dry_run::DryRun;
use crate::copy::{CopyReport, Restored};
use crate::error::{Error, ErrorKind, Side};
use crate::latency::Latency;
use crate::masked::MaskedReport;
use crate::options::Transport;
use crate::pace::Waits;
use crate::progress::Counts;
use crate::quota::QuotaReport;
use crate::resources::Resources;
use crate::retry::Retries;
use crate::verify::{AgainstReport, Summary, VerifyReport};

/// Version of the JSON documents.
pub(crate) const VERSION: u32 = 1;

/// Exit codes of `zkreplicator`.
pub mod exit {
    /// Done; equal.
    pub const DONE: u8 = 0;
    /// Differences were found.
    pub const DIFFERENT: u8 = 1;
    /// It failed.
    pub const ERROR: u8 = 2;
    /// Done, but the source kept changing: not of a single moment, or not proven; or not complete, by a policy that the
    /// user chose.
    pub const NOT_PROVEN: u8 = 3;
    /// The user stopped it; it can be run again.
    pub const INTERRUPTED: u8 = 130;
}

/// What a command was asked to do, as the report names it.
#[derive(Clone, Debug)]
pub struct Task {
    /// `copy`, `sync`, `verify`, `dump`, `restore`, `scan`, `bench` or `zkcopy`.
    pub command: &'static str,
    /// The source's connect string, which holds no credentials, or `archive:FILE`.
    pub source: String,
    /// The target's; the certificate's file where one tree is compared with a certificate.
    pub target: String,
    /// What spoke to both.
    pub transport: Transport,
    /// What was said about ACLs.
    pub acls: Acls,
    /// Globs of what was taken; none: everything.
    pub include: Vec<String>,
    /// Globs of what was left out.
    pub exclude: Vec<String>,
}

/// What becomes of ACLs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acls {
    /// They are copied and compared as they are.
    Preserved,
    /// They are copied and compared as a map makes them.
    Mapped,
    /// They are not read.
    NotRead,
}

impl Task {
    /// What is to be said about null data: an equal that can't see it is a weaker one.
    fn null_and_empty(&self) -> &'static str {
        if self.transport.tells_null_from_empty() {
            "told apart"
        } else {
            "not told apart (the zookeeper-client transport reads null data as empty)"
        }
    }
}

/// How a command ended, with whatever it got to know.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What a copy or a sync would do, if that was all that was asked.
    pub planned: Option<DryRun>,
    /// The copy, if there was one and it ended well.
    pub copy: Option<CopyReport>,
    /// The archive, if one was written.
    pub dump: Option<DumpReport>,
    /// What a verify had found before it was fixed.
    pub found: Option<VerifyReport>,
    /// The verify, likewise.
    pub verify: Option<VerifyReport>,
    /// The comparison with a certificate, likewise, and the certificate.
    pub against: Option<(AgainstReport, Certificate)>,
    /// What became of the certificate, if one was asked for.
    pub certificate: Option<Issued>,
    /// Why it ended early, and how far it had come.
    pub error: Option<(Error, Counts)>,
    /// How long each side was spared, where that was asked for.
    pub waited: Vec<(Side, Waits)>,
    /// How often each side was tried again, in the whole command.
    pub retried: Vec<(Side, Retries)>,
    /// What it has cost this process.
    pub resources: Resources,
}

impl Outcome {
    /// The exit code: the worst that is certain comes first.
    pub fn exit_code(&self) -> u8 {
        if let Some((error, _)) = &self.error {
            return if error.kind == ErrorKind::Interrupted { exit::INTERRUPTED } else { exit::ERROR };
        }
        if let Some((against, certificate)) = &self.against {
            return against::exit_code(against, certificate);
        }
        if self.planned.as_ref().is_some_and(|planned| planned.notes.blocked() > 0) {
            return exit::ERROR;
        }
        let verified = self.verify.as_ref();
        if verified.is_some_and(|verify| verify.differences.total() > 0) {
            exit::DIFFERENT
        } else if verified.is_some_and(|verify| verify.differences.unreadable > 0) {
            exit::ERROR
        } else if self.source_changed() || self.is_incomplete() || matches!(self.certificate, Some(Issued::Withheld(_)))
        {
            exit::NOT_PROVEN
        } else {
            exit::DONE
        }
    }

    /// Whether znodes went away while they were being read.
    fn source_changed(&self) -> bool {
        self.verify.as_ref().is_some_and(|verify| verify.skipped.vanished > 0)
            || self.copy.as_ref().is_some_and(CopyReport::source_changed)
            || self.dump.as_ref().is_some_and(|dump| !dump.end.settled)
    }

    /// Whether ACLs were not copied, by a policy that the user chose, or quotas, since the target can't have them, or what a
    /// damaged archive has lost.
    fn is_incomplete(&self) -> bool {
        let lacks = |masked: &MaskedReport, quotas: &Option<QuotaReport>| {
            masked.znodes > 0 || quotas.as_ref().is_some_and(|quotas| quotas.refused > 0)
        };
        let lost = |archive: &Option<Restored>| archive.as_ref().is_some_and(|restored| !restored.losses.is_empty());
        self.copy.as_ref().is_some_and(|copy| lacks(&copy.masked, &copy.quotas) || lost(&copy.archive))
            || self.dump.as_ref().is_some_and(|dump| dump.masked.znodes > 0)
            || self
                .planned
                .as_ref()
                .is_some_and(|planned| lacks(&planned.masked, &planned.quotas) || lost(&planned.archive))
    }

    /// The same in a word or two.
    pub fn verdict(&self) -> &'static str {
        if self.planned.is_some() {
            return if self.exit_code() == exit::ERROR { "blocked" } else { "planned" };
        }
        match (self.exit_code(), self.verify.is_some() || self.against.is_some()) {
            (exit::DONE, true) => "equal",
            (exit::DONE, false) => "done",
            (exit::DIFFERENT, _) => "different",
            (exit::NOT_PROVEN, _) if self.source_changed() => "source changed",
            (exit::NOT_PROVEN, _) if self.is_incomplete() => "not complete",
            (exit::NOT_PROVEN, _) => "not certified",
            (exit::INTERRUPTED, _) => "interrupted",
            _ => "failed",
        }
    }

    /// One JSON document.
    pub fn json(&self, task: &Task) -> Value {
        json!({
            "version": VERSION,
            "command": task.command,
            "source": task.source,
            "target": task.target,
            "acl": acl_json(task.acls),
            "include": task.include,
            "exclude": task.exclude,
            "verdict": self.verdict(),
            "exit_code": self.exit_code(),
            "plan": self.planned.as_ref().map(dry_run::json),
            "found": self.found.as_ref().map(|found| verify::json(task, found)),
            "copy": self.copy.as_ref().map(copy::json),
            "dump": self.dump.as_ref().map(archive::dump_json),
            "verify": self.verify.as_ref().map(|verify| verify::json(task, verify)),
            "against": self.against.as_ref().map(|(against, certificate)| against::json(against, certificate)),
            "certificate": self.certificate.as_ref().map(verify::issued_json),
            "waited": waited::json(&self.waited),
            "process": resources_json(&self.resources),
            "error": self.error.as_ref().map(|(error, counts)| {
                let mut json = early_end_json(error, counts);
                json["retries"] = retries::sides_json(&self.retried);
                json
            }),
        })
    }

    /// What was tried again before an error, a line for each side that had any; for a person.
    pub fn retried_text(&self) -> String {
        let mut text = String::new();
        for (side, retries) in &self.retried {
            // Writing to a String can't fail.
            let _ = retries::side_text(&side.to_string(), retries, &mut text);
        }
        text
    }

    /// The same for a person; errors are not part of it.
    pub fn text(&self, task: &Task) -> String {
        let mut text = String::new();
        // Writing to a String can't fail.
        let _ = self.write_text(task, &mut text);
        text
    }

    fn write_text(&self, task: &Task, text: &mut String) -> fmt::Result {
        if let Some(planned) = &self.planned {
            dry_run::text(task, planned, text)?;
        }
        if let Some(found) = &self.found {
            verify::text(task, found, text)?;
        }
        if let Some(copy) = &self.copy {
            copy::text(task, copy, text)?;
        }
        if let Some(dump) = &self.dump {
            archive::dump_text(task, dump, text)?;
        }
        if let Some(verify) = &self.verify {
            verify::text(task, verify, text)?;
        }
        if let Some((against, certificate)) = &self.against {
            against::text(task, against, certificate, text)?;
        }
        let done = [self.copy.is_some(), self.dump.is_some(), self.verify.is_some(), self.against.is_some()];
        if self.planned.is_some() || done.contains(&true) {
            waited::text(&self.waited, text)?;
            resources_text(&self.resources, text)?;
        }
        match task.acls {
            Acls::Preserved => {}
            Acls::Mapped => {
                writeln!(text, "  ACLs        mapped: the source's are taken for what the map makes of them")?;
            }
            Acls::NotRead => {
                writeln!(text, "  ACLs        not read: neither copied nor compared, and no part of the digests")?;
            }
        }
        if let Some(issued) = &self.certificate {
            verify::issued_text(issued, text)?;
        }
        if self.exit_code() == exit::NOT_PROVEN && self.source_changed() {
            writeln!(
                text,
                "  not proven  the source changed while it was read; when it is quiet, run again{}",
                again(task.command)
            )?;
        }
        Ok(())
    }
}

/// A report with the code that the command ends with: one that could not be kept as was asked ends otherwise than its work.
pub(crate) fn document(report: Value, code: u8) -> String {
    let mut report = report;
    report["exit_code"] = code.into();
    format!("{report:#}\n")
}

/// What the same command needs to go on from where it ended: who copies says that the target may hold znodes, and the others
/// never ask.
pub(crate) fn again(command: &str) -> &'static str {
    if matches!(command, "copy" | "restore") { " with --update" } else { "" }
}

/// The document of a command line that could not be understood.
pub fn usage_json(why: &str) -> String {
    let error = Error::bad_input(why);
    let json = json!({
        "version": VERSION,
        "command": Value::Null,
        "verdict": "failed",
        "exit_code": exit::ERROR,
        "error": early_end_json(&error, &Counts::default()),
    });
    format!("{json:#}\n")
}

fn acl_json(acls: Acls) -> &'static str {
    match acls {
        Acls::Preserved => "preserved",
        Acls::Mapped => "mapped",
        Acls::NotRead => "not read",
    }
}

fn error_json(error: &Error) -> Value {
    json!({
        "message": error.to_string(),
        "side": error.side.map(|side| side.to_string()),
        "path": error.path,
        "code": error.code().map(|code| code.0),
    })
}

/// Why it ended early, and how far it had come.
fn early_end_json(error: &Error, counts: &Counts) -> Value {
    let mut json = error_json(error);
    json["outcome_unknown"] = error.outcome_unknown.into();
    json["until_then"] = json!({
        "read": counts.read,
        "created": counts.created,
        "data_set": counts.data_set,
        "acl_set": counts.acl_set,
    });
    json
}

fn resources_json(resources: &Resources) -> Value {
    json!({
        "user_ms": millis(resources.user),
        "system_ms": millis(resources.system),
        "resident_bytes_max": resources.resident_bytes_max,
    })
}

fn resources_text(resources: &Resources, text: &mut String) -> fmt::Result {
    let (processor, memory) = (resources.processor().as_secs_f64(), bytes(resources.resident_bytes_max));
    writeln!(text, "  cost        {processor:.2} s of processor time, {memory} of memory")
}

fn latencies_json(source: &[Latency], target: &[Latency]) -> Value {
    let side = |latencies: &[Latency]| -> Value {
        let of_request = |latency: &Latency| {
            let Latency { request, count, p50, p99, max } = *latency;
            (request.to_string(), json!({ "count": count, "p50": p50, "p99": p99, "max": max }))
        };
        Value::Object(latencies.iter().map(of_request).collect())
    };
    json!({ "source": side(source), "target": side(target) })
}

fn summary_json(summary: &Summary) -> Value {
    json!({ "znodes": summary.znodes, "bytes": summary.bytes, "digest": summary.digest.to_string() })
}

fn skipped_json(counts: &Counts) -> Value {
    json!({ "ephemeral": counts.ephemeral, "reserved": counts.reserved, "filtered": counts.filtered, "vanished": counts.vanished, "older": counts.older })
}

fn latencies_text(source: &[Latency], target: &[Latency], text: &mut String) -> fmt::Result {
    for (side, latencies) in [("source", source), ("target", target)] {
        for Latency { request, count, p50, p99, max } in latencies {
            let ms = |micros: u64| micros as f64 / 1e3;
            let (p50, p99, max) = (ms(*p50), ms(*p99), ms(*max));
            let name = format!("{request} x {}", grouped(*count));
            writeln!(text, "  {side}      {name}: p50 {p50:.1} ms, p99 {p99:.1} ms, max {max:.1} ms")?;
        }
    }
    Ok(())
}

/// That a list shows `listed` of so many.
fn more_text(all: u64, listed: usize, text: &mut String) -> fmt::Result {
    match all.saturating_sub(listed as u64) {
        0 => Ok(()),
        more => writeln!(text, "              ... and {} more", grouped(more)),
    }
}

fn skipped_text(counts: &Counts, text: &mut String) -> fmt::Result {
    for (count, why) in skipped(counts) {
        writeln!(text, "  skipped     {} {why}", grouped(count))?;
    }
    Ok(())
}

/// How many znodes were left out, and why.
fn skipped(counts: &Counts) -> impl Iterator<Item = (u64, &'static str)> {
    let all = [
        (counts.ephemeral, "ephemeral (they belong to live sessions)"),
        (counts.reserved, "of ZooKeeper's own (/zookeeper)"),
        (counts.filtered, "by --include or --exclude, each with everything below it (which is not counted)"),
        (counts.vanished, "deleted at the source while they were being read"),
        (counts.older, "not newer than --mtime says"),
    ];
    all.into_iter().filter(|(count, _)| *count > 0)
}

fn elapsed_text(znodes: u64, elapsed: std::time::Duration, text: &mut String) -> fmt::Result {
    let seconds = elapsed.as_secs_f64();
    writeln!(text, "  elapsed     {seconds:.2} s ({} znodes/s)", grouped(rate(znodes, elapsed)))
}

fn millis(elapsed: std::time::Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// Znodes a second.
pub fn rate(znodes: u64, elapsed: std::time::Duration) -> u64 {
    let micros = elapsed.as_micros().max(1);
    u64::try_from(u128::from(znodes) * 1_000_000 / micros).unwrap_or(u64::MAX)
}

/// `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes with a binary unit.
pub fn bytes(bytes: u64) -> String {
    let mut size = bytes as f64;
    let mut units = ["B", "KiB", "MiB", "GiB", "TiB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    for larger in units {
        if size < 1024.0 {
            break;
        }
        size /= 1024.0;
        unit = larger;
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{size:.1} {unit}") }
}

#[cfg(test)]
mod tests;
