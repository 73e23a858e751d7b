//! Lists that the real shell wrote, and lists that are none.

use super::{apps, nodes};
use crate::pegasus::types::{AppStatus, NodeStatus};

fn golden(name: &str) -> String {
    let file = format!("{}/../tests/golden/pegasus-shell/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(file).expect("the golden data is there")
}

#[test]
fn the_shells_own_lists_are_read() {
    let tables = apps(&golden("apps.all.detailed.list")).unwrap();
    let dropped: Vec<&str> =
        tables.iter().filter(|app| app.status == AppStatus::Dropped).map(|app| app.app_name.as_str()).collect();
    assert_eq!((tables.len(), dropped), (7, vec!["to_drop"]));
    assert_eq!((tables[2].app_id, tables[2].partition_count), (3, 16));
    let servers = nodes(&golden("nodes.list")).unwrap();
    assert_eq!(servers.len(), 3);
    assert!(servers.iter().all(|node| node.status == NodeStatus::Alive));
    assert_eq!(servers[0].address, "localhost:34801");
}

/// The documents' `grep ALIVE` takes it for one that lives.
#[test]
fn unalive_is_not_alive() {
    let text = "[details]\naddress status replica_count\na:1 UNALIVE 3\n\n[summary]\n";
    assert_eq!(nodes(text).unwrap()[0].status, NodeStatus::Unalive);
}

#[test]
fn what_is_no_list_is_refused_with_the_reason() {
    assert_eq!(apps("").unwrap_err(), "it has no [general_info]");
    assert_eq!(nodes("[details]\naddress\n").unwrap_err(), "[details] has no column status");
    assert!(nodes("[details]\naddress status\na:1\n").unwrap_err().starts_with("a row of [details] has 1 cells"));
    assert!(nodes("[details]\naddress status\na:1 LAZY\n").unwrap_err().contains("no status"));
}
