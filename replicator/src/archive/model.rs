//! Trees for the tests of this room: random ones, as a walk gives them, and archives of them in memory.

use bytes::Bytes;
use proptest::prelude::*;

use super::block::{self, Item};
use super::document::{AclsKept, Head};
use super::sink::Sink;
use crate::znode::{Acl, AclEntry, Kind, Stat, Znode, ZnodePath, Zxid};

/// A znode and what is below it.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    data: Option<Vec<u8>>,
    acl: Option<usize>,
    kind: Kind,
    stat: Stat,
    children: Vec<(String, Node)>,
    ephemerals: Vec<String>,
}

/// Names as they come, among them all that is odd and may be one.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-c]{1,3}",
        "[^/\0]{1,6}".prop_filter("not a name", |name| name != "." && name != ".."),
        Just("...".to_owned()),
        Just("zookeeper".to_owned()),
        Just("\u{1f980}".to_owned()),
        Just("a".repeat(2_000)),
    ]
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        4 => Just(Kind::Persistent),
        1 => Just(Kind::Container),
        1 => (0..1i64 << 40).prop_map(|ttl_ms| Kind::Ttl { ttl_ms }),
    ]
}

fn data() -> impl Strategy<Value = Option<Vec<u8>>> {
    prop_oneof![
        Just(None),
        Just(Some(Vec::new())),
        prop::collection::vec(any::<u8>(), 1..40).prop_map(Some),
        (1..3_000usize).prop_map(|len| Some(vec![b'x'; len])),
    ]
}

prop_compose! {
    fn stat()(
        zxids: [i64; 3], times: [i64; 2], numbers: [i32; 3], owner in prop_oneof![4 => Just(0), 1 => any::<i64>()]
    ) -> Stat {
        let [czxid, mzxid, pzxid] = zxids;
        let [ctime, mtime] = times;
        let [version, cversion, aversion] = numbers;
        let ephemeral_owner = owner;
        Stat { czxid, mzxid, ctime, mtime, version, cversion, aversion, ephemeral_owner, pzxid, ..Stat::default() }
    }
}

prop_compose! {
    fn node(children: BoxedStrategy<Vec<(String, Node)>>)(
        data in data(),
        acl in prop::option::of(0..4usize),
        kind in kind(),
        stat in stat(),
        children in children,
        ephemerals in prop::collection::vec("e[0-9]{1,2}", 0..2),
    ) -> Node {
        let mut children = children;
        children.sort_by(|(one, _), (other, _)| one.cmp(other));
        children.dedup_by(|(one, _), (other, _)| one == other);
        let mut ephemerals = ephemerals;
        ephemerals.dedup();
        ephemerals.retain(|name| !children.iter().any(|(other, _)| name == other));
        Node { data, acl, kind, stat, children, ephemerals }
    }
}

/// Trees of some dozens of znodes.
pub(crate) fn tree() -> impl Strategy<Value = Node> {
    node(Just(Vec::new()).boxed())
        .prop_recursive(4, 40, 6, |below| node(prop::collection::vec((name(), below), 0..6).boxed()))
}

/// One of four ACLs, an empty one among them.
pub(crate) fn acl(number: usize) -> Acl {
    let entry = |perms, scheme: &str, id: &str| AclEntry { perms, scheme: scheme.into(), id: id.into() };
    match number {
        0 => Acl::open(),
        1 => Acl::new([entry(1, "world", "anyone"), entry(31, "digest", "a:b=")]),
        2 => Acl::new([]),
        _ => Acl::new([entry(-1, "", "\u{0}\u{1f980}")]),
    }
}

impl Node {
    /// All of it in an order that a walk may have: each znode behind its parent, and a parent left behind the last of its
    /// children, be it before what is below them or after it.
    pub(crate) fn items(&self) -> Vec<Item> {
        let mut items = Vec::new();
        self.znode(&ZnodePath::root(), &mut items);
        self.below(&ZnodePath::root(), &mut items);
        items
    }

    fn listed(&self) -> usize {
        self.children.len() + self.ephemerals.len()
    }

    fn znode(&self, path: &ZnodePath, items: &mut Vec<Item>) {
        let data = self.data.clone().map(Bytes::from);
        let data_length = i32::try_from(self.data.as_ref().map_or(0, Vec::len)).expect("small");
        let num_children = i32::try_from(self.listed()).expect("few");
        let stat = Stat { data_length, num_children, ..self.stat };
        let acl = self.acl.map(acl);
        items.push(Item::Znode(Znode { path: path.clone(), data, acl, kind: self.kind, stat }));
    }

    fn below(&self, path: &ZnodePath, items: &mut Vec<Item>) {
        if self.listed() == 0 {
            return;
        }
        items.push(Item::Children { parent: path.clone(), listed: self.listed() });
        for name in &self.ephemerals {
            items.push(Item::Ephemeral { path: path.child(name), owner: i64::MIN + 7 });
        }
        let children = || self.children.iter().map(|(name, child)| (path.child(name), child));
        // Both orders come about.
        let deep = self.stat.version % 2 == 0;
        for (path, child) in children() {
            child.znode(&path, items);
            if deep {
                child.below(&path, items);
            }
        }
        items.push(Item::Leave(path.clone()));
        if !deep {
            children().for_each(|(path, child)| child.below(&path, items));
        }
    }
}

/// What an item is, to be compared.
pub(crate) fn shown(items: &[Item]) -> Vec<String> {
    items.iter().map(|item| format!("{item:?}")).collect()
}

/// The head of an archive that nobody asked for.
pub(crate) fn head() -> Head {
    Head {
        tool: "test".to_owned(),
        time: "2026-01-01T00:00:00Z".to_owned(),
        source: "zk1:2181/a".to_owned(),
        acls: AclsKept::Preserved,
        include: Vec::new(),
        exclude: Vec::new(),
    }
}

/// An archive of items, `block_items` in each block.
pub(crate) fn archive(items: &[Item], block_items: usize) -> Vec<u8> {
    let mut sink = Sink::begin(Vec::new(), head(), 77).expect("memory takes everything");
    for items in items.chunks(block_items) {
        sink.block(&block::encode(items, 1)).expect("memory takes everything");
    }
    sink.finish(Some(Zxid(5)), Some(Zxid(6)), true).expect("memory takes everything").0
}
