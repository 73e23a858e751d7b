//! What came of a removal, as text and as JSON.

use std::fmt::{self, Write};
use std::path::PathBuf;

use serde_json::{Value, json};

use super::copy::{owners_json, owners_text};
use super::{VERSION, archive, bytes, elapsed_text, error_json, exit, grouped, millis, rate, resources_json};
use crate::archive::dump::DumpReport;
use crate::error::{Error, ErrorKind};
use crate::remove::moved;
use crate::resources::Resources;
use crate::rm::{Removed, Survey};

/// How a removal ended, with whatever it got to know and to do.
#[derive(Debug)]
pub struct Outcome {
    /// What stood there.
    pub survey: Option<Survey>,
    /// The archive that it was kept in, if one was asked for.
    pub kept: Option<(PathBuf, DumpReport)>,
    /// What was removed, if it came to that.
    pub removed: Option<Removed>,
    /// Why it ended early.
    pub error: Option<Error>,
}

impl Outcome {
    /// One of which nothing else is known.
    pub fn failed(error: Error) -> Self {
        Self { survey: None, kept: None, removed: None, error: Some(error) }
    }
}

/// A removal, what it was asked and what it came to.
#[derive(Debug)]
pub struct Account<'a> {
    /// The connect string of the tree; it holds no credentials.
    pub target: &'a str,
    /// Whether it was only to be looked at.
    pub planned: bool,
    /// What came of it.
    pub outcome: &'a Outcome,
    /// What it has cost this process.
    pub resources: Resources,
}

impl Account<'_> {
    /// The exit code. A tree that is not there is what was wanted: a removal that broke off can be run again until it
    /// succeeds, and the root was named twice already, so that a wrong one is not overlooked.
    pub fn exit_code(&self) -> u8 {
        match &self.outcome.error {
            Some(error) if error.kind == ErrorKind::Interrupted => exit::INTERRUPTED,
            Some(_) => exit::ERROR,
            None => exit::DONE,
        }
    }

    /// The same in a word or two.
    pub fn verdict(&self) -> &'static str {
        match (self.exit_code(), &self.outcome.survey) {
            (exit::DONE, Some(survey)) if survey.is_empty() => "nothing there",
            (exit::DONE, _) if self.planned => "planned",
            (exit::DONE, _) => "done",
            (exit::INTERRUPTED, _) => "interrupted",
            (_, Some(_)) if self.outcome.removed.is_none() => "blocked",
            _ => "failed",
        }
    }

    /// What goes to stderr: the error, and what can be done.
    pub fn complaints(&self) -> Vec<String> {
        let Outcome { removed, error, .. } = self.outcome;
        let Some(error) = error else { return Vec::new() };
        // Its own words for an unknown outcome speak of a copy.
        let mut lines = vec![Error { outcome_unknown: false, ..error.clone() }.to_string()];
        let Some(removed) = removed else { return lines };
        if moved(error) {
            lines.push("others go on creating and deleting there: stop them".to_owned());
        }
        if error.outcome_unknown {
            lines.push("the outcome of deletes that were under way is unknown".to_owned());
        }
        let znodes = grouped(removed.znodes);
        lines.push(format!("{znodes} znode(s) were removed before; the same command goes on from there"));
        lines
    }

    /// One JSON document.
    pub fn json(&self) -> Value {
        let Self { target, outcome, resources, .. } = self;
        let Outcome { survey, kept, removed, error } = outcome;
        json!({
            "version": VERSION,
            "command": "rm",
            "target": target,
            "verdict": self.verdict(),
            "exit_code": self.exit_code(),
            "found": survey.as_ref().map(survey_json),
            "archive": kept.as_ref().map(|(file, dump)| {
                let mut json = archive::dump_json(dump);
                json["file"] = file.display().to_string().into();
                json
            }),
            "removed": removed.as_ref().map(|Removed { znodes, requests, elapsed }| json!({
                "znodes": znodes,
                "write_requests": requests,
                "elapsed_ms": millis(*elapsed),
                "znodes_per_second": rate(*znodes, *elapsed),
            })),
            "process": resources_json(resources),
            "error": error.as_ref().map(|error| {
                let mut json = error_json(&Error { outcome_unknown: false, ..error.clone() });
                json["outcome_unknown"] = error.outcome_unknown.into();
                json
            }),
        })
    }

    /// The same for a person; errors are not part of it.
    pub fn text(&self) -> String {
        let mut text = String::new();
        if let Some(survey) = &self.outcome.survey {
            // Writing to a String can't fail.
            let _ = self.write_text(survey, &mut text);
        }
        text
    }

    fn write_text(&self, survey: &Survey, text: &mut String) -> fmt::Result {
        let target = self.target;
        match self.verdict() {
            "nothing there" => return writeln!(text, "nothing to remove: there is no {target}"),
            "planned" => writeln!(text, "would remove {target}: nothing was removed")?,
            "done" => writeln!(text, "removed {target}")?,
            _ => writeln!(text, "not removed, or not all of it: {target}")?,
        }
        let counts = &survey.counts;
        writeln!(
            text,
            "  found       {} znodes, {} of data, {} of them ephemeral, looked at in {:.2} s",
            grouped(survey.znodes()),
            bytes(counts.read_bytes),
            grouped(counts.ephemeral),
            survey.elapsed.as_secs_f64()
        )?;
        owners_text(&survey.owners, text)?;
        for (path, code) in &survey.unreadable.list {
            writeln!(text, "  unreadable  {} ({code})", path.as_str().escape_debug())?;
        }
        super::more_text(survey.unreadable.count, survey.unreadable.list.len(), text)?;
        if let Some((file, dump)) = &self.outcome.kept {
            let (znodes, size) = (grouped(dump.end.znodes), bytes(dump.file_bytes));
            writeln!(text, "  archive     {} holds {znodes} znodes in {size}", file.display())?;
            writeln!(text, "  digest      {}", dump.end.digest)?;
        }
        if let Some(Removed { znodes, requests, elapsed }) = &self.outcome.removed {
            writeln!(text, "  removed     {} znodes in {} requests", grouped(*znodes), grouped(*requests))?;
            elapsed_text(*znodes, *elapsed, text)?;
        }
        let processor = self.resources.processor().as_secs_f64();
        let memory = bytes(self.resources.resident_bytes_max);
        writeln!(text, "  cost        {processor:.2} s of processor time, {memory} of memory")
    }
}

fn survey_json(survey: &Survey) -> Value {
    let unreadable = survey.unreadable.list.iter();
    let unreadable =
        unreadable.map(|(path, code)| json!({ "path": path.as_str(), "why": code.to_string() })).collect::<Vec<_>>();
    json!({
        "root": survey.root,
        "znodes": survey.znodes(),
        "ephemeral": survey.counts.ephemeral,
        "bytes": survey.counts.read_bytes,
        "ephemeral_owners": owners_json(&survey.owners),
        "unreadable": { "count": survey.unreadable.count, "list": unreadable },
        "elapsed_ms": millis(survey.elapsed),
    })
}

#[cfg(test)]
mod tests;
