//! The root of the target tree: looked at before anything is written, and made together with its ancestors.

use std::net::SocketAddr;

use futures::{StreamExt, stream};

use super::write_one;
use crate::connect::{Chroot, ConnectString, is_reserved};
use crate::error::{Code, Error, Result};
use crate::limits;
use crate::options::CopyOptions;
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
            "the target root {} is an ephemeral znode: it can't have children and dies with its session; choose another path",
            target.chroot().as_str()
        )));
    }
    let children = usize::try_from(znode.stat.num_children).unwrap_or_default();
    // At the root of an ensemble one of them is /zookeeper.
    let children = if target.chroot().is_none() { children.saturating_sub(1) } else { children };
    Ok(TargetRoot { znode: Beside::Znode(znode), children })
}

/// Creates the ancestors of the target's root that are missing in one multi. Gives their number.
pub async fn create_ancestors(target: &Lane) -> Result<usize> {
    let missing = missing_ancestors(target).await?;
    let count = missing.len();
    if count > 0 {
        write_one(&target.seen_from(Chroot::none()), missing).await?;
    }
    Ok(count)
}

/// The creates of the ancestors of the target's root that are missing, open and empty, seen from the ensemble's root.
pub async fn missing_ancestors(target: &Lane) -> Result<Vec<WriteOp>> {
    let ensemble = &target.seen_from(Chroot::none());
    let looks = target.chroot().ancestors().map(ZnodePath::new).map(|path| async move {
        let stat = visible(ensemble.stat(&path).await)?;
        Ok::<_, Error>((path, stat))
    });
    let ancestors = futures::future::try_join_all(looks).await?;
    // One that we may not see is there.
    let missing = ancestors.into_iter().skip_while(|(_, stat)| *stat != Ok(None));
    let create = |path| WriteOp::Create { path, data: None, acl: Acl::open(), kind: Kind::Persistent };
    Ok(missing.map(|(path, _)| create(path)).collect())
}

/// Refuses a source and a target that are one tree, or of which one lies in the other, whatever addresses name them.
///
/// One path read through both sides that has the same czxid and ctime is one znode. A path that only one side has, or
/// that differs, tells two ensembles apart. `/` is the same everywhere, so its children are compared.
///
/// Where nothing can be compared (no znode that both sides may see), servers with a common address are one ensemble.
pub async fn refuse_same_tree(options: &CopyOptions, source: &Lane, target: &Lane) -> Result<()> {
    if !source.chroot().overlaps(target.chroot()) {
        return Ok(());
    }
    let connect = options.source.ensemble().map(|source| [&source.connect, &options.target.connect]);
    if !are_one_ensemble(source, target, connect).await? {
        return Ok(());
    }
    Err(Error::bad_input(format!(
        "source {} and target {} are the same ensemble, and one tree is the other or lies within it (same czxid and \
         ctime through both): nothing was changed; choose a target outside the source's tree",
        source.chroot().as_str(),
        target.chroot().as_str()
    )))
}

/// The same for two trees that are to be compared: one that is compared with itself is always equal, and nothing is proven.
pub async fn refuse_itself(source: &Lane, target: &Lane, connect: [&ConnectString; 2]) -> Result<()> {
    if source.chroot() != target.chroot() || !are_one_ensemble(source, target, Some(connect)).await? {
        return Ok(());
    }
    Err(Error::bad_input(format!(
        "{} and {} are one tree (same czxid and ctime through both), which is always equal to itself: nothing was compared; name \
         the ensemble that it was copied to",
        connect[0], connect[1]
    )))
}

/// Refuses servers of two ensembles in one connect string, for one tree would be made of both: a path that both have, and that
/// is another znode on each.
pub async fn refuse_two_ensembles(connect: &ConnectString, one: &Lane, other: &Lane) -> Result<()> {
    let Some(path) = another_znode(one, other).await? else { return Ok(()) };
    let why = format!(
        "the servers {} are not of one ensemble: {path} is another znode on one of them than on another (czxid and ctime): \
         nothing was changed; name the servers of one ensemble",
        connect.servers()
    );
    Err(Error::bad_input(why).at(one.side()))
}

/// A path that is another znode on each: the tree's root, or the first child of `/` that both have. `None` where there is nothing
/// to tell it by.
async fn another_znode(one: &Lane, other: &Lane) -> Result<Option<ZnodePath>> {
    let (here, there) = (one.seen_from(Chroot::none()), other.seen_from(Chroot::none()));
    let differs = async |path: &ZnodePath| {
        let (here, there) = tokio::join!(here.stat(path), there.stat(path));
        Ok::<_, Error>(match (visible(here)?, visible(there)?) {
            (Ok(Some(here)), Ok(Some(there))) => Some(!same_znode(&here, &there)),
            _ => None,
        })
    };
    if !one.chroot().is_none() {
        let path = ZnodePath::new(one.chroot().as_str());
        if let Some(differs) = differs(&path).await? {
            return Ok(differs.then_some(path));
        }
    }
    // Who may not list `/` has still a tree to read.
    let Ok(Some((names, _))) = visible(here.children(&ZnodePath::root()).await)? else { return Ok(None) };
    let top = names.iter().map(|name| ZnodePath::root().child(name)).filter(|path| !is_reserved(path.as_str()));
    for path in top.take(limits::SAME_ENSEMBLE_CHILDREN_MAX) {
        if let Some(differs) = differs(&path).await? {
            return Ok(differs.then_some(path));
        }
    }
    Ok(None)
}

/// By what both show, and where they show nothing that tells it, by their addresses.
async fn are_one_ensemble(source: &Lane, target: &Lane, connect: Option<[&ConnectString; 2]>) -> Result<bool> {
    Ok(match (same_ensemble(source, target).await?, connect) {
        (Some(same), _) => same,
        (None, Some([source, target])) => share_a_server(source, target).await,
        (None, None) => false,
    })
}

/// `None`: there is nothing to tell it by.
async fn same_ensemble(source: &Lane, target: &Lane) -> Result<Option<bool>> {
    let (here, there) = (source.seen_from(Chroot::none()), target.seen_from(Chroot::none()));
    if !source.chroot().is_none() {
        let path = ZnodePath::new(source.chroot().as_str());
        if let (Some(one), Ok(other)) = (here.stat(&path).await?, visible(there.stat(&path).await)?) {
            return Ok(Some(other.is_some_and(|other| same_znode(&one, &other))));
        }
    }
    let root = ZnodePath::root();
    let (names, _) = here.children(&root).await?.unwrap_or_default();
    let paths: Vec<_> = names.iter().map(|name| root.child(name)).filter(|path| !is_reserved(path.as_str())).collect();
    let stats = stream::iter(paths.into_iter().take(limits::SAME_ENSEMBLE_CHILDREN_MAX)).map(|path| {
        let (here, there) = (&here, &there);
        async move { Ok::<_, Error>((visible(here.stat(&path).await)?, visible(there.stat(&path).await)?)) }
    });
    let mut stats = std::pin::pin!(stats.buffer_unordered(limits::STATS_IN_FLIGHT_MAX));
    let mut missing = false;
    while let Some(pair) = stats.next().await {
        match pair? {
            (Ok(Some(one)), Ok(Some(other))) => return Ok(Some(same_znode(&one, &other))),
            // Listed a moment ago here, and surely not there.
            (Ok(Some(_)), Ok(None)) => missing = true,
            _ => {}
        }
    }
    Ok(missing.then_some(false))
}

async fn share_a_server(source: &ConnectString, target: &ConnectString) -> bool {
    let (source, target) = futures::future::join(addresses(source), addresses(target)).await;
    source.iter().any(|address| target.contains(address))
}

async fn addresses(connect: &ConnectString) -> Vec<SocketAddr> {
    let lookups = connect.hosts.iter().map(|(host, port)| tokio::net::lookup_host((host.as_str(), *port)));
    futures::future::join_all(lookups).await.into_iter().flatten().flatten().collect()
}

fn same_znode(one: &Stat, other: &Stat) -> bool {
    (one.czxid, one.ctime) == (other.czxid, other.ctime)
}

/// What is there, or that we may not see it; any other failure ends the comparison.
fn visible<T>(seen: Result<Option<T>>) -> Result<Result<Option<T>, Code>> {
    match seen {
        Ok(seen) => Ok(Ok(seen)),
        Err(error) => match error.code() {
            Some(Code::NO_AUTH) => Ok(Err(Code::NO_AUTH)),
            _ => Err(error),
        },
    }
}
