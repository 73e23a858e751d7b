//! A copy into an empty target against the floor: the source read and the target written flat out at the same time.

use serde_json::{Value, json};

use super::Against;
use crate::bed::{Bed, SOURCE_ROOT, Task};
use crate::floor::{self, copy_settings};
use crate::hose::Result;
use crate::runs::median_of;

/// Sweeps the floor, then alternates floor and copy.
pub async fn measure(bed: &mut Bed, task: &Task) -> Result<Value> {
    let mut document = bed.load(SOURCE_ROOT, task.tree).await.map(|loaded| task.document("floor", loaded))?;
    let swept = floor::sweep(copy_settings(task), async |setting| floor::copy(bed, task, setting).await).await?;
    let mut against = Against::default();
    for _ in 0..task.runs {
        let floor = floor::copy(bed, task, swept.best).await?;
        against.add(floor.as_secs_f64(), bed.copy_afresh(task, SOURCE_ROOT, task.tree).await?)?;
    }
    against.conclude(&swept, &mut document)?;
    if let Some(levels) = task.tree.chain_levels() {
        let requests = median_of(&against.copies, |copy| copy.figure("/copy/latency_us/source/multiRead/count"))?;
        println!("{requests} multiReads for {levels} levels: {:.3} a level", requests / levels as f64);
        document["median"]["multi_reads_per_level"] = json!(requests / levels as f64);
    }
    Ok(document)
}
