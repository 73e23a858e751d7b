//! Damage anywhere is found, what is told to be lost is lost, and what is left is as it was.

use bytes::Bytes;
use proptest::prelude::*;

use super::super::block;
use super::super::model::{archive, shown, tree};
use super::*;

fn look(bytes: &[u8]) -> Survey {
    survey(bytes).expect("something of an archive")
}

/// Items of all blocks that are left.
fn left(bytes: &[u8], survey: &Survey) -> Vec<String> {
    let decoded = survey.blocks.iter().flat_map(|found| {
        let raw = Bytes::from(payload(bytes, found).expect("its checksum is right"));
        block::decode(&raw).expect("it is as it was written")
    });
    shown(&decoded.collect::<Vec<_>>())
}

/// Where each frame begins.
fn frames(bytes: &[u8]) -> Vec<usize> {
    bytes.windows(MAGIC.len()).enumerate().filter(|(_, window)| *window == MAGIC).map(|(at, _)| at).collect()
}

proptest! {
    #[test]
    fn a_whole_archive_has_lost_nothing(tree in tree(), block_items in 1..9usize) {
        let items = tree.items();
        let bytes = archive(&items, block_items);
        let found = look(&bytes);
        prop_assert!(found.losses.is_empty());
        prop_assert_eq!(left(&bytes, &found), shown(&items));
        let end = found.end.expect("it has an end");
        prop_assert_eq!(end.blocks as usize, items.len().div_ceil(block_items));
    }

    #[test]
    fn a_flipped_byte_is_found_wherever_it_is(tree in tree(), at: prop::sample::Index, bits in 1..=255u8) {
        let items = tree.items();
        let mut bytes = archive(&items, 3);
        let at = at.index(bytes.len());
        bytes[at] ^= bits;
        let found = look(&bytes);
        prop_assert!(!found.losses.is_empty(), "byte {at} of {}", bytes.len());
        let all = shown(&items);
        // Three items of one block may be gone, and nothing else.
        let left = left(&bytes, &found);
        prop_assert!(left.len() + 3 >= all.len());
        prop_assert!(left.iter().all(|item| all.contains(item)));
        let znodes = |items: &[String]| items.iter().filter(|item| item.starts_with("Znode")).count() as u64;
        prop_assert_eq!(found.losses.znodes, znodes(&all) - znodes(&left));
        prop_assert!(!found.losses.more);
    }

    #[test]
    fn an_archive_that_was_cut_has_lost_what_was_behind(tree in tree(), at: prop::sample::Index) {
        let items = tree.items();
        let bytes = archive(&items, 3);
        let cut = at.index(bytes.len());
        let Ok(found) = survey(&bytes[..cut]) else {
            prop_assert!(cut < frames(&bytes)[1], "more than nothing was left");
            return Ok(());
        };
        prop_assert!(!found.losses.is_empty());
        let left = left(&bytes[..cut], &found);
        prop_assert_eq!(&shown(&items)[..left.len()], &left[..]);
    }

    #[test]
    fn bytes_that_are_gone_or_too_many_cost_the_block_that_they_were_in(
        tree in tree(), at: prop::sample::Index, gone in 0..50usize, more: Vec<u8>,
    ) {
        let items = tree.items();
        let bytes = archive(&items, 3);
        let at = at.index(bytes.len());
        let torn = [&bytes[..at], &more, &bytes[(at + gone).min(bytes.len())..]].concat();
        if let Ok(found) = survey(&torn[..]) {
            let all = shown(&items);
            let left = left(&torn, &found);
            prop_assert!(left.iter().all(|item| all.contains(item)));
            prop_assert!(torn == bytes || !found.losses.is_empty() || left == all);
        }
    }

    #[test]
    fn any_bytes_are_looked_at_or_refused(bytes: Vec<u8>) {
        prop_assert!(survey(&bytes[..]).is_err());
    }
}

#[test]
fn each_lost_block_is_named_with_its_znodes_and_its_range() {
    use crate::znode::{Kind, Stat, Znode, ZnodePath};
    let znode = |path: &str| {
        let stat = Stat::default();
        block::Item::Znode(Znode { path: ZnodePath::new(path), data: None, acl: None, kind: Kind::Persistent, stat })
    };
    let items: Vec<_> = ["/a", "/b", "/c", "/d", "/e", "/f"].map(znode).into();
    let bytes = archive(&items, 2);
    let frames = frames(&bytes);
    assert_eq!(frames.len(), 6, "head, three blocks, index, end");
    let text = |bytes: &[u8]| look(bytes).losses.to_string();

    // Its payload: the label tells.
    let mut flipped = bytes.clone();
    flipped[frames[3] - 1] ^= 1;
    assert_eq!(text(&flipped), "block 2 (2 znode(s), from /c to /d): its bytes are not those that were written");
    // Its header: the index tells.
    let mut flipped = bytes.clone();
    flipped[frames[2] + 20] ^= 1;
    assert_eq!(text(&flipped), "block 2 (2 znode(s), from /c to /d): it is not there, or its beginning is damaged");
    // Its header and the index: what is beside it tells.
    flipped[frames[5] - 1] ^= 1;
    assert_eq!(
        text(&flipped),
        "block 2 (2 znode(s), behind /b, before /e): it is not there, or its beginning is damaged; frame 4 (no znodes): \
         its bytes are not those that were written"
    );
    // Two blocks are gone without a trace.
    let gone = [&bytes[..frames[1]], &bytes[frames[3]..]].concat();
    assert_eq!(look(&gone).losses.count, 2);
    assert!(text(&gone).contains("from /a to /b") && text(&gone).contains("from /c to /d"), "{}", text(&gone));
    // Head or end are gone: the other one says what it was.
    for range in [frames[0]..frames[1], frames[5]..bytes.len()] {
        let gone = [&bytes[..range.start], &bytes[range.end..]].concat();
        let found = look(&gone);
        assert_eq!((found.head, found.blocks.len()), (Some(super::super::model::head()), 3));
        assert_eq!((found.losses.count, found.losses.znodes), (1, 0));
    }
    // Cut within a block, and between two.
    let cut = look(&bytes[..frames[3] - 1]).losses;
    assert_eq!((cut.znodes, cut.more), (2, true), "{cut}");
    assert!(cut.to_string().ends_with(
        "block 3 and all behind it (an unknown number of znodes, behind /d): the archive ends \
                                       before its end"
    ));
    let behind = [&bytes[..], b"more"].concat();
    assert!(text(&behind).contains("bytes behind the end"));
}

#[test]
fn an_archive_within_an_archive_is_no_part_of_it() {
    use crate::znode::{Kind, Stat, Znode, ZnodePath};
    let inner = {
        let mut sink = super::super::sink::Sink::begin(Vec::new(), super::super::model::head(), 99).expect("memory");
        let items = [block::Item::Leave(ZnodePath::new("/alien"))];
        sink.block(&block::encode(&items, 1)).expect("memory");
        sink.finish(None, None, true).expect("memory").0
    };
    let znode = |path: &str, data: Vec<u8>| {
        let (data, stat) = (Some(Bytes::from(data)), Stat::default());
        block::Item::Znode(Znode { path: ZnodePath::new(path), data, acl: None, kind: Kind::Persistent, stat })
    };
    let mut bytes = archive(&[znode("/a", inner), znode("/b", Vec::new())], 1);
    // Where the block's own header is damaged its data is looked through.
    let at = frames(&bytes)[1];
    bytes[at + 20] ^= 1;
    let found = look(&bytes);
    assert_eq!((found.blocks.len(), found.losses.znodes), (1, 1), "{}", found.losses);
}
