//! What the replica servers of the recorded cluster have: the tables and replicas of its tree, as a recovery collects them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::golden::{self, CLUSTER_ROOT};

/// The replicas of the recorded tree by replica server, for `recovery.nodes` of a stand-in's `admin.json`. Tables that were
/// dropped are not there: replica servers have forgotten them.
pub fn recorded_replicas(nodes: &[&str]) -> Value {
    let mut apps = Vec::new();
    let mut replicas: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
    for znode in golden::live() {
        let Some(below) = znode.path.strip_prefix(CLUSTER_ROOT).and_then(|path| path.strip_prefix("/apps/")) else {
            continue;
        };
        let Ok(data) = serde_json::from_slice::<Value>(&znode.data) else { continue };
        if !below.contains('/') {
            if data["status"] == "app_status::AS_AVAILABLE" {
                apps.push(data);
            }
        } else if let Some(pid) = data["pid"].as_str() {
            let held = data["hp_secondaries"].as_array().into_iter().flatten().chain([&data["hp_primary"]]);
            for node in held.filter_map(Value::as_str) {
                replicas.entry(node.to_owned()).or_default().insert(pid.to_owned(), data["ballot"].clone());
            }
        }
    }
    let node = |name: &&str| {
        ((*name).to_owned(), json!({ "apps": apps, "replicas": replicas.get(*name).cloned().unwrap_or_default() }))
    };
    Value::Object(nodes.iter().map(node).collect())
}
