//! What each fuzz target does with its bytes. The targets call it, and so does an ordinary test with the corpora
//! (tests/it/corpora.rs), so that neither can rot.

use bytes::Bytes;
use replicator::acl_map::AclMap;
use replicator::certificate::Certificate;
use replicator::connect::ConnectString;
use replicator::jute::Decoder;
use replicator::znode::{Acl, AclEntry};

/// A server's bytes, to every decoder: they give values or an error, and never panic nor allocate without bound.
pub(crate) fn jute_reply(input: &[u8]) {
    let Some((choice, frame)) = input.split_first() else { return };
    let mut decoder = Decoder::new(Bytes::copy_from_slice(frame));
    match choice % 9 {
        0 => drop(decoder.connect_response()),
        1 => drop(decoder.reply_header()),
        2 => drop(decoder.stat()),
        3 => drop(decoder.data()),
        4 => {
            if let Ok(names) = decoder.names() {
                assert_eq!(names.iter().count(), names.len());
                assert!(names.iter().map(str::len).sum::<usize>() <= frame.len());
            }
        }
        5 => drop(decoder.acl()),
        6 => while let Ok(Some(_)) = decoder.multi_result() {},
        7 => drop(decoder.names_and_stat()),
        _ => drop(decoder.watcher_event()),
    }
}

/// A user's connect string: what is taken means the same when it is printed and read again.
pub(crate) fn connect_string(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Ok(parsed) = text.parse::<ConnectString>() {
        assert_eq!(parsed.to_string().parse().as_ref(), Ok(&parsed), "{text:?}");
    }
}

/// A user's rules: what is taken means the same when it is printed and read again, and makes an ACL or nothing of an ACL.
pub(crate) fn acl_map(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(map) = text.parse::<AclMap>() else { return };
    assert_eq!(map.to_string().parse().as_ref(), Ok(&map), "{text:?}");
    let entry = |scheme: &str, id: &str| AclEntry { perms: Acl::ALL, scheme: scheme.into(), id: id.into() };
    let acl =
        Acl::new([entry("world", "anyone"), entry("digest", "bob:x"), entry("digest", "bob:h="), entry("sasl", "bob")]);
    if let Some(mapped) = map.apply(&acl) {
        assert!((1..=4).contains(&mapped.entries().len()), "{mapped}");
        assert!(mapped.entries().iter().all(|entry| entry.perms == Acl::ALL && &*entry.scheme != "auth"), "{mapped}");
    }
}

/// A file that is said to be a certificate: it is refused, or means the same when it is written and read again.
pub(crate) fn certificate(input: &[u8]) {
    if let Ok(certificate) = Certificate::parse(input) {
        assert_eq!(Certificate::parse(certificate.to_json().as_bytes()), Ok(certificate));
    }
}
