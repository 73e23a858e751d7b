//! `zkmigrator init`: a new plan, from what the cluster says of itself.

use std::path::PathBuf;

use clap::Args;
use replicator::connect::ConnectString;
use replicator::whole_file::{self, Existing};

use super::Written;
use crate::error::{Error, ErrorKind, Result};
use crate::pegasus::client::{MetaClient, MetaOptions, Role};
use crate::plan::{ClusterFacts, MetaServerFacts, render};
use crate::steps::written_hosts;

#[derive(Args)]
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
}

impl Init {
    pub(super) async fn run(&self) -> Result<Written> {
        let options = MetaOptions { primary_wait: std::time::Duration::from_secs(5), ..MetaOptions::default() };
        let client = MetaClient::new(self.meta_servers.clone(), options)?;
        let info = client.cluster_info().await?;
        // As the cluster calls them; what was typed may be another name of the same.
        let mut addresses = info.meta_servers.clone();
        addresses.extend(self.meta_servers.iter().filter(|typed| !info.meta_servers.contains(typed)).cloned());
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
        let Some(file) = &self.out else { return Ok(Written { text: plan, code: 0, page: None }) };
        whole_file::write(file, &plan, Existing::Kept).map_err(|error| {
            Error::new(ErrorKind::Local, format!("file {}", file.display()), "write the plan", error.to_string())
        })?;
        Ok(Written {
            text: format!("{} was written: fill in files, hosts and commands\n", file.display()),
            code: 0,
            page: None,
        })
    }
}
