//! The whole line between two real servers, against the floor measured in the same run.
//!
//! Without a mode: a copy into an empty target against a fire-hose that reads the source's tree and another that writes
//! it to the target, at the same time, with frames built beforehand. The modes are in `src/modes`, how each is run in
//! `runs/README.md`.
//!
//! `cargo build --release -p replicator && cargo bench --bench line -- --tree pegasus --znodes 100000`

use std::path::PathBuf;
use std::time::Duration;

use benches::bed::{Bed, Task};
use benches::hose::Result;
use benches::modes;
use benches::modes::delay::Far;
use benches::shape::{Shape, Tree};
use clap::{Args, Parser};

// A script may set a default before what its user says: the last one counts.
#[derive(Parser)]
#[command(args_override_self = true)]
struct Options {
    /// Shape of the tree
    #[arg(long, value_enum, default_value_t = Shape::Pegasus)]
    tree: Shape,
    /// Its size
    #[arg(long, default_value_t = 100_000)]
    znodes: usize,
    /// Alternated runs
    #[arg(long, default_value_t = 7)]
    runs: usize,
    /// Read and copy ACLs too; the floor then includes a getACL for each znode
    #[arg(long)]
    acls: bool,
    /// Options of the copy, as one word each: --copy-option=--transport=zookeeper-client
    #[arg(long, allow_hyphen_values = true)]
    copy_option: Vec<String>,
    /// File for the raw figures, as JSON
    #[arg(long)]
    out: Option<PathBuf>,
    /// Heap of each server, in MiB
    #[arg(long, default_value_t = 2048)]
    heap_mb: u32,
    /// Which servers are far away, with --delay-ms
    #[arg(long, value_enum, default_value_t = Far::Both, requires = "delay_ms")]
    delay_side: Far,
    /// A way to the servers on which a round trip takes this long, in ms, against the same without; with --peer-jar, for
    /// both of us
    #[arg(long, conflicts_with_all = ["again", "sizes"])]
    delay_ms: Option<u64>,
    #[command(flatten)]
    mode: Mode,
    /// What cargo adds
    #[arg(long, hide = true)]
    bench: bool,
}

/// At most one of them.
#[derive(Args)]
#[group(multiple = false)]
struct Mode {
    /// A second copy into an identical target, against reading both sides flat out
    #[arg(long)]
    again: bool,
    /// Trees of these sizes instead of one: whether the time of a znode is the same for all
    #[arg(long, value_delimiter = ',')]
    sizes: Vec<usize>,
    /// zkcopy beside us; see peers/README.md
    #[arg(long)]
    peer_jar: Option<PathBuf>,
    /// A removal of the tree, against one delete at a time
    #[arg(long)]
    rm: bool,
    /// A dump against the time to read the tree, and a restore against the time to write it
    #[arg(long)]
    archive: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let Options { tree, znodes, runs, acls, copy_option, out, heap_mb, delay_side, delay_ms, mode, .. } =
        Options::parse();
    let task = Task { tree: Tree { shape: tree, znodes }, acls, copy_options: copy_option, runs };
    let round_trip = delay_ms.map(Duration::from_millis);
    let mut bed = Bed::start(heap_mb).await?;
    let document = match &mode {
        Mode { again: true, .. } => modes::again::measure(&mut bed, &task).await?,
        Mode { peer_jar: Some(jar), .. } => match round_trip {
            Some(round_trip) => modes::peer::measure_far(&mut bed, &task, jar, round_trip).await?,
            None => modes::peer::measure(&mut bed, &task, jar).await?,
        },
        Mode { archive: true, .. } => modes::archive::measure(&mut bed, &task).await?,
        Mode { rm: true, .. } => modes::rm::measure(&mut bed, &task).await?,
        Mode { sizes, .. } if !sizes.is_empty() => modes::sizes::measure(&mut bed, &task, sizes).await?,
        Mode { .. } => match round_trip {
            Some(round_trip) => modes::delay::measure(&mut bed, &task, round_trip, delay_side).await?,
            None => modes::floor::measure(&mut bed, &task).await?,
        },
    };
    if let Some(out) = out {
        std::fs::write(out, format!("{document:#}\n"))?;
    }
    Ok(())
}
