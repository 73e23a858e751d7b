//! What the report says of a dry run: the plan.

use std::fmt::{self, Write};
use std::time::Duration;

use serde_json::{Value, json};

use super::copy::{owners_json, owners_text};
use super::{Task, archive, bytes, grouped, masked, millis, more_text, quota, skipped_json, skipped_text};
use crate::copy::dry_run::{DryRun, Estimate};
use crate::rehearsal::{Block, Blocker, Change, Notes};
use crate::target::abilities::Abilities;

pub(super) fn json(planned: &DryRun) -> Value {
    let DryRun { counts, notes, abilities, estimate, .. } = planned;
    json!({
        "znodes": {
            "read": counts.read,
            "create": counts.created,
            "set_data": counts.data_set,
            "set_acl": counts.acl_set,
            "remove": counts.deleted,
            "keep": counts.kept,
            "create_ancestors": planned.ancestors,
        },
        "bytes": { "read": counts.read_bytes, "write": counts.written_bytes },
        "write_requests": counts.requests,
        "counter_steps": counts.counter_raised,
        "removals_allowed": planned.removals_allowed,
        "skipped": skipped_json(counts),
        "ephemeral_owners": owners_json(&planned.ephemeral_owners),
        "quotas": planned.quotas.as_ref().map(quota::json),
        "archive": planned.archive.as_ref().map(archive::restored_json),
        "masked_acls": masked::json(&planned.masked),
        "target": { "containers": abilities.containers, "ttl": abilities.ttl },
        "blockers": blockers_json(notes),
        "changes": notes.changes_listed.iter().map(change_json).collect::<Vec<_>>(),
        "estimated_ms": {
            "reading": millis(estimate.reading),
            "writing": millis(estimate.writing),
            "least": millis(estimate.least()),
            "most": millis(estimate.most()),
        },
        "elapsed_ms": millis(planned.elapsed),
    })
}

fn blockers_json(notes: &Notes) -> Value {
    let list = notes.blockers_listed.iter().map(|Blocker { block, error }| {
        json!({
            "kind": block.name(),
            "side": error.side.map(|side| side.to_string()),
            "path": error.path,
            "message": error.to_string(),
        })
    });
    let by_kind = notes.blockers.iter().map(|(block, count)| (block.name().to_owned(), (*count).into()));
    json!({
        "count": notes.blocked(),
        "by_kind": by_kind.collect::<serde_json::Map<_, _>>(),
        "list": list.collect::<Vec<_>>(),
    })
}

fn change_json(Change { what, path }: &Change) -> Value {
    json!({ "change": what, "path": path.as_str() })
}

pub(super) fn text(task: &Task, planned: &DryRun, text: &mut String) -> fmt::Result {
    let DryRun { counts, notes, abilities, estimate, .. } = planned;
    writeln!(text, "plan of a {} from {} to {}: nothing was written", task.command, task.source, task.target)?;
    writeln!(
        text,
        "  znodes      {} read, {} to create, {} to keep, data to set on {}, ACL to set on {}, {} to remove",
        grouped(counts.read),
        grouped(counts.created + planned.ancestors as u64),
        grouped(counts.kept),
        grouped(counts.data_set),
        grouped(counts.acl_set),
        grouped(counts.deleted),
    )?;
    writeln!(text, "  bytes       {} read, {} to write", bytes(counts.read_bytes), bytes(counts.written_bytes))?;
    if counts.counter_raised > 0 {
        let steps = grouped(counts.counter_raised);
        writeln!(text, "  counters    to raise by {steps} step(s), each a create and a delete (--no-counters: none)")?;
    }
    if let Some(restored) = &planned.archive {
        archive::restored_text(restored, text)?;
    }
    skipped_text(counts, text)?;
    owners_text(&planned.ephemeral_owners, text)?;
    masked::text(&planned.masked, text)?;
    if let Some(quotas) = &planned.quotas {
        quota::text(quotas, text)?;
    }
    for Change { what, path } in &notes.changes_listed {
        writeln!(text, "  change      {what} {}", path.as_str().escape_debug())?;
    }
    more_text(notes.changes, notes.changes_listed.len(), text)?;
    abilities_text(*abilities, text)?;
    blockers_text(notes, text)?;
    estimate_text(estimate, text)
}

fn abilities_text(Abilities { containers, ttl }: Abilities, text: &mut String) -> fmt::Result {
    let held = |ability| match ability {
        Some(true) => "taken",
        Some(false) => "not taken",
        None => "not known (the server ended the session when it was asked)",
    };
    writeln!(text, "  target      containers are {}, TTL znodes are {}", held(containers), held(ttl))?;
    if ttl == Some(false) {
        writeln!(
            text,
            "              for TTL znodes start its servers with -Dzookeeper.extendedTypesEnabled=true; the source's \
             can't be told from persistent ones by a client"
        )?;
    }
    Ok(())
}

fn blockers_text(notes: &Notes, text: &mut String) -> fmt::Result {
    if notes.blocked() == 0 {
        return writeln!(text, "  blockers    none");
    }
    let count = |block: &Block, count: &u64| format!("{} {block}", grouped(*count));
    let kinds: Vec<String> = notes.blockers.iter().map(|(block, of)| count(block, of)).collect();
    writeln!(text, "  BLOCKERS    {}: {}", grouped(notes.blocked()), kinds.join(", "))?;
    for Blocker { error, .. } in &notes.blockers_listed {
        writeln!(text, "              {error}")?;
    }
    more_text(notes.blocked(), notes.blockers_listed.len(), text)
}

fn estimate_text(estimate: &Estimate, text: &mut String) -> fmt::Result {
    let seconds = Duration::as_secs_f64;
    writeln!(
        text,
        "  estimated   {:.1} to {:.1} s: reading took {:.1} s now, writing is taken for {:.1} s, with a round trip of {:.1} ms",
        seconds(&estimate.least()),
        seconds(&estimate.most()),
        seconds(&estimate.reading),
        seconds(&estimate.writing),
        seconds(&estimate.round_trip) * 1e3,
    )
}
