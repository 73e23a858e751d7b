//! A bench's trees are trees, of the size that was asked for, and the same for the same seed.

use std::collections::HashSet;

use super::*;

const ALL: [Shape; 6] = [Shape::Pegasus, Shape::Wide, Shape::Deep, Shape::Bush, Shape::Small, Shape::Big];

fn tree(shape: Shape, znodes: u64, seed: u64) -> Tree {
    Tree { shape, znodes, data_bytes: 13, seed }
}

#[test]
fn a_znode_comes_once_and_after_its_parent() {
    for shape in ALL {
        let mut seen = HashSet::from([ZnodePath::root()]);
        for (path, data) in tree(shape, 3_000, 7).iter() {
            let parent = path.parent().expect("the root is no part of the tree");
            assert!(seen.contains(&parent), "{shape}: {path} comes before its parent");
            assert_eq!(data.len(), 13);
            assert!(seen.insert(path), "{shape}: a path comes twice");
        }
        assert_eq!(seen.len(), 3_001, "{shape}");
    }
}

#[test]
fn a_tree_of_any_size_is_the_beginning_of_a_larger_one() {
    for shape in ALL {
        let larger: Vec<_> = tree(shape, 600, 3).iter().collect();
        for znodes in [0, 1, 2, 599] {
            let smaller: Vec<_> = tree(shape, znodes, 3).iter().collect();
            assert_eq!(smaller.len() as u64, znodes, "{shape}");
            assert!(larger.starts_with(&smaller), "{shape} of {znodes}");
        }
    }
}

#[test]
fn another_seed_gives_other_data() {
    for shape in ALL {
        let data = |seed| tree(shape, 50, seed).iter().map(|(_, data)| data).collect::<HashSet<_>>();
        assert_eq!(data(1), data(1));
        assert_eq!(data(1).len(), 50, "{shape}: two values are alike");
        assert!(data(1).is_disjoint(&data(2)), "{shape}");
    }
}

#[test]
fn every_shape_has_its_own_form() {
    let depth = |shape| tree(shape, 1_000, 1).iter().map(|(path, _)| path.as_str().matches('/').count()).max();
    assert_eq!(depth(Shape::Pegasus), Some(3));
    assert_eq!(depth(Shape::Wide), Some(2));
    assert_eq!(depth(Shape::Deep), Some(256));
    assert!(depth(Shape::Bush) > Some(6));
    assert_eq!(depth(Shape::Small), Some(3));
    assert_eq!(depth(Shape::Big), Some(1));
}

#[test]
fn bytes_are_what_is_written() {
    let tree = Tree { data_bytes: 9, ..tree(Shape::Pegasus, 77, 1) };
    assert_eq!(tree.bytes(), tree.iter().map(|(_, data)| data.len() as u64).sum::<u64>());
}
