//! The program behind `./demo.sh`: real trees, copied and verified between two throwaway servers.
//!
//! It starts a source and a target, fills the source with the tree that a real Pegasus meta server wrote and with a
//! generated one of 100,000 znodes, then runs the real `zkreplicator` on each, as an operator would: its command lines are
//! shown and its output is not touched. The digests that prove the copies are the ones that `zkreplicator verify` prints.
//!
//! It stops at the first command that fails, and says which. The servers die with it, however it ends.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what the operator reads is this program's product")]

use std::{
    env,
    iter::successors,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use harness::{Server, ServerOptions};
use tokio::{
    process::Command,
    signal::unix::{SignalKind, signal},
};

/// Pegasus's own root on the server that the golden tree was recorded from.
const GOLDEN_ROOT: &str = harness::golden::CLUSTER_ROOT;
const GENERATED_ROOT: &str = "/pegasus/generated";
const GENERATED_ZNODES: usize = 100_000;
/// The same tree on every machine, so that its digest can be compared between them.
const GENERATED_SEED: u64 = 1;
/// 100,000 znodes with their statistics and indexes take a few hundred MB of a server's heap.
const HEAP_MB: u32 = 1024;
/// What a shell reports for a program that ended on an interrupt.
const INTERRUPTED: u8 = 130;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// One tree's way through the demo.
struct Run {
    root: &'static str,
    copied_in: Duration,
    verified_in: Duration,
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = tokio::select! {
        // The program under demonstration gets the same interrupt and ends: that is not the failure to report.
        biased;
        outcome = interrupted() => match outcome {
            Ok(()) => return ExitCode::from(INTERRUPTED),
            Err(error) => Err(error),
        },
        outcome = demo() => outcome,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("demo: {error}");
            for cause in successors(error.source(), |&cause| cause.source()) {
                eprint!(": {cause}");
            }
            eprintln!();
            ExitCode::FAILURE
        }
    }
}

/// Returns when the operator wants to stop: the demo's future is then dropped, and its servers with it.
async fn interrupted() -> Result<(), Failure> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

async fn demo() -> Result<(), Failure> {
    let started = Instant::now();
    let program = program()?;
    println!("starting two throwaway ZooKeeper servers");
    let source = Server::start(server_options()).await?;
    let target = Server::start(server_options()).await?;
    println!("source {}, target {}", source.at("/"), target.at("/"));

    // The session stays open to the end: the golden tree's ephemeral znodes live as long as it does.
    let client = source.client().await?;
    let golden = harness::golden::live();
    let loaded = harness::golden::load(&client, "", &golden).await?;
    println!("loaded {GOLDEN_ROOT}: {} znodes, as a real Pegasus meta server wrote them", loaded.znodes);
    let generated = harness::tree::pegasus_like(GENERATED_SEED, GENERATED_ZNODES);
    let loaded = harness::load(&client, GENERATED_ROOT, generated).await?;
    println!("loaded {GENERATED_ROOT}: {} znodes, generated in the shape of a large Pegasus cluster's", loaded.znodes);

    let mut runs = Vec::new();
    for root in [GOLDEN_ROOT, GENERATED_ROOT] {
        let (source, target) = (source.at(root), target.at(root));
        let copied_in = run(&program, &["copy", &source, &target]).await?;
        let verified_in = run(&program, &["verify", &source, &target]).await?;
        runs.push(Run { root, copied_in, verified_in });
    }
    drop(client);
    source.stop().await?;
    target.stop().await?;
    summarize(&runs, started.elapsed());
    Ok(())
}

fn server_options() -> ServerOptions {
    ServerOptions::default().heap_mb(HEAP_MB)
}

/// The program under demonstration: `ZKREPLICATOR_BIN`, or the `zkreplicator` that was built beside this one.
fn program() -> Result<PathBuf, Failure> {
    let path = match env::var_os("ZKREPLICATOR_BIN") {
        Some(path) => PathBuf::from(path),
        None => env::current_exe()?.with_file_name("zkreplicator"),
    };
    if path.is_file() {
        Ok(path)
    } else {
        Err(format!("{}: no such file; cargo build --release -p replicator makes it", path.display()).into())
    }
}

/// Runs the program in the operator's sight and returns how long it took.
async fn run(program: &PathBuf, arguments: &[&str]) -> Result<Duration, Failure> {
    let line = format!("zkreplicator {}", arguments.join(" "));
    println!("\n$ {line}");
    let started = Instant::now();
    let status = Command::new(program)
        .args(arguments)
        .kill_on_drop(true)
        .status()
        .await
        .map_err(|error| format!("{}: {error}", program.display()))?;
    if status.success() { Ok(started.elapsed()) } else { Err(format!("{line}: {status}").into()) }
}

fn summarize(runs: &[Run], total: Duration) {
    println!("\n{:<20} {:>9} {:>9}", "tree", "copy", "verify");
    for Run { root, copied_in, verified_in } in runs {
        println!("{root:<20} {:>7.2} s {:>7.2} s", copied_in.as_secs_f64(), verified_in.as_secs_f64());
    }
    println!("both trees copied and verified equal; servers stopped; {:.1} s in all", total.as_secs_f64());
}
