//! Tables and partitions as the server writes them into ZooKeeper, byte for byte.

use std::fmt::Display;

use migrator::pegasus::messages::{AppInfo, PartitionConfig};
use migrator::pegasus::types::AppStatus;
use serde_json::Value;

/// A table, in a state that may be another than it has in memory.
pub(crate) fn app(info: &AppInfo, status: AppStatus) -> Vec<u8> {
    let flag = |flag: Option<bool>| i32::from(flag.unwrap_or_default());
    let envs: Vec<String> = info.envs.iter().map(|(key, value)| format!("{}:{}", text(key), text(value))).collect();
    format!(
        "{{\"status\":\"app_status::AS_{status}\",\"app_type\":{},\"app_name\":{},\"app_id\":{},\"partition_count\":{},\
         \"envs\":{{{}}},\"is_stateful\":{},\"max_replica_count\":{},\"expire_second\":{},\"create_second\":{},\
         \"drop_second\":{},\"duplicating\":{},\"init_partition_count\":{},\"is_bulk_loading\":{},\"atomic_idempotent\":{}}}",
        text(&info.app_type),
        text(&info.app_name),
        info.app_id,
        info.partition_count,
        envs.join(","),
        i32::from(info.is_stateful),
        info.max_replica_count,
        info.expire_second,
        info.create_second,
        info.drop_second,
        flag(info.duplicating),
        info.init_partition_count,
        flag(info.is_bulk_loading),
        flag(info.atomic_idempotent),
    )
    .into_bytes()
}

/// A partition.
pub(crate) fn partition(config: &PartitionConfig) -> Vec<u8> {
    format!(
        "{{\"pid\":\"{}\",\"ballot\":{},\"max_replica_count\":{},\"primary\":\"{}\",\"secondaries\":{},\"last_drops\":{},\
         \"last_committed_decree\":{},\"partition_flags\":{},\"hp_primary\":\"{}\",\"hp_secondaries\":{},\
         \"hp_last_drops\":{}}}",
        config.pid,
        config.ballot,
        config.max_replica_count,
        config.primary,
        list(&config.secondaries),
        list(&config.last_drops),
        config.last_committed_decree,
        config.partition_flags,
        config.hp_primary.clone().unwrap_or_default(),
        list(config.hp_secondaries.as_deref().unwrap_or_default()),
        list(config.hp_last_drops.as_deref().unwrap_or_default()),
    )
    .into_bytes()
}

fn list(values: &[impl Display]) -> String {
    let values: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
    format!("[{}]", values.join(","))
}

fn text(text: &str) -> Value {
    Value::from(text)
}
