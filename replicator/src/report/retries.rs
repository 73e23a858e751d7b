//! How often servers had to be tried again, by side and kind.

use std::fmt::{self, Write};

use serde_json::{Value, json};

use super::grouped;
use crate::error::Side;
use crate::retry::Retries;

pub(super) fn json(source: &Retries, target: &Retries) -> Value {
    json!({ "source": side_json(source), "target": side_json(target) })
}

/// Those of a command that ended with an error, by side.
pub(super) fn sides_json(sides: &[(Side, Retries)]) -> Value {
    Value::Object(sides.iter().map(|(side, retries)| (side.to_string(), side_json(retries))).collect())
}

pub(super) fn side_json(retries: &Retries) -> Value {
    json!({
        "reconnects": retries.reconnects,
        "sessions_replaced": retries.sessions_replaced,
        "throttled": retries.throttled,
        "writes_read_back": retries.writes_read_back,
        "writes_repeated": retries.writes_repeated,
        "sessions_missing": retries.sessions_missing,
    })
}

/// A line for each side that had any.
pub(super) fn text(source: &Retries, target: &Retries, text: &mut String) -> fmt::Result {
    side_text("source", source, text)?;
    side_text("target", target, text)
}

pub(super) fn side_text(side: &str, retries: &Retries, text: &mut String) -> fmt::Result {
    let kinds = [
        (retries.reconnects, "session(s) came back"),
        (retries.sessions_replaced, "session(s) had expired and were replaced"),
        (retries.throttled, "request(s) were throttled"),
        (retries.writes_read_back, "write request(s) of unknown outcome were read back"),
        (retries.writes_repeated, "write request(s) were sent again"),
        (retries.sessions_missing, "session(s) fewer than wanted (maxClientCnxns?)"),
    ];
    let told = kinds.into_iter().filter(|(count, _)| *count > 0);
    let told: Vec<_> = told.map(|(count, what)| format!("{} {what}", grouped(count))).collect();
    if told.is_empty() { Ok(()) } else { writeln!(text, "  retries     {side}: {}", told.join(", ")) }
}
