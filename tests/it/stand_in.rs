//! The stand-in meta server by itself, held to what a real one was seen to do: its bytes, its levels, its starts and ends.

mod answers;
#[path = "../stand_in/json.rs"]
mod json;
mod levels;
#[path = "../stand_in/records.rs"]
#[expect(dead_code, reason = "the tests need some of the records")]
pub(crate) mod records;
mod recovery;
mod session;
mod starts;

use std::path::Path;
use std::time::Duration;

use harness::golden::{self, CLUSTER_ROOT, GoldenZnode};
use harness::{MetaConfig, MetaServer, Server, ServerOptions, tree, until};
use migrator::pegasus::client::{MetaClient, MetaOptions, Role};
use migrator::pegasus::messages::{Call, ClusterInfoRequest};
use migrator::pegasus::metadata::{app_info, partition_config};
use migrator::pegasus::types::ErrorCode;
use zookeeper_client::Client;

/// An election waits for a session's end.
const LIMIT: Duration = Duration::from_secs(30);
const APPS: &str = "/pegasus/onebox/apps";
const LOCK: &str = "/pegasus/onebox/lock/dsn.meta.server.leader";

/// A ZooKeeper of its own, and the places of meta servers on it.
struct Cluster {
    zookeeper: Server,
    client: Client,
    servers: Vec<MetaServer>,
}

impl Cluster {
    async fn prepare(servers: usize, tree: &[GoldenZnode], change: impl Fn(&mut MetaConfig)) -> Self {
        let options = ServerOptions::default().tick_time_ms(500);
        let zookeeper = Server::start(options).await.expect("zookeeper starts");
        let client = zookeeper.client().await.expect("it takes sessions");
        golden::load(&client, "", tree).await.expect("the tree can be written");
        let program = Path::new(env!("CARGO_BIN_EXE_stand-in-meta-server"));
        let servers = MetaServer::prepare(program, servers, &zookeeper.connect_string(), change);
        Self { zookeeper, client, servers: servers.expect("the places can be made") }
    }

    /// Starts one, and waits until it serves as the primary or follows one that is known.
    async fn start(&self, index: usize) {
        self.servers[index].start().expect("there is a shell");
        let server = &self.servers[index];
        let serves = until("the meta server to serve", LIMIT, async || {
            if let Some(status) = server.status() {
                panic!("it ended with {status}: {}", server.log());
            }
            settled(&self.meta(), server.name()).await.then_some(())
        });
        serves.await.unwrap_or_else(|error| panic!("{error}: {}", server.log()));
    }

    async fn until_primary(&self, index: usize) {
        let (meta, name) = (self.meta(), self.servers[index].name());
        until("it to be the primary", LIMIT, async || matches!(meta.role(name).await, Ok(Role::Primary)).then_some(()))
            .await
            .unwrap_or_else(|error| panic!("{error}: {}", self.servers[index].log()));
    }

    /// A client of all of them.
    fn meta(&self) -> MetaClient {
        let names = self.servers.iter().map(|server| server.name().to_owned()).collect();
        let options = MetaOptions {
            call_timeout: Duration::from_secs(2),
            primary_wait: Duration::from_secs(15),
            ..MetaOptions::default()
        };
        MetaClient::new(names, options).expect("they are servers")
    }

    async fn data(&self, path: &str) -> String {
        let (data, _) = self.client.get_data(path).await.unwrap_or_else(|error| panic!("{path}: {error}"));
        String::from_utf8(data).expect("it is text")
    }
}

/// Whether a server is a primary that has loaded its tables, or a follower that knows one.
async fn settled(meta: &MetaClient, server: &str) -> bool {
    match meta.role(server).await {
        Ok(Role::Primary) => {
            let info = meta.ask_one(server, &ClusterInfoRequest).await;
            info.is_ok_and(|info| !info.err.is(ErrorCode::SERVICE_NOT_ACTIVE))
        }
        Ok(Role::Follower(named)) => !named.is_empty(),
        Err(_) => false,
    }
}

/// The recorded tree without the lock's children; its dropped table can still be recalled.
fn recorded() -> Vec<GoldenZnode> {
    let mut tree = golden::live();
    tree.retain(|znode| znode.stat.ephemeral_owner == 0);
    for znode in &mut tree {
        let data = String::from_utf8(znode.data.clone()).expect("it is text");
        znode.data = data.replace("\"expire_second\":1795463870", "\"expire_second\":9795463870").into_bytes();
    }
    tree
}

#[tokio::test]
async fn a_large_tree_is_served_soon() {
    const ZNODES: usize = 20_000;
    let cluster = Cluster::prepare(1, &[], |_| {}).await;
    let tree = tree::pegasus_like(1, ZNODES);
    harness::load(&cluster.client, CLUSTER_ROOT, tree).await.expect("the tree can be written");
    cluster.start(0).await;
    let apps = cluster.meta().list_apps(None).await.expect("it answers");
    let partitions = apps.iter().map(|app| app.partition_count).sum::<i32>();
    assert!(partitions > 19_000, "{partitions} partitions");
    assert_eq!(cluster.meta().list_nodes(None).await.expect("it answers").len(), 1_000);
    assert_eq!(cluster.meta().cluster_info().await.expect("it answers").zookeeper_root, CLUSTER_ROOT);
}

#[test]
fn tables_and_partitions_are_written_as_they_were_recorded() {
    let mut written = 0;
    for znode in golden::live().into_iter().chain(golden::after_recovery()) {
        if let Ok(info) = app_info(&znode.data) {
            assert_eq!(json::app(&info, info.status), znode.data, "{}", znode.path);
        } else if let Ok(config) = partition_config(&znode.data) {
            assert_eq!(json::partition(&config), znode.data, "{}", znode.path);
        } else {
            continue;
        }
        written += 1;
    }
    assert_eq!(written, 7 + 48 + 7 + 45);
}

/// An RPC's name, for what a stand-in is told of it.
fn rpc<C: Call>() -> &'static str {
    C::RPC
}
