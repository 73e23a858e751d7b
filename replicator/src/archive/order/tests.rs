//! Whatever a walk has lost, what is admitted can be replayed.

use proptest::prelude::*;

use super::super::block::Item;
use super::super::model::tree;
use super::super::{Replay, Wanted};
use super::*;
use crate::filter::Filter;
use crate::options::AclPolicy;

proptest! {
    #[test]
    fn what_is_admitted_can_be_read_back(tree in tree(), gone in prop::collection::vec(any::<prop::sample::Index>(), 0..4)) {
        let mut items = tree.items();
        let whole = items.len();
        for index in gone {
            // Znodes vanish; what is said of them does not.
            let at = index.index(items.len());
            if matches!(&items[at], Item::Znode(znode) if !znode.path.is_root()) {
                items.remove(at);
            }
        }
        let mut order = Order::default();
        let admitted: Vec<Item> = items.iter().filter(|item| order.admits((*item).into())).cloned().collect();
        prop_assert!(items.len() < whole || admitted.len() == whole, "nothing of a whole tree is left out");
        let wanted = Wanted { filter: Filter::default(), acl: AclPolicy::Preserve, names: false, torn: false };
        let (mut replay, mut visits) = (Replay::new(wanted), Vec::new());
        for item in admitted {
            prop_assert_eq!(replay.take(item, &mut visits), Ok(()));
        }
        prop_assert_eq!(replay.finish(&mut visits), Ok(()));
    }
}
