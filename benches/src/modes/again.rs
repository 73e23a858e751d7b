//! A second copy into an identical target against the time to read both sides flat out.

use serde_json::Value;

use super::Against;
use crate::bed::{Bed, SOURCE_ROOT, Task};
use crate::floor::{self, read_settings};
use crate::hose::Result;
use crate::runs::Run;

/// Copies once, sweeps the floor, then alternates floor and second copy. One that writes anything is an error.
pub async fn measure(bed: &mut Bed, task: &Task) -> Result<Value> {
    let mut document = bed.load(SOURCE_ROOT, task.tree).await.map(|loaded| task.document("again", loaded))?;
    let root = bed.fresh_root();
    bed.copy(task, SOURCE_ROOT, &root, &[])?;
    let swept =
        floor::sweep(read_settings(task), async |setting| floor::read_both(bed, task, &root, setting).await).await?;
    let mut against = Against::default();
    for _ in 0..task.runs {
        let floor = floor::read_both(bed, task, &root, swept.best).await?;
        let again = bed.copy(task, SOURCE_ROOT, &root, &["--update"])?;
        wrote_nothing(&again)?;
        against.add(floor.as_secs_f64(), again)?;
    }
    against.conclude(&swept, &mut document)?;
    Ok(document)
}

fn wrote_nothing(again: &Run) -> Result<()> {
    let copy = &again.report["copy"];
    let (requests, znodes) = (&copy["write_requests"], &copy["znodes"]);
    if *requests == 0 && znodes["kept"] == znodes["read"] {
        Ok(())
    } else {
        Err(format!("the second copy sent {requests} writes; of its znodes: {znodes}").into())
    }
}
