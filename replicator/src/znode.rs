//! Plain values: a znode and what it is made of.
//!
//! Nothing here talks to a server. Paths are relative to the root of the tree that is moved: the root itself is `/`,
//! wherever it lives in an ensemble (the chroot is applied in one place, [`crate::connect::Chroot`]).

use std::borrow::Borrow;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use crate::terminal;

/// A znode's path below the root of its tree; the root itself is `/`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZnodePath(Arc<str>);

impl ZnodePath {
    /// The root of the tree.
    pub fn root() -> Self {
        Self(Arc::from("/"))
    }

    /// A path as the caller has it; it starts with `/` and has no trailing `/`.
    pub fn new(path: &str) -> Self {
        debug_assert!(path == "/" || (path.starts_with('/') && !path.ends_with('/')), "not a znode path: {path}");
        Self(Arc::from(path))
    }

    /// The child called `name`.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        self.child_by(name, &mut String::new())
    }

    /// The same for one of many: `scratch` holds the path until it is complete, and is the next one's to use.
    #[must_use]
    pub fn child_by(&self, name: &str, scratch: &mut String) -> Self {
        let parent = if self.is_root() { "" } else { &*self.0 };
        scratch.clear();
        scratch.reserve(parent.len() + 1 + name.len());
        scratch.push_str(parent);
        scratch.push('/');
        scratch.push_str(name);
        Self(Arc::from(&**scratch))
    }

    /// The parent; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        let (parent, _) = self.0.rsplit_once('/').filter(|_| !self.is_root())?;
        Some(if parent.is_empty() { Self::root() } else { Self(Arc::from(parent)) })
    }

    /// The parent's text; `None` for the root.
    pub fn parent_str(&self) -> Option<&str> {
        parent_of(&self.0)
    }

    /// The last part; `None` for the root.
    pub fn name(&self) -> Option<&str> {
        if self.is_root() { None } else { self.0.rsplit_once('/').map(|(_, name)| name) }
    }

    /// Whether `parent` is its parent.
    pub fn is_child_of(&self, parent: &Self) -> bool {
        let above = if parent.is_root() { "" } else { &*parent.0 };
        let name = self.0.strip_prefix(above).and_then(|rest| rest.strip_prefix('/'));
        name.is_some_and(|name| !name.is_empty() && !name.contains('/'))
    }

    /// The path as text, with its leading `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the root of the tree.
    pub fn is_root(&self) -> bool {
        self.0.len() == 1
    }
}

/// Its hash and its order are those of its text, so that a map of paths can be asked with a part of one.
impl Borrow<str> for ZnodePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ZnodePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ZnodePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// The parent of a path, as text; `None` for the root.
pub(crate) fn parent_of(path: &str) -> Option<&str> {
    let (parent, _) = path.rsplit_once('/').filter(|_| path.len() > 1)?;
    Some(if parent.is_empty() { "/" } else { parent })
}

/// A transaction's number: a server that has applied it has applied all before it.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Zxid(pub i64);

impl fmt::Display for Zxid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl fmt::Debug for Zxid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whether a child can have this name: with a slash, `.` and `..` it would lead elsewhere, and no server takes an empty one or
/// one with a NUL (PathUtils.java:41-93). Whatever else a server does not take, it refuses itself. The transports let no
/// other name in.
pub fn may_be_a_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.bytes().any(|byte| matches!(byte, b'/' | 0))
}

/// The names of a znode's children, packed: a parent may have a million of them.
#[derive(Clone, Default)]
pub struct Names {
    text: Bytes,
    ends: Arc<[u32]>,
    /// Bytes before each name that are not part of it: the length with which a server sends it.
    gap: usize,
}

impl Names {
    /// Names that lie in `text` behind one another, each behind `gap` bytes; `ends` says where each one ends. The
    /// caller has found every name to be UTF-8.
    pub(crate) fn packed(text: Bytes, ends: Vec<u32>, gap: usize) -> Self {
        Self { text, ends: ends.into(), gap }
    }

    /// How many children there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The name at `index`, in the order in which the server gave them.
    pub fn get(&self, index: usize) -> &str {
        let start = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        let name = &self.text[start + self.gap..self.ends[index] as usize];
        std::str::from_utf8(name).expect("names are packed from str, or were found to be UTF-8 when decoded")
    }

    /// All names.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// Those that `other` does not have.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let known: HashSet<&str> = other.iter().collect();
        self.iter().filter(|name| !known.contains(name)).collect()
    }

    /// Bytes that this list occupies.
    pub fn size(&self) -> usize {
        self.text.len() + 4 * self.ends.len()
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<S: AsRef<str>> FromIterator<S> for Names {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        let mut text = BytesMut::new();
        let mut ends = Vec::new();
        for name in names {
            text.put_slice(name.as_ref().as_bytes());
            ends.push(u32::try_from(text.len()).expect("a children list is far below 4 GiB: replies are bounded"));
        }
        Self { text: text.freeze(), ends: ends.into(), gap: 0 }
    }
}

/// ZooKeeper's `Stat` (zookeeper.jute:29-41); times in ms since the epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are ZooKeeper's own and documented there")]
pub struct Stat {
    pub czxid: i64,
    pub mzxid: i64,
    pub ctime: i64,
    pub mtime: i64,
    pub version: i32,
    pub cversion: i32,
    pub aversion: i32,
    pub ephemeral_owner: i64,
    pub data_length: i32,
    pub num_children: i32,
    pub pzxid: i64,
}

impl Stat {
    /// How many children were ever created below the znode, modulo 2^31: the number that its next sequential child
    /// gets. The server keeps it and shows `2 * counter - numChildren` as cversion (DataNode.java:159-162;
    /// PrepRequestProcessor.java:668-670).
    pub fn counter(&self) -> u32 {
        let doubled = self.cversion.wrapping_add(self.num_children);
        u32::from_ne_bytes(doubled.to_ne_bytes()) >> 1
    }
}

/// What lets a znode live or die.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Lives until it is deleted. A container and a TTL znode look the same to a client: the server masks their owner
    /// field (DataNode.java:153,166-172), so they come as this unless the server leaks it.
    Persistent,
    /// Dies with the session that owns it.
    Ephemeral {
        /// The session's id.
        owner: i64,
    },
    /// Dies when its last child has gone.
    Container,
    /// Dies when it is childless and untouched for that long.
    Ttl {
        /// Time to live in ms, at most 2^40 - 1.
        ttl_ms: i64,
    },
}

impl Kind {
    /// What a stat's `ephemeralOwner` says (EphemeralType.java:130-189). A TTL znode shows its raw owner only on a
    /// server that has extended types switched off.
    pub fn of_owner(owner: i64) -> Self {
        const TTL_TAG: u64 = 0xff << 56;
        const TTL_MASK: u64 = 0xff_ffff << 40;
        const TTL_VALUE: i64 = (1 << 40) - 1;
        let raw = u64::from_ne_bytes(owner.to_ne_bytes());
        match raw {
            0 => Self::Persistent,
            0x8000_0000_0000_0000 => Self::Container,
            // The two bytes between are reserved and zero; an ephemeral of server 255 has its session's bits there.
            _ if raw & TTL_MASK == TTL_TAG => Self::Ttl { ttl_ms: owner & TTL_VALUE },
            _ => Self::Ephemeral { owner },
        }
    }

    /// Whether the znode belongs to a session.
    pub fn is_ephemeral(self) -> bool {
        matches!(self, Self::Ephemeral { .. })
    }
}

/// One entry of an ACL: who may do what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AclEntry {
    /// Bits: READ 1, WRITE 2, CREATE 4, DELETE 8, ADMIN 16.
    pub perms: i32,
    /// `world`, `digest`, `ip`, `sasl`, `x509`, ...
    pub scheme: Box<str>,
    /// The identity in that scheme.
    pub id: Box<str>,
}

impl AclEntry {
    /// Whether the server hides the id: a session without ADMIN sees `digest:user:x` (FinalRequestProcessor.java:444-465).
    pub fn is_masked(&self) -> bool {
        &*self.scheme == "digest" && self.id.ends_with(":x")
    }
}

/// A znode's ACL, shared: a tree has few distinct ones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Acl(Arc<[AclEntry]>);

impl Acl {
    /// Right to read data and children.
    pub const READ: i32 = 1;
    /// Right to create children.
    pub const CREATE: i32 = 4;
    /// Right to delete children.
    pub const DELETE: i32 = 8;
    /// Right to set the ACL.
    pub const ADMIN: i32 = 16;
    /// Every right.
    pub const ALL: i32 = 31;

    /// An ACL of these entries, in this order.
    pub fn new(entries: impl IntoIterator<Item = AclEntry>) -> Self {
        Self(entries.into_iter().collect())
    }

    /// `world:anyone`, all rights (`OPEN_ACL_UNSAFE`).
    pub fn open() -> Self {
        Self::new([AclEntry { perms: Self::ALL, scheme: "world".into(), id: "anyone".into() }])
    }

    /// `auth`, all rights: the server puts the writing session's own identities in its place.
    pub fn creator() -> Self {
        Self::new([AclEntry { perms: Self::ALL, scheme: "auth".into(), id: "".into() }])
    }

    /// The entries.
    pub fn entries(&self) -> &[AclEntry] {
        &self.0
    }

    /// Whether the server hides an id. Written back it would be accepted, and lock everybody out.
    pub fn is_masked(&self) -> bool {
        self.0.iter().any(AclEntry::is_masked)
    }

    /// Whether it names nobody but `world:anyone`, which every server knows.
    pub fn is_for_anyone(&self) -> bool {
        self.0.iter().all(|entry| &*entry.scheme == "world" && &*entry.id == "anyone")
    }

    /// Whether anybody at all has `perm`.
    pub fn grants_anyone(&self, perm: i32) -> bool {
        self.0.iter().any(|entry| &*entry.scheme == "world" && entry.perms & perm == perm)
    }
}

impl fmt::Display for Acl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, entry) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            // Both are whatever somebody has set.
            write!(f, "{comma}{}:{}:", terminal::line(&entry.scheme), terminal::line(&entry.id))?;
            for (bit, letter) in [(1, 'r'), (2, 'w'), (4, 'c'), (8, 'd'), (16, 'a')] {
                if entry.perms & bit != 0 {
                    write!(f, "{letter}")?;
                }
            }
        }
        Ok(())
    }
}

/// A znode as it was read.
#[derive(Clone, Debug)]
pub struct Znode {
    /// Where it is, below the root of its tree.
    pub path: ZnodePath,
    /// Its bytes; `None` is ZooKeeper's null, which is not the same as empty.
    pub data: Option<Bytes>,
    /// Who may do what with it; `None` until it is read.
    pub acl: Option<Acl>,
    /// What lets it live or die.
    pub kind: Kind,
    /// ZooKeeper's bookkeeping, as of the read of the data.
    pub stat: Stat,
}

impl Znode {
    /// Bytes of data; null counts none.
    pub fn data_len(&self) -> usize {
        self.data.as_ref().map_or(0, Bytes::len)
    }
}

#[cfg(test)]
mod tests;
