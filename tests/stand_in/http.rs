//! GETs on the RPC port: each server answers for its own configuration, the primary for the cluster.

mod lists;

use migrator::pegasus::types::ErrorCode;

use crate::answers::pairs;
use crate::server::Server;
use crate::state::Phase;

/// Values that can be asked for: section, name, type, what it is where nothing is set, and the server's own words.
const VALUES: [(&str, &str, &str, &str, &str); 10] = [
    ("zookeeper", "hosts_list", "FV_STRING", "", "ZooKeeper hosts list"),
    ("zookeeper", "timeout_ms", "FV_INT32", "30000", ""),
    ("meta_server", "cluster_root", "FV_STRING", "/", CLUSTER_ROOT),
    ("meta_server", "distributed_lock_service_parameters", "FV_STRING", "", LOCK_PARAMETERS),
    ("meta_server", "meta_function_level_on_start", "FV_STRING", "steady", LEVEL_ON_START),
    ("meta_server", "recover_from_replica_server", "FV_BOOL", "false", ""),
    ("replication", "cluster_name", "FV_STRING", "", ""),
    ("replication", "fd_lease_seconds", "FV_INT32", "20", ""),
    ("replication", "fd_grace_seconds", "FV_INT32", "22", ""),
    ("replication", "config_sync_interval_ms", "FV_INT32", "30000", ""),
];
const CLUSTER_ROOT: &str = "The root of the cluster meta state service to be stored on remote storage. Different meta \
    servers in the same cluster need to be configured with the same value, while different clusters using different values \
    if they share the same remote storage";
const LOCK_PARAMETERS: &str = "Initialization parameters for distributed lock services";
const LEVEL_ON_START: &str = "The default function_level state when MetaServer starts. The 'steady' represents a stable \
    state without load balancing";
const VERSION: &str = "2.6.0-SNAPSHOT";

/// The answer to a request with this head.
pub(crate) fn answer(server: &Server, head: &str) -> Vec<u8> {
    let target = head.split(' ').nth(1).unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (status, body, location) = match path {
        "/version" => ("200 OK", version(server), None),
        "/config" => match query.split_once('=') {
            Some(("name", name)) if !name.is_empty() => ("200 OK", value(server, name), None),
            _ => ("400 Bad Request", "name shouldn't be empty".to_owned(), None),
        },
        "/meta/cluster" => cluster(server, target, || {
            let shown = pairs(server).into_iter().filter(|(key, _)| *key != "cluster_name");
            object(shown.map(|(key, value)| (key, text(&value))))
        }),
        "/meta/apps" => cluster(server, target, || lists::apps(&server.state())),
        "/meta/nodes" => cluster(server, target, || lists::nodes(server)),
        _ => ("404 Not Found", String::new(), None),
    };
    let location = location.map_or(String::new(), |location| format!("Location: {location}\r\n"));
    format!("HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n{location}\r\n{body}", body.len())
        .into_bytes()
}

/// What it was built from.
fn version(server: &Server) -> String {
    let version = server.admin().version.unwrap_or_else(|| VERSION.to_owned());
    format!("{{\"Version\":\"{version}\",\"GitCommit\":\"db756dcdf24e2af6169659a67548501ed61f106c\"}}\n")
}

/// A name that is not known is answered with status 200 as well (`http/config_http_service.cpp`).
fn value(server: &Server, name: &str) -> String {
    let Some((section, _, kind, default, description)) = VALUES.iter().find(|(_, known, ..)| *known == name) else {
        return format!("ERR_OBJECT_NOT_FOUND: '{name}' is not found");
    };
    let value = server.config.get(section, name).unwrap_or(default);
    let fields = [
        ("name", name),
        ("section", section),
        ("type", kind),
        ("tags", ""),
        ("description", description),
        ("value", value),
    ];
    object(fields.map(|(key, value)| (key, text(value)))) + "\n"
}

/// A follower sends to the primary (`meta/meta_http_service.cpp`, `redirect_if_not_primary`); an argument without a value
/// gets an empty one there.
fn cluster(server: &Server, target: &str, shown: impl FnOnce() -> String) -> (&'static str, String, Option<String>) {
    let (phase, leader) = server.standing();
    match phase {
        Phase::Serving => ("200 OK", shown() + "\n", None),
        Phase::Follower => {
            let leader = leader.unwrap_or_else(|| "invalid host_port".to_owned());
            let valued = if target.contains('?') && !target.contains('=') { "=" } else { "" };
            ("307 Temporary Redirect", String::new(), Some(format!("http://{leader}{target}{valued}")))
        }
        _ => ("200 OK", ErrorCode::SERVICE_NOT_ACTIVE.to_owned(), None),
    }
}

/// A value: all are text.
fn text(value: &(impl ToString + ?Sized)) -> String {
    serde_json::Value::from(value.to_string()).to_string()
}

/// An object of values, in the order that the server's table printer writes them.
fn object<'a>(fields: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let fields: Vec<String> = fields.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
    format!("{{{}}}", fields.join(","))
}
