//! Each part of a znode that differs is named, and nothing else is.

use bytes::Bytes;

use super::*;
use crate::budget::{Budget, Weight};
use crate::error::Code;
use crate::znode::{AclEntry, Kind, Stat};

const RULES: Rules = Rules { counters: CounterPolicy::Ignore, depth: 1, listed: 10 };

fn znode(data: Option<&'static [u8]>) -> Znode {
    let data = data.map(Bytes::from_static);
    let stat = Stat { mzxid: 7, ..Stat::default() };
    Znode { path: ZnodePath::new("/a"), data, acl: Some(Acl::open()), kind: Kind::Persistent, stat }
}

fn found(rules: Rules, pairs: Vec<Pair>) -> Found {
    let permit = Budget::of_line().try_take(Weight { operations: 1, bytes: 1 }).expect("an empty budget has room");
    compare(Pairs { pairs, permit }, rules)
}

fn between(rules: Rules, source: Znode, target: Znode) -> Vec<Difference> {
    found(rules, vec![Pair::Znode { source, target: Beside::Znode(target) }]).differences.list
}

#[test]
fn names_what_differs() {
    let source = znode(Some(b"1"));
    let acl = Acl::new([AclEntry { perms: 30, scheme: "world".into(), id: "anyone".into() }]);
    for (target, what) in [
        (znode(Some(b"2")), vec!["data"]),
        (znode(None), vec!["data"]),
        (Znode { acl: Some(acl.clone()), ..source.clone() }, vec!["acl"]),
        (Znode { kind: Kind::Container, ..source.clone() }, vec!["kind"]),
        (Znode { acl: Some(acl), ..znode(Some(b"")) }, vec!["data", "acl"]),
    ] {
        let expected = Difference { sign: Sign::Differs, path: source.path.clone(), what, counters: None };
        assert_eq!(between(RULES, source.clone(), target), [expected]);
    }
    let rewritten = Znode { stat: Stat { mzxid: 9, version: 3, ..source.stat }, ..source.clone() };
    assert_eq!(between(RULES, source, rewritten), []);
}

#[test]
fn null_is_not_empty() {
    let differences = between(RULES, znode(None), znode(Some(b"")));
    assert_eq!(differences.iter().map(|difference| &*difference.what).collect::<Vec<_>>(), [["data"]]);
}

#[test]
fn counters_count_only_where_they_are_wanted() {
    let source = znode(None);
    let target = Znode { stat: Stat { cversion: 6, ..source.stat }, ..source.clone() };
    assert_eq!(between(RULES, source.clone(), target.clone()), []);
    let wanted = Rules { counters: CounterPolicy::Compare, ..RULES };
    let difference = between(wanted, source, target).pop().expect("the counters differ");
    assert_eq!((difference.what, difference.counters), (vec!["counter"], Some([0, 3])));
}

#[test]
fn an_id_that_is_hidden_on_either_side_makes_a_znode_unreadable() {
    let masked = Acl::new([AclEntry { perms: 31, scheme: "digest".into(), id: "user:x".into() }]);
    let hidden = Znode { acl: Some(masked), ..znode(None) };
    for (source, target) in [(hidden.clone(), hidden.clone()), (znode(None), hidden.clone()), (hidden, znode(None))] {
        let differences = between(RULES, source, target);
        assert_eq!(differences.iter().map(|difference| difference.sign).collect::<Vec<_>>(), [Sign::Unreadable]);
    }
}

#[test]
fn what_one_side_lacks_hides_or_has_beside_is_said_and_summed_up() {
    let source = || znode(Some(b"1"));
    let found = found(
        RULES,
        vec![
            Pair::Znode { source: source(), target: Beside::Nothing },
            Pair::Znode { source: source(), target: Beside::Unreadable(Code::NO_AUTH) },
            Pair::Children {
                parent: ZnodePath::root(),
                source: ["a"].into_iter().collect(),
                listed: Some(2),
                target: ["a", "b", "c"].into_iter().collect(),
            },
            Pair::Other(Visit::Ephemeral { path: ZnodePath::new("/lock"), owner: 1 }),
            Pair::Other(Visit::Reserved(ZnodePath::new("/zookeeper"))),
            Pair::Other(Visit::Unreadable(ZnodePath::new("/hidden"), Code::NO_AUTH)),
        ],
    );
    let signs: String = found.differences.list.iter().map(|difference| difference.sign.as_char()).collect();
    assert_eq!(signs, "+!!");
    assert_eq!((found.source.sum.znodes, found.target.sum.znodes), (2, 0));
    assert_eq!((found.source.listed, found.target.listed), (2, 3), "with what is left out");
    let [Open::Extras(parent, names), Open::Ephemeral(path)] = &found.open[..] else { panic!("{:?}", found.open) };
    assert_eq!((parent.as_str(), names.iter().collect::<Vec<_>>(), path.as_str()), ("/", vec!["b", "c"], "/lock"));
}
