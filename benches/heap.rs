//! Whether a source whose heap has little to spare survives a copy of large values, at full size.
//!
//! A server builds the answer to a multiRead in its heap without bound, so a reader that asks for too much at once kills
//! it. ZooKeeper keeps its whole tree in heap: what can be given is the tree and some to spare. The same cases run
//! smaller in `tests/it/limits.rs`.
//!
//! `cargo build --release -p replicator && cargo bench --bench heap -- --spare-mb 512`

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::path::PathBuf;

use benches::hose::Result;
use benches::runs::run;
use clap::{Parser, ValueEnum};
use harness::tree::{self, TreeZnode};
use harness::{Server, ServerOptions, load_lean};
use serde_json::{Value, json};

/// Data of a large value, in bytes.
const VALUE_BYTES: usize = 900_000;
/// Small znodes on each side of the values.
const SMALL: usize = 50_000;
/// One in so many znodes is a value.
const ONE_IN: usize = 50;

#[derive(Parser)]
struct Options {
    /// What the tree looks like; all of them one after the other, if not given
    #[arg(long, value_enum)]
    case: Vec<Case>,
    /// Heap of the source beside its tree, in MiB
    #[arg(long, default_value_t = 512)]
    spare_mb: u32,
    /// Large values in a tree; the number for each case, if not given
    #[arg(long)]
    values: Option<usize>,
    /// File for the raw figures, as JSON
    #[arg(long)]
    out: Option<PathBuf>,
    /// What cargo adds
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Case {
    /// 2,000 values of one parent
    Values,
    /// 1,000 values, siblings of 50,000 small znodes
    Between,
    /// 20,000 znodes of one parent, one in 50 a value
    Among,
}

impl Case {
    fn values(self) -> usize {
        match self {
            Self::Values => 2_000,
            Self::Between => 1_000,
            Self::Among => 400,
        }
    }

    /// Znodes of the tree, near enough for its heap.
    fn znodes(self, values: usize) -> usize {
        match self {
            Self::Values => values,
            Self::Between => 2 * SMALL + values,
            Self::Among => values * ONE_IN,
        }
    }

    fn tree(self, values: usize) -> Box<dyn Iterator<Item = TreeZnode> + Send> {
        match self {
            Self::Values => Box::new(tree::big_values(1, values, VALUE_BYTES)),
            Self::Between => Box::new(tree::values_between_small(1, SMALL, values, VALUE_BYTES)),
            Self::Among => Box::new(tree::values_among_small(1, values * ONE_IN, ONE_IN, VALUE_BYTES)),
        }
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let cases = if options.case.is_empty() { Case::value_variants() } else { &options.case };
    let mut figures = Vec::new();
    for case in cases {
        figures.push(measure(*case, &options).await?);
    }
    if let Some(out) = &options.out {
        std::fs::write(out, format!("{:#}\n", Value::from(figures)))?;
    }
    Ok(())
}

async fn measure(case: Case, options: &Options) -> Result<Value> {
    let values = options.values.unwrap_or(case.values());
    let (znodes, bytes) = (case.znodes(values), values * VALUE_BYTES);
    let tree_mb = tree::heap_mb(znodes, bytes);
    let source = Server::start(ServerOptions::default().heap_mb(tree_mb + options.spare_mb)).await?;
    let loaded = load_lean(&source.client().await?, "/source", case.tree(values)).await?;
    let target = Server::start(ServerOptions::default().heap_mb(tree::written_heap_mb(znodes, bytes))).await?;
    println!("{case:?}: {} znodes, {values} values, source's heap {tree_mb} + {} MiB", loaded.znodes, options.spare_mb);
    let (from, to) = (source.at("/source"), target.at("/target"));
    let mut reports = Vec::new();
    for command in ["copy", "verify"] {
        let run = run(&[command, &from, &to]);
        if !source.is_running() {
            return Err(format!("the source died:\n{}", source.log()).into());
        }
        let run = run?;
        let (ms, resident) = (run.figure(&format!("/{command}/elapsed_ms"))?, run.resident_mib()?);
        println!("{case:?}: the source lives after a {command} of {ms} ms, {resident:.1} MiB resident");
        reports.push(run.report);
    }
    Ok(json!({
        "case": format!("{case:?}"), "znodes": loaded.znodes, "values": values, "bytes": loaded.bytes,
        "tree_mb": tree_mb, "spare_mb": options.spare_mb, "reports": reports,
    }))
}
