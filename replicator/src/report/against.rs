//! What came of comparing one tree with a certificate.

use std::fmt::{self, Write};

use serde_json::{Value, json};

use super::verify::{differences_text, reading_json, reading_text, subtrees_json, subtrees_text};
use super::{Task, elapsed_text, exit, grouped, latencies_json, millis, rate, retries, skipped_json, skipped_text};
use crate::certificate::Certificate;
use crate::options::CounterPolicy;
use crate::verify::AgainstReport;

/// What can't be read may be what differs: nothing is certain then.
pub(super) fn exit_code(against: &AgainstReport, certificate: &Certificate) -> u8 {
    if against.unreadable.unreadable > 0 {
        exit::ERROR
    } else if against.is_equal(certificate) {
        exit::DONE
    } else {
        exit::DIFFERENT
    }
}

pub(super) fn json(against: &AgainstReport, certificate: &Certificate) -> Value {
    let Certificate { tool, time, terms, source, .. } = certificate;
    let unreadable = against.unreadable.list.iter().map(|difference| difference.path.as_str());
    json!({
        "equal": against.is_equal(certificate),
        "certificate": {
            "tool": tool,
            "time": time,
            "znodes": source.sum.znodes,
            "bytes": source.sum.bytes,
            "digest": source.sum.digest.to_string(),
        },
        "tree": reading_json(&against.tree),
        "counters": match terms.counters {
            CounterPolicy::Compare => "compared",
            CounterPolicy::Ignore => "not compared",
        },
        "subtrees": subtrees_json(&against.subtrees, ["certificate", "tree"]),
        "unreadable": against.unreadable.unreadable,
        "unreadable_list": unreadable.collect::<Vec<_>>(),
        "skipped": skipped_json(&against.skipped),
        "retries": retries::side_json(&against.retries),
        "latency_us": latencies_json(&against.latencies, &[])["source"],
        "elapsed_ms": millis(against.elapsed),
        "znodes_per_second": rate(against.tree.sum.znodes, against.elapsed),
    })
}

pub(super) fn text(task: &Task, against: &AgainstReport, certificate: &Certificate, text: &mut String) -> fmt::Result {
    differences_text(&against.unreadable, text)?;
    subtrees_text(&against.subtrees, ["certificate", "tree"], text)?;
    let verdict = match exit_code(against, certificate) {
        exit::DONE => "equal",
        exit::DIFFERENT => "different",
        _ => "not all could be read",
    };
    writeln!(text, "{verdict}: {} and certificate {} of {}", task.source, task.target, certificate.time)?;
    let sum = certificate.source.sum;
    writeln!(text, "  certified   {} znodes, {}, digest {}", grouped(sum.znodes), super::bytes(sum.bytes), sum.digest)?;
    reading_text("tree", &against.tree, text)?;
    skipped_text(&against.skipped, text)?;
    if certificate.terms.counters == CounterPolicy::Compare {
        writeln!(text, "  counters    compared, and part of the digests")?;
    }
    retries::side_text("tree", &against.retries, text)?;
    elapsed_text(against.tree.sum.znodes, against.elapsed, text)
}
