//! The meta servers' lock in ZooKeeper: who stands in line for it, and with which session.
//!
//! Each meta server holds one ephemeral sequential child of `<lock root>/dsn.meta.server.leader`, called LOCKNODE and a
//! number, with its address as data; the lowest is the leader's (distributed_lock_service_zookeeper.cpp). It goes with the
//! session, not with the process: a meta server that was stopped leaves it behind for the session timeout.

use replicator::session::Lane;
use replicator::znode::ZnodePath;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

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

/// The number at the end of a sequential znode's name; what has none stands first, for it is in the way of all.
fn number(name: &str) -> Option<u32> {
    name.get(name.len().checked_sub(10)?..)?.parse().ok()
}
