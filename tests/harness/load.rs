//! Writes a generated tree to a server.
//!
//! Trees of 1,000,000 znodes are loaded for a benchmark, so the znodes go in multis, several in flight. The client
//! sends in the order of the calls and the server applies in the order of the connection: a parent in an earlier multi
//! is there when its child is created.
//!
//! Invariants: at most `IN_FLIGHT` multis of `MULTI_OPS_MAX` operations and `MULTI_BYTES_MAX` bytes are unanswered
//! (a single bigger znode goes alone). ACLs other than `world:anyone` ALL are set after the last create, children first:
//! one that forbids to create or to administer hinders nothing.

use std::iter;

use futures::{
    StreamExt,
    future::{BoxFuture, try_join_all},
    stream::FuturesOrdered,
};
use zookeeper_client::{
    Acl, Acls, Client, CreateMode, CreateOptions, Error as ClientError, MultiWriteError, MultiWriter,
};

use crate::{Error, tree::TreeZnode};

const MULTI_OPS_MAX: usize = 500;
const MULTI_BYTES_MAX: usize = 256 * 1024;
const IN_FLIGHT: usize = 8;
const ACLS_IN_FLIGHT: usize = 200;
/// Bytes that [`load_lean`] lets a server keep twice.
const LEAN_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Transactions that a server keeps, whatever it is told.
const TRANSACTIONS_KEPT: usize = 500;

const PERSISTENT: CreateOptions<'static> = CreateMode::Persistent.with_acls(Acls::anyone_all());
const EPHEMERAL: CreateOptions<'static> = CreateMode::Ephemeral.with_acls(Acls::anyone_all());

/// How much a load wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The znodes of the tree; its root only if the tree has one.
    pub znodes: u64,
    /// The bytes of their data.
    pub bytes: u64,
}

/// Writes `tree` below `root`, which is made with its ancestors where missing. `/` and the empty root mean the client's
/// own root. Ephemeral znodes belong to the session of `client`.
///
/// # Errors
/// [`Error::ZooKeeper`] with the path that failed: a znode that exists, a parent that does not, or a lost session.
pub async fn load(client: &Client, root: &str, tree: impl Iterator<Item = TreeZnode>) -> Result<Loaded, Error> {
    let root = root.trim_end_matches('/');
    make_root(client, root).await?;
    let mut loaded = Loaded::default();
    let mut restricted = Vec::new();
    let mut unanswered = FuturesOrdered::new();
    let mut batch = Batch::new(client);
    for znode in tree {
        loaded.znodes += 1;
        loaded.bytes += znode.data.len() as u64;
        let path = join(root, &znode.path);
        if !batch.takes(&path, &znode) {
            unanswered.push_back(batch.commit());
            batch = Batch::new(client);
        }
        while unanswered.len() >= IN_FLIGHT {
            unanswered.next().await.unwrap_or(Ok(()))?;
        }
        batch.add(&path, &znode)?;
        if *znode.acl != *Acls::anyone_all() {
            restricted.push((path, znode.acl));
        }
    }
    unanswered.push_back(batch.commit());
    while let Some(answer) = unanswered.next().await {
        answer?;
    }
    restrict(client, restricted).await?;
    Ok(loaded)
}

/// The same for a server whose heap has little to spare beside the tree: it keeps its last transactions for followers,
/// 500 at least (ZKDatabase.java, `commitLogCount`), so large values would be there twice. After every few of them it is
/// given as many small transactions, which push them out.
///
/// # Errors
/// Those of [`load`].
pub async fn load_lean(client: &Client, root: &str, tree: impl Iterator<Item = TreeZnode>) -> Result<Loaded, Error> {
    let mut loaded = Loaded::default();
    let mut tree = tree.peekable();
    while tree.peek().is_some() {
        let mut bytes = 0;
        let part = iter::from_fn(|| {
            let znode = tree.next_if(|_| bytes < LEAN_BYTES_MAX)?;
            bytes += znode.data.len();
            Some(znode)
        });
        let part = load(client, root, part).await?;
        loaded = Loaded { znodes: loaded.znodes + part.znodes, bytes: loaded.bytes + part.bytes };
        let small = (0..TRANSACTIONS_KEPT).map(|_| client.set_data(root, b"", None));
        try_join_all(small).await.map_err(Error::zookeeper(format!("set the data of {root}")))?;
    }
    Ok(loaded)
}

/// The absolute path of a path below `root`.
pub(crate) fn join(root: &str, path: &str) -> String {
    match (root, path) {
        ("", path) => path.to_owned(),
        (root, "/") => root.to_owned(),
        (root, path) => format!("{root}{path}"),
    }
}

async fn make_root(client: &Client, root: &str) -> Result<(), Error> {
    let ends = root.match_indices('/').map(|(at, _)| at).skip(1).chain([root.len()]);
    for ancestor in ends.map(|end| &root[..end]).filter(|ancestor| !ancestor.is_empty()) {
        match client.create(ancestor, b"", &PERSISTENT).await {
            Ok(_) | Err(ClientError::NodeExists) => {}
            Err(source) => {
                return Err(Error::ZooKeeper { what: format!("create {ancestor}"), source });
            }
        }
    }
    Ok(())
}

async fn restrict(client: &Client, restricted: Vec<(String, Vec<Acl>)>) -> Result<(), Error> {
    let requests = restricted.into_iter().rev().map(|(path, acl)| {
        let answer = client.set_acl(&path, &acl, None);
        async move { answer.await.map(drop).map_err(Error::zookeeper(format!("set the ACL of {path}"))) }
    });
    let mut answers = futures::stream::iter(requests).buffered(ACLS_IN_FLIGHT);
    while let Some(answer) = answers.next().await {
        answer?;
    }
    Ok(())
}

/// One multi that is being filled, with its paths to tell which failed.
struct Batch<'a> {
    writer: MultiWriter<'a>,
    paths: Vec<String>,
    bytes: usize,
}

impl<'a> Batch<'a> {
    fn new(client: &'a Client) -> Self {
        Self { writer: client.new_multi_writer(), paths: Vec::new(), bytes: 0 }
    }

    fn takes(&self, path: &str, znode: &TreeZnode) -> bool {
        self.paths.is_empty()
            || self.paths.len() < MULTI_OPS_MAX && self.bytes + path.len() + znode.data.len() <= MULTI_BYTES_MAX
    }

    fn add(&mut self, path: &str, znode: &TreeZnode) -> Result<(), Error> {
        let path = if path.is_empty() { "/" } else { path };
        let options = if znode.ephemeral { &EPHEMERAL } else { &PERSISTENT };
        let added = if znode.path == "/" {
            self.writer.add_set_data(path, &znode.data, None)
        } else {
            self.writer.add_create(path, &znode.data, options)
        };
        added.map_err(Error::zookeeper(path))?;
        self.bytes += path.len() + znode.data.len();
        self.paths.push(path.to_owned());
        Ok(())
    }

    /// Sends the multi now; the future is its answer.
    fn commit(mut self) -> BoxFuture<'a, Result<(), Error>> {
        let answer = self.writer.commit();
        let paths = self.paths;
        Box::pin(async move {
            answer.await.map(drop).map_err(|error| match error {
                MultiWriteError::OperationFailed { index, source } => {
                    Error::ZooKeeper { what: format!("create {}", paths[index]), source }
                }
                MultiWriteError::RequestFailed { source } => {
                    Error::ZooKeeper { what: format!("a multi that begins with {:?}", paths.first()), source }
                }
            })
        })
    }
}
