//! A replay gives what a walk would; cut by a filter, it gives what a walk with that filter would.

use proptest::prelude::*;

use super::super::model::tree;
use super::*;
use crate::znode::ZnodePath;

fn wanted(filter: Filter) -> Wanted {
    Wanted { filter, acl: AclPolicy::Preserve, names: true, torn: false }
}

fn replayed(items: impl IntoIterator<Item = Item>, wanted: Wanted) -> Result<(Vec<Visit>, MadeUp), Malformed> {
    let (mut replay, mut visits) = (Replay::new(wanted), Vec::new());
    items.into_iter().try_for_each(|item| replay.take(item, &mut visits))?;
    replay.finish(&mut visits)?;
    Ok((visits, replay.made_up().clone()))
}

fn paths(visits: &[Visit]) -> Vec<ZnodePath> {
    visits.iter().filter_map(|visit| visit.znode().map(|znode| znode.path.clone())).collect()
}

/// A znode that is left without having come, or before a child of it, or not at all.
fn unbalanced(visits: &[Visit]) -> Option<ZnodePath> {
    let mut open = HashSet::new();
    for visit in visits {
        match visit {
            Visit::Znode(znode) => {
                if znode.path.parent().is_some_and(|parent| !open.contains(&parent)) {
                    return Some(znode.path.clone());
                }
                if znode.stat.num_children > 0 {
                    open.insert(znode.path.clone());
                }
            }
            Visit::Leave(path) if !open.remove(path) => return Some(path.clone()),
            _ => {}
        }
    }
    open.into_iter().next()
}

/// Which znodes a filter takes, found without a walk: what is taken, and every znode above it.
fn taken(items: &[Item], filter: &Filter) -> Vec<ZnodePath> {
    let all: Vec<&ZnodePath> =
        items.iter().filter_map(|item| if let Item::Znode(znode) = item { Some(&znode.path) } else { None }).collect();
    let above = |path: &ZnodePath| std::iter::successors(path.parent(), ZnodePath::parent).collect::<Vec<_>>();
    let place = |path: &ZnodePath| {
        let out = above(path).iter().any(|above| filter.place(above) == Place::LeftOut);
        if out { Place::LeftOut } else { filter.place(path) }
    };
    let is_taken = |path: &ZnodePath| {
        place(path) == Place::Taken
            || (place(path) == Place::OnTheWay
                && all.iter().any(|other| place(other) == Place::Taken && above(other).contains(path)))
    };
    all.iter().copied().filter(|path| is_taken(path)).cloned().collect()
}

proptest! {
    #[test]
    fn gives_all_of_a_tree_in_order(tree in tree()) {
        let items = tree.items();
        let (visits, _) = replayed(items.clone(), wanted(Filter::default())).expect("a tree is an archive");
        prop_assert_eq!(paths(&visits), taken(&items, &Filter::default()));
        let mut listed = 0;
        for visit in &visits {
            if let Visit::Children { names, listed: count, .. } = visit {
                prop_assert_eq!(names.len(), *count);
                listed += count;
            }
        }
        prop_assert_eq!(unbalanced(&visits), None);
        let ephemerals = visits.iter().filter(|visit| matches!(visit, Visit::Ephemeral { .. })).count();
        prop_assert_eq!(listed, paths(&visits).len() - 1 + ephemerals);
    }

    #[test]
    fn a_filter_takes_what_it_takes_of_a_walk(
        tree in tree(),
        include in prop::option::of(prop::sample::select(vec!["/a", "/*/b", "/**/c", "/a/**", "/**/ab/*"])),
        exclude in prop::option::of(prop::sample::select(vec!["/b", "/*/a", "/**/bc"])),
    ) {
        let globs = |glob: Option<&str>| glob.map(str::to_owned).into_iter().collect::<Vec<_>>();
        let filter = Filter::new(&globs(include), &globs(exclude)).expect("globs");
        let items = tree.items();
        let (visits, _) = replayed(items.clone(), wanted(filter.clone())).expect("a tree is an archive");
        let mut given = paths(&visits);
        prop_assert!(given.iter().enumerate().all(|(at, path)| path.parent().is_none_or(|above| given[..at].contains(&above))));
        // What is on the way comes when it is known that it leads to something.
        given.sort();
        let mut expected = taken(&items, &filter);
        expected.sort();
        prop_assert_eq!(given, expected);
        prop_assert_eq!(unbalanced(&visits), None);
    }

    #[test]
    fn what_is_torn_is_refused_or_mended(tree in tree(), from: prop::sample::Index, to: prop::sample::Index) {
        let items = tree.items();
        let (from, to) = (from.index(items.len()), to.index(items.len()));
        let left: Vec<Item> = items.iter().take(from.min(to)).chain(items.iter().skip(from.max(to))).cloned().collect();
        let torn = Wanted { torn: true, ..wanted(Filter::default()) };
        let (visits, made_up) = replayed(left.clone(), torn).expect("whatever is left can be mended");
        // Everything that is left is given, and every parent of it before.
        let given = paths(&visits);
        for item in &left {
            if let Item::Znode(znode) = item {
                prop_assert!(given.contains(&znode.path));
            }
        }
        for (at, path) in given.iter().enumerate() {
            prop_assert!(path.parent().is_none_or(|parent| given[..at].contains(&parent)), "{path} has no parent");
        }
        let of_items = left.iter().filter(|item| matches!(item, Item::Znode(_))).count();
        prop_assert_eq!(given.len() as u64, of_items as u64 + made_up.count);
        // A lost znode's parent may have been left by then; whoever has children is left once.
        let mut opened: Vec<_> = visits.iter().filter_map(Visit::znode).filter(|znode| znode.stat.num_children > 0).map(|znode| znode.path.clone()).collect();
        let mut was_left: Vec<_> =
            visits.iter().filter_map(|visit| if let Visit::Leave(path) = visit { Some(path.clone()) } else { None }).collect();
        opened.sort();
        was_left.sort();
        prop_assert_eq!(opened, was_left);
        if left.len() < items.len() && made_up.count > 0 {
            prop_assert!(replayed(left, wanted(Filter::default())).is_err());
        }
    }
}

#[test]
fn ancestors_come_before_what_they_lead_to_whatever_was_open_meanwhile() {
    let znode = |path: &str, num_children| {
        let stat = Stat { num_children, ..Stat::default() };
        Item::Znode(Znode { path: ZnodePath::new(path), data: None, acl: None, kind: Kind::Persistent, stat })
    };
    let children = |path: &str, listed| Item::Children { parent: ZnodePath::new(path), listed };
    let leave = |path: &str| Item::Leave(ZnodePath::new(path));
    let items = [
        znode("/", 2),
        children("/", 2),
        znode("/apps", 2),
        children("/apps", 2),
        znode("/lock", 1),
        children("/lock", 1),
        znode("/apps/1", 1),
        children("/apps/1", 1),
        leave("/"),
        znode("/apps/2", 0),
        children("/apps/2", 1),
        znode("/apps/2/config", 0),
        leave("/apps/2"),
        leave("/apps"),
        znode("/lock/y", 0),
        leave("/lock"),
        znode("/apps/1/config", 0),
        leave("/apps/1"),
    ];
    let filter = Filter::new(&["/apps/*/config".to_owned()], &[]).expect("a glob");
    let (visits, _) = replayed(items, wanted(filter)).expect("a tree");
    assert_eq!(
        paths(&visits),
        ["/", "/apps", "/apps/2", "/apps/2/config", "/apps/1", "/apps/1/config"].map(ZnodePath::new)
    );
}
