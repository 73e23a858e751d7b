//! What came of a copy or a sync.

use std::fmt::{self, Write};

use serde_json::{Value, json};

use super::{
    Task, archive, bytes, elapsed_text, grouped, latencies_json, latencies_text, masked, millis, more_text, quota,
    rate, retries, skipped_json, skipped_text,
};
use crate::copy::{CopyReport, Passes};
use crate::ephemerals::Owner;
use crate::znode::ZnodePath;

/// What is to be said about kinds that the client protocol hides (DataNode.java:153,166-172).
const CONTAINERS_AND_TTL: &str = "can't be told from persistent ones by a client, and are copied as such";

pub(super) fn json(copy: &CopyReport) -> Value {
    let counts = copy.counts;
    json!({
        "znodes": {
            "read": counts.read,
            "created": counts.created,
            "data_set": counts.data_set,
            "acl_set": counts.acl_set,
            "deleted": counts.deleted,
            "kept": counts.kept,
            "ancestors_created": copy.ancestors_created,
        },
        "bytes": { "read": counts.read_bytes, "written": counts.written_bytes },
        "write_requests": counts.requests,
        "counter_steps": counts.counter_raised,
        "passes": {
            "count": 1 + copy.passes.later.len(),
            "later_writes": copy.passes.later,
            "settled": copy.passes.settled,
        },
        "skipped": skipped_json(&counts),
        "mtime_max_ms": counts.mtime_max_ms,
        "ephemerals_as_persistent": counts.ephemeral_taken,
        "ephemeral_owners": owners_json(&copy.ephemeral_owners),
        "containers_and_ttl": CONTAINERS_AND_TTL,
        "masked_acls": masked::json(&copy.masked),
        "quotas": copy.quotas.as_ref().map(quota::json),
        "archive": copy.archive.as_ref().map(archive::restored_json),
        "retries": retries::json(&copy.source_retries, &copy.target_retries),
        "latency_us": latencies_json(&copy.source_latencies, &copy.target_latencies),
        "elapsed_ms": millis(copy.elapsed),
        "znodes_per_second": rate(counts.read, copy.elapsed),
    })
}

pub(super) fn text(task: &Task, copy: &CopyReport, text: &mut String) -> fmt::Result {
    let counts = copy.counts;
    let done = match task.command {
        "sync" => "synced",
        "verify" => "fixed",
        "restore" => "restored",
        _ => "copied",
    };
    let removed = match counts.deleted {
        0 => String::new(),
        deleted => format!(", {} removed", grouped(deleted)),
    };
    writeln!(text, "{done} {} to {}", task.source, task.target)?;
    writeln!(
        text,
        "  znodes      {} read, {} created, {} kept, data set on {}, ACL set on {}{removed}",
        grouped(counts.read),
        grouped(counts.created),
        grouped(counts.kept),
        grouped(counts.data_set),
        grouped(counts.acl_set)
    )?;
    writeln!(text, "  bytes       {} read, {} written", bytes(counts.read_bytes), bytes(counts.written_bytes))?;
    if counts.counter_raised > 0 {
        let steps = grouped(counts.counter_raised);
        writeln!(text, "  counters    raised by {steps} step(s), so that sequential children go on from the source's")?;
    }
    if task.command == "zkcopy" {
        writeln!(
            text,
            "  mtime       {} of the newest znode at the source, for the --mtime of a later run",
            counts.mtime_max_ms
        )?;
    }
    if let Some(restored) = &copy.archive {
        archive::restored_text(restored, text)?;
    }
    passes_text(&copy.passes, text)?;
    skipped_text(&counts, text)?;
    owners_text(&copy.ephemeral_owners, text)?;
    if counts.ephemeral_taken > 0 {
        let taken = grouped(counts.ephemeral_taken);
        writeln!(
            text,
            "  WARNING     {taken} ephemeral(s) were copied as persistent znodes: nothing will ever remove them"
        )?;
    }
    writeln!(text, "  containers  and TTL znodes {CONTAINERS_AND_TTL}")?;
    masked::text(&copy.masked, text)?;
    if let Some(quotas) = &copy.quotas {
        quota::text(quotas, text)?;
    }
    retries::text(&copy.source_retries, &copy.target_retries, text)?;
    latencies_text(&copy.source_latencies, &copy.target_latencies, text)?;
    elapsed_text(counts.read, copy.elapsed, text)
}

fn passes_text(Passes { later, settled }: &Passes, text: &mut String) -> fmt::Result {
    let writes: u64 = later.iter().sum();
    if !settled {
        let passes = grouped(1 + later.len() as u64);
        writeln!(text, "  passes      {passes}; THE SOURCE CHANGED DURING THE COPY and did not stand still in the end")
    } else if writes > 0 {
        let (passes, writes) = (grouped(1 + later.len() as u64), grouped(writes));
        writeln!(
            text,
            "  passes      {passes}; the source changed meanwhile, {writes} write(s) brought the target after it"
        )
    } else {
        Ok(())
    }
}

pub(super) fn owners_json(owners: &[Owner]) -> Value {
    let owner = |Owner { session, znodes, paths }: &Owner| {
        let paths: Vec<_> = paths.iter().map(ZnodePath::as_str).collect();
        json!({ "session": format!("{session:#x}"), "znodes": znodes, "paths": paths })
    };
    owners.iter().map(owner).collect()
}

pub(super) fn owners_text(owners: &[Owner], text: &mut String) -> fmt::Result {
    for Owner { session, znodes, paths } in owners {
        writeln!(text, "              {} of session {session:#x}:", grouped(*znodes))?;
        for path in paths {
            writeln!(text, "                {}", path.as_str().escape_debug())?;
        }
        more_text(*znodes, paths.len(), text)?;
    }
    Ok(())
}
