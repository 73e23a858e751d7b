//! What came of a dump, and what a restore says of its archive.

use std::fmt::{self, Write};

use serde_json::{Value, json};

use super::copy::{owners_json, owners_text};
use super::{
    Task, bytes, elapsed_text, grouped, latencies_json, latencies_text, masked, millis, more_text, rate, retries,
    skipped_json, skipped_text,
};
use crate::archive::dump::DumpReport;
use crate::archive::{End, Head, Loss, Losses, MadeUp};
use crate::copy::Restored;
use crate::retry::Retries;
use crate::znode::{ZnodePath, Zxid};

pub(super) fn dump_json(dump: &DumpReport) -> Value {
    let DumpReport { counts, end, file_bytes, masked, ephemeral_owners, latencies, retries, elapsed } = dump;
    json!({
        "archive": end_json(end),
        "file_bytes": file_bytes,
        "written_while_read": dump.disturbed(),
        "skipped": skipped_json(counts),
        "ephemeral_owners": owners_json(ephemeral_owners),
        "masked_acls": masked::json(masked),
        "retries": retries::side_json(retries),
        "latency_us": latencies_json(latencies, &[])["source"],
        "elapsed_ms": millis(*elapsed),
        "znodes_per_second": rate(end.znodes, *elapsed),
    })
}

fn end_json(end: &End) -> Value {
    let zxid = |zxid: Option<i64>| zxid.map(|zxid| Zxid(zxid).to_string());
    json!({
        "znodes": end.znodes,
        "data_bytes": end.data_bytes,
        "path_bytes": end.path_bytes,
        "ephemerals": end.ephemerals,
        "blocks": end.blocks,
        "digest": end.digest,
        "zxid": zxid(end.zxid),
        "zxid_after": zxid(end.zxid_after),
        "settled": end.settled,
    })
}

pub(super) fn dump_text(task: &Task, dump: &DumpReport, text: &mut String) -> fmt::Result {
    let DumpReport { counts, end, file_bytes, masked, ephemeral_owners, latencies, retries, elapsed } = dump;
    writeln!(text, "dumped {} to {}", task.source, task.target)?;
    let raw = end.data_bytes + end.path_bytes;
    writeln!(
        text,
        "  znodes      {}, {} of data and {} of paths",
        grouped(end.znodes),
        bytes(end.data_bytes),
        bytes(end.path_bytes)
    )?;
    let share = *file_bytes as f64 / raw.max(1) as f64 * 100.0;
    let blocks = grouped(end.blocks.into());
    writeln!(text, "  archive     {} in {blocks} block(s), {share:.1} % of data and paths", bytes(*file_bytes))?;
    writeln!(text, "  digest      {}", end.digest)?;
    moment_text(end, text)?;
    if let Some(why) = dump.disturbed() {
        writeln!(text, "              {why}")?;
    }
    skipped_text(counts, text)?;
    owners_text(ephemeral_owners, text)?;
    masked::text(masked, text)?;
    retries::text(retries, &Retries::default(), text)?;
    latencies_text(latencies, &[], text)?;
    elapsed_text(end.znodes, *elapsed, text)
}

fn moment_text(end: &End, text: &mut String) -> fmt::Result {
    let at = |zxid: Option<i64>| zxid.map_or("an unknown one".to_owned(), |zxid| Zxid(zxid).to_string());
    if end.settled {
        writeln!(text, "  moment      that of zxid {}", at(end.zxid))
    } else {
        writeln!(text, "  moment      NONE: it was read between zxid {} and {}", at(end.zxid), at(end.zxid_after))
    }
}

pub(super) fn restored_json(restored: &Restored) -> Value {
    let Restored { head, end, losses, made_up } = restored;
    json!({
        "head": head_json(head),
        "end": end.as_ref().map(end_json),
        "lost": losses_json(losses),
        "made_up": made_up_json(made_up),
    })
}

fn head_json(Head { tool, time, source, include, exclude, .. }: &Head) -> Value {
    json!({ "tool": tool, "time": time, "source": source, "include": include, "exclude": exclude })
}

fn losses_json(losses: &Losses) -> Value {
    let loss = |loss: &Loss| {
        json!({
            "first_frame": loss.first, "last_frame": loss.last, "znodes": loss.znodes, "text": loss.to_string()
        })
    };
    json!({
        "count": losses.count,
        "znodes": losses.znodes,
        "more_znodes": losses.more,
        "list": losses.list.iter().map(loss).collect::<Vec<_>>(),
    })
}

fn made_up_json(MadeUp { count, list }: &MadeUp) -> Value {
    json!({ "count": count, "list": list.iter().map(ZnodePath::as_str).collect::<Vec<_>>() })
}

pub(super) fn restored_text(restored: &Restored, text: &mut String) -> fmt::Result {
    let Restored { head, end, losses, made_up } = restored;
    writeln!(text, "  archive     of {}, {}", head.source, head.time)?;
    if let Some(end) = end {
        moment_text(end, text)?;
    }
    if losses.is_empty() {
        return Ok(());
    }
    writeln!(text, "  LOST        {} znode(s) of a damaged archive:", losses.znodes_text())?;
    for loss in &losses.list {
        writeln!(text, "              {loss}")?;
    }
    more_text(losses.count, losses.list.len(), text)?;
    if made_up.count > 0 {
        let count = grouped(made_up.count);
        writeln!(text, "  made up     {count} lost znode(s) with null data, as parents of others:")?;
        for path in &made_up.list {
            writeln!(text, "              {}", path.as_str().escape_debug())?;
        }
        more_text(made_up.count, made_up.list.len(), text)?;
    }
    Ok(())
}
