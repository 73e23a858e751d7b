//! The whole line between two real servers, against the floor measured in the same run.
//!
//! The floor is what the servers can do: a fire-hose reads the source's tree and another writes it to the target, at the
//! same time, with frames built beforehand. Its batch and window are swept first, and the fastest is taken. Then floor
//! and copy alternate, and medians are compared.
//!
//! `cargo build --release -p replicator && cargo bench --bench line -- --tree pegasus --znodes 100000`

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::time::{Duration, Instant};

use benches::hose::{Hose, Result, acl_frames, read_frames, write_frames};
use benches::runs::{median, run};
use bytes::Bytes;
use clap::{Parser, ValueEnum};
use futures::future::try_join_all;
use harness::tree::{self, TreeZnode};
use harness::{Server, ServerOptions, load};
use serde_json::{Value, json};
use zookeeper_client::Client;

#[derive(Parser)]
struct Options {
    /// Shape of the tree
    #[arg(long, value_enum, default_value_t = Shape::Pegasus)]
    tree: Shape,
    /// Its size
    #[arg(long, default_value_t = 100_000)]
    znodes: usize,
    /// Alternated runs
    #[arg(long, default_value_t = 7)]
    runs: usize,
    /// Read and copy ACLs too; the floor then includes a getACL for each znode
    #[arg(long)]
    acls: bool,
    /// Options of the copy, as one word each: --copy-option=--transport=zookeeper-client
    #[arg(long, allow_hyphen_values = true)]
    copy_option: Vec<String>,
    /// File for the raw figures, as JSON
    #[arg(long)]
    out: Option<std::path::PathBuf>,
    /// Heap of each server, in MiB
    #[arg(long, default_value_t = 2048)]
    heap_mb: u32,
    /// What cargo adds
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shape {
    /// Tables and partitions, 300 bytes each
    Pegasus,
    /// One parent
    Wide,
    /// One chain
    Deep,
    /// Any shape
    Bush,
    /// 900 KB each
    Big,
    /// A few bytes each, several levels
    Small,
}

impl Options {
    fn znodes(&self) -> Box<dyn Iterator<Item = TreeZnode> + Send> {
        match self.tree {
            Shape::Pegasus => Box::new(tree::pegasus_like(1, self.znodes)),
            Shape::Wide => Box::new(tree::wide(self.znodes)),
            Shape::Deep => Box::new(tree::deep(self.znodes)),
            Shape::Bush => Box::new(tree::bush(1, self.znodes)),
            Shape::Big => Box::new(tree::big_values(1, self.znodes, 900_000)),
            Shape::Small => Box::new(tree::small(1, self.znodes)),
        }
    }
}

/// One setting of the floor.
#[derive(Clone, Copy, Debug)]
struct Setting {
    read_ops: usize,
    read_window: usize,
    write_ops: usize,
    write_window: usize,
    acl_lanes: usize,
}

struct Bench<'a> {
    options: &'a Options,
    source: Server,
    target: Server,
    at_target: Client,
    rounds: usize,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let server = || Server::start(ServerOptions::default().heap_mb(options.heap_mb).fsync(true));
    let (source, target) = (server().await?, server().await?);
    let loaded = load(&source.client().await?, "/source", options.znodes()).await?;
    println!("{:?}, {} znodes, {} bytes of data", options.tree, loaded.znodes, loaded.bytes);
    let at_target = target.client().await?;
    let mut bench = Bench { options: &options, source, target, at_target, rounds: 0 };

    let (setting, sweep) = bench.sweep().await?;
    println!("floor: {setting:?}");
    let (mut floors, mut copies) = (Vec::new(), Vec::new());
    for _ in 0..options.runs {
        floors.push(bench.floor(setting).await?.as_secs_f64());
        copies.push(bench.copy().await?);
        let copy = copies.last().unwrap_or(&Value::Null);
        println!("floor {:.3} s, copy {} ms", floors.last().unwrap_or(&f64::NAN), copy["copy"]["elapsed_ms"]);
    }
    let elapsed: Vec<f64> = copies.iter().filter_map(|copy| Some(copy["copy"]["elapsed_ms"].as_f64()? / 1e3)).collect();
    let cpu = |copy: &Value| Some(copy["process"]["user_ms"].as_f64()? + copy["process"]["system_ms"].as_f64()?);
    let cpu: Vec<f64> = copies.iter().filter_map(cpu).map(|ms| ms * 1e3 / loaded.znodes as f64).collect();
    let resident: Vec<f64> =
        copies.iter().filter_map(|copy| Some(copy["process"]["resident_bytes_max"].as_f64()? / 1_048_576.0)).collect();
    let (floor, copy) = (median(&floors), median(&elapsed));
    println!(
        "medians of {}: floor {floor:.3} s, copy {copy:.3} s, ratio {:.3}, {:.2} us of CPU a znode, {:.1} MiB resident",
        options.runs,
        copy / floor,
        median(&cpu),
        median(&resident)
    );
    if let Some(out) = &options.out {
        let document = json!({
            "tree": format!("{:?}", options.tree),
            "znodes": loaded.znodes,
            "bytes": loaded.bytes,
            "acls": options.acls,
            "copy_options": options.copy_option,
            "sweep": sweep,
            "floor_setting": format!("{setting:?}"),
            "floor_s": floors,
            "copy": copies,
            "median": { "floor_s": floor, "copy_s": copy, "ratio": copy / floor, "cpu_us_per_znode": median(&cpu),
                        "resident_mib": median(&resident) },
        });
        std::fs::write(out, format!("{document:#}\n"))?;
    }
    Ok(())
}

impl Bench<'_> {
    /// Tries the settings one after the other, each twice, after a run that warms the servers up.
    async fn sweep(&mut self) -> Result<(Setting, Vec<Value>)> {
        let first = Setting { read_ops: 128, read_window: 8, write_ops: 500, write_window: 8, acl_lanes: 4 };
        let mut settings = vec![first];
        for (read_ops, write_ops, write_window) in
            [(256, 500, 8), (512, 500, 8), (256, 500, 4), (256, 1_000, 8), (256, 250, 16), (512, 1_000, 4)]
        {
            settings.push(Setting { read_ops, write_ops, write_window, ..first });
        }
        if self.options.acls {
            settings.extend([2, 8, 16].map(|acl_lanes| Setting { read_ops: 256, acl_lanes, ..first }));
        }
        if self.options.tree == Shape::Big {
            // A server builds a reply in its heap: 16 values of 900 KB a request are enough to show its limit.
            settings = [1, 2, 4].map(|read_ops| Setting { read_ops, read_window: 4, ..first }).to_vec();
        }
        for _ in 0..2 {
            self.floor(settings[0]).await?;
        }
        let mut tried = Vec::new();
        for setting in settings {
            let times = [self.floor(setting).await?.as_secs_f64(), self.floor(setting).await?.as_secs_f64()];
            println!("sweep {setting:?}: {:.3} s, {:.3} s", times[0], times[1]);
            tried.push((setting, times));
        }
        let best = tried.iter().min_by(|a, b| a.1.iter().sum::<f64>().total_cmp(&b.1.iter().sum()));
        let best = best.map_or(first, |(setting, _)| *setting);
        let published = tried.iter().map(|(setting, times)| json!({ "setting": format!("{setting:?}"), "s": times }));
        Ok((best, published.collect()))
    }

    /// Reads and writes at the same time, as fast as the servers take it.
    async fn floor(&mut self, setting: Setting) -> Result<Duration> {
        self.rounds += 1;
        let root = format!("/floor-{}", self.rounds);
        let reads = read_frames("/source", self.options.znodes(), setting.read_ops)?;
        let writes = write_frames(&root, self.options.znodes(), setting.write_ops)?;
        let acls = if self.options.acls {
            acl_frames("/source", self.options.znodes(), setting.acl_lanes)?
        } else {
            Vec::new()
        };
        let source = self.source.address();
        let mut reader = Hose::connect(source).await?;
        let mut writer = Hose::connect(self.target.address()).await?;
        let mut lanes = try_join_all(acls.iter().map(|_| Hose::connect(source))).await?;
        let started = Instant::now();
        let acls = lanes.iter_mut().zip(&acls).map(|(lane, frames): (&mut Hose, &Vec<Bytes>)| lane.pour(frames, 64));
        tokio::try_join!(
            reader.pour(&reads, setting.read_window),
            writer.pour(&writes, setting.write_window),
            try_join_all(acls)
        )?;
        let elapsed = started.elapsed();
        self.remove(&root).await?;
        Ok(elapsed)
    }

    async fn copy(&mut self) -> Result<Value> {
        self.rounds += 1;
        let root = format!("/copy-{}", self.rounds);
        let (from, to) = (self.source.at("/source"), self.target.at(&root));
        let mut args = vec!["copy", &from, &to];
        if !self.options.acls {
            args.extend(["--acl", "open"]);
        }
        args.extend(self.options.copy_option.iter().map(String::as_str));
        let report = run(&args)?;
        self.remove(&root).await?;
        Ok(report)
    }

    /// Takes a tree away, children before parents, so that every run meets the same server.
    async fn remove(&self, root: &str) -> Result<()> {
        let paths: Vec<String> = self.options.znodes().map(|znode| znode.path).collect();
        let ordered: Vec<&str> = paths.iter().rev().map(String::as_str).chain([""]).collect();
        for batch in ordered.chunks(500) {
            let mut writer = self.at_target.new_multi_writer();
            for path in batch {
                writer.add_delete(&format!("{root}{path}"), None)?;
            }
            writer.commit().await?;
        }
        Ok(())
    }
}
