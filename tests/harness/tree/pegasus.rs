//! A tree as a Pegasus meta server keeps it: tables, and their partitions below them.
//!
//! Sizes and fields follow the recorded tree of `tests/golden`: `app_info` of 300 to 364 bytes, partitions of 293 to 331.
//!
//! Invariants: a table has the partitions it says it has, a power of two from 4 to 1024. What is too few znodes for one
//! more table becomes backup policies.

use std::iter;

use super::{Random, TreeZnode};

/// What a cluster root has besides tables.
const FIXED: [(&str, &str); 5] =
    [("/apps", "unlock"), ("/backup", ""), ("/bulk_load", ""), ("/lock", ""), ("/lock/dsn.meta.server.leader", "")];

const PARTITIONS_MIN_LOG2: u32 = 2;
const PARTITIONS_MAX_LOG2: u32 = 10;
const REPLICA_SERVERS: usize = 1_000;

/// `znodes` znodes of a Pegasus cluster root; with fewer than 10 there is no table among them.
pub fn pegasus_like(seed: u64, znodes: usize) -> impl Iterator<Item = TreeZnode> + Send {
    let fixed = FIXED.into_iter().map(|(path, data)| TreeZnode::new(path, data));
    let mut left = znodes.saturating_sub(FIXED.len());
    let mut tables = 0;
    let groups = iter::from_fn(move || {
        tables += 1;
        let partitions = partition_count(seed, tables, left);
        let taken = partitions.map_or(left.min(1), |partitions| partitions + 1);
        left -= taken;
        (taken > 0).then_some((tables, partitions))
    });
    let rest = groups.flat_map(move |(id, partitions)| {
        let first = match partitions {
            Some(count) => TreeZnode::new(format!("/apps/{id}"), table(seed, id, count)),
            None => TreeZnode::new(format!("/backup/policy_{id}"), policy(id)),
        };
        let below = (0..partitions.unwrap_or(0))
            .map(move |index| TreeZnode::new(format!("/apps/{id}/{index}"), partition(seed, id, index)));
        iter::once(first).chain(below)
    });
    fixed.chain(rest).take(znodes)
}

/// How many partitions the table has, or none if it can't have 4 with `left` znodes.
fn partition_count(seed: u64, id: usize, left: usize) -> Option<usize> {
    let most = left.checked_sub(1)?.checked_ilog2()?.min(PARTITIONS_MAX_LOG2);
    let choices = PARTITIONS_MAX_LOG2 - PARTITIONS_MIN_LOG2 + 1;
    let chosen = (PARTITIONS_MIN_LOG2..).nth(Random::at(!seed, id).below(choices as usize))?;
    (most >= PARTITIONS_MIN_LOG2).then(|| 1 << chosen.min(most))
}

fn table(seed: u64, id: usize, partitions: usize) -> String {
    let mut random = Random::at(seed, id);
    let envs = ["", r#""default_ttl":"86400""#, r#""manual_compact.disabled":"true""#][random.below(3)];
    let created = 1_700_000_000 + random.below(90_000_000);
    format!(
        r#"{{"status":"app_status::AS_AVAILABLE","app_type":"pegasus","app_name":"table_{id}","app_id":{id},"partition_count":{partitions},"envs":{{{envs}}},"is_stateful":1,"max_replica_count":3,"expire_second":0,"create_second":{created},"drop_second":0,"duplicating":0,"init_partition_count":{partitions},"is_bulk_loading":0,"atomic_idempotent":0}}"#
    )
}

fn partition(seed: u64, id: usize, index: usize) -> String {
    let mut random = Random::at(seed ^ id as u64, index);
    let ballot = 3 + random.below(30);
    let first = random.below(REPLICA_SERVERS);
    let servers = [first, first + 1, first + 2].map(|server| server % REPLICA_SERVERS);
    let [primary, one, two] = servers.map(|server| format!("10.0.{}.{}:34801", server / 250, server % 250));
    let [hp_primary, hp_one, hp_two] = servers.map(|server| format!("replica{server:03}:34801"));
    format!(
        r#"{{"pid":"{id}.{index}","ballot":{ballot},"max_replica_count":3,"primary":"{primary}","secondaries":["{one}","{two}"],"last_drops":[],"last_committed_decree":0,"partition_flags":0,"hp_primary":"{hp_primary}","hp_secondaries":["{hp_one}","{hp_two}"],"hp_last_drops":[]}}"#
    )
}

fn policy(id: usize) -> String {
    format!(
        r#"{{"policy_name":"policy_{id}","backup_provider_type":"local_service","app_ids":[1],"app_names":{{"1":"table_1"}},"backup_interval_seconds":86400,"backup_history_count_to_keep":3,"is_disable":0,"start_time":{{"hour":3,"minute":0}}}}"#
    )
}
