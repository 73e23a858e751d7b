//! zkcopy beside us: the same servers, the same tree, in turn.
//!
//! Both are timed from the start of their process to its end. zkcopy ends with exit code 0 whatever happens, so what it
//! has made is verified: a peer that is fast since it left half the tree out is not fast.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use harness::Proxy;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

use crate::bed::{Bed, SOURCE_ROOT, Task, copy};
use crate::hose::Result;
use crate::runs::{median, reports, run};
use crate::shape::Tree;

/// How long zkcopy is given: it takes eleven minutes for 1,000,000 znodes, and for a chain of 30 it never ends.
const ZKCOPY_LIMIT: Duration = Duration::from_secs(3_600);

/// Copies before any is timed: a server that has just started takes half as long again for the first ones, until its code is
/// compiled; zkcopy runs for long enough not to notice.
const WARM_UP: usize = 6;

/// Of how many znodes zkcopy gets one, where each costs it several round trips.
const FAR_SHARE: usize = 100;
const SMALL_ROOT: &str = "/small";

/// Alternates our copy and that of the jar, both into a target that has nothing.
pub async fn measure(bed: &mut Bed, task: &Task, jar: &Path) -> Result<Value> {
    let mut document = bed.load(SOURCE_ROOT, task.tree).await.map(|loaded| task.document("peer", loaded))?;
    for _ in 0..WARM_UP {
        bed.copy_afresh(task, SOURCE_ROOT, task.tree).await?;
    }
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

/// The same over a way on which a round trip takes this long, to both servers: the time of a znode. zkcopy waits for each
/// of its requests, so it gets a tree of a hundredth of the znodes.
pub async fn measure_far(bed: &mut Bed, task: &Task, jar: &Path, round_trip: Duration) -> Result<Value> {
    let mut document = bed.load(SOURCE_ROOT, task.tree).await.map(|loaded| task.document("peer-far", loaded))?;
    let small = Task { tree: Tree { znodes: task.tree.znodes / FAR_SHARE, ..task.tree }, ..task.clone() };
    bed.load(SMALL_ROOT, small.tree).await?;
    bed.copy_afresh(task, SOURCE_ROOT, task.tree).await?;
    let (source, target) = (Proxy::start(bed.source.address())?, Proxy::start(bed.target.address())?);
    source.delay(round_trip / 2);
    target.delay(round_trip / 2);
    let (mut copies, mut ours, mut peers) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..task.runs {
        let root = bed.fresh_root();
        let copied = copy(task, &source.at(SOURCE_ROOT), &target.at(&root), &[])?;
        bed.remove(&root, task.tree).await?;
        let root = bed.fresh_root();
        let peer = time(jar, &source.at(SMALL_ROOT), &target.at(&root)).await?;
        run(&["verify", "--acl", "ignore", &bed.source.at(SMALL_ROOT), &bed.target.at(&root)])?;
        bed.remove(&root, small.tree).await?;
        let of_znode = |wall: Duration, tree: Tree| wall.as_secs_f64() * 1e6 / tree.znodes as f64;
        let (our, peer) = (of_znode(copied.wall, task.tree), of_znode(peer, small.tree));
        println!("a znode: copy {our:.1} us, zkcopy {peer:.0} us");
        ours.push(our);
        peers.push(peer);
        copies.push(copied);
    }
    let (copy, peer) = (median(&ours), median(&peers));
    println!("medians of {}: a znode takes {copy:.1} us, zkcopy {peer:.0} us, ratio {:.0}", task.runs, peer / copy);
    document["round_trip_ms"] = json!(round_trip.as_secs_f64() * 1e3);
    document["zkcopy_znodes"] = json!(small.tree.znodes);
    document["copy"] = json!(reports(&copies));
    document["copy_us_per_znode"] = json!(ours);
    document["zkcopy_us_per_znode"] = json!(peers);
    document["median"] = json!({ "copy_us": copy, "zkcopy_us": peer, "ratio": peer / copy });
    Ok(document)
}

async fn zkcopy(bed: &mut Bed, task: &Task, jar: &Path) -> Result<Duration> {
    let root = bed.fresh_root();
    let (source, target) = (bed.source.at(SOURCE_ROOT), bed.target.at(&root));
    let elapsed = time(jar, &source, &target).await?;
    run(&["verify", "--acl", "ignore", &source, &target])?;
    bed.remove(&root, task.tree).await?;
    Ok(elapsed)
}

/// zkcopy with its own defaults.
async fn time(jar: &Path, source: &str, target: &str) -> Result<Duration> {
    let started = Instant::now();
    let mut zkcopy = Command::new("java")
        .arg("-jar")
        .arg(jar)
        .args(["--source", source, "--target", target])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let status = timeout(ZKCOPY_LIMIT, zkcopy.wait()).await??;
    let elapsed = started.elapsed();
    if !status.success() {
        return Err(format!("zkcopy ended with {status}").into());
    }
    Ok(elapsed)
}
