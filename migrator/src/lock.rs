//! The meta servers' lock in ZooKeeper: who stands in line for it, and with which session.
//!
//! Each meta server holds one ephemeral sequential child of `<lock root>/dsn.meta.server.leader`, called LOCKNODE and a
//! number, with its address as data; the lowest is the leader's (distributed_lock_service_zookeeper.cpp). It goes with the
//! session, not with the process: a meta server that was stopped leaves it behind for the session timeout.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use futures::future::join_all;
use replicator::session::Lane;
use replicator::znode::ZnodePath;
use serde::{Deserialize, Serialize};
use tokio::net::lookup_host;
use tokio::time::timeout;

use crate::error::{Error, ErrorKind, Result};

/// How long a name may take to be looked up.
const LOOKED_UP_WITHIN: Duration = Duration::from_secs(3);

/// One in the line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The znode's name.
    pub name: String,
    /// Whose it is: `host:port`, as the meta server wrote it.
    pub address: String,
    /// The session that it goes with; 0: a persistent znode, at which meta servers wait for ever or abort.
    pub session: i64,
}

/// All that stand in line, the leader first. None where there is no lock yet. `lane` has the lock as its root.
pub async fn holders(lane: &Lane) -> Result<Vec<Holder>> {
    let failed = |error: replicator::error::Error| {
        Error::new(ErrorKind::Unreachable, "lock", "read who holds it", error.to_string())
    };
    let root = ZnodePath::root();
    lane.sync().await.map_err(failed)?;
    let Some((names, _)) = lane.children(&root).await.map_err(failed)? else { return Ok(Vec::new()) };
    let mut holders = Vec::new();
    for name in names.iter() {
        // One that has gone meanwhile holds nothing.
        let Some(znode) = lane.znode(&root.child(name)).await.map_err(failed)? else { continue };
        let address = String::from_utf8_lossy(znode.data.as_deref().unwrap_or_default()).into_owned();
        holders.push(Holder { name: name.to_owned(), address, session: znode.stat.ephemeral_owner });
    }
    holders.sort_by_key(|holder| number(&holder.name));
    Ok(holders)
}

/// The line beside the meta servers of a plan, by their addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// Who stands there and is none of them.
    pub strangers: Vec<String>,
    /// Who is one of them and does not stand there.
    pub missing: Vec<String>,
    /// Who stands there more than once: it was started again, and its former session has not expired.
    pub repeated: Vec<String>,
    /// Names of strangers and of missing ones that can't be looked up from here: they may lead to the same places.
    pub unknown: Vec<String>,
}

impl Beside {
    /// Whether as many are missing as there are strangers, and nobody can tell from here that they are not the same: the
    /// cluster's names need not be known where this program runs.
    pub fn may_be_the_same(&self) -> bool {
        let known = |names: &[String]| names.iter().any(|name| !self.unknown.contains(name));
        self.strangers.len() == self.missing.len() && !(known(&self.strangers) && known(&self.missing))
    }
}

/// Compares the line with the meta servers of a plan. Versions up to 2.5.0 write addresses where later ones write names, so
/// names are the same where they lead to the same place.
pub async fn beside(line: &[Holder], planned: &[String]) -> Beside {
    let line = join_all(line.iter().map(|holder| named(&holder.address))).await;
    let planned = join_all(planned.iter().map(|name| named(name))).await;
    let places = |server: &Named| line.iter().filter(|holder| is_same(holder, server)).count();
    let names = |found: Vec<&Named>| found.into_iter().map(|(name, _)| name.clone()).collect();
    let strangers: Vec<&Named> =
        line.iter().filter(|holder| !planned.iter().any(|server| is_same(holder, server))).collect();
    let missing: Vec<&Named> = planned.iter().filter(|server| places(server) == 0).collect();
    let unknown = strangers.iter().chain(&missing).filter(|(_, at)| at.is_empty()).copied().collect();
    Beside {
        unknown: names(unknown),
        strangers: names(strangers),
        missing: names(missing),
        repeated: names(planned.iter().filter(|server| places(server) > 1).collect()),
    }
}

/// Whether two names lead to the same place, as far as they can be looked up.
pub async fn is_same_place(one: &str, other: &str) -> bool {
    is_same(&named(one).await, &named(other).await)
}

fn is_same((name, at): &Named, (other, at_other): &Named) -> bool {
    name == other || !at.is_disjoint(at_other)
}

/// A name, and where it leads.
type Named = (String, BTreeSet<SocketAddr>);

async fn named(name: &str) -> Named {
    let found = timeout(LOOKED_UP_WITHIN, lookup_host(name)).await;
    (name.to_owned(), found.ok().and_then(Result::ok).into_iter().flatten().collect())
}

/// The number at the end of a sequential znode's name; what has none stands first, for it is in the way of all.
fn number(name: &str) -> Option<u32> {
    name.get(name.len().checked_sub(10)?..)?.parse().ok()
}

#[cfg(test)]
mod tests;
