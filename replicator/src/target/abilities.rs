//! What the target's servers can do, and what they let us do, asked by multis that never hold.
//!
//! As with the probes of ACLs nothing is left behind: each multi ends with a check that fails.

use super::probe::{self, SCRATCH};
use crate::connect::Chroot;
use crate::error::{Code, Error, ErrorKind, Result, Side};
use crate::options::EnsembleOptions;
use crate::session::{Lane, WriteOp};
use crate::znode::{Acl, Kind, ZnodePath};

/// Kinds of znodes that the target can hold; `None` where it did not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    /// Containers, which go when their last child has gone (since 3.5.3).
    pub containers: Option<bool>,
    /// Znodes with a TTL, which the servers must be told to allow (zookeeper.extendedTypesEnabled).
    pub ttl: Option<bool>,
}

/// Asks whether we may create below the target's root: the multi makes what is missing of it and a child, and takes all of
/// it back. Gives what the copy would end with.
pub async fn rights(target: &Lane, mut missing: Vec<WriteOp>, root_stands: bool) -> Result<Option<Error>> {
    let ensemble = target.seen_from(Chroot::none());
    let root = target.chroot().as_str();
    if !root_stands {
        missing.push(create(ZnodePath::new(root), Kind::Persistent));
    }
    missing.push(create(ZnodePath::new(root).child(&SCRATCH[1..]), Kind::Persistent));
    missing.push(probe::check());
    match ensemble.write(missing).await {
        Ok(()) => Err(target.protocol("a check of a version that no znode has was taken for true")),
        Err(error) => match error.code() {
            None => Err(error),
            // The check, which stands behind everything that we may do; or somebody's znode of this name.
            Some(_) if error.path.as_deref() == Some(SCRATCH) => Ok(None),
            Some(Code::NODE_EXISTS) => Ok(None),
            Some(_) => Ok(Some(error)),
        },
    }
}

/// Asks for each kind on a session that serves nothing else: an older server ends it when it is asked. Where there is none
/// to be had, nothing is known.
pub async fn kinds(target: &EnsembleOptions) -> Result<Abilities> {
    let Ok(session) = Lane::connect(Side::Target, target).await else { return Ok(Abilities::default()) };
    // Before it looks for a parent or our rights there, the server refuses kinds that it does not allow
    // (PrepRequestProcessor.java, pRequest2TxnCreate: validateCreateRequest comes first).
    let lane = session.seen_from(Chroot::none());
    let abilities = async {
        Ok(Abilities {
            containers: holds(&lane, Kind::Container).await?,
            ttl: holds(&lane, Kind::Ttl { ttl_ms: 1_000 }).await?,
        })
    }
    .await;
    drop(lane);
    session.close().await;
    abilities
}

async fn holds(lane: &Lane, kind: Kind) -> Result<Option<bool>> {
    let answer = lane.write(vec![create(ZnodePath::new(SCRATCH), kind), probe::check()]).await;
    let Err(error) = answer else {
        return Err(lane.protocol("a check of a version that no znode has was taken for true"));
    };
    match error.kind {
        ErrorKind::Refused(Code::UNIMPLEMENTED) => Ok(Some(false)),
        ErrorKind::Refused(_) => Ok(Some(true)),
        ErrorKind::Lost(_) => Ok(None),
        _ => Err(error),
    }
}

fn create(path: ZnodePath, kind: Kind) -> WriteOp {
    WriteOp::Create { path, data: None, acl: Acl::open(), kind }
}
