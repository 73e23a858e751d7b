//! Each recorded request gets the recorded answer's bytes; sequence numbers, times and addresses aside.

use std::time::Duration;

use harness::until;
use migrator::pegasus::frame::{Reply, Request};
use migrator::pegasus::http::content_length;
use migrator::pegasus::messages::{AppInfo, Call, ListAppsReply, ListAppsRequest};
use migrator::pegasus::record::{Value, decode_body, encode_body};
use migrator::pegasus::types::Level;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::records::{self, AddDuplicationReply, RecallAppReply};
use super::{Cluster, LIMIT, recorded};

/// How long an answer is waited for that never comes.
const NEVER: Duration = Duration::from_millis(500);

fn golden(name: &str) -> Vec<u8> {
    let path = format!("{}/golden/pegasus-rpc/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Compares what servers answer with what was recorded of the leader at port 34601 and the follower at 34602.
pub(super) struct Recorded<'a> {
    cluster: &'a Cluster,
    /// Recorded ports, and those of this run: as many digits.
    ports: Vec<(u16, u16)>,
}

impl<'a> Recorded<'a> {
    pub(super) fn new(cluster: &'a Cluster, zookeeper: u16) -> Self {
        let port = |server: usize| {
            let name = cluster.servers[server].name();
            name.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("it has a port")
        };
        let ports = vec![
            (34601, port(0)),
            (34602, port(cluster.servers.len() - 1)),
            (zookeeper, cluster.zookeeper.address().port()),
        ];
        Self { cluster, ports }
    }

    /// Bytes as they would have been recorded with the ports of this run.
    fn here(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        for (recorded, port) in &self.ports {
            let [big, little] = [u16::to_be_bytes, u16::to_le_bytes].map(|bytes| (bytes(*recorded), bytes(*port)));
            let text = (recorded.to_string().into_bytes(), port.to_string().into_bytes());
            let with = |before: &[u8], port: &[u8], behind: &[u8]| [before, port, behind].concat();
            for (before, (from, to), behind) in [
                (&[0x7f, 0, 0, 1][..], (&big.0[..], &big.1[..]), &[][..]),
                (b"localhost", (&big.0, &big.1), b""),
                (b"", (&little.0, &little.1), &[1, 0, 0, 0x7f]),
                (b"", (&text.0, &text.1), b""),
            ] {
                replace(&mut bytes, &with(before, from, behind), &with(before, to, behind));
            }
        }
        bytes
    }

    /// The answer to this request, as far as it came within the limit: it is whole when `whole` says so.
    async fn ask(&self, server: usize, request: &[u8], limit: Duration, whole: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.cluster.servers[server].name()).await.expect("it listens");
        stream.write_all(request).await.expect("it reads");
        let mut reply = Vec::new();
        let read = async { while stream.read_buf(&mut reply).await.is_ok_and(|read| read > 0) && !whole(&reply) {} };
        let _ = timeout(limit, read).await;
        reply
    }

    /// Asks one recorded request of the server that it was asked of.
    pub(super) async fn check(&self, name: &str) {
        let server = if name.contains("follower") { self.cluster.servers.len() - 1 } else { 0 };
        let request = self.here(golden(&format!("{name}.req.bin")));
        let wanted = self.here(golden(&format!("{name}.resp.bin")));
        let limit = if wanted.is_empty() { NEVER } else { LIMIT };
        let got = self.ask(server, &request, limit, |reply| Reply::decode(reply).is_ok()).await;
        let log = self.cluster.servers[server].log();
        let rpc = Request::decode(&request).expect("it was recorded").rpc;
        assert_eq!(shown(&rpc, &got), shown(&rpc, &wanted), "{name}: {log}");
        assert_eq!(without_times(&rpc, &got), without_times(&rpc, &wanted), "{name}: {log}");
    }

    /// Asks for a path by HTTP.
    async fn check_http(&self, server: usize, path: &str, name: &str) {
        let wanted = String::from_utf8(self.here(golden(name))).expect("it is text").replace("\r\n", "\n");
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
        let whole = |answer: &[u8]| {
            let text = String::from_utf8_lossy(answer);
            let parts = text.split_once("\r\n\r\n");
            parts.is_some_and(|(head, body)| content_length(head).is_ok_and(|length| length == body.len()))
        };
        let got = self.ask(server, request.as_bytes(), LIMIT, whole).await;
        let got = String::from_utf8(got).expect("it is text");
        assert_eq!(got.replace("\r\n", "\n"), wanted, "{name}");
    }
}

fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    let found: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
    for at in found {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
}

/// A reply for a person: tables of bytes say little.
fn shown(rpc: &str, frame: &[u8]) -> String {
    String::from_utf8_lossy(&without_times(rpc, frame)).escape_debug().to_string()
}

/// A reply whose times, and the number of a duplication, which is one, are 1.
fn without_times(rpc: &str, frame: &[u8]) -> Vec<u8> {
    let Ok(Reply::Thrift(mut reply)) = Reply::decode(frame) else { return frame.to_vec() };
    if rpc == ListAppsRequest::RPC {
        let mut apps: ListAppsReply = decode_body(&reply.body).expect("it is a reply");
        apps.infos.iter_mut().for_each(timeless);
        reply.body = encode_body(0, &apps);
    } else if rpc == "RPC_CM_RECALL_APP" {
        let mut recalled: RecallAppReply = decode_body(&reply.body).expect("it is a reply");
        timeless(&mut recalled.info);
        reply.body = encode_body(0, &recalled);
    } else if rpc == "RPC_CM_ADD_DUPLICATION" {
        let mut added: AddDuplicationReply = decode_body(&reply.body).expect("it is a reply");
        added.dupid = 1;
        reply.body = encode_body(0, &added);
    }
    Reply::Thrift(reply).encode()
}

fn timeless(app: &mut AppInfo) {
    for time in [&mut app.create_second, &mut app.drop_second, &mut app.expire_second] {
        *time = (*time).min(1);
    }
}

#[test]
fn the_records_of_recorded_requests_encode_to_themselves() {
    fn check<Q: Value>(names: &[&str]) {
        for name in names {
            let request = Request::decode(&golden(&format!("{name}.req.bin"))).expect("it was recorded");
            let record: Q = decode_body(&request.body).unwrap_or_else(|damage| panic!("{name}: {damage}"));
            assert_eq!(encode_body(1, &record), request.body, "{name}");
        }
    }
    check::<records::CreateAppRequest>(&["create_app.follower.thft0", "blind.create_app"]);
    check::<records::DropAppRequest>(&["blind.drop_app"]);
    check::<records::RenameAppRequest>(&["blind.rename_app"]);
    check::<records::RecallAppRequest>(&["blind.recall_app"]);
    check::<records::UpdateEnvRequest>(&["blind.update_app_env"]);
    check::<records::SetReplicasRequest>(&["blind.set_max_replica_count"]);
    check::<records::SetIdempotentRequest>(&["blind.set_atomic_idempotent"]);
    check::<records::UpdateConfigRequest>(&["blind.update_partition_configuration"]);
    check::<records::AddDuplicationRequest>(&["blind.add_duplication"]);
    check::<records::AddBackupPolicyRequest>(&["blind.add_backup_policy"]);
    check::<records::Beacon>(&["fd_ping.leader.thft0", "fd_ping.follower.thft0"]);
}

#[tokio::test]
async fn a_fresh_clusters_leader_and_follower_answer_as_recorded() {
    let cluster = Cluster::prepare(2, &[], |_| {}).await;
    cluster.start(0).await;
    cluster.start(1).await;
    let recorded = Recorded::new(&cluster, 22181);
    for name in [
        "cluster_info.leader.thft0",
        "cluster_info.leader.thft1",
        "cluster_info.leader.rdsn",
        "cluster_info.follower.thft0",
        "cluster_info.follower.rdsn.from_port1",
        "cluster_info.follower.rdsn.from_zero",
        "cluster_info.follower.rdsn.noforward",
        "control_meta.get.leader.thft0",
        "control_meta.get.leader.rdsn",
        "control_meta.get.follower.thft0",
        "control_meta.get.follower.rdsn.from_port1",
        "list_apps.leader.thft0",
        "list_apps.follower.thft0",
        "list_nodes.empty.leader.thft0",
        "list_nodes.follower.thft0",
        "query_cfg.leader.thft0",
        "query_cfg.follower.thft0",
        "query_cfg.follower.noapp.thft0",
        "query_cfg.noapp.leader.thft0",
        "create_app.follower.thft0",
        "start_recovery.follower.thft0",
        "start_recovery.running.leader.thft0",
        "unknown_rpc.leader.thft0",
        "unknown_rpc.leader.rdsn",
        "unhandled_rpc.leader.thft0",
        "fd_ping.leader.thft0",
        "fd_ping.follower.thft0",
        "cli.help.leader.thft0",
        "cli.flush-log.leader.thft0",
        "cli.meta.dump.leader.thft0",
        "cli.meta.lb.assign_delay_ms.leader.thft0",
        "cli.meta.live_percentage.leader.thft0",
        "cli.server_info.leader.thft0",
    ] {
        recorded.check(name).await;
    }
    for (server, who) in [(0, "leader"), (1, "follower")] {
        recorded.check_http(server, "/version", &format!("http.version.{who}.txt")).await;
        recorded.check_http(server, "/config?name=hosts_list", &format!("http.config_hosts_list.{who}.txt")).await;
        recorded.check_http(server, "/config?name=cluster_root", &format!("http.config_cluster_root.{who}.txt")).await;
    }
    recorded.check_http(1, "/meta/cluster", "http.meta_cluster.follower.txt").await;
    recorded.check_http(1, "/meta/apps?detail", "http.meta_apps.follower.txt").await;
    recorded.check_http(1, "/meta/nodes?detail", "http.meta_nodes.follower.txt").await;
}

#[tokio::test]
async fn a_full_clusters_leader_answers_as_recorded_in_all_levels() {
    let cluster = Cluster::prepare(2, &recorded(), |_| {}).await;
    cluster.start(0).await;
    let recorded = Recorded::new(&cluster, 22181);
    recorded.check_http(0, "/meta/cluster", "http.meta_cluster.leader.txt").await;
    recorded.check_http(0, "/meta/apps?detail", "http.meta_apps.leader.txt").await;
    recorded.check_http(0, "/meta/nodes?detail", "http.meta_nodes.leader.txt").await;
    for name in [
        "list_apps.all.leader.thft0",
        "list_apps.pattern.leader.thft0",
        "list_nodes.leader.thft0",
        "list_nodes.alive.leader.thft0",
        "query_cfg.orders.leader.thft0",
        "query_cfg.dropped.leader.thft0",
        "control_meta.set_stopped.leader.thft0",
        "control_meta.set_freezed.leader.thft0",
        "control_meta.set_steady.leader.thft0",
        "control_meta.set_lively.leader.thft0",
        "control_meta.set_blind.leader.thft0",
        "cluster_info.blind.leader.thft0",
        "query_cfg.temp.blind",
        "blind.update_partition_configuration",
        "blind.create_app",
        "blind.update_app_env",
        "blind.rename_app",
        "blind.recall_app",
        "blind.add_duplication",
        "blind.add_backup_policy",
        "blind.set_max_replica_count",
        "blind.set_atomic_idempotent",
        "blind.drop_app",
        "blind.list_apps_after",
    ] {
        recorded.check(name).await;
    }
    let alive = json!({ "alive_nodes": ["localhost:34801", "localhost:34802"] });
    cluster.servers[0].tell(&alive).expect("it can be told");
    let meta = cluster.meta();
    until("a node to be unalive", LIMIT, async || {
        let nodes = meta.list_nodes(None).await.expect("it answers");
        (nodes[2].status.to_string() == "UNALIVE").then_some(())
    })
    .await
    .expect("its grace time is over");
    recorded.check("list_nodes.one_unalive.leader.thft0").await;
    cluster.servers[0].tell(&json!({})).expect("it can be told");
    meta.set_level(Level::Steady).await.expect("it answers");
    recorded.check("control_meta.set_unknown_600.leader.thft0").await;
    // The level that has no name: the next to ask for it brings the server down.
    meta.cluster_info().await.expect_err("it is no more");
    assert_eq!(cluster.servers[0].ended().await.expect("it ends"), 134);
}
