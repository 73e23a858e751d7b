//! The lists that Pegasus's shell writes: `ls -o`, `ls -a -o`, `ls -a -d -o` and `nodes -d -o`, byte for byte.
//!
//! They are what the documents have an operator keep before a migration. Layout: `utils/output_utils.cpp` (each column as
//! wide as its widest cell, and two spaces), `client/replication_ddl_client.cpp` (`list_apps`) and
//! `shell/commands/node_management.cpp` (`ls_nodes`). The shell writes times in its own time zone; here they are UTC.

pub mod read;

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use super::messages::{AppInfo, NodeInfo, PartitionConfig};
use super::types::{AppStatus, NodeStatus};

/// What `ls -o` writes of these tables; with the partitions of each available one, by the table's id, what `ls -d -o`
/// writes. With tables of all states it is what `ls -a` writes.
pub fn app_list(apps: &[AppInfo], partitions: Option<&BTreeMap<i32, Vec<PartitionConfig>>>) -> String {
    let available: Vec<&AppInfo> = apps.iter().filter(|app| app.status == AppStatus::Available).collect();
    let mut text = general_info(apps).text("general_info");
    let mut summary = vec![("total_app_count", available.len())];
    if let Some(partitions) = partitions.filter(|_| !available.is_empty()) {
        let health: Vec<_> = available
            .iter()
            .map(|app| (*app, Health::of(partitions.get(&app.app_id).map_or(&[], Vec::as_slice))))
            .collect();
        text += &healthy_info(&health).text("healthy_info");
        let count = |matches: fn(&AppInfo, &Health) -> bool| health.iter().filter(|(app, of)| matches(app, of)).count();
        let all_healthy = |app: &AppInfo, of: &Health| i64::from(app.partition_count) == of.fully_healthy;
        summary.push(("fully_healthy_app_count", count(all_healthy)));
        summary.push(("unhealthy_app_count", count(|app, of| i64::from(app.partition_count) != of.fully_healthy)));
        summary.push(("write_unhealthy_app_count", count(|_, of| of.write_unhealthy > 0)));
        summary.push(("read_unhealthy_app_count", count(|_, of| of.read_unhealthy > 0)));
    }
    text + &pairs(&summary).text("summary")
}

/// What `nodes -d -o FILE` writes: `file` is the name that it was given.
pub fn node_list(file: &str, nodes: &[NodeInfo], partitions: &BTreeMap<i32, Vec<PartitionConfig>>) -> String {
    let rows: BTreeMap<String, NodeStatus> = nodes.iter().map(|node| (node.name(), node.status)).collect();
    let mut replicas: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    for partition in partitions.values().flatten() {
        if let Some(primary) = partition.primary_name() {
            replicas.entry(primary).or_default()[0] += 1;
        }
        for secondary in partition.secondary_names() {
            replicas.entry(secondary).or_default()[1] += 1;
        }
    }
    let columns = ["address", "status", "replica_count", "primary_count", "secondary_count"];
    let mut details = Table::new(&columns, 2);
    for (name, status) in &rows {
        let [primaries, secondaries] = replicas.get(name).copied().unwrap_or_default();
        let counts = [primaries + secondaries, primaries, secondaries].map(|count| count.to_string());
        details.row([vec![name.clone(), status.to_string()], counts.to_vec()].concat());
    }
    let alive = rows.values().filter(|status| **status == NodeStatus::Alive).count();
    let summary =
        [("total_node_count", rows.len()), ("alive_node_count", alive), ("unalive_node_count", rows.len() - alive)];
    pairs(&[("out_file", file)]).text("parameters") + &details.text("details") + &pairs(&summary).text("summary")
}

fn general_info(apps: &[AppInfo]) -> Table {
    let columns = [
        "app_id",
        "status",
        "app_name",
        "app_type",
        "partition_count",
        "replica_count",
        "is_stateful",
        "create_time",
        "drop_time",
        "drop_expire",
        "envs_count",
        "atomic_idempotent",
    ];
    let mut table = Table::new(&columns, columns.len());
    for app in apps {
        let dropped = app.status == AppStatus::Dropped && app.expire_second > 0;
        table.row(vec![
            app.app_id.to_string(),
            app.status.to_string(),
            app.app_name.clone(),
            app.app_type.clone(),
            app.partition_count.to_string(),
            app.max_replica_count.to_string(),
            app.is_stateful.to_string(),
            time(app.create_second),
            time(if dropped { app.drop_second } else { 0 }),
            time(if dropped { app.expire_second } else { 0 }),
            app.envs.len().to_string(),
            app.atomic_idempotent.unwrap_or_default().to_string(),
        ]);
    }
    table
}

/// How many of a table's partitions have all their replicas, and how many too few.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// As many replicas as it shall have, one of them a primary.
    pub fully_healthy: i64,
    /// No primary, or it is alone.
    pub write_unhealthy: i64,
    /// No primary.
    pub read_unhealthy: i64,
}

impl Health {
    /// Of these partitions, by the shell's rules (`list_apps` of `client/replication_ddl_client.cpp`).
    pub fn of(partitions: &[PartitionConfig]) -> Self {
        let mut health = Self::default();
        for partition in partitions {
            let replicas = 1 + partition.secondary_names().len();
            if partition.primary_name().is_none() {
                health.write_unhealthy += 1;
                health.read_unhealthy += 1;
            } else if i32::try_from(replicas).is_ok_and(|replicas| replicas >= partition.max_replica_count) {
                health.fully_healthy += 1;
            } else if replicas < 2 {
                health.write_unhealthy += 1;
            }
        }
        health
    }
}

fn healthy_info(health: &[(&AppInfo, Health)]) -> Table {
    let columns =
        ["app_id", "app_name", "partition_count", "fully_healthy", "unhealthy", "write_unhealthy", "read_unhealthy"];
    let mut table = Table::new(&columns, columns.len());
    for (app, of) in health {
        let unhealthy = i64::from(app.partition_count) - of.fully_healthy;
        let counts =
            [of.fully_healthy, unhealthy, of.write_unhealthy, of.read_unhealthy].map(|count| count.to_string());
        let head = vec![app.app_id.to_string(), app.app_name.clone(), app.partition_count.to_string()];
        table.row([head, counts.to_vec()].concat());
    }
    table
}

/// Seconds of the epoch as the shell writes them; `-`: there is no such time.
fn time(seconds: i64) -> String {
    let time = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0);
    let time = time.and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
    // Its years have four digits, so what lies behind the year 9999 has no text.
    time.and_then(|time| {
        let mut text = String::new();
        std::fmt::Write::write_fmt(&mut text, format_args!("{}", humantime::format_rfc3339_seconds(time))).ok()?;
        Some(text.trim_end_matches('Z').replace('T', "_"))
    })
    .unwrap_or_else(|| "-".to_owned())
}

/// A table as the shell prints it.
struct Table {
    rows: Vec<Vec<String>>,
    /// How many columns stand to the left; those behind them stand to the right.
    left: usize,
    separator: &'static str,
}

impl Table {
    fn new(columns: &[&str], left: usize) -> Self {
        Self { rows: vec![columns.iter().map(|&column| column.to_owned()).collect()], left, separator: "" }
    }

    fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Widths are in bytes, as in C++.
    fn text(&self, name: &str) -> String {
        let mut widths = vec![0; self.rows.iter().map(Vec::len).max().unwrap_or_default()];
        for row in &self.rows {
            row.iter().zip(&mut widths).for_each(|(cell, width)| *width = (*width).max(cell.len()));
        }
        let mut text = format!("[{name}]\n");
        for row in &self.rows {
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let cell = format!("{}{cell}", if column == 0 { "" } else { self.separator });
                let space = " ".repeat((width + 2).saturating_sub(cell.len()));
                text += &if column < self.left { cell + &space } else { space + &cell };
            }
            text.push('\n');
        }
        text.push('\n');
        text
    }
}

/// Names and their values.
fn pairs(pairs: &[(&str, impl ToString)]) -> Table {
    let rows = pairs.iter().map(|(name, value)| vec![(*name).to_owned(), value.to_string()]).collect();
    Table { rows, left: 2, separator: ": " }
}
