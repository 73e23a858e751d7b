//! How long the servers were spared, and why.

use std::fmt::{self, Write};

use serde_json::{Value, json};

use super::{grouped, millis};
use crate::error::Side;
use crate::pace::Waits;

/// `null` where nobody has asked for it.
pub(super) fn json(waited: &[(Side, Waits)]) -> Value {
    if waited.is_empty() {
        return Value::Null;
    }
    let side = |(side, waits): &(Side, Waits)| {
        let waits = json!({
            "rate_ms": millis(waits.rate),
            "latency_ms": millis(waits.latency),
            "paused_ms": millis(waits.paused),
            "backed_off": waits.backed_off,
        });
        (side.to_string(), waits)
    };
    Value::Object(waited.iter().map(side).collect())
}

pub(super) fn text(waited: &[(Side, Waits)], text: &mut String) -> fmt::Result {
    for (side, Waits { rate, latency, paused, backed_off }) in waited {
        let (rate, latency, paused) = (rate.as_secs_f64(), latency.as_secs_f64(), paused.as_secs_f64());
        let backed_off = grouped(*backed_off);
        writeln!(
            text,
            "  waited      {side}: {rate:.1} s at the rate that was set, {latency:.1} s for its latency ({backed_off} times \
             backed off), {paused:.1} s paused"
        )?;
    }
    Ok(())
}
