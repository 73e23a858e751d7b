//! `zkmigrator status`: what the journal says.

use std::time::Duration;

use super::method::method_of;
use super::typed::Common;
use super::{Written, in_format};
use crate::error::Result;
use crate::journal::{Contents, Journal};
use crate::report::{of_root, standing};
use crate::state::now_ms;

/// Says what the journal says.
pub(super) fn status(common: &Common) -> Result<Written> {
    let (plan, _) = common.read()?;
    // The first migration makes the directory.
    let contents = if plan.journal.exists() { Journal::look(&plan.journal)? } else { Contents::default() };
    let method = method_of(&contents)?;
    let (Some(state), Some(last)) = (contents.state(), contents.records.last()) else {
        let json = serde_json::json!({
            "schema": 1, "command": "status", "exit_code": 0, "migration": null, "ended": true, "steps": [], "next": null,
        });
        return Ok(Written::of(in_format(common.format, "no migration was begun\n", &json), 0, None));
    };
    let ended = contents.is_ended();
    let mut lines = vec![format!(
        "migration {}{}: {}",
        state.id,
        of_root(&state.cluster_root),
        if ended { "ended" } else { "not ended" }
    )];
    let mut json_steps = Vec::new();
    for (index, step) in method.steps.iter().enumerate() {
        let standing = standing(state, index);
        lines.push(format!("  {:<20} {standing}", step.name().to_string()));
        json_steps.push(serde_json::json!({"name": step.name(), "standing": standing}));
    }
    lines.push(format!("  last record          {} ({} ago)", last.entry, ago(last.at_ms)));
    if contents.torn > 0 {
        lines.push(format!("  the last {} bytes of the journal were torn by a crash", contents.torn));
    }
    let plan = common.plan.display();
    let next = (!ended).then(|| format!("zkmigrator resume --plan {plan} or zkmigrator rollback --plan {plan}"));
    lines.extend(next.iter().map(|next| format!("  next: {next}")));
    let json = serde_json::json!({
        "schema": 1,
        "command": "status",
        "exit_code": 0,
        "migration": state.id,
        "ended": ended,
        "steps": json_steps,
        "last": last.entry.to_string(),
        "last_at_ms": last.at_ms,
        "records": contents.records.len(),
        "torn_bytes": contents.torn,
        "state": state,
        "next": next,
    });
    Ok(Written::of(in_format(common.format, &(lines.join("\n") + "\n"), &json), 0, None))
}

fn ago(at_ms: u64) -> String {
    let passed = Duration::from_secs(now_ms().saturating_sub(at_ms) / 1000);
    humantime::format_duration(passed).to_string()
}
