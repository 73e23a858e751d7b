//! A block: a part of the tree, complete in itself. Items in their order, the ACLs that they have, and their data.
//!
//! ```text
//! 0  4  bytes of the ACLs     12  ACLs
//! 4  4  items                     items
//! 8  4  bytes of the items        data, one behind the other
//! ```
//!
//! A path is what it shares with the one before it, and the rest; times and zxids are differences: what is regular in a
//! tree becomes small numbers. An item begins only while those before it have fewer than [`limits::ARCHIVE_BLOCK_BYTES`] of
//! paths and data, so that no block takes more memory than its own bytes and one item.

mod decode;

use std::collections::HashMap;

use ahash::RandomState;
use bytes::Bytes;

pub use self::decode::decode;
use super::fields::{put_bytes, put_number, put_signed};
use super::frame::{Packer, Packing, checksum};
use super::totals::Totals;
use crate::limits;
use crate::source::Visit;
use crate::znode::{Acl, Kind, Stat, Znode, ZnodePath};

/// Bytes before the ACLs.
const LENGTHS_BYTES: usize = 12;
/// What an item is: the two lowest bits of its first byte.
const ZNODE: u8 = 0;
const EPHEMERAL: u8 = 1;
const CHILDREN: u8 = 2;
const LEAVE: u8 = 3;
const WHAT: u8 = 3;
/// More of a znode in that byte.
const NULL: u8 = 1 << 2;
const CONTAINER: u8 = 1 << 3;
const TTL: u8 = 2 << 3;
const KIND: u8 = 3 << 3;
const OWNED: u8 = 1 << 5;

/// What an archive holds of a tree, in the order of a walk.
#[derive(Clone, Debug)]
pub enum Item {
    /// A znode.
    Znode(Znode),
    /// An ephemeral, of which nothing is kept but where it was and whose.
    Ephemeral {
        /// Where it was.
        path: ZnodePath,
        /// The session that owned it.
        owner: i64,
    },
    /// How many children the server has listed of a znode, before any was left out.
    Children {
        /// Whose.
        parent: ZnodePath,
        /// How many.
        listed: usize,
    },
    /// All children of a znode have come.
    Leave(ZnodePath),
}

/// The same, where somebody else has it: a block is made of visits as they lie in their chunks.
#[derive(Clone, Copy, Debug)]
pub enum ItemRef<'a> {
    /// A znode.
    Znode(&'a Znode),
    /// An ephemeral.
    Ephemeral {
        /// Where it was.
        path: &'a ZnodePath,
        /// The session that owned it.
        owner: i64,
    },
    /// How many children the server has listed of a znode.
    Children {
        /// Whose.
        parent: &'a ZnodePath,
        /// How many.
        listed: usize,
    },
    /// All children of a znode have come.
    Leave(&'a ZnodePath),
}

impl<'a> From<&'a Item> for ItemRef<'a> {
    fn from(item: &'a Item) -> Self {
        match item {
            Item::Znode(znode) => Self::Znode(znode),
            Item::Ephemeral { path, owner } => Self::Ephemeral { path, owner: *owner },
            Item::Children { parent, listed } => Self::Children { parent, listed: *listed },
            Item::Leave(path) => Self::Leave(path),
        }
    }
}

impl<'a> ItemRef<'a> {
    /// What is kept of a visit, if anything is.
    pub fn of(visit: &'a Visit) -> Option<Self> {
        match visit {
            Visit::Znode(znode) => Some(Self::Znode(znode)),
            Visit::Ephemeral { path, owner } => Some(Self::Ephemeral { path, owner: *owner }),
            Visit::Children { parent, listed, .. } => Some(Self::Children { parent, listed: *listed }),
            Visit::Leave(path) => Some(Self::Leave(path)),
            Visit::Reserved(_)
            | Visit::OnTheWay(..)
            | Visit::Filtered(..)
            | Visit::Vanished(_)
            | Visit::Unreadable(..) => None,
        }
    }

    /// Where it is.
    pub fn path(self) -> &'a ZnodePath {
        match self {
            Self::Znode(Znode { path, .. })
            | Self::Ephemeral { path, .. }
            | Self::Children { parent: path, .. }
            | Self::Leave(path) => path,
        }
    }

    /// What it counts for in a block that is to be full at [`limits::ARCHIVE_BLOCK_BYTES`].
    pub fn weight(self) -> usize {
        let data = if let Self::Znode(znode) = self { znode.data_len() } else { 0 };
        self.path().as_str().len() + data
    }
}

/// A block that can be written.
#[derive(Clone, Debug)]
pub struct Block {
    /// How its payload is kept.
    pub packing: Packing,
    /// Its payload as it is kept.
    pub kept: Vec<u8>,
    /// Of that.
    pub checksum: [u8; 16],
    /// Bytes of the payload, unpacked.
    pub raw_bytes: usize,
    /// The paths of its first and last item, cut where they are long, with a NUL between them.
    pub label: String,
    /// What its znodes come to.
    pub totals: Totals,
}

/// What blocks are made in, one after the other: a block needs a few MiB, and a page that is touched for the first time costs
/// more than what is done with it.
#[derive(Default)]
pub struct Maker {
    writer: Writer,
    raw: Vec<u8>,
    packer: Packer,
}

impl Maker {
    /// Makes a block of items. Runs on the pool.
    pub fn block<'a>(&mut self, items: impl IntoIterator<Item = impl Into<ItemRef<'a>>>, level: i32) -> Block {
        let items: Vec<ItemRef<'_>> = items.into_iter().map(Into::into).collect();
        let totals = encode_into(&items, &mut self.writer, &mut self.raw);
        let (packing, kept) = self.packer.pack(&self.raw, level);
        let (checksum, raw_bytes) = (checksum(&kept), self.raw.len());
        if self.raw.capacity().max(self.writer.capacity()) > limits::ARCHIVE_MAKING_BYTES_MAX {
            (self.writer, self.raw) = Default::default();
        }
        Block { packing, kept, checksum, raw_bytes, label: label(&items), totals }
    }
}

/// Makes one block of items.
pub fn encode<'a>(items: impl IntoIterator<Item = impl Into<ItemRef<'a>>>, level: i32) -> Block {
    Maker::default().block(items, level)
}

/// The payload, unpacked.
pub fn encode_raw<'a>(items: impl IntoIterator<Item = impl Into<ItemRef<'a>>>) -> Vec<u8> {
    let items: Vec<ItemRef<'_>> = items.into_iter().map(Into::into).collect();
    let mut raw = Vec::new();
    encode_into(&items, &mut Writer::default(), &mut raw);
    raw
}

/// Each item is looked at once while it is near, and gives its row and its part of the totals.
fn encode_into(items: &[ItemRef<'_>], writer: &mut Writer, raw: &mut Vec<u8>) -> Totals {
    writer.begin();
    let (mut totals, mut before) = (Totals::default(), "");
    for item in items {
        totals.add(*item);
        writer.item(*item, before);
        before = item.path().as_str();
    }
    let Writer { acls, rows, .. } = writer;
    let data =
        || items.iter().filter_map(|item| if let ItemRef::Znode(znode) = item { znode.data.as_ref() } else { None });
    let data_bytes: usize = data().map(Bytes::len).sum();
    raw.clear();
    raw.reserve(LENGTHS_BYTES + acls.len() + rows.len() + data_bytes);
    for length in [acls.len(), items.len(), rows.len()] {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        raw.extend_from_slice(&length.to_le_bytes());
    }
    raw.extend_from_slice(acls);
    raw.extend_from_slice(rows);
    data().for_each(|data| raw.extend_from_slice(data));
    totals
}

fn label(items: &[ItemRef<'_>]) -> String {
    let cut = |item: Option<&ItemRef<'_>>| {
        let path = item.map_or("", |item| item.path().as_str());
        path[..path.floor_char_boundary_at(limits::ARCHIVE_LABEL_PATH_BYTES)].to_owned()
    };
    cut(items.first()) + "\0" + &cut(items.last())
}

/// `str::floor_char_boundary`, which the oldest Rust that we are built with has not.
trait CharBoundary {
    fn floor_char_boundary_at(&self, max: usize) -> usize;
}

impl CharBoundary for str {
    fn floor_char_boundary_at(&self, max: usize) -> usize {
        (0..=max.min(self.len())).rev().find(|at| self.is_char_boundary(*at)).unwrap_or_default()
    }
}

/// How many bytes two texts begin with alike; eight at a time, for most of two neighbours' paths is.
fn shared_bytes(one: &[u8], other: &[u8]) -> usize {
    let words = one.chunks_exact(8).zip(other.chunks_exact(8)).take_while(|(one, other)| one == other).count();
    let alike = 8 * words;
    alike + one[alike..].iter().zip(&other[alike..]).take_while(|(one, other)| one == other).count()
}

/// Rows in the making.
#[derive(Default)]
struct Writer {
    acls: Vec<u8>,
    /// Numbers of those that were met, from 1; 0 is none.
    numbers: HashMap<Acl, usize, RandomState>,
    rows: Vec<u8>,
    last: Stat,
}

impl Writer {
    fn capacity(&self) -> usize {
        // An ACL that was numbered stands in the bytes of the ACLs too.
        self.rows.capacity().max(2 * self.acls.capacity())
    }

    /// Nothing is left of the block before but its room.
    fn begin(&mut self) {
        self.acls.clear();
        self.numbers.clear();
        self.rows.clear();
        self.last = Stat::default();
    }

    /// One more, behind one whose path is `before`.
    fn item(&mut self, item: ItemRef<'_>, before: &str) {
        match item {
            ItemRef::Znode(znode) => self.znode(znode, before),
            ItemRef::Ephemeral { path, owner } => {
                self.rows.push(EPHEMERAL);
                self.path(path, before);
                self.rows.extend_from_slice(&owner.to_le_bytes());
            }
            ItemRef::Children { parent, listed } => {
                self.rows.push(CHILDREN);
                self.path(parent, before);
                put_number(&mut self.rows, listed as u64);
            }
            ItemRef::Leave(path) => {
                self.rows.push(LEAVE);
                self.path(path, before);
            }
        }
    }

    fn znode(&mut self, Znode { path, data, acl, kind, stat }: &Znode, before: &str) {
        let (kind_bits, ttl_ms) = match kind {
            // One that is taken for persistent keeps its owner.
            Kind::Persistent | Kind::Ephemeral { .. } => (0, None),
            Kind::Container => (CONTAINER, None),
            Kind::Ttl { ttl_ms } => (TTL, Some(*ttl_ms)),
        };
        let null = if data.is_none() { NULL } else { 0 };
        let owned = if stat.ephemeral_owner == 0 { 0 } else { OWNED };
        self.rows.push(ZNODE | null | kind_bits | owned);
        self.path(path, before);
        let acl = self.number(acl.as_ref());
        let rows = &mut self.rows;
        if let Some(ttl_ms) = ttl_ms {
            put_signed(rows, ttl_ms);
        }
        if owned != 0 {
            rows.extend_from_slice(&stat.ephemeral_owner.to_le_bytes());
        }
        put_number(rows, acl as u64);
        if let Some(data) = data {
            put_number(rows, data.len() as u64);
        }
        put_signed(rows, stat.czxid.wrapping_sub(self.last.czxid));
        put_signed(rows, stat.mzxid.wrapping_sub(stat.czxid));
        put_signed(rows, stat.pzxid.wrapping_sub(stat.czxid));
        put_signed(rows, stat.ctime.wrapping_sub(self.last.ctime));
        put_signed(rows, stat.mtime.wrapping_sub(stat.ctime));
        for number in [stat.version, stat.cversion, stat.aversion, stat.num_children] {
            put_signed(rows, number.into());
        }
        self.last = *stat;
    }

    fn path(&mut self, path: &ZnodePath, before: &str) {
        let now = path.as_str();
        let shared = now.floor_char_boundary_at(shared_bytes(before.as_bytes(), now.as_bytes()));
        put_number(&mut self.rows, shared as u64);
        put_bytes(&mut self.rows, &now.as_bytes()[shared..]);
    }

    fn number(&mut self, acl: Option<&Acl>) -> usize {
        let Some(acl) = acl else { return 0 };
        if let Some(number) = self.numbers.get(acl) {
            return *number;
        }
        let number = self.numbers.len() + 1;
        self.numbers.insert(acl.clone(), number);
        put_number(&mut self.acls, acl.entries().len() as u64);
        for entry in acl.entries() {
            put_number(&mut self.acls, u32::from_ne_bytes(entry.perms.to_ne_bytes()).into());
            put_bytes(&mut self.acls, entry.scheme.as_bytes());
            put_bytes(&mut self.acls, entry.id.as_bytes());
        }
        number
    }
}

#[cfg(test)]
mod tests;
