//! What is an amount, and what is none.

use super::*;

#[test]
fn bytes_have_binary_units() {
    for (text, wanted) in
        [("1", 1), ("1B", 1), ("10M", 10 << 20), ("512k", 512 << 10), ("2GiB", 2 << 30), ("1T", 1 << 40)]
    {
        assert_eq!(bytes(text), Ok(wanted), "{text}");
    }
    for text in ["", "0", "0M", "M", "-1", "1.5M", "10 M", "10MB", "99999999999999999999", "99999999999T", "1\u{e4}"] {
        assert!(bytes(text).is_err(), "{text}");
    }
}

#[test]
fn durations_have_units() {
    assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
    assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
    for text in ["", "0s", "250", "ms", "-1s", "99999999999999999999y"] {
        assert!(duration(text).is_err(), "{text}");
    }
}
