//! `zkmigrator init`: a new plan, from what the cluster says of itself.

use std::path::PathBuf;

use clap::Args;
use replicator::connect::ConnectString;
use replicator::whole_file::{self, Existing};
use serde_json::json;

use super::typed::Format;
use super::{Written, in_format};
use crate::error::{Error, ErrorKind, Result};
use crate::pegasus::client::{MetaClient, MetaOptions, Role};
use crate::pegasus::connection::BROKE;
use crate::plan::{ClusterFacts, MetaServerFacts, render};
use crate::steps::written_hosts;

const EXAMPLES: &str = "\
Examples:
  Into a file, in which files, hosts and commands of the meta servers are then filled in (docs/plan.md):
    zkmigrator init --meta-servers a1:34601,a2:34601 \\
      --target zk4:2181,zk5:2181,zk6:2181 --out zkmigrator.toml

  To look at it first:
    zkmigrator init --meta-servers a1:34601 --target zk4:2181";

/// Write a new plan by asking the cluster
///
/// Asks the meta servers which they are, where their ZooKeeper is and below which root, and writes a plan with all that, and
/// with what only you know left open. Changes nothing of the cluster.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Init {
    /// Meta servers of the cluster: host:port,host:port. One that answers is enough
    #[arg(long, value_name = "LIST", value_delimiter = ',', required = true)]
    meta_servers: Vec<String>,
    /// The ZooKeeper that the cluster shall use: host:port,host:port
    #[arg(long, value_name = "ZK")]
    target: ConnectString,
    /// Write the plan to this file, which must not be there, instead of stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How the report is written to stdout
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
}

impl Init {
    pub(super) async fn run(&self) -> Result<Written> {
        let options = MetaOptions { primary_wait: std::time::Duration::from_secs(5), ..MetaOptions::default() };
        let client = MetaClient::new(self.meta_servers.clone(), options)?;
        let info = client.cluster_info().await.map_err(with_advice)?;
        for typed in self.meta_servers.iter().filter(|typed| !info.meta_servers.contains(typed)) {
            let known = info.meta_servers.join(", ");
            super::tell(&format!(
                "{typed} is none of the names that the cluster has for its meta servers ({known}): the plan has those"
            ));
        }
        let mut servers = Vec::new();
        for address in info.meta_servers.iter().cloned() {
            let role = client.role(&address).await;
            if let Err(error) = &role {
                super::tell(&format!("{error}; it becomes a commented entry"));
            }
            servers.push(MetaServerFacts {
                is_primary: matches!(role, Ok(Role::Primary)),
                silent: role.err().map(|error| error.to_string()),
                address,
            });
        }
        let name = info.pairs.iter().find(|(key, _)| key == "cluster_name").map(|(_, name)| name.clone());
        let name = name.filter(|name| !name.is_empty());
        let facts = ClusterFacts {
            cluster: name.unwrap_or_else(|| info.zookeeper_root.rsplit('/').next().unwrap_or("cluster").to_owned()),
            root: info.zookeeper_root,
            source: info.zookeeper_hosts,
            target: written_hosts(&self.target),
            meta_servers: servers,
        };
        let plan = render(&facts);
        let mut text = plan.clone();
        if let Some(file) = &self.out {
            whole_file::write(file, &plan, Existing::Kept).map_err(|error| {
                let why = format!("{error}; give another file with --out, or move that one away");
                Error::new(ErrorKind::Local, format!("file {}", file.display()), "write the plan", why)
            })?;
            text = format!("{} was written: fill in files, hosts and commands\n", file.display());
        }
        let servers = facts
            .meta_servers
            .iter()
            .map(|server| json!({"address": server.address, "is_primary": server.is_primary, "silent": server.silent}));
        let json = json!({
            "schema": 1,
            "command": "init",
            "verdict": "done",
            "exit_code": 0,
            "cluster": facts.cluster,
            "cluster_root": facts.root,
            "source": facts.source,
            "target": facts.target,
            "meta_servers": servers.collect::<Vec<_>>(),
            "file": self.out.as_ref().map(|file| file.display().to_string()),
            "plan": plan,
        });
        Ok(Written::of(in_format(self.format, &text, &json), 0, None))
    }
}

/// What else can be done where no meta server says anything.
fn with_advice(mut error: Error) -> Error {
    if error.kind == ErrorKind::Protocol || error.why.contains(BROKE) {
        error.why += "; a meta server's RPC port is wanted, 34601 unless configured: is it that?";
    }
    error.why += "; where none can be reached, a plan can be written by hand (docs/plan.md)";
    error
}
