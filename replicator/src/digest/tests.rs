//! The digest tells apart what differs and nothing else.

use bytes::Bytes;

use super::*;
use crate::znode::{Acl, AclEntry, Stat, ZnodePath};

fn znode(path: &str, data: Option<&'static [u8]>, acl: Acl) -> Znode {
    let stat = Stat { mzxid: 7, ..Stat::default() };
    let data = data.map(Bytes::from_static);
    Znode { path: ZnodePath::new(path), data, acl: Some(acl), kind: Kind::Persistent, stat }
}

fn sum(znodes: &[Znode]) -> TreeDigest {
    let mut digest = TreeDigest::default();
    for znode in znodes {
        digest.add(znode);
    }
    digest
}

fn digest(znodes: &[Znode]) -> String {
    sum(znodes).to_string()
}

#[test]
fn does_not_depend_on_the_order() {
    let (a, b) = (znode("/a", Some(b"1"), Acl::open()), znode("/b", Some(b"2"), Acl::open()));
    assert_eq!(digest(&[a.clone(), b.clone()]), digest(&[b, a]));
}

#[test]
fn tells_every_part_apart() {
    let read_only = Acl::new([AclEntry { perms: 1, scheme: "world".into(), id: "anyone".into() }]);
    let both = ["a", "b"].map(|id| AclEntry { perms: 1, scheme: "ip".into(), id: id.into() });
    let digests = [
        digest(&[]),
        digest(&[znode("/a", Some(b""), Acl::open())]),
        digest(&[znode("/a", None, Acl::open())]),
        digest(&[znode("/a", Some(b"\0"), Acl::open())]),
        digest(&[znode("/b", Some(b""), Acl::open())]),
        digest(&[znode("/a", Some(b""), read_only)]),
        digest(&[znode("/a", Some(b""), Acl::creator())]),
        digest(&[znode("/a", Some(b""), Acl::new(both.clone()))]),
        digest(&[znode("/a", Some(b""), Acl::new(both.into_iter().rev()))]),
        digest(&[Znode { acl: None, ..znode("/a", Some(b""), Acl::open()) }]),
        digest(&[Znode { kind: Kind::Ttl { ttl_ms: 7 }, ..znode("/a", Some(b""), Acl::open()) }]),
        digest(&[Znode { kind: Kind::Ephemeral { owner: 7 }, ..znode("/a", Some(b""), Acl::open()) }]),
        digest(&[Znode { kind: Kind::Container, ..znode("/a", Some(b""), Acl::open()) }]),
        digest(&[znode("/a", Some(b""), Acl::open()), znode("/a", Some(b""), Acl::open())]),
    ];
    for (index, digest) in digests.iter().enumerate() {
        assert!(!digests[..index].contains(digest), "digest {index} stands twice");
    }
}

#[test]
fn tells_counters_apart_only_where_they_are_wanted() {
    let one = znode("/a", Some(b"1"), Acl::open());
    let other = Znode { stat: Stat { cversion: 2, ..one.stat }, ..one.clone() };
    let of = TreeDigest::of;
    assert_eq!(of(&one, CounterPolicy::Ignore), of(&other, CounterPolicy::Ignore));
    assert_ne!(of(&one, CounterPolicy::Compare), of(&other, CounterPolicy::Compare));
    assert_ne!(of(&one, CounterPolicy::Compare), of(&one, CounterPolicy::Ignore));
}

#[test]
fn a_tree_is_the_sum_of_its_subtrees() {
    let znodes = ["/", "/a", "/a/b", "/c"].map(|path| znode(path, Some(b"1"), Acl::open()));
    let mut parts = sum(&znodes[3..]);
    parts.merge(&sum(&znodes[..1]));
    parts.merge(&sum(&znodes[1..3]));
    assert_eq!(sum(&znodes), parts);
}

#[test]
fn is_read_back_as_it_was_printed_and_nothing_else_is() {
    let text = digest(&[znode("/a", Some(b"1"), Acl::open())]);
    assert_eq!(text.parse::<TreeDigest>().map(|digest| digest.to_string()), Ok(text.clone()));
    for wrong in ["", &text[1..], &text.to_uppercase(), &format!("+{}", &text[1..]), &format!("{text}0")] {
        assert!(wrong.parse::<TreeDigest>().is_err(), "{wrong}");
    }
}

#[test]
fn ignores_what_no_copy_can_reproduce() {
    let one = znode("/a", Some(b"1"), Acl::open());
    let other = Znode { stat: Stat { czxid: 99, version: 3, ..one.stat }, ..one.clone() };
    assert_eq!(digest(&[one]), digest(&[other]));
}

/// What xxHash's own program prints (`xxhsum -H2`, 0.8), for each of the ways in which XXH3 takes texts of different lengths.
#[test]
fn hashes_as_xxhash_itself_does() {
    let vectors = [
        (0, 0x99aa_06d3_0147_98d8_6001_c324_468d_497f),
        (1, 0x5102_5a44_9183_5505_e12e_f9d2_eb86_ceeb),
        (3, 0xce31_763c_bf82_45a5_a908_8dda_485b_481c),
        (4, 0xdd40_da4f_b215_e214_1c39_dbb5_53a7_05e0),
        (8, 0xf69a_63d1_bfe6_b421_ed2e_15d6_07e6_5102),
        (9, 0xe643_7f59_3809_a3c5_7d29_026a_8dab_645b),
        (16, 0xe892_0f24_c46d_190e_93e2_125b_8d5e_83bd),
        (17, 0x87a3_d450_6bed_d564_9f16_6f98_e8c7_d6d8),
        (52, 0xb521_d646_8958_51c4_f73b_b9a8_d2b9_9655),
        (64, 0xd730_4ccf_31c6_3c60_64f1_9e15_f226_51a1),
        (128, 0x6492_8727_c148_c21b_80e3_22fe_3e18_bc35),
        (129, 0x0811_b872_b340_56cd_87d0_ab6f_8d73_ed7f),
        (240, 0x0ebb_5cea_0916_04e4_e868_9d52_910b_d588),
        (241, 0xb257_5d97_dc36_2e8c_ee80_e364_2dbe_5d90),
        (512, 0x5a7a_d9a4_8ca7_3327_362b_9a95_abf6_97f4),
        (1024, 0x3c41_0599_ed25_aa29_b29a_0eb5_7f6d_9a67),
        (1025, 0x6203_4e20_dc2f_cc02_4fc9_4c4a_42c6_553c),
        (5000, 0x24ef_5e0b_c745_804b_9121_8491_5add_6822),
    ];
    for (len, expected) in vectors {
        let bytes: Vec<u8> = (0..len).map(|at| u8::try_from((at * 7 + len) % 251).expect("below 251")).collect();
        assert_eq!(hash(&bytes), expected, "{len} bytes");
    }
}

/// The record as docs/archive-format.md has it, by hand.
#[test]
fn is_what_the_specification_says() {
    let hash = |bytes: &[u8]| XxHash3_128::oneshot(bytes).to_le_bytes();
    let entry = [&[0; 16][..], &31_i32.to_le_bytes(), &hash(b"world"), &hash(b"anyone")].concat();
    let record =
        [&hash(b"/a")[..], &[2], &7_i64.to_le_bytes(), &[1], &hash(b"data"), &[1], &hash(&entry), &[1, 3, 0, 0, 0]];
    let stat = Stat { cversion: 6, ..Stat::default() };
    let znode = Znode { kind: Kind::Ttl { ttl_ms: 7 }, stat, ..znode("/a", Some(b"data"), Acl::open()) };
    let expected = u128::from_le_bytes(hash(&record.concat()));
    assert_eq!(TreeDigest::of(&znode, CounterPolicy::Compare).to_string(), format!("{expected:032x}"));
}

#[test]
fn is_the_same_tomorrow() {
    // A digest in a change ticket must stay comparable: when this changes, change ALGORITHM with it.
    let znodes = [znode("/", Some(b""), Acl::open()), znode("/a", Some(b"data"), Acl::open())];
    assert_eq!(digest(&znodes), "870315ed7e9208571c9607d93fdd40fb");
}
