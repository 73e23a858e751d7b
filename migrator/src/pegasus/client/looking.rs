//! Who is the primary: all servers are asked at the same time, and whoever a follower names after them.

use std::collections::BTreeSet;

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use super::MetaClient;
use crate::error::{Error, ErrorKind, Result};
use crate::pegasus::messages::{QueryConfigReply, QueryConfigRequest};
use crate::pegasus::types::ErrorCode;

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// It answers for the cluster, or will when it has loaded its state.
    Primary,
    /// It sends others on, and names the primary in so many ways: by name and by address. By none while it knows none.
    Follower(Vec<String>),
}

impl MetaClient {
    /// The primary: as it stands in the list of servers, or as a follower names it. It is looked for once: while an election
    /// is on, there is none.
    pub async fn primary(&self) -> Result<String> {
        match self.known() {
            Some(known) if matches!(self.role(&known).await, Ok(Role::Primary)) => Ok(known),
            _ => self.look_for_primary().await,
        }
    }

    /// Whether exactly this server is the primary.
    pub async fn role(&self, server: &str) -> Result<Role> {
        let reply = self.ask_one(server, &QueryConfigRequest::default()).await?;
        Ok(if reply.err.is(ErrorCode::FORWARD_TO_OTHERS) { Role::Follower(named(&reply)) } else { Role::Primary })
    }

    /// One round over the servers in the list, and one over those that were named.
    pub(super) async fn look_for_primary(&self) -> Result<String> {
        let mut found = Found::default();
        self.ask_roles(self.servers.clone(), &mut found).await;
        if found.primary.is_none() {
            let named = std::mem::take(&mut found.named).into_iter().filter(|server| !self.servers.contains(server));
            self.ask_roles(named.collect(), &mut found).await;
        }
        match found.primary {
            Some(primary) => {
                self.remember(&primary);
                Ok(primary)
            }
            None => Err(Error::new(
                ErrorKind::Unreachable,
                format!("meta servers {}", self.servers.join(",")),
                "look for the primary",
                found.causes.join("; "),
            )),
        }
    }

    /// Asks all of them at the same time, until one says that it is the primary.
    async fn ask_roles(&self, servers: Vec<String>, found: &mut Found) {
        let ask = async |server: String| (self.role(&server).await, server);
        let mut asked: FuturesUnordered<_> = servers.into_iter().map(ask).collect();
        while let Some((role, server)) = asked.next().await {
            match role {
                Ok(Role::Primary) => {
                    found.primary = Some(server);
                    return;
                }
                Ok(Role::Follower(named)) => {
                    let who = if named.is_empty() { "nobody".to_owned() } else { named.join(" or ") };
                    found.causes.push(format!("{server} names {who}"));
                    found.named.extend(named);
                }
                Err(error) => found.causes.push(error.to_string()),
            }
        }
    }
}

/// What the servers said.
#[derive(Default)]
struct Found {
    primary: Option<String>,
    named: BTreeSet<String>,
    causes: Vec<String>,
}

/// The primary as a follower names it.
pub(in crate::pegasus) fn named(reply: &QueryConfigReply) -> Vec<String> {
    let Some(first) = reply.partitions.first() else { return Vec::new() };
    let name = first.hp_primary.iter().filter(|name| name.is_valid()).map(ToString::to_string);
    let address = first.primary.socket().map(|socket| socket.to_string());
    name.chain(address).collect()
}
