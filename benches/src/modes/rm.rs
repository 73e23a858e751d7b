//! A removal of a whole tree with the real program, against one delete at a time.
//!
//! A million single deletes would take the better part of an hour, so a sample of them is timed: each of its znodes costs
//! what any other does, since a delete is a transaction of one znode, however large the tree.

use std::time::Instant;

use harness::load;
use serde_json::{Value, json};

use crate::bed::{Bed, SOURCE_ROOT, Task};
use crate::hose::Result;
use crate::runs::{Run, median, median_of, reports, run};

/// Single deletes that are timed in each run.
const SAMPLE: usize = 2_000;
/// Where they are done.
const SAMPLE_ROOT: &str = "/sample";

/// Alternates a sample of single deletes and a removal of the tree, which is loaded anew for each.
pub async fn measure(bed: &mut Bed, task: &Task) -> Result<Value> {
    let client = bed.source.client().await?;
    let (mut document, mut singles, mut removals) = (Value::Null, Vec::new(), Vec::new());
    for _ in 0..task.runs {
        load(&client, SAMPLE_ROOT, harness::tree::wide(SAMPLE)).await?;
        let started = Instant::now();
        for index in 0..SAMPLE {
            client.delete(&format!("{SAMPLE_ROOT}/wide/child-{index:07}"), None).await?;
        }
        let single = started.elapsed().as_secs_f64() / SAMPLE as f64;
        client.delete(&format!("{SAMPLE_ROOT}/wide"), None).await?;
        client.delete(SAMPLE_ROOT, None).await?;

        document = bed.load(SOURCE_ROOT, task.tree).await.map(|loaded| task.document("rm", loaded))?;
        let removal = run(&["rm", "--yes-remove", SOURCE_ROOT, &bed.source.at(SOURCE_ROOT)])?;
        println!("single delete {:.1} us, rm {:.1} us a znode", single * 1e6, removal_s(&removal)? * 1e6);
        singles.push(single);
        removals.push(removal);
    }
    let (single, removal) = (median(&singles), median_of(&removals, removal_s)?);
    let ratio = single / removal;
    println!("medians of {}: single {:.1} us, rm {:.1} us, {ratio:.1} times", task.runs, single * 1e6, removal * 1e6);
    document["single_s"] = json!(singles);
    document["rm"] = json!(reports(&removals));
    document["median"] = json!({ "single_s": single, "rm_s": removal, "ratio": ratio });
    Ok(document)
}

/// Seconds a znode, from the start of the process to its end: the look before the first delete is part of it.
fn removal_s(removal: &Run) -> Result<f64> {
    Ok(removal.wall.as_secs_f64() / removal.figure("/removed/znodes")?)
}
