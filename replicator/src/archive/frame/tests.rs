//! A header comes back as it was written, and no other bytes are taken for one.

use super::*;

const HEADER: Header = Header {
    kind: FrameKind::Block,
    packing: Packing::Zstd,
    sequence: 7,
    archive: 0x0123_4567_89ab_cdef,
    before: 1 << 40,
    znodes: 8_000,
    raw_bytes: 1 << 20,
    kept_bytes: 1 << 16,
    label_bytes: 5,
    checksum: [9; 16],
};
const LABEL: &[u8] = b"/a\0/b";

#[test]
fn a_header_comes_back() {
    let bytes = HEADER.encode(LABEL);
    assert_eq!(Header::label_bytes(&bytes), Some(5));
    assert_eq!(Header::parse(&bytes, LABEL), Some(Ok(HEADER)));
}

#[test]
fn a_flipped_bit_makes_it_none() {
    for at in 0..HEADER_BYTES + LABEL.len() {
        let (mut bytes, mut label) = (HEADER.encode(LABEL), LABEL.to_vec());
        match bytes.get_mut(at) {
            Some(byte) => *byte ^= 4,
            None => label[at - HEADER_BYTES] ^= 4,
        }
        assert_eq!(Header::parse(&bytes, &label), None, "byte {at}");
    }
}

#[test]
fn what_is_not_known_or_too_large_is_told() {
    let sealed = |at: usize, value: u8| {
        let mut bytes = HEADER.encode(LABEL);
        bytes[at] = value;
        let own = own_checksum(&bytes, LABEL);
        bytes[64..].copy_from_slice(&own);
        Header::parse(&bytes, LABEL).expect("the checksum is right").expect_err("it can't be known").to_string()
    };
    assert!(sealed(8, 2).contains("format version 2"));
    assert!(sealed(10, 9).contains("kind 9"));
    assert!(sealed(11, 9).contains("packed as 9"));
    assert!(sealed(39, 0x7f).contains("bytes, more than"), "raw bytes");
    assert!(sealed(34, 1).contains("znodes"));
}

#[test]
fn a_payload_comes_back_packed_or_not() {
    let dull = vec![b'a'; 100_000];
    let (packing, kept) = Packer::default().pack(&dull, 1);
    assert_eq!(packing, Packing::Zstd);
    let header = Header { packing, raw_bytes: 100_000, ..HEADER };
    assert_eq!(unpack(&header, kept.clone()), Ok(dull));
    assert!(unpack(&Header { raw_bytes: 99_999, ..header }, kept.clone()).is_err(), "more than it says");
    assert!(unpack(&Header { raw_bytes: 100_001, ..header }, kept).is_err(), "less than it says");
    assert_eq!(Packer::default().pack(&[1, 2, 3], 1), (Packing::Stored, vec![1, 2, 3]));
}
