//! Runs of the real program, and what is made of several of them.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::hose::Result;

/// A run that ended well.
#[derive(Clone, Debug)]
pub struct Run {
    /// The document that it printed.
    pub report: Value,
    /// From the start of the process to its end.
    pub wall: Duration,
}

/// The release build of `zkreplicator` beside the benchmark's own.
pub fn zkreplicator() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    // target/release/deps/line-... -> target/release/zkreplicator
    let program = own.ancestors().nth(2).ok_or("the benchmark runs from nowhere")?.join("zkreplicator");
    if program.exists() { Ok(program) } else { Err("build it first: cargo build --release -p replicator".into()) }
}

/// Runs it with `--format json`; anything but exit code 0 is an error.
pub fn run(args: &[&str]) -> Result<Run> {
    let started = Instant::now();
    let output = Command::new(zkreplicator()?).args(args).args(["--format", "json"]).output()?;
    let wall = started.elapsed();
    if !output.status.success() {
        return Err(format!("{args:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(Run { report: serde_json::from_slice(&output.stdout)?, wall })
}

impl Run {
    /// One number of the report, by its JSON pointer: `/copy/elapsed_ms`.
    pub fn figure(&self, pointer: &str) -> Result<f64> {
        let figure = self.report.pointer(pointer).and_then(Value::as_f64);
        figure.ok_or_else(|| format!("the report has no number at {pointer}").into())
    }

    /// What the copy took, in seconds, from its first connect to its last acknowledgement.
    pub fn copy_s(&self) -> Result<f64> {
        Ok(self.figure("/copy/elapsed_ms")? / 1e3)
    }

    /// Processor time of the whole process for each znode that was read, in microseconds.
    pub fn cpu_us_per_znode(&self) -> Result<f64> {
        let ms = self.figure("/process/user_ms")? + self.figure("/process/system_ms")?;
        Ok(ms * 1e3 / self.figure("/copy/znodes/read")?)
    }

    /// The most memory that was resident at once, in MiB.
    pub fn resident_mib(&self) -> Result<f64> {
        Ok(self.figure("/process/resident_bytes_max")? / f64::from(1 << 20))
    }
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

/// The median of one figure of several runs.
pub fn median_of(runs: &[Run], figure: impl Fn(&Run) -> Result<f64>) -> Result<f64> {
    Ok(median(&runs.iter().map(figure).collect::<Result<Vec<_>>>()?))
}

/// The reports of several runs, for the raw figures.
pub fn reports(runs: &[Run]) -> Vec<&Value> {
    runs.iter().map(|run| &run.report).collect()
}
