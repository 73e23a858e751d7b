//! What the cluster keeps in ZooKeeper below `apps`: tables and partitions as JSON, and what a meta server would make of
//! a tree of them.
//!
//! A meta server that starts on a damaged tree does not say so: it makes a missing partition again, empty, with ballot 0
//! (`meta/server_state.cpp:653-660`), and default tables where there are none (`:803-809`); it aborts on an empty table.
//! So a tree is read here first.

mod json;

use std::collections::BTreeMap;

pub use json::{app_info, partition_config};

use super::messages::{AppInfo, PartitionConfig};
use crate::limits;

/// A table and its partitions, as they stand in ZooKeeper.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredApp {
    /// The table.
    pub info: AppInfo,
    /// Its partitions, by their index.
    pub partitions: BTreeMap<i32, PartitionConfig>,
}

/// What a meta server would find.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The tables, by their id.
    pub apps: BTreeMap<i32, StoredApp>,
    findings: Findings,
}

/// What is wrong, listed up to [`limits::FINDINGS_MAX`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// A sentence each.
    pub listed: Vec<String>,
    /// How many there are.
    pub total: usize,
}

impl Findings {
    fn add(&mut self, finding: String) {
        if self.listed.len() < limits::FINDINGS_MAX {
            self.listed.push(finding);
        }
        self.total += 1;
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }
}

/// Reads znodes, parents before their children.
#[derive(Debug, Default)]
pub struct MetadataReader {
    metadata: Metadata,
    apps_seen: bool,
}

impl MetadataReader {
    /// Takes a znode: its path below the cluster's root (`apps/3/7`), without a slash before it, and its data. Znodes that
    /// are no table and no partition are passed over.
    pub fn znode(&mut self, path: &str, data: &[u8]) {
        let names: Vec<&str> = path.split('/').collect();
        match names[..] {
            ["apps"] => {
                self.apps_seen = true;
                // Older versions leave it empty (`meta/server_state.cpp`, `initialize_data_structure`).
                if !matches!(data, b"unlock" | b"") {
                    let state = String::from_utf8_lossy(&data[..data.len().min(32)]);
                    self.metadata.findings.add(format!("apps is in state {state:?}, not unlock: a meta server aborts"));
                }
            }
            ["apps", app] => self.app(app, data),
            // A table has more children than its partitions: duplication and bulk load.
            ["apps", app, index] => {
                if let (Ok(app), Ok(index)) = (app.parse(), index.parse()) {
                    self.partition(app, index, data);
                }
            }
            _ => {}
        }
    }

    fn app(&mut self, name: &str, data: &[u8]) {
        match app_info(data) {
            Ok(info) if info.app_id.to_string() == name => {
                self.metadata.apps.entry(info.app_id).or_default().info.clone_from(&info);
            }
            Ok(info) => self.metadata.findings.add(format!("apps/{name} holds table {}", info.app_id)),
            Err(damage) => self.metadata.findings.add(format!("apps/{name} is no table: {damage}")),
        }
    }

    fn partition(&mut self, app: i32, index: i32, data: &[u8]) {
        match partition_config(data) {
            Ok(config) if (config.pid.app_id, config.pid.index) == (app, index) => {
                self.metadata.apps.entry(app).or_default().partitions.insert(index, config);
            }
            Ok(config) => self.metadata.findings.add(format!("apps/{app}/{index} holds partition {}", config.pid)),
            Err(damage) => self.metadata.findings.add(format!("apps/{app}/{index} is no partition: {damage}")),
        }
    }

    /// What was read, and what is wrong with it.
    pub fn finish(mut self) -> Metadata {
        let findings = &mut self.metadata.findings;
        if !self.apps_seen {
            findings.add("there is no apps: a meta server makes default tables".to_owned());
        }
        for (id, app) in &self.metadata.apps {
            for index in (0..app.info.partition_count).filter(|index| !app.partitions.contains_key(index)) {
                findings.add(format!("partition {id}.{index} is missing: a meta server makes it again, empty"));
            }
            for index in app.partitions.keys().filter(|index| !(0..app.info.partition_count).contains(*index)) {
                findings.add(format!("partition {id}.{index} is none of the table's {}", app.info.partition_count));
            }
        }
        self.metadata
    }
}

impl Metadata {
    /// What is wrong with the tree by itself.
    pub fn findings(&self) -> &Findings {
        &self.findings
    }

    /// What is not as in a list of all tables, as the primary gave it.
    pub fn beside(&self, apps: &[AppInfo]) -> Findings {
        let mut findings = Findings::default();
        for app in apps {
            // Duplication is not stored in the table, but made of what stands below it.
            let said = AppInfo { duplicating: None, ..app.clone() };
            match self.apps.get(&app.app_id).map(|stored| AppInfo { duplicating: None, ..stored.info.clone() }) {
                None => findings.add(format!("table {} ({}) is not in the tree", app.app_id, app.app_name)),
                Some(stored) if stored != said => {
                    findings.add(format!("table {} ({}) is another in the tree", app.app_id, app.app_name));
                }
                Some(_) => {}
            }
        }
        for (id, app) in &self.apps {
            if !apps.iter().any(|listed| listed.app_id == *id) {
                findings.add(format!("table {id} ({}) is in the tree, but not in the list", app.info.app_name));
            }
        }
        findings
    }
}
