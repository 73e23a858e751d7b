//! Each number has one form, which gives it back.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn numbers_and_bytes_come_back(number: u64, signed: i64, int: i32, bytes: Vec<u8>) {
        let mut out = Vec::new();
        put_number(&mut out, number);
        put_signed(&mut out, signed);
        put_signed(&mut out, int.into());
        put_bytes(&mut out, &bytes);
        let mut fields = Fields(&out);
        prop_assert_eq!(fields.number(), Ok(number));
        prop_assert_eq!(fields.signed(), Ok(signed));
        prop_assert_eq!(fields.int(), Ok(int));
        prop_assert_eq!(fields.bytes(), Ok(&bytes[..]));
        prop_assert!(fields.is_empty());
    }

    #[test]
    fn what_is_read_is_what_would_be_written(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
        if let Ok(number) = Fields(&bytes).number() {
            let mut out = Vec::new();
            put_number(&mut out, number);
            prop_assert!(bytes.starts_with(&out));
        }
    }
}

#[test]
fn refuses_what_is_longer_than_it_needs_or_ends_early() {
    for bytes in [&[][..], &[0x80], &[0x80, 0], &[0xff; 11], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]]
    {
        assert!(Fields(bytes).number().is_err(), "{bytes:?}");
    }
    assert!(Fields(&[3, b'a', b'b']).bytes().is_err());
    assert!(Fields(&[1, 0xff]).text().is_err());
}
