//! What is said of tables and nodes that came back, and of those that did not.

use super::{Accounts, Saved};
use crate::pegasus::messages::{AppInfo, NodeInfo};
use crate::pegasus::shell::read::ListedApp;
use crate::pegasus::types::{AppStatus, NodeStatus};

fn was(app_id: i32, status: AppStatus, name: &str, partition_count: i32) -> ListedApp {
    ListedApp { app_id, status, app_name: name.to_owned(), partition_count }
}

fn is(app_id: i32, status: AppStatus, name: &str, partition_count: i32) -> AppInfo {
    AppInfo { app_id, status, app_name: name.to_owned(), partition_count, ..AppInfo::default() }
}

fn node(name: &str, status: NodeStatus) -> NodeInfo {
    NodeInfo { status, hp_node: name.parse().ok(), ..NodeInfo::default() }
}

#[test]
fn what_came_back_as_it_was_is_only_counted() {
    let tables = vec![was(1, AppStatus::Available, "a", 4), was(2, AppStatus::Available, "b", 8)];
    let saved = Saved { apps: Some(tables.clone()), all: tables, nodes: vec!["n:1".to_owned()] };
    let now = [is(1, AppStatus::Available, "a", 4), is(2, AppStatus::Available, "b", 8)];
    let accounts = saved.beside(&now, &[node("n:1", NodeStatus::Alive)]);
    let expected = Accounts { tables: 2, partitions: 12, nodes: 1, is_compared: true, ..Accounts::default() };
    assert_eq!(accounts, expected);
}

#[test]
fn what_is_lost_renamed_or_revived_is_named() {
    let saved = Saved {
        apps: Some(vec![
            was(1, AppStatus::Available, "a", 4),
            was(2, AppStatus::Available, "b", 8),
            was(3, AppStatus::Available, "c", 4),
        ]),
        all: vec![was(4, AppStatus::Dropped, "d", 4)],
        nodes: vec!["n:1".to_owned(), "n:2".to_owned()],
    };
    let now = [
        is(1, AppStatus::Dropped, "__drop_holder__1", 1),
        is(2, AppStatus::Available, "b__2", 8),
        is(3, AppStatus::Available, "c", 8),
        is(4, AppStatus::Available, "d", 4),
        is(5, AppStatus::Available, "e", 4),
    ];
    let accounts = saved.beside(&now, &[node("n:1", NodeStatus::Alive), node("n:2", NodeStatus::Unalive)]);
    assert_eq!(
        accounts.lost,
        ["table 1 (a) with 4 partitions is not there", "table 3 (c) has 8 partitions, and had 4"]
    );
    assert_eq!(accounts.renamed, ["table 2 (b) is called b__2"]);
    assert_eq!(accounts.revived, ["table 4 (d) was DROPPED as d", "table 5 (e) was in no list"]);
    assert_eq!(accounts.nodes_missing, ["n:2"]);
}

#[test]
fn without_a_list_nothing_is_called_compared() {
    let accounts = Saved::default().beside(&[is(1, AppStatus::Available, "a", 4)], &[]);
    assert!(!accounts.is_compared);
    assert!(accounts.lost.is_empty() && accounts.revived.is_empty());
}
