//! How many znodes a dry run has counted, from the document that it wrote: for the status line's estimate, and nothing else.
//!
//! What is written is decided by what both trees are when it is written; a plan that is old makes the estimate wrong, and the
//! copy not. One of another command or of other trees says nothing of this one, and is refused.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use super::trees::same_tree;
use crate::error::{Error, Result};
use crate::limits;
use crate::report::{self, Task};

/// What of a command's document is looked at.
#[derive(Deserialize)]
struct Document {
    version: u32,
    command: String,
    source: String,
    target: String,
    include: Vec<String>,
    exclude: Vec<String>,
    verdict: String,
    plan: Option<Plan>,
}

#[derive(Deserialize)]
struct Plan {
    znodes: Znodes,
}

#[derive(Deserialize)]
struct Znodes {
    read: u64,
}

/// The number of znodes that the dry run in `file` has read, if it was one of `task`.
pub(super) fn znodes(file: &Path, task: &Task) -> Result<u64> {
    let counted = read(file).and_then(|bytes| of_document(&bytes, task));
    counted.map_err(|why| {
        Error::bad_input(format!(
            "--plan {}: {why}: nothing was changed; give what the same command has written with --dry-run --format json --out \
             FILE, or leave --plan out: it is for the estimate alone",
            file.display()
        ))
    })
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|opened| opened.take(limits::PLAN_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(|error| error.to_string())?;
    if bytes.len() as u64 > limits::PLAN_BYTES_MAX {
        return Err(format!("it has more than {} bytes, and no plan has", limits::PLAN_BYTES_MAX));
    }
    Ok(bytes)
}

fn of_document(bytes: &[u8], task: &Task) -> Result<u64, String> {
    let document: Document =
        serde_json::from_slice(bytes).map_err(|error| format!("it is no document of a dry run: {error}"))?;
    let Document { version, command, source, target, include, exclude, verdict, plan } = document;
    if version != report::VERSION {
        return Err(format!("it has version {version}, and this program knows version {}", report::VERSION));
    }
    let Some(plan) = plan else { return Err(format!("it is no plan: its verdict is {verdict:?}")) };
    if command != task.command {
        return Err(format!("it is the plan of a {command}, and this is a {}", task.command));
    }
    for (side, planned, wanted) in [("source", source, &task.source), ("target", target, &task.target)] {
        if !same_tree(&planned, wanted) {
            return Err(format!("its {side} is {planned:?}, and here it is {wanted:?}"));
        }
    }
    if (&include, &exclude) != (&task.include, &task.exclude) {
        return Err("it was made with another --include or --exclude".to_owned());
    }
    Ok(plan.znodes.read)
}

#[cfg(test)]
mod tests;
