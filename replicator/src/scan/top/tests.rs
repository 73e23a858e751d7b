//! The list against sorting everything.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn holds_what_sorting_would_put_first(values in proptest::collection::vec(0_u64..20, 0..60), size in 0_usize..8) {
        let mut top = Top::new(size);
        let mut all = Vec::new();
        for (index, value) in values.into_iter().enumerate() {
            // In another order than that of the paths.
            let path = ZnodePath::root().child(&format!("{:02}", index * 37 % 64));
            top.offer(value, &path);
            all.push((Reverse(value), path));
        }
        all.sort();
        let highest = all.iter().take(size).map(|(Reverse(value), path)| (*value, path));
        prop_assert_eq!(top.iter().collect::<Vec<_>>(), highest.collect::<Vec<_>>());
    }
}

#[test]
fn a_znode_that_is_met_twice_costs_no_other_its_place() {
    let mut top = Top::new(3);
    let path = |name: &str| ZnodePath::root().child(name);
    for (value, name) in [(3, "a"), (2, "b"), (1, "c"), (3, "a"), (2, "b")] {
        top.offer(value, &path(name));
    }
    assert_eq!(top.iter().collect::<Vec<_>>(), [(3, &path("a")), (2, &path("b")), (1, &path("c"))]);
}
