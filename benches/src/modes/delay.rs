//! The line over a long way: how much longer a copy takes when every answer comes later.
//!
//! The way is the harness's proxy, a delay line that limits nothing else. It takes processor time of its own, so our
//! time without delay is measured both through it and past it. Connecting takes no delay: a proxy accepts on the spot.

use std::time::Duration;

use clap::ValueEnum;
use harness::Proxy;
use serde_json::{Value, json};

use crate::bed::{Bed, SOURCE_ROOT, Task, copy};
use crate::hose::Result;
use crate::runs::{Run, median_of, reports};

/// Which servers are far away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Far {
    /// The source
    Source,
    /// The target
    Target,
    /// Both
    Both,
}

/// The way to both servers, one of them or none through a proxy.
struct Way {
    source: Option<Proxy>,
    target: Option<Proxy>,
}

/// Alternates copies past the proxy, through it, and through it with a round trip of `round_trip`.
pub async fn measure(bed: &mut Bed, task: &Task, round_trip: Duration, far: Far) -> Result<Value> {
    let mut document = bed.load(SOURCE_ROOT, task.tree).await.map(|loaded| task.document("delay", loaded))?;
    let past = Way { source: None, target: None };
    let through = Way {
        source: (far != Far::Target).then(|| Proxy::start(bed.source.address())).transpose()?,
        target: (far != Far::Source).then(|| Proxy::start(bed.target.address())).transpose()?,
    };
    let ways =
        [("direct", &past, Duration::ZERO), ("proxied", &through, Duration::ZERO), ("far", &through, round_trip)];
    let mut copies = ways.map(|_| Vec::new());
    through.copy(bed, task, Duration::ZERO).await?;
    for _ in 0..task.runs {
        for ((name, way, round_trip), copies) in ways.iter().zip(&mut copies) {
            let copy = way.copy(bed, task, *round_trip).await?;
            println!("{name} {:.3} s", copy.copy_s()?);
            copies.push(copy);
        }
    }
    let [direct, proxied, far_away] = &copies;
    let [direct_s, proxied_s, far_s] =
        [median_of(direct, Run::copy_s)?, median_of(proxied, Run::copy_s)?, median_of(far_away, Run::copy_s)?];
    println!(
        "medians of {}: direct {direct_s:.3} s, through the proxy {proxied_s:.3} s, {round_trip:?} away ({far:?}) \
         {far_s:.3} s: {:.3} times direct, {:.3} times through the proxy",
        task.runs,
        far_s / direct_s,
        far_s / proxied_s
    );
    document["round_trip_ms"] = json!(round_trip.as_secs_f64() * 1e3);
    document["far"] = json!(format!("{far:?}"));
    for ((name, ..), copies) in ways.iter().zip(&copies) {
        document[*name] = json!(reports(copies));
    }
    document["median"] = json!({
        "direct_s": direct_s, "proxied_s": proxied_s, "far_s": far_s,
        "far_to_direct": far_s / direct_s, "far_to_proxied": far_s / proxied_s,
    });
    Ok(document)
}

impl Way {
    /// Copies this way, with that round trip, into a target that has nothing.
    async fn copy(&self, bed: &mut Bed, task: &Task, round_trip: Duration) -> Result<Run> {
        for proxy in self.source.iter().chain(&self.target) {
            proxy.delay(round_trip / 2);
        }
        let root = bed.fresh_root();
        let from = self.source.as_ref().map_or_else(|| bed.source.at(SOURCE_ROOT), |proxy| proxy.at(SOURCE_ROOT));
        let to = self.target.as_ref().map_or_else(|| bed.target.at(&root), |proxy| proxy.at(&root));
        let run = copy(task, &from, &to, &[])?;
        bed.remove(&root, task.tree).await?;
        Ok(run)
    }
}
