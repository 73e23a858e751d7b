//! The JSON of a table and of a partition (`common/json_helper.h`): truth values are 0 and 1, states and addresses text.
//!
//! Older versions have fewer fields: those that came later have their defaults. Newer ones have more: they are passed over.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use crate::limits;
use crate::pegasus::messages::{AppInfo, PartitionConfig};
use crate::pegasus::record::Damage;
use crate::pegasus::types::{AppStatus, Gpid, HostPort, RpcAddress};

#[derive(Deserialize)]
#[expect(clippy::struct_field_names, clippy::struct_excessive_bools, reason = "they are Pegasus's own")]
struct App {
    #[serde(deserialize_with = "status")]
    status: AppStatus,
    app_type: String,
    app_name: String,
    app_id: i32,
    partition_count: i32,
    #[serde(default)]
    envs: BTreeMap<String, String>,
    #[serde(deserialize_with = "flag")]
    is_stateful: bool,
    max_replica_count: i32,
    #[serde(default)]
    expire_second: i64,
    #[serde(default)]
    create_second: i64,
    #[serde(default)]
    drop_second: i64,
    #[serde(default, deserialize_with = "flag")]
    duplicating: bool,
    #[serde(default = "no_split")]
    init_partition_count: i32,
    #[serde(default, deserialize_with = "flag")]
    is_bulk_loading: bool,
    #[serde(default, deserialize_with = "flag")]
    atomic_idempotent: bool,
}

#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "they are Pegasus's own")]
struct Partition {
    #[serde(deserialize_with = "gpid")]
    pid: Gpid,
    ballot: i64,
    max_replica_count: i32,
    #[serde(deserialize_with = "address")]
    primary: RpcAddress,
    secondaries: Vec<Address>,
    last_drops: Vec<Address>,
    last_committed_decree: i64,
    partition_flags: i32,
    hp_primary: Option<Name>,
    hp_secondaries: Option<Vec<Name>>,
    hp_last_drops: Option<Vec<Name>>,
}

/// The table that a znode's data holds.
pub fn app_info(data: &[u8]) -> Result<AppInfo, Damage> {
    let app: App = serde_json::from_slice(data).map_err(|error| Damage(error.to_string()))?;
    if !(0..=limits::PARTITIONS_MAX).contains(&app.partition_count) {
        return Err(Damage(format!("a table of {} partitions", app.partition_count)));
    }
    Ok(AppInfo {
        status: app.status,
        app_type: app.app_type,
        app_name: app.app_name,
        app_id: app.app_id,
        partition_count: app.partition_count,
        envs: app.envs,
        is_stateful: app.is_stateful,
        max_replica_count: app.max_replica_count,
        expire_second: app.expire_second,
        create_second: app.create_second,
        drop_second: app.drop_second,
        duplicating: Some(app.duplicating),
        init_partition_count: app.init_partition_count,
        is_bulk_loading: Some(app.is_bulk_loading),
        atomic_idempotent: Some(app.atomic_idempotent),
    })
}

/// The partition that a znode's data holds.
pub fn partition_config(data: &[u8]) -> Result<PartitionConfig, Damage> {
    let partition: Partition = serde_json::from_slice(data).map_err(|error| Damage(error.to_string()))?;
    let addresses = |list: Vec<Address>| list.into_iter().map(|address| address.0).collect();
    let names = |list: Vec<Name>| list.into_iter().map(|name| name.0).collect();
    Ok(PartitionConfig {
        pid: partition.pid,
        ballot: partition.ballot,
        max_replica_count: partition.max_replica_count,
        primary: partition.primary,
        secondaries: addresses(partition.secondaries),
        last_drops: addresses(partition.last_drops),
        last_committed_decree: partition.last_committed_decree,
        partition_flags: partition.partition_flags,
        hp_primary: partition.hp_primary.map(|name| name.0),
        hp_secondaries: partition.hp_secondaries.map(names),
        hp_last_drops: partition.hp_last_drops.map(names),
    })
}

/// `app_status::AS_AVAILABLE`
fn status<'de, D: Deserializer<'de>>(from: D) -> Result<AppStatus, D::Error> {
    let text = String::deserialize(from)?;
    let known = text.strip_prefix("app_status::AS_").and_then(AppStatus::from_name);
    known.ok_or_else(|| D::Error::custom(format!("{text:?} is no state of a table")))
}

/// 0 and 1; true and false are taken too.
fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    match serde_json::Value::deserialize(from)? {
        serde_json::Value::Bool(flag) => Ok(flag),
        number if number == 0 => Ok(false),
        number if number == 1 => Ok(true),
        other => Err(D::Error::custom(format!("{other} is no truth value"))),
    }
}

/// Before a split was ever thought of (`idl/dsn.layer2.thrift`).
fn no_split() -> i32 {
    -1
}

/// `4.7`
fn gpid<'de, D: Deserializer<'de>>(from: D) -> Result<Gpid, D::Error> {
    let text = String::deserialize(from)?;
    let parts = text.split_once('.').and_then(|(app, index)| Some((app.parse().ok()?, index.parse().ok()?)));
    let (app_id, index) = parts.ok_or_else(|| D::Error::custom(format!("{text:?} is no partition")))?;
    Ok(Gpid { app_id, index })
}

/// `127.0.0.1:34801`, or `invalid address`
fn address<'de, D: Deserializer<'de>>(from: D) -> Result<RpcAddress, D::Error> {
    let text = String::deserialize(from)?;
    if text == RpcAddress::default().to_string() {
        return Ok(RpcAddress::default());
    }
    let socket: Result<SocketAddrV4, _> = text.parse();
    socket.map(RpcAddress::from).map_err(|_| D::Error::custom(format!("{text:?} is no address")))
}

/// `localhost:34801`, or `invalid host_port`
fn host_port<'de, D: Deserializer<'de>>(from: D) -> Result<HostPort, D::Error> {
    let text = String::deserialize(from)?;
    if text == HostPort::default().to_string() {
        return Ok(HostPort::default());
    }
    text.parse().map_err(|damage: Damage| D::Error::custom(damage.0))
}

#[derive(Deserialize)]
struct Address(#[serde(deserialize_with = "address")] RpcAddress);

#[derive(Deserialize)]
struct Name(#[serde(deserialize_with = "host_port")] HostPort);
