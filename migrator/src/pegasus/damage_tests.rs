//! Records of any content come back as they were, and bytes of any content are a value or an error.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

use super::frame::{Reply, Request};
use super::golden_tests::{bytes, recorded_tree};
use super::messages::{AppInfo, ListAppsReply, ListNodesReply, NodeInfo, PartitionConfig, QueryConfigReply};
use super::metadata::{app_info, partition_config};
use super::record::{Value, decode_body, encode_body};
use super::types::{AppStatus, ErrorCode, Gpid, HostPort, NodeStatus, RpcAddress};

fn host_port() -> impl Strategy<Value = HostPort> {
    (".{0,9}", any::<u16>(), any::<i8>()).prop_map(|(host, port, kind)| HostPort { host, port, kind })
}

fn partition() -> impl Strategy<Value = PartitionConfig> {
    let numbers = (any::<[i32; 4]>(), any::<[i64; 2]>(), any::<u64>());
    let lists = (vec(any::<u64>(), 0..4), option::of(vec(host_port(), 0..4)), option::of(host_port()));
    (numbers, lists).prop_map(
        |(([app_id, index, max_replica_count, partition_flags], [ballot, decree], primary), lists)| PartitionConfig {
            pid: Gpid { app_id, index },
            ballot,
            max_replica_count,
            primary: RpcAddress(primary),
            secondaries: lists.0.into_iter().map(RpcAddress).collect(),
            last_drops: Vec::new(),
            last_committed_decree: decree,
            partition_flags,
            hp_primary: lists.2,
            hp_secondaries: lists.1.clone(),
            hp_last_drops: lists.1,
        },
    )
}

fn app() -> impl Strategy<Value = AppInfo> {
    let texts = (".{0,20}", btree_map(".{0,9}", ".{0,9}", 0..4));
    (any::<i32>(), texts, any::<[i64; 3]>(), any::<bool>(), option::of(any::<bool>())).prop_map(
        |(number, (app_name, envs), [expire_second, create_second, drop_second], is_stateful, flag)| AppInfo {
            status: AppStatus::from_number(number % 9),
            app_type: "pegasus".to_owned(),
            app_name,
            app_id: number,
            partition_count: number,
            envs: envs as BTreeMap<_, _>,
            is_stateful,
            max_replica_count: number,
            expire_second,
            create_second,
            drop_second,
            duplicating: flag,
            init_partition_count: number,
            is_bulk_loading: flag,
            atomic_idempotent: flag,
        },
    )
}

fn comes_back<T: Value + PartialEq + std::fmt::Debug>(value: &T) {
    let bytes = encode_body(0, value);
    assert_eq!(decode_body::<T>(&bytes).as_ref(), Ok(value));
    for cut in 0..bytes.len() {
        assert!(decode_body::<T>(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    assert!(decode_body::<T>(&[bytes, vec![0]].concat()).is_err());
}

proptest! {
    #[test]
    fn records_come_back_whole_and_never_in_part(
        err in ".{0,9}", apps in vec(app(), 0..3), partitions in vec(partition(), 0..3), number in any::<i32>(), hp in option::of(host_port()),
    ) {
        let err = ErrorCode(err);
        comes_back(&ListAppsReply { err: err.clone(), infos: apps, hint_message: None });
        comes_back(&QueryConfigReply { err: err.clone(), app_id: number, partition_count: number, is_stateful: true, partitions });
        let node = NodeInfo { status: NodeStatus::from_number(number), node: RpcAddress(number.unsigned_abs().into()), hp_node: hp };
        comes_back(&ListNodesReply { err, infos: vec![node] });
    }

    #[test]
    fn damaged_frames_are_values_or_errors(name in 0..4_usize, at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let name = ["list_apps.all.leader.thft0", "query_cfg.orders.leader.thft0", "cluster_info.leader.rdsn", "cluster_info.leader.thft1"][name];
        for end in ["req", "resp"] {
            let mut bytes = bytes(&format!("{name}.{end}.bin"));
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(request) = Request::decode(&bytes) {
                prop_assert_eq!(Request::decode(&request.encode()), Ok(request));
            }
            if let Ok(reply) = Reply::decode(&bytes) {
                prop_assert_eq!(Reply::decode(&reply.encode()), Ok(reply.clone()));
                let (Reply::Thrift(super::frame::ThriftReply { body, .. }) | Reply::Rdsn(_, body)) = reply;
                let _ = (decode_body::<ListAppsReply>(&body), decode_body::<QueryConfigReply>(&body));
            }
        }
    }
}

#[test]
fn lengths_are_never_trusted() {
    let lists = |length: i32| [&[15, 0, 2, 12][..], &length.to_be_bytes(), &[0; 64]].concat();
    for length in [i32::MAX, i32::MIN, -1, 1 << 18, 65] {
        let bytes = [&[12, 0, 0][..], &lists(length)].concat();
        assert!(decode_body::<ListAppsReply>(&bytes).is_err(), "{length}");
    }
    let deep = [&[12, 0, 9][..]; 1000].concat();
    assert!(decode_body::<ListAppsReply>(&[&[12, 0, 0][..], &deep].concat()).is_err());
}

#[test]
fn json_that_is_cut_or_of_another_kind_is_no_table_and_no_partition() {
    for (path, data) in recorded_tree() {
        match path.split('/').count() {
            2 if path.starts_with("apps/") => {
                assert!(app_info(&data).is_ok() && partition_config(&data).is_err(), "{path}");
                (0..data.len()).for_each(|cut| assert!(app_info(&data[..cut]).is_err(), "{path}"));
            }
            3 if path.starts_with("apps/") && !path.ends_with("duplication") => {
                assert!(partition_config(&data).is_ok() && app_info(&data).is_err(), "{path}");
                (0..data.len()).for_each(|cut| assert!(partition_config(&data[..cut]).is_err(), "{path}"));
            }
            _ => {}
        }
    }
    let old = br#"{"status":"app_status::AS_AVAILABLE","app_type":"pegasus","app_name":"t","app_id":1,"partition_count":4,"envs":{},"is_stateful":true,"max_replica_count":3,"expire_second":0}"#;
    assert_eq!(app_info(old).expect("an older version wrote it").init_partition_count, -1);
    let many = String::from_utf8_lossy(old).replace(":4,", ":2000000,");
    assert!(app_info(many.as_bytes()).is_err());
}
