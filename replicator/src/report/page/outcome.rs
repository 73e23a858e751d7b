//! The page of a copy, a sync, a verify, a dump or a restore.

mod compared;
mod copied;
pub(super) mod head;

use std::fmt::Write;

use self::compared::{beside_certificate, differences, proof, subtrees};
use self::copied::{archive, left_out, skipped_table, written};
use self::head::{facts, next, sentence, tone};
use super::run::{Watched, latencies};
use super::{Page, list, paragraph, verbatim};
use crate::latency::Latency;
use crate::pace::Waits;
use crate::report::{Outcome, Task, bytes, dry_run, grouped};
use crate::resources::Resources;

/// The page of an outcome. `program` is who says it.
pub fn page(program: &str, task: &Task, outcome: &Outcome, watched: &Watched) -> String {
    let code = outcome.exit_code();
    let title = format!("{}: {} {} to {}", outcome.verdict(), task.command, task.source, task.target);
    let mut page = Page::new(program, &title, tone(code), outcome.verdict(), &sentence(task, outcome));
    if let Some((error, counts)) = &outcome.error {
        page.error(&error.to_string());
        if counts.written() > 0 {
            page.error(&format!("{} write(s) were acknowledged before; they stand.", grouped(counts.written())));
        }
    }
    if let Some(next) = next(task, outcome) {
        page.next(&next);
    }
    page.facts(&facts(task, code, watched));
    if let Some(planned) = &outcome.planned {
        let mut text = String::new();
        // Writing to a String can't fail.
        let _ = dry_run::text(task, planned, &mut text);
        page.section("The plan", &verbatim(&text));
    }
    if let Some(found) = &outcome.found {
        page.section("What was found before it was fixed", &differences(&found.differences));
    }
    if let Some(verify) = &outcome.verify {
        page.section("Differences", &differences(&verify.differences));
        page.section("Proof", &proof(task, verify, outcome.certificate.as_ref()));
        page.section("Subtrees", &subtrees(&verify.subtrees, ["Source", "Target"]));
    }
    let mut spent: Vec<(&str, &[Latency])> = Vec::new();
    if let Some(copy) = &outcome.copy {
        page.section("What was written", &written(copy));
        page.section("Left out of the copy", &left_out(copy));
        spent.extend([("source", &copy.source_latencies[..]), ("target", &copy.target_latencies[..])]);
    }
    if let Some(dump) = &outcome.dump {
        page.section("The archive", &archive(dump));
        spent.push(("source", &dump.latencies[..]));
    }
    if let Some(verify) = &outcome.verify {
        page.section("Left out of the comparison", &skipped_table(&verify.skipped));
        spent.extend([
            ("source, verify", &verify.source_latencies[..]),
            ("target, verify", &verify.target_latencies[..]),
        ]);
    }
    if let Some((against, certificate)) = &outcome.against {
        page.section("Differences", &differences(&against.unreadable));
        page.section("Proof", &beside_certificate(against, certificate));
        page.section("Subtrees", &subtrees(&against.subtrees, ["Certificate", "Tree"]));
        page.section("Left out of the comparison", &skipped_table(&against.skipped));
        spent.push(("tree", &against.latencies[..]));
    }
    page.section("Rates and latency over time", &(watched.plots() + &latencies(&spent)));
    page.section("Znodes that stand out", &watched.tops());
    page.section("Retries and waits", &troubles(outcome));
    page.section("Cost", &cost(&outcome.resources));
    let text = outcome.text(task);
    if !text.is_empty() {
        page.details("The same as text", &text);
    }
    page.finish()
}

fn troubles(outcome: &Outcome) -> String {
    let mut lines = outcome.retried_text();
    for (side, Waits { rate, latency, paused, backed_off }) in &outcome.waited {
        let [rate, latency, paused] = [rate, latency, paused].map(|time| super::duration(*time));
        // Writing to a String can't fail.
        let _ = writeln!(
            lines,
            "{side}: waited {rate} at the rate that was set, {latency} for its latency ({backed_off} times backed off), {paused} paused"
        );
    }
    if lines.is_empty() {
        return paragraph("No server had to be tried again, and none was held back.");
    }
    lines.lines().map(|line| paragraph(line.trim_start())).collect()
}

pub(super) fn cost(resources: &Resources) -> String {
    list(&[
        ("Processor time", super::duration(resources.processor())),
        ("Memory at most", bytes(resources.resident_bytes_max)),
    ])
}
