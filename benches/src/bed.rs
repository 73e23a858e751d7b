//! What every run of the line happens on: two real servers, and a tree at the first of them.

use harness::{Loaded, Server, ServerOptions, load};
use serde_json::{Value, json};
use zookeeper_client::Client;

use crate::hose::Result;
use crate::runs::{Run, run};
use crate::shape::Tree;

/// Where the tree is at the source.
pub const SOURCE_ROOT: &str = "/source";

/// What is copied, and how often.
#[derive(Clone, Debug)]
pub struct Task {
    /// The tree.
    pub tree: Tree,
    /// Whether ACLs are read and copied.
    pub acls: bool,
    /// More options of each copy.
    pub copy_options: Vec<String>,
    /// Alternated runs.
    pub runs: usize,
}

impl Task {
    /// The head of a document of raw figures.
    pub fn document(&self, mode: &str, loaded: Loaded) -> Value {
        json!({
            "mode": mode,
            "tree": format!("{:?}", self.tree.shape),
            "znodes": loaded.znodes,
            "bytes": loaded.bytes,
            "acls": self.acls,
            "copy_options": self.copy_options,
        })
    }
}

/// Source and target, both with fsync as in production.
#[derive(Debug)]
pub struct Bed {
    /// Where the tree is.
    pub source: Server,
    /// Where it goes.
    pub target: Server,
    at_source: Client,
    at_target: Client,
    roots: usize,
}

impl Bed {
    /// Starts both servers, with a heap of `heap_mb` MiB each.
    pub async fn start(heap_mb: u32) -> Result<Self> {
        let server = || Server::start(ServerOptions::default().heap_mb(heap_mb).fsync(true));
        let (source, target) = tokio::try_join!(server(), server())?;
        let (at_source, at_target) = (source.client().await?, target.client().await?);
        Ok(Self { source, target, at_source, at_target, roots: 0 })
    }

    /// Writes a tree to the source.
    pub async fn load(&self, root: &str, tree: Tree) -> Result<Loaded> {
        let loaded = load(&self.at_source, root, tree.znodes()).await?;
        println!("{:?}, {} znodes, {} bytes of data", tree.shape, loaded.znodes, loaded.bytes);
        Ok(loaded)
    }

    /// A root at the target that was not used before.
    pub fn fresh_root(&mut self) -> String {
        self.roots += 1;
        format!("/target-{}", self.roots)
    }

    /// Copies from the source's `from` to the target's `to` with the real program.
    pub fn copy(&self, task: &Task, from: &str, to: &str, options: &[&str]) -> Result<Run> {
        copy(task, &self.source.at(from), &self.target.at(to), options)
    }

    /// Copies a tree that is at the source's `from` into a target that has nothing, and takes it away again.
    pub async fn copy_afresh(&mut self, task: &Task, from: &str, tree: Tree) -> Result<Run> {
        let root = self.fresh_root();
        let copy = self.copy(task, from, &root, &[])?;
        self.remove(&root, tree).await?;
        Ok(copy)
    }

    /// Takes a copy of `tree` away from the target, so that every run meets the same server.
    pub async fn remove(&self, root: &str, tree: Tree) -> Result<()> {
        let paths: Vec<String> = tree.znodes().map(|znode| znode.path).collect();
        let children_first: Vec<&str> = paths.iter().rev().map(String::as_str).chain([""]).collect();
        for batch in children_first.chunks(500) {
            let mut writer = self.at_target.new_multi_writer();
            for path in batch {
                writer.add_delete(&format!("{root}{path}"), None)?;
            }
            writer.commit().await?;
        }
        Ok(())
    }
}

/// Copies between two connect strings with the real program.
pub fn copy(task: &Task, from: &str, to: &str, options: &[&str]) -> Result<Run> {
    let mut args = vec!["copy", from, to];
    if !task.acls {
        args.extend(["--acl", "open"]);
    }
    args.extend(options);
    args.extend(task.copy_options.iter().map(String::as_str));
    run(&args)
}
