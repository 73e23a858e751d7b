//! What the report says of quotas.

use std::fmt::{self, Write};

use serde_json::{Value, json};

use super::grouped;
use crate::quota::{Becomes, QuotaReport};

/// One word for a script, and a few for a person.
fn became(becomes: Becomes) -> (&'static str, &'static str) {
    match becomes {
        Becomes::Set => ("set", "set"),
        Becomes::Kept => ("kept", "kept"),
        Becomes::FilteredOut => ("filtered", "skipped: its znode is left out by --include or --exclude"),
        Becomes::Absent => ("absent", "skipped: the target has no such znode"),
        Becomes::AtRoot => ("at_root", "NOT SET: the root of an ensemble can't have one"),
        Becomes::Nested => {
            ("nested", "NOT SET: the target has another one above or below it; see there with listquota, then delquota")
        }
        Becomes::Garbled => ("garbled", "NOT SET: no server can parse its limits; set them anew at the source"),
    }
}

pub(super) fn json(quotas: &QuotaReport) -> Value {
    let list = quotas.list.iter().map(|(path, becomes)| json!({ "path": path.as_str(), "became": became(*becomes).0 }));
    json!({
        "set": quotas.set,
        "kept": quotas.kept,
        "skipped": quotas.skipped,
        "refused": quotas.refused,
        "list": list.collect::<Vec<_>>(),
    })
}

pub(super) fn text(quotas: &QuotaReport, text: &mut String) -> fmt::Result {
    let count = |count: usize| grouped(count as u64);
    let QuotaReport { set, kept, skipped, list, .. } = quotas;
    writeln!(text, "  quotas      {} set, {} kept, {} skipped", count(*set), count(*kept), count(*skipped))?;
    for (path, becomes) in list {
        writeln!(text, "              {} {}", path.as_str().escape_debug(), became(*becomes).1)?;
    }
    let more = (set + kept + skipped).saturating_sub(list.len());
    if more > 0 {
        writeln!(text, "              ... and {} more", count(more))?;
    }
    Ok(())
}
