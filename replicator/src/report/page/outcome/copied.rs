//! What was written, to an ensemble or to an archive, and what was left out.

use crate::archive::dump::DumpReport;
use crate::copy::CopyReport;
use crate::progress::Counts;
use crate::report::copy::owners_text;
use crate::report::page::{Column, duration, list, paragraph, remark, table, verbatim};
use crate::report::{bytes, grouped, masked, quota, rate, skipped};

pub(super) fn written(copy: &CopyReport) -> String {
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
        ("Copied in", format!("{}, {} znodes a second", duration(*elapsed), grouped(rate(counts.read, *elapsed)))),
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

pub(super) fn left_out(copy: &CopyReport) -> String {
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

pub(super) fn skipped_table(counts: &Counts) -> String {
    let rows: Vec<_> = skipped(counts).map(|(count, why)| vec![grouped(count), why.to_owned()]).collect();
    table("Left out, and why", &[("Znodes", Column::Number), ("Why", Column::Words)], &rows)
}

pub(super) fn archive(dump: &DumpReport) -> String {
    let DumpReport { counts, end, file_bytes, elapsed, .. } = dump;
    let facts = list(&[
        ("Znodes", grouped(end.znodes)),
        ("Data", bytes(end.data_bytes)),
        ("Archive", bytes(*file_bytes)),
        ("Digest", end.digest.clone()),
        ("Of one moment", if end.settled { "yes" } else { "no" }.to_owned()),
        ("Dumped in", duration(*elapsed)),
    ]);
    let why = dump.disturbed().map(|why| paragraph(&why));
    facts + &why.unwrap_or_default() + &skipped_table(counts)
}
