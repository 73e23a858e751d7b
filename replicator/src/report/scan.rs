//! What came of a scan, as text and as JSON.

use std::fmt::{self, Write};

use serde_json::{Value, json};

use super::copy::{owners_json, owners_text};
use super::{
    Acls, Task, VERSION, acl_json, bytes, elapsed_text, error_json, exit, grouped, latencies_json, latencies_text,
    millis, more_text, rate, resources_json, skipped_json, skipped_text,
};
use crate::error::{Error, ErrorKind};
use crate::resources::Resources;
use crate::scan::{AclCensus, AclUse, Bucket, Census, Levels, Listed, LongList, Problems, ScanReport, Top};

/// Shares of all znodes at which the size of their data is told.
const SHARES: [(&str, f64); 5] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999), ("p9999", 0.9999)];
/// Levels, and distinct ACLs, that the text shows; the JSON has all of them.
const LINES_MAX: usize = 20;
/// What is to be said about kinds that the client protocol hides (DataNode.java:153,166-172).
const CONTAINERS_AND_TTL: &str = "can't be told from persistent ones by a client, and are counted as such";

/// A scan, what it was asked and what it came to.
#[derive(Debug)]
pub struct Account<'a> {
    /// What was asked.
    pub task: &'a Task,
    /// What came of it.
    pub scanned: &'a Result<ScanReport, Error>,
    /// What it has cost this process.
    pub resources: Resources,
}

impl Account<'_> {
    /// The exit code, as a verify has it: what could not be read makes the figures wrong.
    pub fn exit_code(&self) -> u8 {
        match self.scanned {
            Err(error) if error.kind == ErrorKind::Interrupted => exit::INTERRUPTED,
            Err(_) => exit::ERROR,
            Ok(report) if report.census.problems.unreadable.count > 0 => exit::ERROR,
            Ok(report) if report.skipped.vanished > 0 => exit::NOT_PROVEN,
            Ok(_) => exit::DONE,
        }
    }

    /// The same in a word or two.
    pub fn verdict(&self) -> &'static str {
        match (self.exit_code(), self.scanned) {
            (exit::DONE, _) => "done",
            (exit::NOT_PROVEN, _) => "source changed",
            (exit::INTERRUPTED, _) => "interrupted",
            (_, Ok(_)) => "not complete",
            (_, Err(_)) => "failed",
        }
    }

    /// One JSON document.
    pub fn json(&self) -> Value {
        let Self { task, scanned, resources } = self;
        json!({
            "version": VERSION,
            "command": task.command,
            "source": task.source,
            "acl": acl_json(task.acls),
            "include": task.include,
            "exclude": task.exclude,
            "verdict": self.verdict(),
            "exit_code": self.exit_code(),
            "scan": scanned.as_ref().ok().map(|report| report_json(task, report)),
            "process": resources_json(resources),
            "error": scanned.as_ref().err().map(error_json),
        })
    }

    /// The same for a person; errors are not part of it.
    pub fn text(&self) -> String {
        let mut text = String::new();
        if let Ok(report) = self.scanned {
            // Writing to a String can't fail.
            let _ = self.write_text(report, &mut text);
        }
        text
    }

    fn write_text(&self, report: &ScanReport, text: &mut String) -> fmt::Result {
        let ScanReport { census, zxid, skipped, latencies, elapsed } = report;
        let behind = zxid.map(|zxid| format!(", behind zxid {zxid}")).unwrap_or_default();
        writeln!(text, "scanned {}{behind}", self.task.source)?;
        writeln!(
            text,
            "  znodes      {}, {} of them ephemeral, {} level(s) below the root",
            grouped(census.znodes),
            grouped(census.ephemerals),
            grouped(census.levels.max as u64)
        )?;
        writeln!(text, "  bytes       {} of data, {} of paths", bytes(census.data_bytes), bytes(census.path_bytes))?;
        skipped_text(skipped, text)?;
        levels_text(&census.levels, text)?;
        sizes_text(census, text)?;
        top_text("largest", "data", &census.largest, bytes, text)?;
        top_text("widest", "children", &census.widest, grouped, text)?;
        top_text("counters", "children ever created", &census.counters, grouped, text)?;
        acls_text(self.task.acls, &census.acls, text)?;
        if census.ephemerals > 0 {
            writeln!(text, "  ephemerals  {}", grouped(census.ephemerals))?;
            owners_text(&census.ephemeral_owners(), text)?;
        }
        writeln!(text, "  containers  and TTL znodes {CONTAINERS_AND_TTL}")?;
        problems_text(&census.problems, text)?;
        latencies_text(latencies, &[], text)?;
        elapsed_text(census.znodes, *elapsed, text)?;
        let processor = self.resources.processor().as_secs_f64();
        let memory = bytes(self.resources.resident_bytes_max);
        writeln!(text, "  cost        {processor:.2} s of processor time, {memory} of memory")?;
        match self.exit_code() {
            exit::ERROR => writeln!(text, "  INCOMPLETE  what could not be read is not in the figures"),
            exit::NOT_PROVEN => writeln!(text, "  changed     the tree changed while it was read"),
            _ => Ok(()),
        }
    }
}

fn report_json(task: &Task, report: &ScanReport) -> Value {
    let ScanReport { census, zxid, skipped, latencies, elapsed } = report;
    let Census { levels, .. } = census;
    let sizes = SHARES.into_iter().map(|(name, share)| (name.to_owned(), census.size_at(share).into()));
    let bucket = |bucket: Bucket| json!({ "from": bucket.from, "to": bucket.to, "znodes": bucket.znodes });
    json!({
        "zxid": zxid.map(|zxid| zxid.to_string()),
        "znodes": {
            "total": census.znodes,
            "ephemeral": census.ephemerals,
            "null_data": task.transport.tells_null_from_empty().then_some(census.null),
            "empty_data": task.transport.tells_null_from_empty().then_some(census.empty),
        },
        "bytes": { "data": census.data_bytes, "paths": census.path_bytes },
        "levels": { "max": levels.max, "znodes": levels.znodes, "deeper": levels.deeper },
        "data_bytes": {
            "percentiles": sizes.chain([("max".to_owned(), census.size_at(1.0).into())]).collect::<serde_json::Map<_, _>>(),
            "histogram": census.buckets().into_iter().map(bucket).collect::<Vec<_>>(),
        },
        "largest": top_json(&census.largest, "bytes"),
        "widest": top_json(&census.widest, "children"),
        "counters": top_json(&census.counters, "counter"),
        "acls": (task.acls != Acls::NotRead).then(|| acls_json(&census.acls)),
        "ephemeral_owners": owners_json(&census.ephemeral_owners()),
        "containers_and_ttl": CONTAINERS_AND_TTL,
        "problems": problems_json(&census.problems),
        "skipped": skipped_json(skipped),
        "latency_us": latencies_json(latencies, &[])["source"],
        "elapsed_ms": millis(*elapsed),
        "znodes_per_second": rate(census.znodes, *elapsed),
    })
}

fn top_json(top: &Top, what: &str) -> Value {
    top.iter().map(|(value, path)| json!({ "path": path.as_str(), what: value })).collect()
}

fn acls_json(acls: &AclCensus) -> Value {
    let list = acls.by_use().into_iter().map(
        |(acl, AclUse { znodes, first })| json!({ "acl": acl.to_string(), "znodes": znodes, "first": first.as_str() }),
    );
    json!({ "distinct": acls.distinct(), "others": acls.others, "list": list.collect::<Vec<_>>() })
}

fn problems_json(problems: &Problems) -> Value {
    let Problems { oversized, masked_acls, long_lists, counters, unreadable } = problems;
    json!({
        "total": problems.total(),
        "oversized": listed_json(oversized, |bytes| json!({ "request_bytes": bytes })),
        "masked_acls": listed_json(masked_acls, |acl| json!({ "acl": acl.to_string() })),
        "long_lists": listed_json(long_lists, |LongList { children, reply_bytes }| {
            json!({ "children": children, "reply_bytes": reply_bytes })
        }),
        "counters": listed_json(counters, |counter| json!({ "counter": counter })),
        "unreadable": listed_json(unreadable, |code| json!({ "why": code.to_string() })),
    })
}

fn listed_json<T>(listed: &Listed<T>, what: impl Fn(&T) -> Value) -> Value {
    let list = listed.list.iter().map(|(path, found)| {
        let mut entry = what(found);
        entry["path"] = path.as_str().into();
        entry
    });
    json!({ "count": listed.count, "list": list.collect::<Vec<_>>() })
}

fn levels_text(Levels { znodes, deeper, .. }: &Levels, text: &mut String) -> fmt::Result {
    let shown = znodes.iter().take(LINES_MAX).enumerate();
    let shown: Vec<String> = shown.map(|(level, count)| format!("{level}: {}", grouped(*count))).collect();
    let rest = znodes.iter().skip(LINES_MAX).sum::<u64>() + deeper;
    let rest = if rest > 0 { format!(", below: {}", grouped(rest)) } else { String::new() };
    writeln!(text, "  by level    {}{rest}", shown.join(", "))
}

fn sizes_text(census: &Census, text: &mut String) -> fmt::Result {
    let at = |(name, share): (&str, f64)| format!("{name} {}", bytes(census.size_at(share)));
    let shares: Vec<String> = SHARES.map(at).into();
    writeln!(text, "  data        {}, max {}", shares.join(", "), bytes(census.size_at(1.0)))?;
    for Bucket { from, to, znodes } in census.buckets() {
        let name = if to == 0 { "none".to_owned() } else { format!("{} to {}", bytes(from), bytes(to + 1)) };
        if znodes > 0 {
            let share = znodes as f64 / census.znodes.max(1) as f64 * 100.0;
            writeln!(text, "              {name:<24} {:>13} ({share:.1} %)", grouped(znodes))?;
        }
    }
    Ok(())
}

fn top_text(name: &str, unit: &str, top: &Top, number: fn(u64) -> String, text: &mut String) -> fmt::Result {
    for (index, (value, path)) in top.iter().enumerate() {
        let name = if index == 0 { name } else { "" };
        writeln!(text, "  {name:<11} {} {unit}  {}", number(value), path.as_str().escape_debug())?;
    }
    Ok(())
}

fn acls_text(read: Acls, acls: &AclCensus, text: &mut String) -> fmt::Result {
    if read == Acls::NotRead {
        return writeln!(text, "  ACLs        not read");
    }
    writeln!(text, "  ACLs        {} distinct", grouped(acls.distinct() as u64))?;
    for (acl, AclUse { znodes, first }) in acls.by_use().into_iter().take(LINES_MAX) {
        let (acl, first) = (acl.to_string(), first.as_str().escape_debug());
        writeln!(text, "              {} of {}, first {first}", grouped(*znodes), acl.escape_debug())?;
    }
    more_text(acls.distinct() as u64, acls.distinct().min(LINES_MAX), text)?;
    match acls.others {
        0 => Ok(()),
        others => writeln!(text, "              {} of others, which are too many to tell apart", grouped(others)),
    }
}

fn problems_text(problems: &Problems, text: &mut String) -> fmt::Result {
    if problems.total() == 0 {
        return writeln!(text, "  problems    none");
    }
    writeln!(text, "  PROBLEMS    {}", grouped(problems.total()))?;
    let Problems { oversized, masked_acls, long_lists, counters, unreadable } = problems;
    listed_text("oversized", oversized, |size| format!("needs a request of {}", bytes(*size as u64)), text)?;
    listed_text("masked ACL", masked_acls, |acl| acl.to_string().escape_debug().to_string(), text)?;
    let long = |LongList { children, reply_bytes }: &LongList| {
        format!("{} children, a reply of {}", grouped(*children as u64), bytes(*reply_bytes as u64))
    };
    listed_text("long list", long_lists, long, text)?;
    listed_text("counter", counters, |counter| format!("{} of 2,147,483,647", grouped(u64::from(*counter))), text)?;
    listed_text("unreadable", unreadable, ToString::to_string, text)
}

fn listed_text<T>(
    name: &str,
    Listed { count, list }: &Listed<T>,
    what: impl Fn(&T) -> String,
    text: &mut String,
) -> fmt::Result {
    for (path, found) in list {
        writeln!(text, "              {name}: {} ({})", path.as_str().escape_debug(), what(found))?;
    }
    more_text(*count, list.len(), text)
}

#[cfg(test)]
mod tests;
