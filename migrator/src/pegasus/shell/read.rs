//! The shell's lists read again: what an operator has kept of `ls -o` and `nodes -d -o`.
//!
//! Cells are told apart by blanks, which no name, status or address holds (`meta/server_state.cpp`, `validate_app_name`);
//! columns go by their names, for they differ from version to version.

use super::super::types::{AppStatus, NodeStatus};

/// A table as `ls -o` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedApp {
    /// Its id.
    pub app_id: i32,
    /// What became of it.
    pub status: AppStatus,
    /// Its name.
    pub app_name: String,
    /// How many partitions it has.
    pub partition_count: i32,
}

/// A replica server as `nodes -d -o` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedNode {
    /// `host:port`.
    pub address: String,
    /// Whether it lived.
    pub status: NodeStatus,
}

/// The tables of a list; the error says what is wrong with it.
pub fn apps(text: &str) -> Result<Vec<ListedApp>, String> {
    let rows = rows(text, "general_info", ["app_id", "status", "app_name", "partition_count"])?;
    let app = |[app_id, status, app_name, partition_count]: [&str; 4]| {
        Ok(ListedApp {
            app_id: number(app_id)?,
            status: AppStatus::from_name(status).ok_or_else(|| format!("{status:?} is no status of a table"))?,
            app_name: app_name.to_owned(),
            partition_count: number(partition_count)?,
        })
    };
    rows.into_iter().map(app).collect()
}

/// The replica servers of a list.
pub fn nodes(text: &str) -> Result<Vec<ListedNode>, String> {
    let node = |[address, status]: [&str; 2]| {
        let status = NodeStatus::from_name(status).ok_or_else(|| format!("{status:?} is no status of a node"))?;
        Ok(ListedNode { address: address.to_owned(), status })
    };
    rows(text, "details", ["address", "status"])?.into_iter().map(node).collect()
}

fn number(text: &str) -> Result<i32, String> {
    text.parse().map_err(|_| format!("{text:?} is no number"))
}

/// The cells of these columns, of each row of a section.
fn rows<'a, const N: usize>(text: &'a str, section: &str, columns: [&str; N]) -> Result<Vec<[&'a str; N]>, String> {
    let title = format!("[{section}]");
    let mut lines = text.lines().map(str::trim).skip_while(|line| *line != title).skip(1);
    let head: Vec<&str> = lines.next().ok_or_else(|| format!("it has no {title}"))?.split_whitespace().collect();
    let place = |column: &str| {
        head.iter().position(|name| *name == column).ok_or_else(|| format!("{title} has no column {column}"))
    };
    let mut places = [0; N];
    for (place_of, column) in places.iter_mut().zip(columns) {
        *place_of = place(column)?;
    }
    let row = |line: &'a str| {
        let cells: Vec<&str> = line.split_whitespace().collect();
        if cells.len() != head.len() {
            return Err(format!("a row of {title} has {} cells, and not {}: {line}", cells.len(), head.len()));
        }
        Ok(places.map(|place| cells[place]))
    };
    lines.take_while(|line| !line.is_empty()).map(row).collect()
}

#[cfg(test)]
mod tests;
