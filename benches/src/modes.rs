//! What `line.rs` measures, a mode each: every mode prints its figures and gives the raw ones as one document.
//!
//! What is compared is measured in one run, alternated, and medians are taken.

pub mod again;
pub mod archive;
pub mod delay;
pub mod floor;
pub mod peer;
pub mod rm;
pub mod sizes;

use serde_json::{Value, json};

use crate::floor::Swept;
use crate::hose::Result;
use crate::runs::{Run, median, median_of, reports};

/// Alternated runs of a floor and of a copy.
#[derive(Debug, Default)]
struct Against {
    floors: Vec<f64>,
    copies: Vec<Run>,
}

impl Against {
    /// Takes one run of each, the floor's in seconds.
    fn add(&mut self, floor: f64, copy: Run) -> Result<()> {
        println!("floor {floor:.3} s, copy {:.3} s", copy.copy_s()?);
        self.floors.push(floor);
        self.copies.push(copy);
        Ok(())
    }

    /// Prints the medians, and adds them and all raw figures to the document.
    fn conclude(&self, swept: &Swept, document: &mut Value) -> Result<()> {
        let Self { floors, copies } = self;
        let (floor, copy) = (median(floors), median_of(copies, Run::copy_s)?);
        let (cpu, resident) = (median_of(copies, Run::cpu_us_per_znode)?, median_of(copies, Run::resident_mib)?);
        let (runs, ratio) = (copies.len(), copy / floor);
        println!(
            "medians of {runs}: floor {floor:.3} s, copy {copy:.3} s, ratio {ratio:.3}, {cpu:.2} us of CPU a znode, \
             {resident:.1} MiB resident"
        );
        document["sweep"] = json!(swept.tried);
        document["floor_setting"] = json!(format!("{:?}", swept.best));
        document["floor_s"] = json!(floors);
        document["copy"] = json!(reports(copies));
        document["median"] = json!({
            "floor_s": floor, "copy_s": copy, "ratio": ratio, "cpu_us_per_znode": cpu, "resident_mib": resident,
        });
        Ok(())
    }
}
