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
        let mut open = Vec::new();
        let mut listed = 0;
        for visit in &visits {
            match visit {
                Visit::Znode(znode) if znode.stat.num_children > 0 => open.push(znode.path.clone()),
                Visit::Children { parent, names, listed: count } => {
                    prop_assert_eq!(Some(parent), open.last());
                    prop_assert_eq!(names.len(), *count);
                    listed += count;
                }
                Visit::Leave(path) => prop_assert_eq!(Some(path.clone()), open.pop()),
                _ => {}
            }
        }
        prop_assert!(open.is_empty());
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
        prop_assert_eq!(paths(&visits), taken(&items, &filter));
        // Whoever is opened is left, and nobody else.
        let opened = visits.iter().filter(|visit| visit.znode().is_some_and(|znode| znode.stat.num_children > 0)).count();
        let left = visits.iter().filter(|visit| matches!(visit, Visit::Leave(_))).count();
        prop_assert_eq!(opened, left);
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
        let opened = visits.iter().filter(|visit| visit.znode().is_some_and(|znode| znode.stat.num_children > 0)).count();
        let was_left = visits.iter().filter(|visit| matches!(visit, Visit::Leave(_))).count();
        prop_assert_eq!(opened, was_left);
        if left.len() < items.len() && made_up.count > 0 {
            prop_assert!(replayed(left, wanted(Filter::default())).is_err());
        }
    }
}
