//! What came of a bench, as text and as JSON.

use std::fmt::{self, Write};

use serde_json::{Value, json};

use super::{
    Task, VERSION, acl_json, bytes, error_json, exit, grouped, latencies_json, latencies_text, millis, rate,
    resources_json, resources_text, summary_json,
};
use crate::bench::site::Site;
use crate::bench::{BenchReport, Left, Phase, plan};
use crate::error::ErrorKind;
use crate::options::{AclPolicy, BenchOptions};
use crate::resources::Resources;
use crate::verify::VerifyReport;

/// A bench, what it was asked and what it came to.
#[derive(Debug)]
pub struct Account<'a> {
    /// What was asked.
    pub task: &'a Task,
    /// The same as it was understood, if it was.
    pub options: Option<&'a BenchOptions>,
    /// Whether it was only to be planned.
    pub planned: bool,
    /// What came of it.
    pub report: &'a BenchReport,
    /// What it has cost this process.
    pub resources: Resources,
}

/// The command of ZooKeeper's own that removes what a bench has left (3.5 and later; before it was called rmr).
pub fn remove_command(site: &Site) -> String {
    let connect = &site.ensemble().connect;
    format!("zkCli.sh -server {} deleteall {}", connect.servers(), connect.chroot.as_str())
}

impl Account<'_> {
    /// The exit code: a path that was left behind is an error, whatever else went well.
    pub fn exit_code(&self) -> u8 {
        let BenchReport { verified, left, error, .. } = self.report;
        if !left.is_empty() {
            return exit::ERROR;
        }
        if let Some(error) = error {
            return if error.kind == ErrorKind::Interrupted { exit::INTERRUPTED } else { exit::ERROR };
        }
        match verified {
            Some(verify) if verify.differences.total() > 0 => exit::DIFFERENT,
            Some(verify) if verify.differences.unreadable > 0 => exit::ERROR,
            Some(verify) if !verify.is_equal() => exit::NOT_PROVEN,
            _ => exit::DONE,
        }
    }

    /// The same in a word or two.
    pub fn verdict(&self) -> &'static str {
        match self.exit_code() {
            exit::DONE if self.planned => "planned",
            exit::DONE => "equal",
            exit::DIFFERENT => "different",
            exit::NOT_PROVEN => "source changed",
            exit::INTERRUPTED => "interrupted",
            _ => "failed",
        }
    }

    /// One JSON document.
    pub fn json(&self) -> Value {
        let BenchReport { phases, verified, left, error } = self.report;
        json!({
            "version": VERSION,
            "command": self.task.command,
            "source": self.task.source,
            "target": self.task.target,
            "acl": acl_json(self.task.acls),
            "plan": self.options.map(plan_json),
            "verdict": self.verdict(),
            "exit_code": self.exit_code(),
            "phases": phases.iter().map(phase_json).collect::<Vec<_>>(),
            "verify": verified.as_ref().map(verify_json),
            "process": resources_json(&self.resources),
            "left": left.iter().map(left_json).collect::<Vec<_>>(),
            "error": error.as_ref().map(error_json),
        })
    }

    /// The same for a person; errors are not part of it.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String can't fail.
        let _ = self.write_text(&mut text);
        text
    }

    fn write_text(&self, text: &mut String) -> fmt::Result {
        let BenchReport { phases, verified, left, error } = self.report;
        let Some(options) = self.options else { return Ok(()) };
        if self.planned {
            return if error.is_none() { plan_text(options, text) } else { Ok(()) };
        }
        if phases.is_empty() {
            return Ok(());
        }
        plan_text(options, text)?;
        phases.iter().try_for_each(|phase| phase_text(phase, text))?;
        for phase in phases.iter().filter(|phase| phase.name != "update") {
            latencies_of(phase, text)?;
        }
        resources_text(&self.resources, text)?;
        if let Some(verify) = verified {
            verdict_text(self.verdict(), verify, text)?;
        }
        if left.is_empty() {
            writeln!(text, "  removed     both paths are gone")?;
        }
        left.iter().try_for_each(|left| {
            let at = &left.site.ensemble().connect;
            writeln!(text, "  left        {at} at the {}: {}", left.site.side(), remove_command(&left.site))
        })
    }
}

fn plan_json(options: &BenchOptions) -> Value {
    let BenchOptions { tree, .. } = options;
    let paths = plan(options).ok().map(|(source, target)| {
        json!({
            "source": source.ensemble().connect.to_string(),
            "target": target.ensemble().connect.to_string(),
        })
    });
    json!({
        "shape": tree.shape.to_string(),
        "znodes": tree.znodes,
        "data_bytes": tree.data_bytes,
        "bytes": tree.bytes(),
        "seed": tree.seed,
        "paths": paths,
    })
}

fn phase_json(phase: &Phase) -> Value {
    json!({
        "phase": phase.name,
        "znodes": phase.znodes,
        "bytes": phase.bytes,
        "write_requests": phase.write_requests,
        "elapsed_ms": millis(phase.elapsed),
        "znodes_per_second": rate(phase.znodes, phase.elapsed),
        "bytes_per_second": rate(phase.bytes, phase.elapsed),
        "processor_us_per_znode": micros_a_znode(phase),
        "latency_us": latencies_json(&phase.source_latencies, &phase.target_latencies),
    })
}

fn verify_json(verify: &VerifyReport) -> Value {
    json!({
        "equal": verify.is_equal(),
        "source": summary_json(&verify.source.sum),
        "target": summary_json(&verify.target.sum),
        "differences": verify.differences.total(),
        "unreadable": verify.differences.unreadable,
    })
}

fn left_json(left: &Left) -> Value {
    json!({
        "side": left.site.side().to_string(),
        "path": left.site.ensemble().connect.chroot.as_str(),
        "why": left.why.to_string(),
        "remove_with": remove_command(&left.site),
    })
}

fn plan_text(options: &BenchOptions, text: &mut String) -> fmt::Result {
    let BenchOptions { tree, acl, .. } = options;
    let (znodes, data) = (grouped(tree.znodes), bytes(tree.bytes()));
    let each = grouped(tree.data_bytes as u64);
    writeln!(text, "bench {}: {znodes} znodes of {each} bytes, {data} of data, seed {}", tree.shape, tree.seed)?;
    if let Ok((source, target)) = plan(options) {
        writeln!(text, "  source      {}", source.ensemble().connect)?;
        writeln!(text, "  target      {}", target.ensemble().connect)?;
    }
    match acl {
        AclPolicy::Preserve | AclPolicy::Map(_) => writeln!(text, "  ACLs        read, copied and compared"),
        AclPolicy::Open => writeln!(text, "  ACLs        not read"),
    }
}

fn phase_text(phase: &Phase, text: &mut String) -> fmt::Result {
    writeln!(
        text,
        "  {:<11} {:>7.2} s, {:>9} znodes/s, {:>11}/s, {:>5.1} us of processor time a znode, {} write requests",
        phase.name,
        phase.elapsed.as_secs_f64(),
        grouped(rate(phase.znodes, phase.elapsed)),
        bytes(rate(phase.bytes, phase.elapsed)),
        micros_a_znode(phase),
        grouped(phase.write_requests)
    )
}

fn latencies_of(phase: &Phase, text: &mut String) -> fmt::Result {
    if phase.source_latencies.is_empty() && phase.target_latencies.is_empty() {
        return Ok(());
    }
    writeln!(text, "  latencies of {}", phase.name)?;
    latencies_text(&phase.source_latencies, &phase.target_latencies, text)
}

fn verdict_text(verdict: &str, verify: &VerifyReport, text: &mut String) -> fmt::Result {
    let differences = verify.differences.total() + verify.differences.unreadable;
    if verify.is_equal() {
        writeln!(
            text,
            "  equal       {} znodes, digest {}",
            grouped(verify.source.sum.znodes),
            verify.source.sum.digest
        )
    } else {
        writeln!(text, "  {verdict:<11} {} place(s); others may have written below the paths", grouped(differences))
    }
}

pub(super) fn micros_a_znode(phase: &Phase) -> f64 {
    let micros = phase.processor.as_secs_f64() * 1e6 / phase.znodes.max(1) as f64;
    (micros * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests;
