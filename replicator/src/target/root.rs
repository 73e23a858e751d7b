//! The root of the target tree: looked at before anything is written, and made together with its ancestors.

use crate::connect::{Chroot, is_reserved};
use crate::error::{Code, Error, Result};
use crate::limits;
use crate::pair::Beside;
use crate::session::{Lane, WriteOp};
use crate::znode::{Acl, Kind, Stat, ZnodePath};

/// What stands where the target tree is to be.
#[derive(Debug)]
pub struct TargetRoot {
    /// The root itself.
    pub znode: Beside,
    /// How many children it has; `/zookeeper` does not count.
    pub children: usize,
}

/// Looks at the target's root.
pub async fn look(target: &Lane) -> Result<TargetRoot> {
    let root = ZnodePath::root();
    let Some(znode) = target.znode(&root).await? else {
        return Ok(TargetRoot { znode: Beside::Nothing, children: 0 });
    };
    if znode.kind.is_ephemeral() {
        return Err(Error::bad_input(format!(
            "the target root {} is an ephemeral znode: it can't have children and dies with its session",
            target.chroot().as_str()
        )));
    }
    let names = target.children(&root).await?.unwrap_or_default();
    let reserved = |name: &str| target.chroot().is_none() && is_reserved(root.child(name).as_str());
    let children = names.iter().filter(|name| !reserved(name)).count();
    Ok(TargetRoot { znode: Beside::Znode(znode), children })
}

/// Creates the ancestors of the target's root that are missing, open and empty, in one multi. Gives their number.
pub async fn create_ancestors(target: &Lane) -> Result<usize> {
    let ensemble = target.seen_from(Chroot::none());
    let mut missing = Vec::new();
    for path in target.chroot().ancestors().map(ZnodePath::new) {
        if !missing.is_empty() || ensemble.stat(&path).await?.is_none() {
            missing.push(WriteOp::Create { path, data: None, acl: Acl::open(), kind: Kind::Persistent });
        }
    }
    let count = missing.len();
    if count > 0 {
        ensemble.write(missing).await?;
    }
    Ok(count)
}

/// Refuses a source and a target that are one tree, or of which one lies in the other, whatever addresses name them.
///
/// One path read through both sides that has the same czxid and ctime is one znode. A path that only one side has, or
/// that differs, tells two ensembles apart. `/` is the same everywhere, so its children are compared.
pub async fn refuse_same_tree(source: &Lane, target: &Lane) -> Result<()> {
    if !source.chroot().overlaps(target.chroot()) || !same_ensemble(source, target).await? {
        return Ok(());
    }
    Err(Error::bad_input(format!(
        "source {} and target {} are the same ensemble, and one tree is the other or lies within it (same czxid and \
         ctime through both): nothing was changed; choose a target outside the source's tree",
        source.chroot().as_str(),
        target.chroot().as_str()
    )))
}

async fn same_ensemble(source: &Lane, target: &Lane) -> Result<bool> {
    let (here, there) = (source.seen_from(Chroot::none()), target.seen_from(Chroot::none()));
    if !source.chroot().is_none() {
        let path = ZnodePath::new(source.chroot().as_str());
        if let (Some(one), Ok(other)) = (here.stat(&path).await?, visible(there.stat(&path).await)?) {
            return Ok(other.is_some_and(|other| same_znode(&one, &other)));
        }
    }
    let root = ZnodePath::root();
    let names = here.children(&root).await?.unwrap_or_default();
    let names = names.iter().filter(|name| !is_reserved(root.child(name).as_str()));
    for path in names.take(limits::SAME_ENSEMBLE_CHILDREN_MAX).map(|name| root.child(name)) {
        if let (Ok(Some(one)), Ok(Some(other))) = (visible(here.stat(&path).await)?, visible(there.stat(&path).await)?)
        {
            return Ok(same_znode(&one, &other));
        }
    }
    Ok(false)
}

fn same_znode(one: &Stat, other: &Stat) -> bool {
    (one.czxid, one.ctime) == (other.czxid, other.ctime)
}

/// A stat, or that we may not see it; any other failure ends the comparison.
fn visible(stat: Result<Option<Stat>>) -> Result<Result<Option<Stat>, Code>> {
    match stat {
        Ok(stat) => Ok(Ok(stat)),
        Err(error) => match error.code() {
            Some(Code::NO_AUTH) => Ok(Err(Code::NO_AUTH)),
            _ => Err(error),
        },
    }
}
