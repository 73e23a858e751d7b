//! Requests and replies that a migration never sends, and that its cluster's clients do (`idl/*.thrift`).

use std::collections::BTreeMap;

use migrator::pegasus::messages::{
    AppInfo, ClusterInfoReply, ControlMetaReply, ListAppsReply, ListNodesReply, PartitionConfig, QueryConfigReply,
    RecoveryReply,
};
use migrator::pegasus::types::{ErrorCode, HostPort, RpcAddress};
use migrator::record;

/// A reply that says nothing but why not.
pub(crate) trait Refusal {
    fn refuse(err: &str) -> Self;
}

macro_rules! refusal {
    ($($reply:ident),*) => {
        $(impl Refusal for $reply {
            fn refuse(err: &str) -> Self {
                let mut reply = Self::default();
                reply.err = ErrorCode::from(err);
                reply
            }
        })*
    };
}

refusal!(ClusterInfoReply, ControlMetaReply, ListAppsReply, ListNodesReply, QueryConfigReply, RecoveryReply);
refusal!(CreateAppReply, HintReply, RecallAppReply, SetReplicasReply, SetIdempotentReply, UpdateConfigReply);
refusal!(AddDuplicationReply, DropAppReply);

record! {
    pub(crate) struct CreateAppRequest {
        1: app_name: String,
        2: options: CreateAppOptions,
    }
}

record! {
    pub(crate) struct CreateAppOptions {
        1: partition_count: i32,
        2: replica_count: i32,
        3: success_if_exist: bool,
        4: app_type: String,
        5: is_stateful: bool,
        6: envs: BTreeMap<String, String>,
        7: atomic_idempotent: Option<bool>,
    }
}

record! {
    pub(crate) struct CreateAppReply {
        1: err: ErrorCode,
        2: appid: i32,
    }
}

record! {
    pub(crate) struct DropAppRequest {
        1: app_name: String,
        2: options: DropAppOptions,
    }
}

record! {
    pub(crate) struct DropAppOptions {
        1: success_if_not_exist: bool,
        2: reserve_seconds: Option<i64>,
    }
}

record! {
    pub(crate) struct DropAppReply {
        1: err: ErrorCode,
    }
}

record! {
    pub(crate) struct RenameAppRequest {
        1: old_app_name: String,
        2: new_app_name: String,
    }
}

record! {
    /// What renaming, environments, backup policies and bulk loads answer.
    pub(crate) struct HintReply {
        1: err: ErrorCode,
        2: hint: String,
    }
}

record! {
    pub(crate) struct RecallAppRequest {
        1: app_id: i32,
        2: new_app_name: String,
    }
}

record! {
    pub(crate) struct RecallAppReply {
        1: err: ErrorCode,
        2: info: AppInfo,
    }
}

record! {
    pub(crate) struct UpdateEnvRequest {
        1: app_name: String,
        2: op: i32,
        3: keys: Option<Vec<String>>,
        4: values: Option<Vec<String>>,
        5: clear_prefix: Option<String>,
    }
}

record! {
    pub(crate) struct SetReplicasRequest {
        1: app_name: String,
        2: max_replica_count: i32,
    }
}

record! {
    pub(crate) struct SetReplicasReply {
        1: err: ErrorCode,
        2: old_max_replica_count: i32,
        3: hint: String,
    }
}

record! {
    pub(crate) struct SetIdempotentRequest {
        1: app_name: String,
        2: atomic_idempotent: bool,
    }
}

record! {
    pub(crate) struct SetIdempotentReply {
        1: err: ErrorCode,
        2: old_atomic_idempotent: bool,
        3: hint: String,
    }
}

record! {
    pub(crate) struct UpdateConfigRequest {
        1: info: AppInfo,
        2: config: PartitionConfig,
        3: kind: i32,
        4: node: RpcAddress,
        5: host_node: RpcAddress,
        6: meta_split_status: Option<i32>,
        7: hp_node: Option<HostPort>,
    }
}

record! {
    pub(crate) struct UpdateConfigReply {
        1: err: ErrorCode,
        2: config: PartitionConfig,
    }
}

record! {
    pub(crate) struct AddDuplicationRequest {
        1: app_name: String,
        2: remote_cluster_name: String,
        3: is_duplicating_checkpoint: Option<bool>,
        4: remote_app_name: Option<String>,
        5: remote_replica_count: Option<i32>,
    }
}

record! {
    pub(crate) struct AddDuplicationReply {
        1: err: ErrorCode,
        2: appid: i32,
        3: dupid: i32,
        4: hint: Option<String>,
        5: remote_app_name: Option<String>,
        6: remote_replica_count: Option<i32>,
    }
}

record! {
    pub(crate) struct AddBackupPolicyRequest {
        1: backup_provider_type: String,
        2: policy_name: String,
        3: app_ids: Vec<i32>,
        4: backup_interval_seconds: i64,
        5: backup_history_count_to_keep: i32,
        6: start_time: String,
    }
}

record! {
    pub(crate) struct StartBulkLoadRequest {
        1: app_name: String,
        2: cluster_name: String,
        3: file_provider_type: String,
        4: remote_root_path: String,
        5: ingest_behind: bool,
    }
}

record! {
    /// A replica server's beacon.
    pub(crate) struct Beacon {
        1: time: i64,
        2: from_node: RpcAddress,
        3: to_node: RpcAddress,
        4: start_time: Option<i64>,
        5: hp_from_node: Option<HostPort>,
        6: hp_to_node: Option<HostPort>,
    }
}

record! {
    pub(crate) struct BeaconAck {
        1: time: i64,
        2: this_node: RpcAddress,
        3: primary_node: RpcAddress,
        4: is_master: bool,
        5: allowed: bool,
        6: hp_this_node: Option<HostPort>,
        7: hp_primary_node: Option<HostPort>,
    }
}
