//! The bytes of a real meta server: everything recorded decodes, and encodes to itself.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use super::frame::{Reply, Request, RequestHeader};
use super::http::{HttpAnswer, config_value, content_length};
use super::messages::{
    Answer, Call, ClusterInfoRequest, CommandRequest, ControlMetaRequest, ListAppsRequest, ListNodesRequest,
    PartitionConfig, QueryConfigReply, QueryConfigRequest, RecoveryRequest,
};
use super::metadata::{Metadata, MetadataReader};
use super::record::{Damage, decode_body, encode_body};
use super::types::{HostPort, Level, RpcAddress};
use super::{client, shell};

fn golden(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden")).join(name)
}

pub(super) fn bytes(name: &str) -> Vec<u8> {
    fs::read(golden("pegasus-rpc").join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The names of all recorded exchanges: `list_apps.all.leader.thft0`.
fn names() -> Vec<String> {
    let entries = fs::read_dir(golden("pegasus-rpc")).expect("the golden data is there");
    let names = entries.filter_map(|entry| {
        let name = entry.expect("it can be listed").file_name().into_string().expect("it is text");
        name.strip_suffix(".req.bin").map(str::to_owned)
    });
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

fn reply<C: Call>(name: &str) -> C::Reply {
    let Reply::Thrift(reply) = Reply::decode(&bytes(&format!("{name}.resp.bin"))).expect("it is a reply") else {
        panic!("{name} is no thrift reply")
    };
    decode_body(&reply.body).expect("it is the reply's record")
}

/// Whether the bodies of these frames are records of this call that encode to themselves.
fn encodes_to_itself<C: Call>(request: &Request, reply: Option<&Reply>) -> Result<(), Damage> {
    let id = i16::from(!matches!(request.header, RequestHeader::Rdsn(_)));
    assert_eq!(encode_body(id, &decode_body::<C>(&request.body)?), request.body);
    let body = match reply {
        Some(Reply::Thrift(reply)) => &reply.body,
        Some(Reply::Rdsn(header, body)) if header.error_name == "ERR_OK" => body,
        Some(Reply::Rdsn(header, body)) => {
            assert_eq!(header.error_name, "ERR_FORWARD_TO_OTHERS");
            let primary: RpcAddress = decode_body(body)?;
            assert_eq!(primary.to_string(), "127.0.0.1:34601");
            return Ok(());
        }
        None => return Ok(()),
    };
    assert_eq!(&encode_body(0, &decode_body::<C::Reply>(body)?), body);
    Ok(())
}

#[test]
fn every_recorded_frame_decodes_and_encodes_to_itself() {
    let mut records = 0;
    for name in names() {
        let (request_bytes, reply_bytes) = (bytes(&format!("{name}.req.bin")), bytes(&format!("{name}.resp.bin")));
        let request = Request::decode(&request_bytes).unwrap_or_else(|damage| panic!("{name}: {damage}"));
        assert_eq!(request.encode(), request_bytes, "{name}");
        // Recorded are also requests that were never answered.
        let reply = (!reply_bytes.is_empty()).then(|| Reply::decode(&reply_bytes));
        let reply = reply.transpose().unwrap_or_else(|damage| panic!("{name}: {damage}"));
        if let Some(reply) = &reply {
            assert_eq!(reply.encode(), reply_bytes, "{name}");
        }
        let check = match request.rpc.as_str() {
            ClusterInfoRequest::RPC => encodes_to_itself::<ClusterInfoRequest>,
            CommandRequest::RPC => encodes_to_itself::<CommandRequest>,
            ControlMetaRequest::RPC => encodes_to_itself::<ControlMetaRequest>,
            ListAppsRequest::RPC => encodes_to_itself::<ListAppsRequest>,
            ListNodesRequest::RPC => encodes_to_itself::<ListNodesRequest>,
            QueryConfigRequest::RPC => encodes_to_itself::<QueryConfigRequest>,
            RecoveryRequest::RPC => encodes_to_itself::<RecoveryRequest>,
            // What a migration never asks: the stand-in meta server's tests have their records.
            _ => continue,
        };
        check(&request, reply.as_ref()).unwrap_or_else(|damage| panic!("{name}: {damage}"));
        records += 1;
    }
    assert!(records >= 50, "only {records} records were recorded");
}

#[test]
fn what_was_answered_means_what_was_recorded() {
    let info = reply::<ClusterInfoRequest>("cluster_info.leader.thft0");
    let info = client::ClusterInfo::new(info).expect("it has all that is needed");
    assert_eq!(info.meta_servers, ["localhost:34601", "localhost:34602"]);
    assert_eq!((info.primary.as_str(), info.level), ("localhost:34601", Some(Level::Freezed)));
    assert_eq!((info.zookeeper_hosts.as_str(), info.zookeeper_root.as_str()), ("127.0.0.1:22181", "/pegasus/onebox"));
    assert_eq!(info.pairs.len(), 9);

    let apps = reply::<ListAppsRequest>("list_apps.all.leader.thft0").infos;
    let texts: Vec<_> = apps.iter().map(|app| format!("{} {} {}", app.app_id, app.app_name, app.status)).collect();
    assert_eq!(texts[3..6], ["4 orders AVAILABLE", "5 ns.table_with.dots AVAILABLE", "6 to_drop DROPPED"]);
    assert_eq!(apps[2].envs["default_ttl"], "86400");

    let nodes = reply::<ListNodesRequest>("list_nodes.one_unalive.leader.thft0").infos;
    let texts: Vec<_> = nodes.iter().map(|node| format!("{} {}", node.name(), node.status)).collect();
    assert_eq!(texts, ["localhost:34801 ALIVE", "localhost:34802 ALIVE", "localhost:34803 UNALIVE"]);

    let before = reply::<ControlMetaRequest>("control_meta.set_blind.leader.thft0");
    assert_eq!((before.err().0.as_str(), Level::from_number(before.old_level)), ("ERR_OK", Some(Level::Lively)));

    let orders = reply::<QueryConfigRequest>("query_cfg.orders.leader.thft0");
    assert_eq!((orders.app_id, orders.partition_count, orders.partitions.len()), (4, 8, 2));
    assert_eq!(orders.partitions[1].pid.to_string(), "4.3");
    assert_eq!(orders.partitions[1].primary_name().as_deref(), Some("localhost:34801"));
    assert_eq!(orders.partitions[1].secondary_names(), ["localhost:34802", "localhost:34803"]);
    let fresh = reply::<QueryConfigRequest>("query_cfg.leader.thft0");
    assert_eq!(fresh.partitions[0].primary_name(), None);
    // What was never set and what was read as invalid are the same.
    assert_eq!(fresh.partitions[0].hp_primary, None);
    let read = PartitionConfig { hp_primary: Some(HostPort::default()), ..fresh.partitions[0].clone() };
    assert_eq!(fresh.partitions[0].clone().filled(), read.filled());

    let recovery = reply::<RecoveryRequest>("recovery_mode.start_recovery.unreachable");
    assert_eq!(recovery.err.0, "ERR_TRY_AGAIN");
    assert!(recovery.hint_message.starts_with("ERROR: collect app and replica info from node(localhost:34801)"));
}

#[test]
fn what_was_asked_is_what_this_client_asks() {
    let request =
        Request::new(ControlMetaRequest::RPC, 1, 5000, encode_body(1, &ControlMetaRequest { level: Level::ASK }));
    assert_eq!(request.encode(), bytes("control_meta.get.leader.thft0.req.bin"));
    let request = Request::new(ClusterInfoRequest::RPC, 1, 5000, encode_body(1, &ClusterInfoRequest));
    assert_eq!(request.encode(), bytes("cluster_info.leader.thft0.req.bin"));
}

#[test]
fn a_follower_names_the_primary() {
    for name in ["query_cfg.follower.thft0", "query_cfg.follower.noapp.thft0"] {
        let reply: QueryConfigReply = reply::<QueryConfigRequest>(name);
        assert_eq!(client::named(&reply), ["localhost:34601", "127.0.0.1:34601"]);
    }
    assert!(client::named(&QueryConfigReply::default()).is_empty());
}

#[test]
fn http_answers_are_read() {
    let read = |name: &str| {
        let text = String::from_utf8(bytes(name)).expect("it is text");
        let (head, body) = text.split_once("\r\n\r\n").or_else(|| text.split_once("\n\n")).expect("it has a head");
        assert_eq!(content_length(head), Ok(body.len()), "{name}");
        HttpAnswer::parse(head, body.as_bytes().to_vec()).expect("it is an answer")
    };
    let hosts = read("http.config_hosts_list.follower.txt");
    assert_eq!((hosts.status, config_value("hosts_list", &hosts.body)), (200, Ok("127.0.0.1:22181".to_owned())));
    assert!(config_value("cluster_root", &hosts.body).is_err());
    let root = read("http.config_cluster_root.leader.txt");
    assert_eq!(config_value("cluster_root", &root.body).as_deref(), Ok("/pegasus/onebox"));
    let elsewhere = read("http.meta_cluster.follower.txt");
    assert_eq!((elsewhere.status, elsewhere.location.as_deref()), (307, Some("http://localhost:34601/meta/cluster")));
}

/// The recorded tree, as its reader takes it.
pub(super) fn recorded_tree() -> Vec<(String, Vec<u8>)> {
    let text = fs::read_to_string(golden("pegasus-tree/live.jsonl")).expect("the golden data is there");
    let znodes = text.lines().filter_map(|line| {
        let znode: serde_json::Value = serde_json::from_str(line).expect("a line is a znode");
        let path = znode["path"].as_str()?.strip_prefix("/pegasus/onebox/")?.to_owned();
        Some((path, znode["data_text"].as_str()?.as_bytes().to_vec()))
    });
    znodes.collect()
}

fn recorded_metadata() -> Metadata {
    let mut reader = MetadataReader::default();
    for (path, data) in recorded_tree() {
        reader.znode(&path, &data);
    }
    reader.finish()
}

#[test]
fn the_shells_lists_are_written_byte_for_byte() {
    let file = |name: &str| fs::read_to_string(golden("pegasus-shell").join(name)).expect("the golden data is there");
    let metadata = recorded_metadata();
    let partitions: BTreeMap<_, Vec<_>> =
        metadata.apps.iter().map(|(id, app)| (*id, app.partitions.values().cloned().collect())).collect();
    let all = reply::<ListAppsRequest>("list_apps.all.leader.thft0").infos;
    let available: Vec<_> = all.iter().filter(|app| app.app_name != "to_drop").cloned().collect();
    assert_eq!(shell::app_list(&available, None), file("apps.list"));
    assert_eq!(shell::app_list(&all, Some(&partitions)), file("apps.all.detailed.list"));
    let nodes = reply::<ListNodesRequest>("list_nodes.alive.leader.thft0").infos;
    assert_eq!(shell::node_list("nodes.list", &nodes, &partitions), file("nodes.list"));
}

#[test]
fn the_recorded_tree_is_whole_and_as_the_primary_says() {
    let metadata = recorded_metadata();
    assert_eq!(metadata.findings().listed, Vec::<String>::new());
    assert_eq!(metadata.apps.len(), 7);
    assert_eq!(metadata.apps[&3].partitions.len(), 16);
    let said: Vec<_> = metadata.apps.values().map(|app| app.info.clone()).collect();
    assert!(metadata.beside(&said).is_empty());
    // The list was recorded in another run of the server: the times differ.
    let other = reply::<ListAppsRequest>("list_apps.all.leader.thft0").infos;
    assert_eq!(metadata.beside(&other).total, 7);
}

#[test]
fn a_damaged_tree_is_found() {
    fn findings(change: impl Fn(&str, &[u8]) -> Option<Vec<u8>>) -> Vec<String> {
        let mut reader = MetadataReader::default();
        for (path, data) in recorded_tree() {
            if let Some(data) = change(&path, &data) {
                reader.znode(&path, &data);
            }
        }
        reader.finish().findings().listed.clone()
    }
    let keep = |data: &[u8]| Some(data.to_vec());
    let missing = findings(|path, data| if path == "apps/4/7" { None } else { keep(data) });
    assert_eq!(missing, ["partition 4.7 is missing: a meta server makes it again, empty"]);
    let empty = findings(|path, data| keep(if path == "apps/1" { b"" } else { data }));
    assert!(empty[0].starts_with("apps/1 is no table: "), "{empty:?}");
    let locked = findings(|path, data| keep(if path == "apps" { b"lock" } else { data }));
    assert_eq!(locked, ["apps is in state \"lock\", not unlock: a meta server aborts"]);
    let none = findings(|_, _| None);
    assert_eq!(none, ["there is no apps: a meta server makes default tables"]);
    let other = findings(|path, data| keep(if path == "apps/4/7" { b"{}" } else { data }));
    assert_eq!(other.len(), 2, "{other:?}");
}
