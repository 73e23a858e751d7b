//! The requests and replies that a migration needs, as in `idl/meta_admin.thrift`, `idl/dsn.layer2.thrift` and
//! `idl/command.thrift`, with their fields' numbers.

use std::collections::BTreeMap;

use thrift::protocol::TType;

use super::record::{Damage, Input, Output, Value};
use super::types::{AppStatus, ErrorCode, Gpid, HostPort, Level, NodeStatus, RpcAddress};
use crate::record;

/// A request: its name, what it is in words, and what it gives.
pub trait Call: Value {
    /// The name of the RPC.
    const RPC: &str;
    /// What is done, as words that follow the server's name in a message.
    const OP: &str;
    /// What is answered.
    type Reply: Value;

    /// Whether it changes anything: then it is never sent twice, and without an answer its outcome is unknown.
    fn writes(&self) -> bool;
}

/// A reply that says whether the server did it.
pub trait Answer: Value {
    /// The server's word on it.
    fn err(&self) -> &ErrorCode;
}

macro_rules! call {
    ($request:ident -> $reply:ident, $rpc:literal, $op:literal, writes: $writes:expr) => {
        impl Call for $request {
            const RPC: &str = $rpc;
            const OP: &str = $op;
            type Reply = $reply;

            fn writes(&self) -> bool {
                ($writes)(self)
            }
        }

        impl Answer for $reply {
            fn err(&self) -> &ErrorCode {
                &self.err
            }
        }
    };
}

/// Asks what the cluster says of itself. Without fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClusterInfoRequest;

impl Value for ClusterInfoRequest {
    const TYPE: TType = TType::Struct;

    fn read(from: &mut Input<'_>) -> Result<Self, Damage> {
        while let Some((said, _)) = from.field()? {
            from.skip(said)?;
        }
        Ok(Self)
    }

    fn write(&self, to: &mut Output) {
        to.stop();
    }
}

record! {
    /// What the cluster says of itself, as pairs.
    pub struct ClusterInfoReply {
        /// The server's word on it.
        1: err: ErrorCode,
        /// The names.
        2: keys: Vec<String>,
        /// A value for each.
        3: values: Vec<String>,
    }
}
call!(ClusterInfoRequest -> ClusterInfoReply, "RPC_CM_CLUSTER_INFO", "query the cluster info", writes: |_| false);

record! {
    /// Asks for the tables.
    pub struct ListAppsRequest {
        /// Only those in this state; [`AppStatus::Invalid`]: all.
        1: status: AppStatus,
        /// Only those whose name matches.
        2: app_name_pattern: Option<String>,
        /// How it matches.
        3: match_type: Option<i32>,
    }
}

record! {
    /// The tables.
    pub struct ListAppsReply {
        /// The server's word on it.
        1: err: ErrorCode,
        /// The tables.
        2: infos: Vec<AppInfo>,
        /// More on an error.
        3: hint_message: Option<String>,
    }
}
call!(ListAppsRequest -> ListAppsReply, "RPC_CM_LIST_APPS", "list the tables", writes: |_| false);

record! {
    /// A table.
    pub struct AppInfo {
        /// What becomes of it.
        1: status: AppStatus,
        /// Always `pegasus`.
        2: app_type: String,
        /// Its name.
        3: app_name: String,
        /// Its id: the name of its znode.
        4: app_id: i32,
        /// How many partitions it has.
        5: partition_count: i32,
        /// Its environment.
        6: envs: BTreeMap<String, String>,
        /// Always true.
        7: is_stateful: bool,
        /// How many replicas each partition shall have.
        8: max_replica_count: i32,
        /// When a dropped table is forgotten, in seconds of the epoch.
        9: expire_second: i64,
        /// When it was made.
        10: create_second: i64,
        /// When it was dropped.
        11: drop_second: i64,
        /// Whether it is duplicated to another cluster. What stands in ZooKeeper is of the table's last
        /// write; the server sets it from the duplications that it finds.
        12: duplicating: Option<bool>,
        /// The partition count before a split.
        13: init_partition_count: i32,
        /// Whether a bulk load is on.
        14: is_bulk_loading: Option<bool>,
        /// Whether atomic writes are made idempotent.
        15: atomic_idempotent: Option<bool>,
    }
}

record! {
    /// Asks for the replica servers.
    pub struct ListNodesRequest {
        /// Only those in this state; [`NodeStatus::Invalid`]: all.
        1: status: NodeStatus,
    }
}

record! {
    /// The replica servers.
    pub struct ListNodesReply {
        /// The server's word on it.
        1: err: ErrorCode,
        /// The servers.
        2: infos: Vec<NodeInfo>,
    }
}
call!(ListNodesRequest -> ListNodesReply, "RPC_CM_LIST_NODES", "list the nodes", writes: |_| false);

record! {
    /// A replica server.
    pub struct NodeInfo {
        /// Whether it lives.
        1: status: NodeStatus,
        /// Its address.
        2: node: RpcAddress,
        /// Its name, from version 2.6 on.
        3: hp_node: Option<HostPort>,
    }
}

impl NodeInfo {
    /// Its name, or its address where the server knows no names.
    pub fn name(&self) -> String {
        name(self.hp_node.as_ref(), self.node)
    }
}

record! {
    /// Asks for the partitions of a table.
    pub struct QueryConfigRequest {
        /// The table.
        1: app_name: String,
        /// Only these; none: all.
        2: partition_indices: Vec<i32>,
    }
}

record! {
    /// The partitions of a table. A follower names the primary as `partitions[0].primary`, whatever the table.
    pub struct QueryConfigReply {
        /// The server's word on it.
        1: err: ErrorCode,
        /// The table's id.
        2: app_id: i32,
        /// How many partitions it has.
        3: partition_count: i32,
        /// Always true.
        4: is_stateful: bool,
        /// Those asked for.
        5: partitions: Vec<PartitionConfig>,
    }
}
call!(
    QueryConfigRequest -> QueryConfigReply,
    "RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX",
    "query the partitions' configurations",
    writes: |_| false
);

record! {
    /// Where a partition's replicas are.
    pub struct PartitionConfig {
        /// The partition.
        1: pid: Gpid,
        /// Counts its changes.
        2: ballot: i64,
        /// How many replicas it shall have.
        3: max_replica_count: i32,
        /// The primary's address; invalid: it has none.
        4: primary: RpcAddress,
        /// The secondaries' addresses.
        5: secondaries: Vec<RpcAddress>,
        /// Those that were dropped, the last one last.
        6: last_drops: Vec<RpcAddress>,
        /// What a primary reported last.
        7: last_committed_decree: i64,
        /// 1: dropped.
        8: partition_flags: i32,
        /// The primary's name, from version 2.6 on.
        9: hp_primary: Option<HostPort>,
        /// The secondaries' names.
        10: hp_secondaries: Option<Vec<HostPort>>,
        /// The names of those that were dropped.
        11: hp_last_drops: Option<Vec<HostPort>>,
    }
}

impl PartitionConfig {
    /// The primary's name, or its address where the server knows no names; none: it has no primary.
    pub fn primary_name(&self) -> Option<String> {
        let valid = self.hp_primary.as_ref().is_some_and(HostPort::is_valid) || self.primary.socket().is_some();
        valid.then(|| name(self.hp_primary.as_ref(), self.primary))
    }

    /// The same with no name left out, for comparisons: a server leaves out the name of a primary that was never set, and
    /// gives it as an invalid one when it has read the partition from ZooKeeper (`query_cfg.leader` of the golden data).
    #[must_use]
    pub fn filled(mut self) -> Self {
        self.hp_primary.get_or_insert_default();
        self.hp_secondaries.get_or_insert_default();
        self.hp_last_drops.get_or_insert_default();
        self
    }

    /// The secondaries' names, or their addresses where the server knows no names.
    pub fn secondary_names(&self) -> Vec<String> {
        match &self.hp_secondaries {
            Some(names) => names.iter().map(ToString::to_string).collect(),
            None => self.secondaries.iter().map(ToString::to_string).collect(),
        }
    }
}

fn name(host_port: Option<&HostPort>, address: RpcAddress) -> String {
    match host_port {
        Some(host_port) if host_port.is_valid() => host_port.to_string(),
        _ => address.to_string(),
    }
}

record! {
    /// Sets the level, or asks for it.
    pub struct ControlMetaRequest {
        /// The level's number; [`Level::ASK`]: change nothing.
        1: level: i32,
    }
}

record! {
    /// The level before.
    pub struct ControlMetaReply {
        /// The server's word on it.
        1: err: ErrorCode,
        /// The stored level's number. The effective one is `freezed` when too few nodes live: cluster info has it.
        2: old_level: i32,
    }
}
call!(ControlMetaRequest -> ControlMetaReply, "RPC_CM_CONTROL_META", "control the meta level", writes: |request: &Self| request.level != Level::ASK);

record! {
    /// Asks for the cluster's metadata to be made again from what replica servers have.
    pub struct RecoveryRequest {
        /// The servers' addresses.
        1: recovery_nodes: Vec<RpcAddress>,
        /// Whether a server that does not answer is passed over.
        2: skip_bad_nodes: bool,
        /// Whether partitions that nobody has are made empty.
        3: skip_lost_partitions: bool,
        /// The servers' names, from version 2.6 on.
        4: hp_recovery_nodes: Option<Vec<HostPort>>,
    }
}

record! {
    /// What came of it.
    pub struct RecoveryReply {
        /// The server's word on it.
        1: err: ErrorCode,
        /// Warnings and errors, for a person.
        2: hint_message: String,
    }
}
call!(RecoveryRequest -> RecoveryReply, "RPC_CM_START_RECOVERY", "start the recovery", writes: |_| true);

record! {
    /// A remote command, which each server answers for itself, followers too.
    pub struct CommandRequest {
        /// Its name: `server-info`.
        1: cmd: String,
        /// Its arguments.
        2: arguments: Vec<String>,
    }
}

impl Call for CommandRequest {
    const RPC: &str = "RPC_CLI_CLI_CALL";
    const OP: &str = "call a remote command";
    type Reply = String;

    /// Nobody knows what a command does.
    fn writes(&self) -> bool {
        true
    }
}
