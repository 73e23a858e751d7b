//! What an edit changes, for a person: a unified diff that shows no secret.
//!
//! A configuration file may hold passwords beside what is edited: a line around a change is not shown if it holds one of
//! [`SECRET_WORDS`], be it a key or a comment, and neither is such a comment behind what is changed.

use std::fmt::Write;

use similar::{ChangeTag, TextDiff};

/// Lines around a change.
const CONTEXT_LINES: usize = 3;

/// A line that holds one of them, in whatever case, may hold a secret.
const SECRET_WORDS: [&str; 8] = ["password", "passwd", "secret", "sasl", "key", "token", "credential", "auth"];

/// The unified diff of a file called `name`; empty where nothing changes. Control characters are escaped.
pub fn diff(name: &str, before: &[u8], after: &[u8]) -> String {
    let (before, after) = (String::from_utf8_lossy(before), String::from_utf8_lossy(after));
    let diff = TextDiff::from_lines(&*before, &*after);
    let mut text = String::new();
    for hunk in diff.unified_diff().context_radius(CONTEXT_LINES).iter_hunks() {
        if text.is_empty() {
            let name = replicator::terminal::line(name);
            let _ = writeln!(text, "--- {name}\n+++ {name}");
        }
        let _ = writeln!(text, "{}", hunk.header());
        for change in hunk.iter_changes() {
            // Line ends are not shown: an edit never changes one.
            let line = change.value().trim_end_matches(['\r', '\n']);
            let (shown, hidden) = match change.tag() {
                ChangeTag::Equal => ("", line),
                _ => line.split_at(line.find(['#', ';']).unwrap_or(line.len())),
            };
            let hidden = if may_hold_a_secret(hidden) { "(not shown: it may hold a secret)" } else { hidden };
            let line = replicator::terminal::line(shown) + replicator::terminal::line(hidden);
            let _ = writeln!(text, "{}{line}", change.tag());
        }
    }
    text
}

fn may_hold_a_secret(text: &str) -> bool {
    let text = text.to_lowercase();
    SECRET_WORDS.iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests;
