//! Everything ZooKeeper allows and few trees have: odd names, odd sizes, odd ACLs, data at the root.
//!
//! Names beyond the basic multilingual plane are not among them: ZooKeeper's `PathUtils.validatePath` refuses surrogates.
//!
//! Invariants: a client on 127.0.0.1 can read every znode; it sees the whole ACL of each only with [`ODD_AUTH`]. The tree
//! has a `/zookeeper`, so it can't be loaded at a server's own root.

use zookeeper_client::{Acl, Acls, AuthId, Permission};

use super::{Random, TreeZnode};

/// Scheme and credentials that give ADMIN wherever a digest is in an ACL of [`odd`].
pub const ODD_AUTH: (&str, &[u8]) = ("digest", b"harness:secret");
/// What ZooKeeper makes of [`ODD_AUTH`]: the base64 of its SHA-1.
const ODD_DIGEST: &str = "harness:t0zK6bF/Wy0ghkwqIntiCIckplU=";

/// Below ZooKeeper's limit of 1 MiB for a packet, above what fits two to one.
const BIG: usize = 900 * 1024;
const LONG_NAME: usize = 200;

/// The odd tree; the seed is for the data alone.
pub fn odd(seed: u64) -> impl Iterator<Item = TreeZnode> + Send {
    let data = |index: usize| Random::at(seed, index).bytes(24);
    let mut znodes = vec![TreeZnode::new("/", "data of the root")];
    znodes.extend(names().into_iter().enumerate().map(|(index, path)| TreeZnode::new(path, data(index))));
    znodes.extend(sizes(seed));
    znodes.extend(acls());
    znodes.into_iter()
}

fn names() -> Vec<String> {
    let long = "n".repeat(LONG_NAME);
    let mut paths: Vec<String> = [
        // Sorted as strings, siblings come between a znode and its children: '-' < '.' < '/' < '0'.
        "/a",
        "/a-b",
        "/a-b/x",
        "/a.b",
        "/a.b/x",
        "/a/b",
        "/a/b/c",
        "/a0",
        "/a0/x",
        "/a b",
        "/A",
        // Reserved only at the server's own root.
        "/zookeeper",
        "/zookeeper/quota",
        "/zookeeper/quota/limits",
        "/zookeeper/config",
        "/a/zookeeper",
        // Two and three bytes a character; the last ones lie around the gap of the surrogates and private use.
        "/names",
        "/names/é",
        "/names/ñandú",
        "/names/Ω≈ç",
        "/names/中文",
        "/names/中文/子",
        "/names/한글",
        "/names/\u{d7ff}",
        "/names/\u{f900}",
        "/names/ ",
        "/names/ leading",
        "/names/trailing ",
        "/names/two  spaces",
        "/names/ /below a space",
        "/names/...",
        "/names/..a",
        "/names/.hidden",
        "/names/%2F",
        "/names/\\",
        "/names/\"quoted\"",
        "/names/'",
        "/names/$(id)",
        "/names/*",
        "/names/lock-0000000001",
        "/names/lock-2147483647",
        "/names/-1",
    ]
    .map(str::to_owned)
    .into();
    paths.extend([
        format!("/names/{long}"),
        format!("/names/{long}/{long}"),
        format!("/names/{}", "中".repeat(LONG_NAME)),
    ]);
    paths
}

fn sizes(seed: u64) -> Vec<TreeZnode> {
    let value = |name: &str, data: Vec<u8>| TreeZnode::new(format!("/sizes/{name}"), data);
    vec![
        TreeZnode::new("/sizes", ""),
        value("empty", Vec::new()),
        value("one", vec![b'1']),
        value("nul", vec![0]),
        value("not-utf8", vec![0xff, 0xfe, 0x00, 0x80]),
        value("big", Random::new(seed).bytes(BIG)),
        value("big-zeros", vec![0; BIG]),
    ]
}

fn acls() -> Vec<TreeZnode> {
    let read_only = Acls::anyone_read().to_vec();
    let entry = |permission, scheme: &str, id: &str| Acl::new(permission, AuthId::new(scheme, id));
    let digest = |permission| entry(permission, "digest", ODD_DIGEST);
    let anyone = |permission| entry(permission, "world", "anyone");
    let znode = |path: &str, acl: Vec<Acl>| TreeZnode::new(path, path).with_acl(acl);
    vec![
        TreeZnode::new("/acls", ""),
        znode("/acls/read-only-leaf", read_only.clone()),
        znode("/acls/read-only-parent", read_only.clone()),
        znode("/acls/read-only-parent/child", read_only),
        TreeZnode::new("/acls/read-only-parent/child/open", ""),
        znode("/acls/digest", vec![digest(Permission::ALL), anyone(Permission::READ)]),
        TreeZnode::new("/acls/digest/open", ""),
        znode(
            "/acls/digest/admin-for-all",
            vec![anyone(Permission::READ | Permission::ADMIN), digest(Permission::WRITE)],
        ),
        znode("/acls/no-create", vec![anyone(Permission::READ | Permission::WRITE | Permission::ADMIN)]),
        TreeZnode::new("/acls/no-create/child", ""),
        znode("/acls/ip", vec![entry(Permission::ALL, "ip", "127.0.0.1")]),
        znode(
            "/acls/several",
            vec![
                anyone(Permission::READ),
                digest(Permission::ALL),
                entry(Permission::READ | Permission::WRITE, "ip", "10.0.0.0/8"),
                entry(Permission::CREATE | Permission::DELETE, "ip", "192.168.1.7"),
            ],
        ),
    ]
}
