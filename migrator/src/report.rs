//! What came of a command: for a person, and as JSON for a script. Schema 1; fields are added, never renamed.

use replicator::error::Side;
use serde_json::{Value, json};

use crate::conductor::{Ended, Method};
use crate::migration::Migration;
use crate::state::State;
use crate::step::Touches;
use crate::steps::{Findings, RECOVERY};

/// A report of a migration.
pub struct Report<'a> {
    /// `run`, `resume`, `rollback`.
    pub command: &'static str,
    /// The file of the plan, for the next command.
    pub plan_file: String,
    /// How it was done.
    pub method: &'a Method,
    /// What is known.
    pub state: &'a State,
    /// How it ended.
    pub ended: &'a Ended,
}

impl Report<'_> {
    /// In a word.
    pub fn verdict(&self) -> &'static str {
        match self.ended {
            Ended::Done => "done",
            Ended::Paused(_) => "paused",
            Ended::Interrupted => "interrupted",
            Ended::Failed(_) => "failed, nothing changed",
            Ended::RolledBack(_) => "rolled back",
            Ended::NeedsPerson { .. } => "needs a person",
        }
    }

    /// What went wrong.
    pub(crate) fn errors(&self) -> Vec<String> {
        match self.ended {
            Ended::Failed(error) | Ended::RolledBack(Some(error)) => vec![error.to_string()],
            Ended::NeedsPerson { failed, stuck } => {
                let stuck = stuck.as_ref().map(|stuck| format!("and it could not go back: {stuck}"));
                std::iter::once(failed.to_string()).chain(stuck).collect()
            }
            Ended::Done | Ended::Paused(_) | Ended::Interrupted | Ended::RolledBack(None) => Vec::new(),
        }
    }

    /// What to do next.
    pub(crate) fn next(&self) -> Option<String> {
        let command = |name: &str| format!("zkmigrator {name} --plan {}", self.plan_file);
        let method = if self.method.name == RECOVERY.name { " --method recovery" } else { "" };
        let run = format!("{}{method} --execute", command("run"));
        match self.ended {
            Ended::Done | Ended::RolledBack(None) => None,
            Ended::RolledBack(Some(_)) => Some(format!("see to the cause, then: {run}")),
            Ended::Failed(_) if !self.state.copied => Some(format!("see to the cause, then: {run}")),
            Ended::Paused(_) | Ended::Interrupted | Ended::Failed(_) | Ended::NeedsPerson { .. } => Some(format!(
                "{} (goes on) or {} (goes back, while there is a way)",
                command("resume"),
                command("rollback")
            )),
        }
    }

    /// For a person.
    pub fn text(&self) -> String {
        let State { id, cluster_root, times, proof, tables, notes, .. } = self.state;
        let mut lines = vec![format!("{} {id}{}: {}", self.command, of_root(cluster_root), self.verdict())];
        if let Ended::Paused(step) = self.ended {
            lines.push(format!("  paused before        {step}"));
        }
        for error in self.errors() {
            lines.push(format!("  {error}"));
        }
        for (index, step) in self.method.steps.iter().enumerate() {
            lines.push(format!("  {:<20} {}", step.name().to_string(), standing(self.state, index)));
        }
        if let Some(tables) = tables {
            lines.push(format!("  tables               {} with {} partitions", tables.tables, tables.partitions));
        }
        if let Some(proof) = proof {
            let kind = if proof.is_full() { "read in full" } else { "ACLs by their versions, all else read in full" };
            lines
                .push(format!("  last proof           {} znodes equal, {kind}; digest {}", proof.znodes, proof.digest));
        }
        if let Some(freeze) = times.freeze_ms() {
            let own = times.processes_ms().map_or(String::new(), |own| {
                format!(" ({} ms without the processes' stop and start)", freeze.saturating_sub(own))
            });
            lines.push(format!("  freeze time          {freeze} ms{own}"));
        }
        let is_recovery = self.method.name == RECOVERY.name;
        if is_recovery {
            lines.extend(recovery_lines(self.state));
        }
        if let Some(away) = times.away_ms().filter(|_| !is_recovery) {
            let own = times.processes_ms().map_or(String::new(), |own| {
                format!(" ({} ms without the processes' stop and start)", away.saturating_sub(own))
            });
            lines.push(format!("  without meta server  {away} ms{own}"));
        }
        lines.extend(notes.iter().map(|note| format!("  note: {note}")));
        lines.extend(self.next().map(|next| format!("  next: {next}")));
        lines.join("\n") + "\n"
    }

    /// For a script.
    pub fn json(&self) -> Value {
        let State { id, cluster_root, lock_root, leader, level, times, proof, tables, notes, .. } = self.state;
        let steps: Vec<Value> = self
            .method
            .steps
            .iter()
            .enumerate()
            .map(|(index, step)| json!({"name": step.name(), "standing": standing(self.state, index)}))
            .collect();
        let recovery = (self.method.name == RECOVERY.name).then_some(&self.state.recovery);
        // In a recovery much else is done between a stop and a start.
        let less = |time: Option<u64>| match recovery {
            Some(_) => None,
            None => Some(time?.saturating_sub(times.processes_ms()?)),
        };
        json!({
            "schema": 1,
            "command": self.command,
            "method": self.method.name,
            "verdict": self.verdict(),
            "exit_code": self.ended.exit_code(),
            "migration": id,
            "cluster_root": cluster_root,
            "lock_root": lock_root,
            "leader": leader,
            "level_before": level,
            "steps": steps,
            "errors": self.errors(),
            "tables": tables,
            "proof": proof,
            "proof_kind": proof.as_ref().map(|proof| if proof.is_full() { "full" } else { "acls by version" }),
            "freeze_ms": times.freeze_ms(),
            "freeze_without_processes_ms": less(times.freeze_ms()),
            "away_ms": times.away_ms(),
            "away_without_processes_ms": less(times.away_ms()),
            "times_ms": times,
            "recovery": recovery,
            "notes": notes,
            "next": self.next(),
        })
    }
}

/// How long nothing was served, and what came of it.
pub(crate) fn recovery_lines(state: &State) -> Vec<String> {
    let State { times, recovery, .. } = state;
    let since = |end: Option<u64>, begin: Option<u64>| end?.checked_sub(begin?);
    let mut lines = Vec::new();
    if let Some(outage) = since(recovery.rebuilt, times.leader_stopping) {
        let leases = since(times.leader_starting, times.leader_gone).unwrap_or_default();
        let rebuilt = since(recovery.rebuilt, recovery.sent).unwrap_or_default();
        lines.push(format!(
            "  outage               {outage} ms until the tables were rebuilt ({leases} ms for the leases, {rebuilt} ms to rebuild)"
        ));
    }
    if let Some(normal) = since(times.leader_serves, times.leader_stopping) {
        lines.push(format!("  normal again         {normal} ms after the first stop"));
    }
    if let Some(accounts) = &recovery.accounts {
        let compared =
            if accounts.is_compared { "compared with the lists" } else { "compared with nothing: there was no list" };
        lines.push(format!(
            "  recovered            {} tables with {} partitions, {} nodes; {compared}: {} lost, {} renamed, {} came back to \
             life, {} nodes missing",
            accounts.tables,
            accounts.partitions,
            accounts.nodes,
            accounts.lost.len(),
            accounts.renamed.len(),
            accounts.revived.len(),
            accounts.nodes_missing.len()
        ));
    }
    lines
}

/// ` of /pegasus/onebox`; nothing where the root was never known.
pub(crate) fn of_root(root: &str) -> String {
    if root.is_empty() { String::new() } else { format!(" of {root}") }
}

/// How far a step has come.
pub fn standing(state: &State, index: usize) -> &'static str {
    match () {
        () if index < state.done => "done",
        () if index < state.begun => "begun",
        () => "open",
    }
}

/// What a rehearsal shows: what was found, and the steps with all that they would do.
pub fn rehearsal(migration: &Migration, method: &Method, found: &Findings, diffs: &[String]) -> (String, Value) {
    let verdict = if found.wrong.is_empty() { "can begin" } else { "can't begin" };
    let mut lines = vec![format!("migration of {} by {}: {verdict}", migration.plan.cluster, method.name)];
    lines.extend(found.wrong.iter().map(|text| format!("  wrong: {text}")));
    lines.extend(found.fine.iter().map(|text| format!("  fine: {text}")));
    lines.extend(found.notes.iter().map(|text| format!("  note: {text}")));
    lines.extend(found.unchecked.iter().map(|text| format!("  not checked: {text}")));
    let mut steps = Vec::new();
    for (index, step) in method.steps.iter().enumerate() {
        let away = if step.touches() == Touches::Outage { " [no meta server]" } else { "" };
        lines.push(format!("{}. {}: {}{away}", index + 1, step.name(), step.purpose()));
        let acts = step.describe(migration);
        lines.extend(acts.iter().map(|act| format!("     {act}")));
        steps.push(json!({"name": step.name(), "purpose": step.purpose(), "acts": acts}));
    }
    let (lock, worst) = (migration.lock_outlives(Side::Source), migration.way_back_within());
    let way_back = format!(
        "going back after the leader was stopped: its lock outlives it for up to {}, so with the limits for its stop and its \
         start a leader serves again within {} in the worst case",
        humantime::format_duration(lock),
        humantime::format_duration(worst)
    );
    lines.push(way_back.clone());
    lines.extend(diffs.iter().cloned());
    lines.push("nothing was changed".to_owned());
    let json = json!({
        "schema": 1,
        "command": "plan",
        "method": method.name,
        "verdict": verdict,
        "exit_code": if found.wrong.is_empty() { 0 } else { 2 },
        "wrong": found.wrong,
        "fine": found.fine,
        "notes": found.notes,
        "not_checked": found.unchecked,
        "steps": steps,
        "lock_outlives_ms": u64::try_from(lock.as_millis()).unwrap_or(u64::MAX),
        "way_back_within_ms": u64::try_from(worst.as_millis()).unwrap_or(u64::MAX),
        "diffs": diffs,
    });
    (lines.join("\n") + "\n", json)
}
