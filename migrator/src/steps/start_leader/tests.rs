//! What a real meta server served, beside what it had in ZooKeeper.

use std::fs;
use std::path::Path;

use super::*;
use crate::pegasus::frame::{Reply, ThriftReply};
use crate::pegasus::messages::{ListAppsReply, QueryConfigReply};
use crate::pegasus::metadata::MetadataReader;
use crate::pegasus::record::{Value, decode_body};

fn golden(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden").join(name)).unwrap()
}

fn reply<T: Value>(name: &str) -> T {
    let Reply::Thrift(ThriftReply { body, .. }) =
        Reply::decode(&golden(&format!("pegasus-rpc/{name}.resp.bin"))).unwrap()
    else {
        panic!("{name} is no thrift reply")
    };
    decode_body(&body).unwrap()
}

/// The recorded tree after a recovery, and what the same leader served then.
fn recorded() -> (Metadata, Vec<AppInfo>, BTreeMap<i32, Vec<PartitionConfig>>) {
    let mut reader = MetadataReader::default();
    for line in String::from_utf8(golden("pegasus-tree/after-recovery.jsonl")).unwrap().lines() {
        let znode: serde_json::Value = serde_json::from_str(line).unwrap();
        if let Some(path) = znode["path"].as_str().unwrap().strip_prefix("/pegasus/onebox/") {
            reader.znode(path, znode["data_text"].as_str().unwrap().as_bytes());
        }
    }
    let orders: QueryConfigReply = reply("after_recovery.query_cfg.orders");
    let apps: ListAppsReply = reply("after_recovery.list_apps");
    (reader.finish(), apps.infos, BTreeMap::from([(orders.app_id, orders.partitions)]))
}

#[test]
fn a_real_leader_serves_what_is_stored() {
    let (copy, apps, partitions) = recorded();
    assert_eq!(copy.beside(&apps).listed, Vec::<String>::new());
    let orders: Vec<AppInfo> = apps.into_iter().filter(|app| app.app_name == "orders").collect();
    let found = differences(&copy, &orders, &partitions);
    // One partition was asked for, and is the same; the other tables are in the tree, and not in this list.
    assert_eq!(found.last().map(String::as_str), Some("0 partition(s) of table 4 (orders) are others"));
    assert!(found.iter().rev().skip(1).all(|found| found.ends_with("but not in the list")), "{found:?}");
}

#[test]
fn an_empty_partition_in_the_place_of_a_stored_one_is_found() {
    let (copy, apps, mut partitions) = recorded();
    let orders = apps.iter().find(|app| app.app_name == "orders").unwrap();
    let first = &mut partitions.get_mut(&orders.app_id).unwrap()[0];
    *first =
        PartitionConfig { pid: first.pid, max_replica_count: first.max_replica_count, ..PartitionConfig::default() };
    let found = differences(&copy, std::slice::from_ref(orders), &partitions);
    assert!(found.iter().any(|found| found.starts_with("1 partition(s) of table 4 (orders)")), "{found:?}");
}
