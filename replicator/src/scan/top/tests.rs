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
