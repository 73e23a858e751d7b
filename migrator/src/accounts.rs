//! What a recovery has brought back, beside the lists of what there was: each table, partition count and node.
//!
//! The lists are files in the migration's directory, as the shell writes them: `apps.list`, `apps.all.list` (only where a
//! meta server gave it), `nodes.list`, and `recover_node_list`, the servers that the recovery is made of.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::pegasus::messages::{AppInfo, NodeInfo};
use crate::pegasus::shell::read::{self, ListedApp, ListedNode};
use crate::pegasus::types::{AppStatus, NodeStatus};

/// `ls -o`.
pub const APPS: &str = "apps.list";
/// `ls -a -d -o`.
pub const ALL_APPS: &str = "apps.all.list";
/// `nodes -d -o`.
pub const NODES: &str = "nodes.list";
/// The servers that the recovery is made of, one a line (`recover -f`).
pub const RECOVER_NODES: &str = "recover_node_list";

/// What there was, as it was saved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Tables that were available; none: nobody had a list.
    pub apps: Option<Vec<ListedApp>>,
    /// Tables of any state; empty where nobody had a list.
    pub all: Vec<ListedApp>,
    /// Replica servers that lived, and those that the recovery is made of.
    pub nodes: Vec<String>,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    /// Tables that are there now.
    pub tables: u64,
    /// Their partitions.
    pub partitions: u64,
    /// Replica servers that live now.
    pub nodes: u64,
    /// Whether there was a list of tables to compare with.
    pub is_compared: bool,
    /// Tables that were there and are not, or have another number of partitions.
    pub lost: Vec<String>,
    /// Tables that have another name.
    pub renamed: Vec<String>,
    /// Tables that were not there, or were dropped.
    pub revived: Vec<String>,
    /// Replica servers that lived and do not, or are not known.
    pub nodes_missing: Vec<String>,
}

impl Saved {
    /// From the migration's directory.
    pub fn read(directory: &Path) -> Result<Self> {
        let apps = list(directory, APPS, read::apps)?;
        let all = list(directory, ALL_APPS, read::apps)?.unwrap_or_default();
        let listed: Option<Vec<ListedNode>> = list(directory, NODES, read::nodes)?;
        let recovered = list(directory, RECOVER_NODES, |text| Ok(text.lines().map(str::to_owned).collect::<Vec<_>>()))?;
        let mut nodes = recovered.unwrap_or_default();
        nodes.extend(listed.into_iter().flatten().filter(ListedNode::lives).map(|node| node.address));
        nodes.sort();
        nodes.dedup();
        Ok(Self { apps, all, nodes })
    }

    /// What has come back of it, and what besides.
    pub fn beside(&self, apps: &[AppInfo], nodes: &[NodeInfo]) -> Accounts {
        let now: BTreeMap<i32, &AppInfo> =
            apps.iter().filter(|app| app.status == AppStatus::Available).map(|app| (app.app_id, app)).collect();
        let mut accounts = Accounts {
            tables: now.len() as u64,
            partitions: now.values().map(|app| u64::try_from(app.partition_count).unwrap_or_default()).sum(),
            is_compared: self.apps.is_some(),
            ..Accounts::default()
        };
        for was in self.apps.iter().flatten() {
            let table = format!("table {} ({})", was.app_id, was.app_name);
            match now.get(&was.app_id) {
                None => accounts.lost.push(format!("{table} with {} partitions is not there", was.partition_count)),
                Some(app) if app.partition_count != was.partition_count => accounts
                    .lost
                    .push(format!("{table} has {} partitions, and had {}", app.partition_count, was.partition_count)),
                Some(app) if app.app_name != was.app_name => {
                    accounts.renamed.push(format!("{table} is called {}", app.app_name));
                }
                Some(_) => {}
            }
        }
        let was_there = |app: &AppInfo| self.apps.iter().flatten().any(|was| was.app_id == app.app_id);
        for app in now.values().filter(|app| self.apps.is_some() && !was_there(app)) {
            let before = self.all.iter().find(|was| was.app_id == app.app_id);
            let before =
                before.map_or("was in no list".to_owned(), |was| format!("was {} as {}", was.status, was.app_name));
            accounts.revived.push(format!("table {} ({}) {before}", app.app_id, app.app_name));
        }
        let alive: Vec<String> =
            nodes.iter().filter(|node| node.status == NodeStatus::Alive).map(NodeInfo::name).collect();
        accounts.nodes = alive.len() as u64;
        accounts.nodes_missing = self.nodes.iter().filter(|node| !alive.contains(node)).cloned().collect();
        accounts
    }
}

impl ListedNode {
    fn lives(&self) -> bool {
        self.status == NodeStatus::Alive
    }
}

/// A list of the directory; `None`: it is not there.
fn list<T>(directory: &Path, name: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Result<Option<T>> {
    let file = directory.join(name);
    if file.exists() { from_file(&file, read).map(Some) } else { Ok(None) }
}

/// A list of an operator's, or of ours.
pub fn from_file<T>(file: &Path, read: impl FnOnce(&str) -> Result<T, String>) -> Result<T> {
    let wrong = |why: String| Error::new(ErrorKind::Input, format!("list {}", file.display()), "read", why);
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    read(&text).map_err(wrong)
}

#[cfg(test)]
mod tests;
