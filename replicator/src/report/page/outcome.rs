//! The page of a copy, a sync, a verify, a dump or a restore.

use std::fmt::Write;

use super::run::{Watched, latencies};
use super::{Column, Page, Tone, list, paragraph, remark, table, verbatim};
use crate::archive::dump::DumpReport;
use crate::certificate::{Certificate, Issued};
use crate::copy::CopyReport;
use crate::latency::Latency;
use crate::pace::Waits;
use crate::progress::Counts;
use crate::report::copy::owners_text;
use crate::report::{Acls, Outcome, Task, again, bytes, dry_run, exit, grouped, masked, quota, rate, skipped};
use crate::resources::Resources;
use crate::verify::{AgainstReport, Difference, Differences, Reading, Sign, Subtree, Subtrees, VerifyReport};

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

/// The color of an exit code.
pub(super) fn tone(code: u8) -> Tone {
    match code {
        exit::DONE => Tone::Good,
        exit::NOT_PROVEN | exit::INTERRUPTED => Tone::Careful,
        _ => Tone::Bad,
    }
}

/// What an exit code says.
pub(super) fn meaning(code: u8) -> &'static str {
    match code {
        exit::DONE => "done; equal where compared",
        exit::DIFFERENT => "differences found",
        exit::NOT_PROVEN => "done, but not proven or not complete",
        exit::INTERRUPTED => "interrupted; can be run again",
        _ => "error",
    }
}

fn sentence(task: &Task, outcome: &Outcome) -> String {
    let Task { command, source, target, .. } = task;
    if outcome.error.is_some() {
        let ended = if outcome.exit_code() == exit::INTERRUPTED { "was interrupted" } else { "failed" };
        return format!("The {command} from {source} to {target} {ended}");
    }
    if outcome.planned.is_some() {
        return format!("What a {command} from {source} to {target} would do: nothing was written");
    }
    if let Some((against, certificate)) = &outcome.against {
        let is = if against.is_equal(certificate) { "is" } else { "is not" };
        return format!("{source} {is} what the certificate of {} says", certificate.time);
    }
    let compared = outcome.verify.as_ref().map(|verify| {
        let found = verify.differences.total() + verify.differences.unreadable;
        match found {
            0 if verify.is_equal() => "both trees are equal".to_owned(),
            0 => "no difference was found, but the source changed while it was read".to_owned(),
            1 => "there is 1 difference".to_owned(),
            found => format!("there are {} differences", grouped(found)),
        }
    });
    let done = match (&outcome.copy, &outcome.dump) {
        (Some(copy), _) if *command == "verify" => {
            Some(format!("{} writes were sent to {target}", grouped(copy.counts.written())))
        }
        (Some(copy), _) => Some(format!(
            "{} of {source} to {target}: {} znodes, {}",
            if *command == "sync" { "Sync" } else { "Copy" },
            grouped(copy.counts.read),
            bytes(copy.counts.read_bytes)
        )),
        (None, Some(dump)) => Some(format!("{source} was written to {target}: {} znodes", grouped(dump.end.znodes))),
        (None, None) => None,
    };
    match (done, compared) {
        (Some(done), Some(compared)) => format!("{done}; {compared}"),
        (Some(done), None) => done,
        (None, compared) => {
            format!("{source} and {target}: {}", compared.unwrap_or_else(|| "nothing was done".to_owned()))
        }
    }
}

fn next(task: &Task, outcome: &Outcome) -> Option<String> {
    let Task { command, source, target, .. } = task;
    let writes = outcome.copy.is_some() || matches!(*command, "copy" | "sync" | "restore");
    let again = again(command);
    match outcome.exit_code() {
        exit::DONE if outcome.planned.is_some() => Some(format!("the same {command} without --dry-run does it.")),
        exit::DONE if outcome.verify.is_some() || outcome.against.is_some() => None,
        exit::DONE => Some(format!("zkreplicator verify {source} {target} proves that both are the same.")),
        exit::DIFFERENT if outcome.against.is_some() => {
            Some("compare it with the tree that was certified, or with an archive of it: a certificate can't tell which znodes differ.".to_owned())
        }
        exit::DIFFERENT => Some(format!(
            "see the differences below; zkreplicator verify --fix {source} {target} sends them, and nothing else."
        )),
        exit::INTERRUPTED if writes => Some(format!("run the same {command} again{again}: it goes on from there.")),
        exit::INTERRUPTED => Some(format!("run the same {command} again.")),
        exit::NOT_PROVEN => match &outcome.certificate {
            Some(Issued::Withheld(why)) => Some(format!("no certificate was written: {why}")),
            _ => Some(format!(
                "see below what is missing; where the source changed, run the same {command} again{again} when it is quiet."
            )),
        },
        _ if outcome.planned.is_some() => Some("see to what stands in the way, below; then plan again.".to_owned()),
        _ if writes => Some(format!("see to the cause, then run the same {command} again{again}: it goes on from there.")),
        _ => Some(format!("see to the cause, then run the same {command} again.")),
    }
}

/// What was asked, and how it went, for the head of a page.
pub(super) fn facts(task: &Task, code: u8, watched: &Watched) -> Vec<(&'static str, String)> {
    let Task { command, source, target, acls, include, exclude, .. } = task;
    let [began, took] = watched.facts();
    let acls = match acls {
        Acls::Preserved => "read as they are",
        Acls::Mapped => "the source's taken for what the map makes of them",
        Acls::NotRead => "not read",
    };
    vec![
        ("Command", (*command).to_owned()),
        ("From", source.clone()),
        ("To", target.clone()),
        began,
        took,
        ("Exit code", format!("{code}: {}", meaning(code))),
        ("ACLs", acls.to_owned()),
        ("Taken (--include)", include.join(" ")),
        ("Left out (--exclude)", exclude.join(" ")),
    ]
}

fn written(copy: &CopyReport) -> String {
    let CopyReport { counts, passes, ancestors_created, elapsed, .. } = copy;
    let some = |count: u64| if count > 0 { grouped(count) } else { String::new() };
    let mut html = list(&[
        ("Read", format!("{} znodes, {}", grouped(counts.read), bytes(counts.read_bytes))),
        ("Created", grouped(counts.created)),
        ("Equal already, kept", grouped(counts.kept)),
        ("Data set on", grouped(counts.data_set)),
        ("ACL set on", grouped(counts.acl_set)),
        ("Removed", some(counts.deleted)),
        ("Sequence counters raised by", some(counts.counter_raised)),
        ("Ancestors created", some(*ancestors_created as u64)),
        ("Data written", bytes(counts.written_bytes)),
        ("Write requests", grouped(counts.requests)),
        ("Passes over the source", grouped(1 + passes.later.len() as u64)),
        (
            "Copied in",
            format!("{}, {} znodes a second", super::duration(*elapsed), grouped(rate(counts.read, *elapsed))),
        ),
    ]);
    if copy.source_changed() {
        html += &paragraph(
            "The source changed during the copy and did not stand still in the end: the copy is of no single moment.",
        );
    }
    if counts.ephemeral_taken > 0 {
        let taken = grouped(counts.ephemeral_taken);
        html += &paragraph(&format!(
            "{taken} ephemeral znode(s) were copied as persistent ones: nothing will ever remove them."
        ));
    }
    html + &remark("Containers and TTL znodes can't be told from persistent ones by a client, and are copied as such.")
}

fn left_out(copy: &CopyReport) -> String {
    let mut text = String::new();
    // Writing to a String can't fail.
    let _ = owners_text(&copy.ephemeral_owners, &mut text);
    let _ = masked::text(&copy.masked, &mut text);
    if let Some(quotas) = &copy.quotas {
        let _ = quota::text(quotas, &mut text);
    }
    if let Some(restored) = &copy.archive {
        let _ = crate::report::archive::restored_text(restored, &mut text);
    }
    let more = if text.is_empty() { text } else { verbatim(&dedented(&text)) };
    skipped_table(&copy.counts) + &more
}

/// Lines of a text report without the room that they leave for names.
fn dedented(text: &str) -> String {
    let room = |line: &str| line.len() - line.trim_start().len();
    let least = text.lines().map(room).min().unwrap_or_default();
    text.lines().flat_map(|line| [&line[least..], "\n"]).collect()
}

fn skipped_table(counts: &Counts) -> String {
    let rows: Vec<_> = skipped(counts).map(|(count, why)| vec![grouped(count), why.to_owned()]).collect();
    table("Left out, and why", &[("Znodes", Column::Number), ("Why", Column::Words)], &rows)
}

fn archive(dump: &DumpReport) -> String {
    let DumpReport { counts, end, file_bytes, elapsed, .. } = dump;
    let facts = list(&[
        ("Znodes", grouped(end.znodes)),
        ("Data", bytes(end.data_bytes)),
        ("Archive", bytes(*file_bytes)),
        ("Digest", end.digest.clone()),
        ("Of one moment", if end.settled { "yes" } else { "no" }.to_owned()),
        ("Dumped in", super::duration(*elapsed)),
    ]);
    let why = dump.disturbed().map(|why| paragraph(&why));
    facts + &why.unwrap_or_default() + &skipped_table(counts)
}

fn differences(differences: &Differences) -> String {
    let Differences { only_source, only_target, differing, unreadable, list: listed, .. } = differences;
    let all = differences.total() + unreadable;
    if all == 0 {
        return paragraph("None.");
    }
    let facts = list(&[
        ("+ only at the source", grouped(*only_source)),
        ("- only at the target", grouped(*only_target)),
        ("* both have it, and it differs", grouped(*differing)),
        ("! unreadable", grouped(*unreadable)),
    ]);
    let rows: Vec<_> = listed.iter().map(difference).collect();
    let columns = [("Sign", Column::Text), ("Znode", Column::Code), ("What", Column::Words)];
    let caption = match all - listed.len() as u64 {
        0 => "Each difference".to_owned(),
        more => {
            format!("The first {} differences; {} more are only counted", grouped(listed.len() as u64), grouped(more))
        }
    };
    facts + &table(&caption, &columns, &rows)
}

fn difference(difference: &Difference) -> Vec<String> {
    let Difference { sign, path, what, counters } = difference;
    let what = match (sign, counters) {
        (Sign::OnlySource, _) => "only the source has it".to_owned(),
        (Sign::OnlyTarget, _) => "only the target has it".to_owned(),
        (Sign::Unreadable, _) if what.is_empty() => "could not be read".to_owned(),
        (_, Some([source, target])) => format!("{} ({source} at the source, {target} at the target)", what.join(", ")),
        (_, None) => what.join(", "),
    };
    vec![sign.as_char().to_string(), path.as_str().escape_debug().to_string(), what]
}

fn proof(task: &Task, verify: &VerifyReport, issued: Option<&Issued>) -> String {
    let rows = [reading("Source", &verify.source), reading("Target", &verify.target)];
    let mut html = readings(&rows);
    html += &match issued {
        Some(Issued::Written(file)) => paragraph(&format!("Certificate: {}", file.display())),
        Some(Issued::Withheld(why)) => paragraph(&format!("No certificate was written: {why}")),
        None => String::new(),
    };
    html += &remark(&format!("Null and empty data were {}.", task.null_and_empty()));
    html
}

fn beside_certificate(against: &AgainstReport, certificate: &Certificate) -> String {
    let sum = certificate.source.sum;
    let certified = vec![
        "Certificate".to_owned(),
        grouped(sum.znodes),
        bytes(sum.bytes),
        String::new(),
        sum.digest.to_string(),
        String::new(),
    ];
    readings(&[certified, reading("Tree", &against.tree)])
}

fn readings(rows: &[Vec<String>]) -> String {
    let columns = [
        ("Tree", Column::Text),
        ("Znodes", Column::Number),
        ("Data", Column::Number),
        ("Read behind zxid", Column::Number),
        ("Digest", Column::Code),
        ("Of one moment", Column::Words),
    ];
    table("Both trees as they were read", &columns, rows)
}

fn reading(name: &str, reading: &Reading) -> Vec<String> {
    vec![
        name.to_owned(),
        grouped(reading.sum.znodes),
        bytes(reading.sum.bytes),
        reading.zxid.map(|zxid| zxid.to_string()).unwrap_or_default(),
        reading.sum.digest.to_string(),
        reading.disturbed().unwrap_or_else(|| "yes".to_owned()),
    ]
}

fn subtrees(subtrees: &Subtrees, names: [&str; 2]) -> String {
    let rows = subtrees.list.iter().map(|Subtree { path, source, target, sign }| {
        vec![
            sign.as_char().to_string(),
            path.as_str().escape_debug().to_string(),
            grouped(source.znodes),
            grouped(target.znodes),
        ]
    });
    let rows: Vec<_> = rows.collect();
    let columns =
        [("Sign", Column::Text), ("Subtree", Column::Code), (names[0], Column::Number), (names[1], Column::Number)];
    table("Znodes of each subtree", &columns, &rows)
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
