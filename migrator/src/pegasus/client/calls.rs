//! The calls by name: what is asked, and what of the answer is an error.

use super::{MetaClient, error};
use crate::error::{Error, ErrorKind, Result};
use crate::pegasus::messages::{
    Answer, AppInfo, Call, ClusterInfoReply, ClusterInfoRequest, CommandRequest, ControlMetaRequest, ListAppsRequest,
    ListNodesRequest, NodeInfo, PartitionConfig, QueryConfigRequest, RecoveryReply, RecoveryRequest,
};
use crate::pegasus::types::{AppStatus, ErrorCode, HostPort, Level, NodeStatus, RpcAddress};

/// What the cluster says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterInfo {
    /// All meta servers, as the primary's configuration has them.
    pub meta_servers: Vec<String>,
    /// The primary.
    pub primary: String,
    /// The ZooKeeper servers that the primary uses.
    pub zookeeper_hosts: String,
    /// Where the cluster's znodes are.
    pub zookeeper_root: String,
    /// The effective level: `freezed` when too few nodes live (`meta/meta_service.h:155`). None: no level's name.
    pub level: Option<Level>,
    /// All pairs, in the server's order.
    pub pairs: Vec<(String, String)>,
}

/// The partitions of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partitions {
    /// The table's id.
    pub app_id: i32,
    /// How many it has.
    pub partition_count: i32,
    /// All of them.
    pub partitions: Vec<PartitionConfig>,
}

impl ClusterInfo {
    /// The pairs of a reply by their names; none when one that every version has is not there.
    pub fn new(reply: ClusterInfoReply) -> Option<Self> {
        let pairs: Vec<(String, String)> = reply.keys.into_iter().zip(reply.values).collect();
        let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        Some(Self {
            meta_servers: value("meta_servers")?.split(',').map(str::to_owned).collect(),
            primary: value("primary_meta_server")?,
            zookeeper_hosts: value("zookeeper_hosts")?,
            zookeeper_root: value("zookeeper_root")?,
            level: Level::from_name(&value("meta_function_level")?),
            pairs,
        })
    }
}

impl MetaClient {
    /// What the cluster says of itself.
    pub async fn cluster_info(&self) -> Result<ClusterInfo> {
        let reply = self.ask_for(&ClusterInfoRequest).await?;
        ClusterInfo::new(reply).ok_or_else(|| {
            self.told(ErrorKind::Protocol, ClusterInfoRequest::OP, "hosts, root, servers or level are missing".into())
        })
    }

    /// The tables in this state, or in any.
    pub async fn list_apps(&self, status: Option<AppStatus>) -> Result<Vec<AppInfo>> {
        let status = status.unwrap_or(AppStatus::Invalid);
        Ok(self.ask_for(&ListAppsRequest { status, ..ListAppsRequest::default() }).await?.infos)
    }

    /// The replica servers in this state, or in any. `ALIVE` says nothing before the grace time after the primary's start
    /// is over (`meta/meta_service.cpp:328-340`).
    pub async fn list_nodes(&self, status: Option<NodeStatus>) -> Result<Vec<NodeInfo>> {
        let status = status.unwrap_or(NodeStatus::Invalid);
        Ok(self.ask_for(&ListNodesRequest { status }).await?.infos)
    }

    /// All partitions of a table.
    pub async fn partitions(&self, app_name: &str) -> Result<Partitions> {
        let request = QueryConfigRequest { app_name: app_name.to_owned(), partition_indices: Vec::new() };
        let reply = self.ask_for(&request).await?;
        let got = reply.partitions.len();
        if usize::try_from(reply.partition_count) != Ok(got) {
            let why = format!("table {app_name}: {got} partitions of {}", reply.partition_count);
            return Err(self.told(ErrorKind::Protocol, QueryConfigRequest::OP, why));
        }
        Ok(Partitions { app_id: reply.app_id, partition_count: reply.partition_count, partitions: reply.partitions })
    }

    /// The stored level. The effective one is in [`ClusterInfo`].
    pub async fn level(&self) -> Result<Level> {
        let reply = self.ask_for(&ControlMetaRequest { level: Level::ASK }).await?;
        self.level_of(reply.old_level)
    }

    /// Sets the level of the primary, which keeps it in memory only; gives the stored one before.
    pub async fn set_level(&self, level: Level) -> Result<Level> {
        let reply = self.ask_for(&ControlMetaRequest { level: level.number() }).await?;
        self.level_of(reply.old_level).map_err(Error::with_unknown_outcome)
    }

    fn level_of(&self, number: i32) -> Result<Level> {
        Level::from_number(number).ok_or_else(|| {
            self.told(ErrorKind::Protocol, ControlMetaRequest::OP, format!("{number} is the number of no level"))
        })
    }

    /// Starts the recovery of the cluster's metadata from these replica servers, each `host:port`, and waits for its end.
    /// The reply is given whatever it says: its hint is for a person.
    pub async fn start_recovery(&self, request: &RecoveryRequest) -> Result<RecoveryReply> {
        self.ask_within(request, self.options.recovery_timeout).await
    }

    /// Calls a remote command on exactly this server.
    pub async fn command(&self, server: &str, name: &str, arguments: &[&str]) -> Result<String> {
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        self.ask_one(server, &CommandRequest { cmd: name.to_owned(), arguments }).await
    }

    /// Asks the primary; anything but `ERR_OK` is an error.
    async fn ask_for<C>(&self, request: &C) -> Result<C::Reply>
    where
        C: Call,
        C::Reply: Answer,
    {
        let reply = self.ask(request).await?;
        if !reply.err().is(ErrorCode::OK) {
            return Err(self.told(ErrorKind::Refused, C::OP, format!("it answers {}", reply.err())));
        }
        Ok(reply)
    }

    /// An error in what the primary said.
    fn told(&self, kind: ErrorKind, op: &str, why: String) -> Error {
        error(&self.known().unwrap_or_else(|| self.servers.join(",")), op, kind, why)
    }
}

impl RecoveryRequest {
    /// Of these replica servers, each `host:port`, with nothing skipped; names are looked up. A server before 2.6 knows
    /// addresses only, and would run into the bytes of names: clear `hp_recovery_nodes` for it.
    pub async fn of_nodes(nodes: &[String]) -> Result<Self> {
        let mut request = Self { hp_recovery_nodes: Some(Vec::new()), ..Self::default() };
        for node in nodes {
            let refused =
                |why: String| Error::new(ErrorKind::Input, format!("node {node}"), "look up its address", why);
            let name: HostPort = node.parse().map_err(|damage: crate::pegasus::record::Damage| refused(damage.0))?;
            let found = tokio::net::lookup_host((name.host.as_str(), name.port)).await;
            let address = found.map_err(|error| refused(error.to_string()))?.find_map(|address| match address {
                std::net::SocketAddr::V4(address) => Some(RpcAddress::from(address)),
                std::net::SocketAddr::V6(_) => None,
            });
            request.recovery_nodes.push(address.ok_or_else(|| refused("it has no ipv4 address".to_owned()))?);
            request.hp_recovery_nodes.get_or_insert_default().push(name);
        }
        Ok(request)
    }
}
