//! The floor: what the servers themselves can do, found with hoses in the same run as what it is compared with.
//!
//! The floor of a copy is a hose that reads the source's tree and one that writes it to the target, at the same time;
//! that of a second copy is two hoses that read both sides. Settings are swept first, and the fastest is the floor.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::try_join_all;
use serde_json::{Value, json};

use crate::bed::{Bed, SOURCE_ROOT, Task};
use crate::hose::{Hose, Result, acl_frames, read_frames, write_frames};
use crate::shape::Shape;

/// getACLs in flight on one session of a floor.
const ACL_WINDOW: usize = 64;
/// Runs that warm the servers up before anything is compared.
const WARM_UPS: usize = 2;

/// One setting of the floor.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    read_ops: usize,
    read_window: usize,
    write_ops: usize,
    write_window: usize,
    acl_lanes: usize,
}

const FIRST: Setting = Setting { read_ops: 128, read_window: 8, write_ops: 500, write_window: 8, acl_lanes: 4 };

/// What a sweep has found.
#[derive(Clone, Debug)]
pub struct Swept {
    /// The fastest.
    pub best: Setting,
    /// All that were tried, with their times, for the raw figures.
    pub tried: Vec<Value>,
}

/// Settings for a floor that reads and writes.
pub fn copy_settings(task: &Task) -> Vec<Setting> {
    let sizes = [(256, 500, 8), (512, 500, 8), (256, 500, 4), (256, 1_000, 8), (256, 250, 16), (512, 1_000, 4)];
    settings(
        task,
        sizes.map(|(read_ops, write_ops, write_window)| Setting { read_ops, write_ops, write_window, ..FIRST }),
    )
}

/// Settings for a floor that reads both sides.
pub fn read_settings(task: &Task) -> Vec<Setting> {
    let sizes = [(256, 8), (512, 8), (256, 4), (256, 16), (512, 4), (512, 16)];
    settings(task, sizes.map(|(read_ops, read_window)| Setting { read_ops, read_window, ..FIRST }))
}

fn settings(task: &Task, sizes: impl IntoIterator<Item = Setting>) -> Vec<Setting> {
    if task.tree.shape == Shape::Big {
        // A server builds a reply in its heap: 16 values of 900 KB a request are enough to show its limit.
        return [1, 2, 4].map(|read_ops| Setting { read_ops, read_window: 4, ..FIRST }).to_vec();
    }
    let mut settings = vec![FIRST];
    settings.extend(sizes);
    if task.acls {
        settings.extend([2, 8, 16].map(|acl_lanes| Setting { read_ops: 256, acl_lanes, ..FIRST }));
    }
    settings
}

/// Tries the settings one after the other, each twice, after runs that warm the servers up.
pub async fn sweep(settings: Vec<Setting>, mut floor: impl AsyncFnMut(Setting) -> Result<Duration>) -> Result<Swept> {
    for setting in settings.iter().take(1).cycle().take(WARM_UPS) {
        floor(*setting).await?;
    }
    let mut tried = Vec::new();
    for setting in settings {
        let times = [floor(setting).await?.as_secs_f64(), floor(setting).await?.as_secs_f64()];
        println!("sweep {setting:?}: {:.3} s, {:.3} s", times[0], times[1]);
        tried.push((setting, times));
    }
    let best = tried.iter().min_by(|a, b| a.1.iter().sum::<f64>().total_cmp(&b.1.iter().sum()));
    let best = best.map(|(setting, _)| *setting).ok_or("a sweep needs a setting")?;
    println!("floor: {best:?}");
    let tried = tried.iter().map(|(setting, times)| json!({ "setting": format!("{setting:?}"), "s": times }));
    Ok(Swept { best, tried: tried.collect() })
}

/// Reads the source and writes the target at the same time, as fast as the servers take it.
pub async fn copy(bed: &mut Bed, task: &Task, setting: Setting) -> Result<Duration> {
    let root = bed.fresh_root();
    let writes = write_frames(&root, task.tree.znodes(), setting.write_ops)?;
    let mut reading = Reading::prepare(bed.source.address(), SOURCE_ROOT, task, setting).await?;
    let mut writer = Hose::connect(bed.target.address()).await?;
    let started = Instant::now();
    tokio::try_join!(reading.pour(setting), writer.pour(&writes, setting.write_window))?;
    let elapsed = started.elapsed();
    bed.remove(&root, task.tree).await?;
    Ok(elapsed)
}

/// Reads the source alone.
pub async fn read_source(bed: &Bed, task: &Task, setting: Setting) -> Result<Duration> {
    let mut source = Reading::prepare(bed.source.address(), SOURCE_ROOT, task, setting).await?;
    let started = Instant::now();
    source.pour(setting).await?;
    Ok(started.elapsed())
}

/// Writes the target alone.
pub async fn write_target(bed: &mut Bed, task: &Task, setting: Setting) -> Result<Duration> {
    let root = bed.fresh_root();
    let writes = write_frames(&root, task.tree.znodes(), setting.write_ops)?;
    let mut writer = Hose::connect(bed.target.address()).await?;
    let started = Instant::now();
    writer.pour(&writes, setting.write_window).await?;
    let elapsed = started.elapsed();
    bed.remove(&root, task.tree).await?;
    Ok(elapsed)
}

/// Reads both sides at the same time; the tree is at the target's `root`, too.
pub async fn read_both(bed: &Bed, task: &Task, root: &str, setting: Setting) -> Result<Duration> {
    let mut source = Reading::prepare(bed.source.address(), SOURCE_ROOT, task, setting).await?;
    let mut target = Reading::prepare(bed.target.address(), root, task, setting).await?;
    let started = Instant::now();
    tokio::try_join!(source.pour(setting), target.pour(setting))?;
    Ok(started.elapsed())
}

/// Hoses that read one side: one for data and children, several for ACLs where they are wanted.
struct Reading {
    data: (Hose, Vec<Bytes>),
    acls: Vec<(Hose, Vec<Bytes>)>,
}

impl Reading {
    async fn prepare(server: SocketAddr, root: &str, task: &Task, setting: Setting) -> Result<Self> {
        let lanes = if task.acls { setting.acl_lanes } else { 0 };
        let acls = acl_frames(root, task.tree.znodes(), lanes)?;
        let acls = acls.into_iter().map(async |frames| Result::Ok((Hose::connect(server).await?, frames)));
        let data = (Hose::connect(server).await?, read_frames(root, task.tree.znodes(), setting.read_ops)?);
        Ok(Self { data, acls: try_join_all(acls).await? })
    }

    async fn pour(&mut self, setting: Setting) -> Result<()> {
        let (hose, frames) = &mut self.data;
        let acls = self.acls.iter_mut().map(|(hose, frames)| hose.pour(frames, ACL_WINDOW));
        tokio::try_join!(hose.pour(frames, setting.read_window), try_join_all(acls))?;
        Ok(())
    }
}
