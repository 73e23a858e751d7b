//! The trees recorded from a real Pegasus meta server; `tests/golden/README.md` tells how.
//!
//! Generated trees look like what we think Pegasus writes. These are what it wrote.
//!
//! Invariant: the data is that of the record, byte for byte: its length is checked against the recorded stat.

use serde::{Deserialize, Deserializer};
use zookeeper_client::{Acl, AuthId, Client, Permission};

use crate::{Error, Loaded, tree::TreeZnode};

const LIVE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/golden/pegasus-tree/live.jsonl"));
const AFTER_RECOVERY: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/golden/pegasus-tree/after-recovery.jsonl"));

/// The root of the recorded cluster.
pub const CLUSTER_ROOT: &str = "/pegasus/onebox";

/// A recorded znode.
#[derive(Clone, Debug, Deserialize)]
pub struct GoldenZnode {
    /// Its absolute path.
    pub path: String,
    /// Its data.
    #[serde(rename = "data_text", deserialize_with = "bytes")]
    pub data: Vec<u8>,
    /// Its ACL.
    #[serde(deserialize_with = "acl")]
    pub acl: Vec<Acl>,
    /// Its stat.
    pub stat: GoldenStat,
}

/// A recorded stat, fields named as ZooKeeper names them.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are ZooKeeper's own")]
pub struct GoldenStat {
    pub czxid: i64,
    pub mzxid: i64,
    pub pzxid: i64,
    pub ctime: i64,
    pub mtime: i64,
    pub version: i32,
    pub cversion: i32,
    pub aversion: i32,
    #[serde(deserialize_with = "hexadecimal")]
    pub ephemeral_owner: i64,
    pub data_length: usize,
    pub num_children: usize,
}

/// The tree of a running cluster: 7 tables, one dropped, and the lock of the meta servers. Parents come first.
pub fn live() -> Vec<GoldenZnode> {
    parse(LIVE)
}

/// The tree that a metadata recovery made. Parents come first.
pub fn after_recovery() -> Vec<GoldenZnode> {
    parse(AFTER_RECOVERY)
}

/// Writes recorded znodes below `root` (`""` for the very root), without `/zookeeper` and the root's own data. Ephemeral
/// znodes belong to the session of `client`.
///
/// # Errors
/// Those of [`load`](crate::load()).
pub async fn load(client: &Client, root: &str, znodes: &[GoldenZnode]) -> Result<Loaded, Error> {
    let tree = znodes.iter().filter(|znode| znode.path != "/" && !is_zookeepers(&znode.path)).map(|znode| TreeZnode {
        path: znode.path.clone(),
        data: znode.data.clone(),
        acl: znode.acl.clone(),
        ephemeral: znode.stat.ephemeral_owner != 0,
    });
    crate::load(client, root, tree).await
}

fn is_zookeepers(path: &str) -> bool {
    path == "/zookeeper" || path.starts_with("/zookeeper/")
}

fn parse(lines: &str) -> Vec<GoldenZnode> {
    let znodes = lines.lines().map(|line| serde_json::from_str(line).expect("the record is fixed, and tests parse it"));
    znodes
        .inspect(|znode: &GoldenZnode| {
            assert_eq!(znode.data.len(), znode.stat.data_length, "{}", znode.path);
        })
        .collect()
}

fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    String::deserialize(deserializer).map(String::into_bytes)
}

fn hexadecimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let text = String::deserialize(deserializer)?;
    i64::from_str_radix(text.trim_start_matches("0x"), 16).map_err(serde::de::Error::custom)
}

fn acl<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Acl>, D::Error> {
    #[derive(Deserialize)]
    struct Entry {
        perms: u32,
        scheme: String,
        id: String,
    }
    let all = [Permission::READ, Permission::WRITE, Permission::CREATE, Permission::DELETE, Permission::ADMIN];
    let permission = |perms: u32| {
        let granted = all.into_iter().enumerate().filter(|(bit, _)| perms >> bit & 1 == 1);
        granted.fold(Permission::NONE, |sum, (_, one)| sum | one)
    };
    let entries = Vec::<Entry>::deserialize(deserializer)?;
    Ok(entries.iter().map(|entry| Acl::new(permission(entry.perms), AuthId::new(&entry.scheme, &entry.id))).collect())
}
