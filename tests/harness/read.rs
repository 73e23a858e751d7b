//! Reads a tree back, to compare.
//!
//! It stands on the `zookeeper-client` crate and on none of the product's code: a mistake that both shared would be
//! invisible.
//!
//! Invariants: at most `CHUNKS_IN_FLIGHT` chunks of `CHUNK` znodes are being read. The absolute `/zookeeper` is left out, no other znode is.

use std::collections::BTreeMap;

use futures::{StreamExt, stream::FuturesUnordered};
use zookeeper_client::{Acl, Client, MultiReadResult, Stat};

use crate::{Error, load::join};

/// Data and children of a chunk are one request: it is the number of answers that costs. 100 znodes of 1 MiB still fit in
/// a server's heap; ZooKeeper limits no answer by `jute.maxbuffer`, and neither does the client.
const CHUNK: usize = 100;
const CHUNKS_IN_FLIGHT: usize = 4;

/// A znode as a server showed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its data. The client shows null as empty.
    pub data: Vec<u8>,
    /// Its ACL. Without ADMIN a server shows the hash of a digest as `x`.
    pub acl: Vec<Acl>,
    /// Its stat, as of the read of the data.
    pub stat: Stat,
}

/// Reads the tree below `root`, keyed by the path below it; `/` is the root itself. It must not change meanwhile.
///
/// # Errors
/// [`Error::ZooKeeper`] with the path that could not be read.
pub async fn read_tree(client: &Client, root: &str) -> Result<BTreeMap<String, Seen>, Error> {
    let root = root.trim_end_matches('/');
    let mut tree = BTreeMap::new();
    let mut to_read = vec!["/".to_owned()];
    let mut reading = FuturesUnordered::new();
    loop {
        while reading.len() < CHUNKS_IN_FLIGHT && !to_read.is_empty() {
            let chunk = to_read.split_off(to_read.len().saturating_sub(CHUNK));
            reading.push(read(client, root, chunk));
        }
        let Some(chunk) = reading.next().await else {
            return Ok(tree);
        };
        for (path, seen, children) in chunk? {
            let parent = path.trim_end_matches('/');
            let children = children.into_iter().map(|name| format!("{parent}/{name}"));
            to_read.extend(children.filter(|child| join(root, child) != "/zookeeper"));
            tree.insert(path, seen);
        }
    }
}

/// A path, the znode, and the names of its children.
type Row = (String, Seen, Vec<String>);

async fn read(client: &Client, root: &str, paths: Vec<String>) -> Result<Vec<Row>, Error> {
    let absolutes: Vec<String> = paths.iter().map(|path| join(root, path)).collect();
    let mut reader = client.new_multi_reader();
    for absolute in &absolutes {
        reader
            .add_get_data(absolute)
            .and_then(|()| reader.add_get_children(absolute))
            .map_err(Error::zookeeper(absolute))?;
    }
    // The client sends when called: all is under way before anything is awaited.
    let results = reader.commit();
    let acls: Vec<_> = absolutes.iter().map(|absolute| client.get_acl(absolute)).collect();
    let results = results.await.map_err(Error::zookeeper(format!("read {absolutes:?}")))?;
    let mut results = results.into_iter();
    let mut rows = Vec::with_capacity(paths.len());
    for ((path, absolute), acl) in paths.into_iter().zip(&absolutes).zip(acls) {
        let (data, stat) = match results.next() {
            Some(MultiReadResult::Data { data, stat }) => (data, stat),
            other => return Err(unreadable(absolute, other)),
        };
        let children = match results.next() {
            Some(MultiReadResult::Children { children }) => children,
            other => return Err(unreadable(absolute, other)),
        };
        let (acl, _) = acl.await.map_err(Error::zookeeper(format!("get the ACL of {absolute}")))?;
        rows.push((path, Seen { data, acl, stat }, children));
    }
    Ok(rows)
}

fn unreadable(absolute: &str, result: Option<MultiReadResult>) -> Error {
    let source = match result {
        Some(MultiReadResult::Error { err }) => err,
        other => zookeeper_client::Error::UnexpectedError(format!("{other:?}")),
    };
    Error::ZooKeeper { what: format!("read {absolute}"), source }
}
