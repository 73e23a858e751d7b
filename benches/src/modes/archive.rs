//! A dump against the time to read the tree, and a restore against the write floor.
//!
//! What a dump is held against is a scan: the same walk by the same program, which writes nothing; beside it stands what a
//! hose takes to read it. A restore is held against a hose that writes the tree to the target.

use serde_json::{Value, json};

use crate::bed::{Bed, SOURCE_ROOT, Task};
use crate::floor::{self, copy_settings, read_settings};
use crate::hose::Result;
use crate::runs::{Run, median, median_of, reports, run};

/// Sweeps both floors, then alternates reads, dumps, write floors and restores.
pub async fn measure(bed: &mut Bed, task: &Task) -> Result<Value> {
    let mut document = bed.load(SOURCE_ROOT, task.tree).await.map(|loaded| task.document("archive", loaded))?;
    let reads = floor::sweep(read_settings(task), async |setting| floor::read_source(bed, task, setting).await).await?;
    let writes =
        floor::sweep(copy_settings(task), async |setting| floor::write_target(bed, task, setting).await).await?;
    let file = std::env::temp_dir().join(format!("bench-{}.zka", std::process::id()));
    let file = file.to_str().ok_or("the directory of temporary files has no UTF-8 name")?;
    let [unread, open]: [&[&str]; 2] = if task.acls { [&[], &[]] } else { [&["--acl", "ignore"], &["--acl", "open"]] };
    let from = bed.source.at(SOURCE_ROOT);
    let (mut hoses, mut scans, mut dumps) = (Vec::new(), Vec::new(), Vec::new());
    let (mut floors, mut restores) = (Vec::new(), Vec::new());
    for _ in 0..task.runs {
        hoses.push(floor::read_source(bed, task, reads.best).await?.as_secs_f64());
        scans.push(run(&[&["scan", &from], unread].concat())?);
        dumps.push(run(&[&["dump", "--replace", &from, file], open].concat())?);
        floors.push(floor::write_target(bed, task, writes.best).await?.as_secs_f64());
        let root = bed.fresh_root();
        restores.push(run(&[&["restore", file, &bed.target.at(&root)], open].concat())?);
        bed.remove(&root, task.tree).await?;
    }
    std::fs::remove_file(file)?;
    let seconds = |pointer: &'static str| move |run: &Run| Ok(run.figure(pointer)? / 1e3);
    let (hose, floor) = (median(&hoses), median(&floors));
    let scan = median_of(&scans, seconds("/scan/elapsed_ms"))?;
    let dump = median_of(&dumps, seconds("/dump/elapsed_ms"))?;
    let restore = median_of(&restores, Run::copy_s)?;
    let [dump_mib, restore_mib] = [median_of(&dumps, Run::resident_mib)?, median_of(&restores, Run::resident_mib)?];
    let share = median_of(&dumps, |dump| {
        let raw = dump.figure("/dump/archive/data_bytes")? + dump.figure("/dump/archive/path_bytes")?;
        Ok(dump.figure("/dump/file_bytes")? / raw)
    })?;
    println!(
        "medians of {}: read {scan:.3} s (hose {hose:.3} s), dump {dump:.3} s, ratio {:.3}, {dump_mib:.1} MiB resident; \
         write floor {floor:.3} s, restore {restore:.3} s, ratio {:.3}, {restore_mib:.1} MiB resident; the archive has \
         {:.1} % of data and paths",
        task.runs,
        dump / scan,
        restore / floor,
        share * 100.0
    );
    document["read_sweep"] = json!(reads.tried);
    document["write_sweep"] = json!(writes.tried);
    document["read_hose_s"] = json!(hoses);
    document["write_floor_s"] = json!(floors);
    document["scan"] = json!(reports(&scans));
    document["dump"] = json!(reports(&dumps));
    document["restore"] = json!(reports(&restores));
    document["median"] = json!({
        "read_hose_s": hose, "scan_s": scan, "dump_s": dump, "dump_to_scan": dump / scan,
        "dump_resident_mib": dump_mib, "write_floor_s": floor, "restore_s": restore, "restore_to_floor": restore / floor,
        "restore_resident_mib": restore_mib, "archive_to_raw": share,
    });
    Ok(document)
}
