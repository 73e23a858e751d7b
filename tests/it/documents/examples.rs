//! The examples that `--help` shows, as a shell runs them.

use std::path::Path;

use super::world::World;
use crate::product::{Run, finish};
use crate::terminal::{PROGRAMS, said};

/// What stands under one sentence.
pub(crate) struct Example {
    /// The sentence, where there is one.
    pub(crate) what: String,
    /// Commands, each on a line, or on several with a backslash at the end.
    pub(crate) script: String,
}

impl Example {
    /// Runs it in `place`.
    pub(crate) async fn run(&self, world: &World, place: &Path) -> Result<Run, Box<dyn std::error::Error>> {
        Ok(finish(world.shell(&self.script, place)?.spawn()?).await)
    }
}

/// What `program COMMAND --help` shows: none that is broken over lines where a terminal is narrow.
pub(crate) fn of(program: &str, command: &str) -> Result<Vec<Example>, Box<dyn std::error::Error>> {
    let (_, path, _) = PROGRAMS.into_iter().find(|(name, ..)| *name == program).ok_or("no such program")?;
    let help = said(path, &[command, "--help"])?;
    let (_, shown) = help.split_once("\nExamples:\n").ok_or("no examples")?;
    let mut examples = Vec::new();
    let mut what = String::new();
    for paragraph in shown.split("\n\n") {
        let mut script = Vec::new();
        for line in paragraph.lines() {
            match line.strip_prefix("    ") {
                Some(typed) => script.push(typed),
                None => line.trim().clone_into(&mut what),
            }
        }
        if !script.is_empty() {
            examples.push(Example { what: std::mem::take(&mut what), script: script.join("\n") });
        }
    }
    assert!(!examples.is_empty(), "{program} {command} --help has no example:\n{help}");
    Ok(examples)
}
