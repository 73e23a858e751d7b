//! Time and memory over sizes: a line whose cost a znode grows with the tree is none.
//!
//! All trees lie at one source, so that its heap is the same for each of them.

use serde_json::{Value, json};

use crate::bed::{Bed, Task};
use crate::hose::Result;
use crate::runs::{Run, median_of, reports};
use crate::shape::Tree;

/// Copies trees of all `sizes` in turn, and compares the time of a znode.
pub async fn measure(bed: &mut Bed, task: &Task, sizes: &[usize]) -> Result<Value> {
    let trees: Vec<Tree> = sizes.iter().map(|&znodes| Tree { znodes, ..task.tree }).collect();
    for tree in &trees {
        bed.load(&source_root(*tree), *tree).await?;
    }
    let mut copies: Vec<Vec<Run>> = vec![Vec::new(); trees.len()];
    for tree in &trees {
        // The servers are warm when it counts.
        bed.copy_afresh(task, &source_root(*tree), *tree).await?;
    }
    for _ in 0..task.runs {
        for (tree, copies) in trees.iter().zip(&mut copies) {
            copies.push(bed.copy_afresh(task, &source_root(*tree), *tree).await?);
        }
    }
    let mut flatness = Flatness::default();
    let mut figures = Vec::new();
    for (tree, copies) in trees.iter().zip(&copies) {
        let us = median_of(copies, us_per_znode)?;
        let resident = median_of(copies, Run::resident_mib)?;
        println!("{} znodes: {us:.2} us a znode, {resident:.1} MiB resident", tree.znodes);
        flatness.add(us);
        figures.push(json!({
            "znodes": tree.znodes, "us_per_znode": us, "resident_mib": resident, "copy": reports(copies),
        }));
    }
    println!("medians of {}: the slowest size takes {:.3} times the fastest a znode", task.runs, flatness.ratio());
    Ok(json!({
        "mode": "sizes",
        "tree": format!("{:?}", task.tree.shape),
        "acls": task.acls,
        "copy_options": task.copy_options,
        "sizes": figures,
        "max_to_min": flatness.ratio(),
    }))
}

fn source_root(tree: Tree) -> String {
    format!("/source-{}", tree.znodes)
}

fn us_per_znode(copy: &Run) -> Result<f64> {
    Ok(copy.copy_s()? * 1e6 / copy.figure("/copy/znodes/read")?)
}

/// The largest figure over the smallest.
#[derive(Default)]
struct Flatness(Option<(f64, f64)>);

impl Flatness {
    fn add(&mut self, figure: f64) {
        let (min, max) = self.0.unwrap_or((figure, figure));
        self.0 = Some((min.min(figure), max.max(figure)));
    }

    fn ratio(&self) -> f64 {
        self.0.map_or(f64::NAN, |(min, max)| max / min)
    }
}
