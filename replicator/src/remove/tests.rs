//! Whatever order a walk leaves parents in, no znode goes before what is below it.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::znode::{Kind, Stat};

fn znode(path: &ZnodePath, num_children: i32) -> Visit {
    let stat = Stat { num_children, ..Stat::default() };
    Visit::Znode(Znode { path: path.clone(), data: None, acl: None, kind: Kind::Persistent, stat })
}

fn met(visits: impl IntoIterator<Item = Visit>) -> Vec<ZnodePath> {
    turns(visits).into_iter().map(|gone| gone.path).collect()
}

fn turns(visits: impl IntoIterator<Item = Visit>) -> Vec<Gone> {
    let (mut parents, mut gone) = (Parents::default(), Vec::new());
    for visit in visits {
        parents.met(visit, true, &mut gone).expect("everything can be read");
    }
    assert!(parents.0.is_empty(), "{parents:?} are left");
    gone
}

/// All visits of a tree in an order that a walk may take: parents first, a leave behind the last child, and the leaves
/// of different parents in any order.
fn walk(parents: &[Index], choices: &[Index]) -> (Vec<ZnodePath>, Vec<Visit>) {
    let mut paths = vec![ZnodePath::root()];
    let mut children = vec![Vec::new()];
    for (index, parent) in parents.iter().enumerate() {
        let parent = parent.index(paths.len());
        children[parent].push(index + 1);
        paths.push(paths[parent].child(&index.to_string()));
        children.push(Vec::new());
    }
    let count = |index: usize| i32::try_from(children[index].len()).expect("few");
    let mut visits = vec![znode(&paths[0], count(0))];
    let mut open: Vec<usize> = (count(0) > 0).then_some(0).into_iter().collect();
    for choice in choices.iter().cycle() {
        if open.is_empty() {
            break;
        }
        let parent = open.remove(choice.index(open.len()));
        for &child in &children[parent] {
            visits.push(znode(&paths[child], count(child)));
            open.extend((count(child) > 0).then_some(child));
        }
        visits.push(Visit::Leave(paths[parent].clone()));
    }
    (paths, visits)
}

proptest! {
    #[test]
    fn everything_goes_once_and_children_first(
        parents in proptest::collection::vec(any::<Index>(), 0..60),
        choices in proptest::collection::vec(any::<Index>(), 1..20),
    ) {
        let (mut paths, visits) = walk(&parents, &choices);
        let gone = met(visits);
        for (at, path) in gone.iter().enumerate() {
            let parent = path.parent();
            prop_assert!(!gone[..at].iter().any(|before| parent.as_ref() == Some(before)), "{path} goes too late");
        }
        let mut gone = gone;
        gone.sort();
        paths.sort();
        prop_assert_eq!(gone, paths);
    }
}

#[test]
fn an_ephemeral_goes_with_the_tree() {
    let (root, lock) = (ZnodePath::root(), ZnodePath::new("/lock"));
    let visits = [znode(&root, 1), Visit::Ephemeral { path: lock.clone(), owner: 7 }, Visit::Leave(root.clone())];
    assert_eq!(met(visits), [lock, root]);
}

/// Whether it stays is known when it is left, however early the ephemeral was met.
#[test]
fn an_ephemeral_holds_a_parent_that_would_go_and_not_one_that_stays() {
    let (root, lock) = (ZnodePath::root(), ZnodePath::new("/lock"));
    let visits = || vec![znode(&root, 3), Visit::Ephemeral { path: lock.clone(), owner: 7 }];
    let held = turns(visits().into_iter().chain([Visit::Leave(root.clone())]));
    assert_eq!(held[1].ephemeral, Some(Ephemeral::Below(lock.clone())));

    let child = root.child("parent");
    let below = [znode(&child, 1), Visit::Filtered(child.clone(), 1), Visit::Leave(root.clone()), Visit::Leave(child)];
    for kept in [vec![Visit::Filtered(root.clone(), 1), Visit::Leave(root.clone())], below.into()] {
        let gone = turns(visits().into_iter().chain(kept));
        assert_eq!(gone.iter().map(|gone| &gone.path).collect::<Vec<_>>(), [&lock], "and who asks leaves it alone");
        assert_eq!(gone[0].ephemeral, Some(Ephemeral::Itself));
    }
}

#[test]
fn what_can_not_be_read_is_told() {
    let path = ZnodePath::new("/a");
    let told = Parents::default().met(Visit::Unreadable(path.clone(), Code::NO_AUTH), true, &mut Vec::new());
    assert_eq!(told, Err((path, Code::NO_AUTH)));
}

#[test]
fn what_is_left_out_stays_with_all_above_it() {
    let root = ZnodePath::root();
    let (kept, gone) = (root.child("kept"), root.child("gone"));
    let visits = [
        znode(&root, 2),
        znode(&kept, 2),
        znode(&gone, 1),
        Visit::Leave(root.clone()),
        Visit::Filtered(kept.clone(), 1),
        znode(&kept.child("a"), 0),
        Visit::Leave(kept.clone()),
        znode(&gone.child("b"), 0),
        Visit::Leave(gone.clone()),
    ];
    assert_eq!(met(visits), [kept.child("a"), gone.child("b"), gone]);
}
