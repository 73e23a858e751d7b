//! zkcopy beside us: the same servers, the same tree, in turn.
//!
//! Both are timed from the start of their process to its end. zkcopy ends with exit code 0 whatever happens, so what it
//! has made is verified: a peer that is fast since it left half the tree out is not fast.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

use crate::bed::{Bed, SOURCE_ROOT, Task};
use crate::hose::Result;
use crate::runs::{median, reports, run};

/// How long zkcopy is given: it takes eleven minutes for 1,000,000 znodes, and for a chain of 30 it never ends.
const ZKCOPY_LIMIT: Duration = Duration::from_secs(3_600);

/// Alternates our copy and that of the jar, both into a target that has nothing.
pub async fn measure(bed: &mut Bed, task: &Task, jar: &Path) -> Result<Value> {
    let mut document = bed.load(SOURCE_ROOT, task.tree).await.map(|loaded| task.document("peer", loaded))?;
    bed.copy_afresh(task, SOURCE_ROOT, task.tree).await?;
    let (mut copies, mut peers) = (Vec::new(), Vec::new());
    for _ in 0..task.runs {
        let copy = bed.copy_afresh(task, SOURCE_ROOT, task.tree).await?;
        let peer = zkcopy(bed, task, jar).await?;
        println!("copy {:.3} s, zkcopy {:.3} s", copy.wall.as_secs_f64(), peer.as_secs_f64());
        copies.push(copy);
        peers.push(peer.as_secs_f64());
    }
    let walls: Vec<f64> = copies.iter().map(|copy| copy.wall.as_secs_f64()).collect();
    let (copy, peer) = (median(&walls), median(&peers));
    println!("medians of {}: copy {copy:.3} s, zkcopy {peer:.3} s, ratio {:.1}", task.runs, peer / copy);
    document["copy"] = json!(reports(&copies));
    document["copy_wall_s"] = json!(walls);
    document["zkcopy_wall_s"] = json!(peers);
    document["median"] = json!({ "copy_s": copy, "zkcopy_s": peer, "ratio": peer / copy });
    Ok(document)
}

/// zkcopy with its own defaults.
async fn zkcopy(bed: &mut Bed, task: &Task, jar: &Path) -> Result<Duration> {
    let root = bed.fresh_root();
    let (source, target) = (bed.source.at(SOURCE_ROOT), bed.target.at(&root));
    let started = Instant::now();
    let mut zkcopy = Command::new("java")
        .arg("-jar")
        .arg(jar)
        .args(["--source", &source, "--target", &target])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let status = timeout(ZKCOPY_LIMIT, zkcopy.wait()).await??;
    let elapsed = started.elapsed();
    if !status.success() {
        return Err(format!("zkcopy ended with {status}").into());
    }
    run(&["verify", "--acl", "ignore", &source, &target])?;
    bed.remove(&root, task.tree).await?;
    Ok(elapsed)
}
