//! Sums by subtree are those of their definition, whatever the order, and however many there are.

use proptest::prelude::*;

use super::*;
use crate::digest::TreeDigest;
use crate::options::CounterPolicy;
use crate::znode::{Kind, Stat, Znode};

fn znode(path: &str) -> Znode {
    Znode { path: ZnodePath::new(path), data: None, acl: None, kind: Kind::Persistent, stat: Stat::default() }
}

fn one(path: &str) -> Summary {
    let znode = znode(path);
    let mut summary = Summary::default();
    summary.add(&znode, &TreeDigest::of(&znode, CounterPolicy::Ignore));
    summary
}

/// Sums of `paths`, which are at the source, at the target, or at both.
fn sums<'a>(depth: usize, paths: impl IntoIterator<Item = (&'a str, bool, bool)>) -> Sums {
    let mut sums = Sums::new(depth);
    for (path, at_source, at_target) in paths {
        let own = one(path);
        sums.add(path, |sum| {
            if at_source {
                sum.source.merge(&own);
            }
            if at_target {
                sum.target.merge(&own);
            }
            sum.different += u64::from(at_source != at_target);
        });
    }
    sums
}

fn signs(sums: Sums) -> Vec<(String, char)> {
    sums.finish().list.iter().map(|part| (part.path.to_string(), part.sign.as_char())).collect()
}

/// A tree by the parents of its znodes; some are at one side only.
fn tree() -> impl Strategy<Value = Vec<(String, bool, bool)>> {
    let side = prop::sample::select(vec![(true, true), (true, true), (true, false), (false, true)]);
    prop::collection::vec((any::<prop::sample::Index>(), side), 0..60).prop_map(|parents| {
        let mut paths = vec!["/".to_owned()];
        let mut tree = vec![("/".to_owned(), true, true)];
        for (number, (parent, (at_source, at_target))) in parents.into_iter().enumerate() {
            let path = ZnodePath::new(&paths[parent.index(paths.len())]).child(&format!("z{number}")).to_string();
            paths.push(path.clone());
            tree.push((path, at_source, at_target));
        }
        tree
    })
}

/// What is at or below `root`, by the definition.
fn below(tree: &[(String, bool, bool)], root: &str) -> [Summary; 2] {
    let mut held = [Summary::default(); 2];
    let is_in = |path: &str| path == root || path.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'));
    for (path, at_source, at_target) in tree.iter().filter(|(path, ..)| is_in(path)) {
        for (held, is_there) in held.iter_mut().zip([at_source, at_target]) {
            if *is_there {
                held.merge(&one(path));
            }
        }
    }
    held
}

proptest! {
    #[test]
    fn each_subtree_holds_what_is_at_its_root_and_below_it(
        tree in tree(),
        depth in 0..6usize,
        cut in any::<prop::sample::Index>(),
    ) {
        let all = tree.iter().map(|(path, at_source, at_target)| (path.as_str(), *at_source, *at_target));
        let finished = sums(depth, all).finish();
        let roots = tree.iter().filter(|(path, ..)| path != "/" && level(path) <= depth);
        prop_assert_eq!(finished.list.len(), roots.count());
        for part in &finished.list {
            prop_assert_eq!([part.source, part.target], below(&tree, part.path.as_str()));
            prop_assert_eq!(part.sign == Sign::Same, part.source == part.target);
        }
        // In two parts, the other way round.
        let (first, second) = tree.split_at(cut.index(tree.len()));
        let backwards = |part: &[(String, bool, bool)]| {
            sums(depth, part.iter().rev().map(|(path, at_source, at_target)| (path.as_str(), *at_source, *at_target)))
        };
        let mut merged = backwards(second);
        merged.merge(backwards(first));
        prop_assert_eq!(merged.finish(), finished);
    }
}

#[test]
fn signs_say_which_side_has_a_subtree() {
    let tree = [("/", true, true), ("/a", true, true), ("/a/x", true, false), ("/b", true, false), ("/c", false, true)];
    let expected = [("/a", '*'), ("/a/x", '+'), ("/b", '+'), ("/c", '-')];
    assert_eq!(signs(sums(2, tree)), expected.map(|(path, sign)| (path.to_owned(), sign)));
    assert_eq!(signs(sums(1, [("/d", true, true)])), [("/d".to_owned(), '=')]);
}

#[test]
fn a_subtree_with_something_unread_is_never_called_the_same() {
    let mut sums = sums(1, [("/a", true, true)]);
    sums.add("/a/hidden", |sum| sum.unread += 1);
    assert_eq!(signs(sums), [("/a".to_owned(), '!')]);
}

#[test]
fn the_level_that_is_too_many_goes_whole_whatever_came_first() {
    let many = limits::SUBTREES_MAX;
    let mut paths: Vec<String> = (0..many).map(|index| format!("/a/{index}")).collect();
    paths.push("/a".to_owned());
    paths.push("/b".to_owned());
    paths.push("/b/x/y".to_owned());
    for reversed in [false, true] {
        let finished = sums(3, paths.iter().map(|path| (path.as_str(), true, true))).finish();
        assert_eq!((finished.asked, finished.depth), (3, 1));
        let held: Vec<_> = finished.list.iter().map(|part| (part.path.as_str(), part.source.znodes)).collect();
        assert_eq!(held, [("/a", many as u64 + 1), ("/b", 2)], "reversed: {reversed}");
        paths.reverse();
    }
    let wide: Vec<String> = (0..=many).map(|index| format!("/{index}")).collect();
    let finished = sums(9, wide.iter().map(|path| (path.as_str(), true, true))).finish();
    assert_eq!((finished.depth, finished.list.len()), (0, 0));
}

#[test]
fn long_paths_are_bounded_by_their_bytes() {
    let paths: Vec<String> = (0..3).map(|index| format!("/a/{index}{}", "x".repeat(500_000))).collect();
    let finished = sums(2, paths.iter().map(|path| (path.as_str(), true, true))).finish();
    assert_eq!((finished.depth, finished.list.len()), (1, 1));
}

#[test]
fn a_certificates_subtrees_stand_beside_the_trees() {
    let mut tree = Sums::new(1);
    for path in ["/a", "/a/x", "/c", "/d"] {
        tree.add(path, |sum| sum.target.merge(&one(path)));
    }
    let sources = [("/a", one("/a")), ("/b", one("/b")), ("/d", one("/d")), ("/d/x", one("/d/x"))];
    let beside = tree.finish_beside(&sources.map(|(path, sum)| (ZnodePath::new(path), sum)));
    let signs: String = beside.list.iter().map(|part| part.sign.as_char()).collect();
    // The last one lies below the depth.
    assert_eq!(signs, "*+-=");
}
