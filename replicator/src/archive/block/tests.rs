//! Items come back from a block as they were, and bytes that are none are refused.

use bytes::Bytes;
use proptest::prelude::*;

use super::super::model::{shown, tree};
use super::*;

proptest! {
    #[test]
    fn a_tree_comes_back(tree in tree()) {
        let items = tree.items();
        let decoded = decode(&Bytes::from(encode_raw(&items))).expect("what was encoded is a block");
        prop_assert_eq!(shown(&decoded), shown(&items));
    }

    #[test]
    fn what_is_decoded_is_what_would_be_encoded(tree in tree(), at: prop::sample::Index, byte: u8) {
        let mut raw = encode_raw(&tree.items());
        let at = at.index(raw.len());
        raw[at] = byte;
        if let Ok(items) = decode(&Bytes::from(raw)) {
            let again = decode(&Bytes::from(encode_raw(&items))).expect("what was encoded is a block");
            prop_assert_eq!(shown(&again), shown(&items));
        }
    }

    #[test]
    fn any_bytes_are_items_or_refused(bytes: Vec<u8>) {
        drop(decode(&Bytes::from(bytes)));
    }
}

#[test]
fn acls_are_kept_once() {
    let znode = |path: &str| {
        let acl = Some(super::super::model::acl(1));
        Item::Znode(Znode {
            path: ZnodePath::new(path),
            data: None,
            acl,
            kind: Kind::Persistent,
            stat: Stat::default(),
        })
    };
    let raw = encode_raw(&[znode("/a"), znode("/b"), znode("/c")]);
    assert_eq!(raw.windows(6).filter(|bytes| bytes == b"digest").count(), 1);
}

#[test]
fn a_block_that_goes_on_when_it_is_full_is_refused() {
    let znode = |path: &str, len: usize| {
        let data = Some(Bytes::from(vec![0; len]));
        Item::Znode(Znode {
            path: ZnodePath::new(path),
            data,
            acl: None,
            kind: Kind::Persistent,
            stat: Stat::default(),
        })
    };
    let large = limits::ARCHIVE_BLOCK_BYTES;
    assert!(
        decode(&Bytes::from(encode_raw(&[znode("/a", 1), znode("/b", 3 * large)]))).is_ok(),
        "the last may be large"
    );
    assert!(decode(&Bytes::from(encode_raw(&[znode("/a", large), znode("/b", 1)]))).is_err());
    let leaves = vec![Item::Leave(ZnodePath::new("/a")); limits::ARCHIVE_BLOCK_ITEMS_MAX + 1];
    assert!(decode(&Bytes::from(encode_raw(&leaves[1..]))).is_ok());
    assert!(decode(&Bytes::from(encode_raw(&leaves))).is_err());
}

#[test]
fn names_that_no_znode_can_have_are_refused() {
    for path in ["/a/../b", "/.", "/a\0b"] {
        assert!(decode(&Bytes::from(encode_raw(&[Item::Leave(ZnodePath::new(path))]))).is_err(), "{path:?}");
    }
}

#[test]
fn a_label_is_cut_between_characters() {
    let long = "\u{1f980}".repeat(1_000);
    let (first, last) = (ZnodePath::new(&format!("/a{long}")), ZnodePath::new("/b"));
    let label = label(&[ItemRef::Leave(&first), ItemRef::Leave(&last)]);
    let (first, last) = label.split_once('\0').expect("two paths");
    assert!(first.len() <= limits::ARCHIVE_LABEL_PATH_BYTES && first.starts_with("/a\u{1f980}"));
    assert_eq!(last, "/b");
}
