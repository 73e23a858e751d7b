//! Runs of the real program, and what is made of several of them.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::hose::Result;

/// The release build of `zkreplicator` beside the benchmark's own.
pub fn zkreplicator() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    // target/release/deps/line-... -> target/release/zkreplicator
    let program = own.ancestors().nth(2).ok_or("the benchmark runs from nowhere")?.join("zkreplicator");
    if program.exists() { Ok(program) } else { Err("build it first: cargo build --release -p replicator".into()) }
}

/// Runs it with `--format json`; anything but exit code 0 is an error.
pub fn run(args: &[&str]) -> Result<Value> {
    let output = Command::new(zkreplicator()?).args(args).args(["--format", "json"]).output()?;
    if !output.status.success() {
        return Err(format!("{args:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The median of some figures.
pub fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => sorted[len / 2],
        len => f64::midpoint(sorted[len / 2 - 1], sorted[len / 2]),
    }
}
