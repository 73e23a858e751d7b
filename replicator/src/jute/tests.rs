//! What is encoded is decoded again; what is broken is an error, and never a panic.

use std::fmt::Debug;

use bytes::{BufMut, Bytes, BytesMut};
use proptest::prelude::*;

use super::*;
use crate::connect::Chroot;
use crate::error::Code;
use crate::znode::{Acl, AclEntry, Kind, Names, Stat, ZnodePath};

/// The body of the one frame that `write` makes.
fn encode(write: impl FnOnce(&mut Encoder<'_>)) -> Bytes {
    let mut buffer = BytesMut::new();
    frame(&mut buffer, write).expect("a frame of a test is short");
    let length = buffer.split_to(LENGTH_BYTES);
    assert_eq!(length[..], i32::try_from(buffer.len()).expect("short").to_be_bytes());
    buffer.freeze()
}

/// What `read` gives for all of `bytes`; and for each part of them that ends too early, an error.
fn decode<T: Debug>(bytes: &Bytes, read: impl Fn(&mut Decoder) -> Result<T, Malformed>) -> T {
    for end in 0..bytes.len() {
        let part = read(&mut Decoder::new(bytes.slice(..end)));
        assert!(part.is_err(), "{end} of {} bytes gave {part:?}", bytes.len());
    }
    let mut decoder = Decoder::new(bytes.clone());
    let value = read(&mut decoder).expect("what was encoded is well formed");
    assert_eq!(decoder.rest(), b"", "bytes are left over");
    value
}

fn put_stat(encoder: &mut Encoder<'_>, stat: &Stat) {
    for value in [stat.czxid, stat.mzxid, stat.ctime, stat.mtime] {
        encoder.long(value);
    }
    for value in [stat.version, stat.cversion, stat.aversion] {
        encoder.int(value);
    }
    encoder.long(stat.ephemeral_owner);
    encoder.int(stat.data_length);
    encoder.int(stat.num_children);
    encoder.long(stat.pzxid);
}

fn put_names(encoder: &mut Encoder<'_>, names: &[String]) {
    encoder.int(i32::try_from(names.len()).expect("short"));
    for name in names {
        encoder.text(name);
    }
}

fn result_header(encoder: &mut Encoder<'_>, op: i32) {
    encoder.int(op);
    encoder.boolean(false);
    encoder.int(0);
}

fn any_stat() -> impl Strategy<Value = Stat> {
    (any::<[i64; 6]>(), any::<[i32; 5]>()).prop_map(|(longs, ints)| Stat {
        czxid: longs[0],
        mzxid: longs[1],
        ctime: longs[2],
        mtime: longs[3],
        version: ints[0],
        cversion: ints[1],
        aversion: ints[2],
        ephemeral_owner: longs[4],
        data_length: ints[3],
        num_children: ints[4],
        pzxid: longs[5],
    })
}

fn any_data() -> impl Strategy<Value = Option<Bytes>> {
    proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from))
}

fn any_acl() -> impl Strategy<Value = Acl> {
    let entry = (any::<i32>(), ".{0,6}", ".{0,6}").prop_map(|(perms, scheme, id)| AclEntry {
        perms,
        scheme: scheme.into(),
        id: id.into(),
    });
    proptest::collection::vec(entry, 0..4).prop_map(Acl::new)
}

fn any_names() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("[^/\0.][^/\0]{0,8}", 0..8)
}

proptest! {
    #[test]
    fn buffers_come_back_and_null_is_not_empty(data in any_data()) {
        let bytes = encode(|encoder| encoder.buffer(data.as_deref()));
        prop_assert_eq!(decode(&bytes, Decoder::buffer), data);
    }

    #[test]
    fn a_stat_comes_back(stat in any_stat()) {
        let bytes = encode(|encoder| put_stat(encoder, &stat));
        prop_assert_eq!(bytes.len(), STAT_BYTES);
        prop_assert_eq!(decode(&bytes, Decoder::stat), stat);
    }

    #[test]
    fn an_acl_comes_back(acl in any_acl()) {
        let bytes = encode(|encoder| encoder.acl(&acl));
        prop_assert_eq!(decode(&bytes, Decoder::acl), acl);
    }

    #[test]
    fn names_come_back_in_their_order(names in any_names()) {
        let bytes = encode(|encoder| put_names(encoder, &names));
        let read = decode(&bytes, Decoder::names);
        prop_assert_eq!(read.len(), names.len());
        prop_assert!(read.iter().eq(names.iter()), "{:?}", read);
    }

    #[test]
    fn headers_come_back(xid in any::<i32>(), zxid in any::<i64>(), code in any::<i32>()) {
        let bytes = encode(|encoder| {
            encoder.int(xid);
            encoder.long(zxid);
            encoder.int(code);
        });
        prop_assert_eq!(decode(&bytes, Decoder::reply_header), ReplyHeader { xid, zxid, code: Code(code) });
    }

    #[test]
    fn a_multi_read_is_read_to_its_end(
        data in any_data(), stat in any_stat(), names in any_names(), code in any::<i32>(),
    ) {
        let bytes = encode(|encoder| {
            result_header(encoder, op::GET_DATA);
            encoder.buffer(data.as_deref());
            put_stat(encoder, &stat);
            result_header(encoder, op::GET_CHILDREN);
            put_names(encoder, &names);
            result_header(encoder, op::NONE);
            encoder.int(code);
            encoder.multi_end();
        });
        let results = decode(&bytes, results);
        let [MultiResult::Data(read, read_stat), MultiResult::Children(children), MultiResult::Refused(refused)] =
            &results[..]
        else {
            panic!("{results:?}")
        };
        prop_assert_eq!((read, read_stat, *refused), (&data, &stat, Code(code)));
        prop_assert!(children.iter().eq(names.iter()));
    }

    #[test]
    fn a_multi_of_writes_is_read_to_its_end(paths in proptest::collection::vec(".{0,8}", 4), stat in any_stat()) {
        let bytes = encode(|encoder| {
            for (op, path) in [op::CREATE, op::CREATE2, op::CREATE_CONTAINER, op::CREATE_TTL].into_iter().zip(&paths) {
                result_header(encoder, op);
                encoder.text(path);
                if op != op::CREATE {
                    put_stat(encoder, &stat);
                }
            }
            result_header(encoder, op::DELETE);
            result_header(encoder, op::CHECK);
            result_header(encoder, op::SET_DATA);
            put_stat(encoder, &stat);
            encoder.multi_end();
        });
        let results = decode(&bytes, results);
        prop_assert_eq!(results.len(), 7);
        prop_assert!(results.iter().all(|result| matches!(result, MultiResult::Written)), "{:?}", results);
    }

    #[test]
    fn names_come_back_with_their_stat(names in any_names(), stat in any_stat()) {
        let bytes = encode(|encoder| {
            put_names(encoder, &names);
            put_stat(encoder, &stat);
        });
        let (read, read_stat) = decode(&bytes, Decoder::names_and_stat);
        prop_assert!(read.iter().eq(names.iter()), "{:?}", read);
        prop_assert_eq!(read_stat, stat);
    }

    #[test]
    fn a_watchers_event_comes_back(kind in any::<i32>(), state in any::<i32>(), path in ".{0,20}") {
        let bytes = encode(|encoder| {
            encoder.int(kind);
            encoder.int(state);
            encoder.text(&path);
        });
        prop_assert_eq!(decode(&bytes, Decoder::watcher_event), WatcherEvent { kind, state, path });
    }

    #[test]
    fn deletes_checks_and_watches_are_as_the_server_reads_them(version in any::<i32>()) {
        let chroot = Chroot::new("/below").expect("a path");
        let path = ZnodePath::new("/a/b");
        let delete = encode(|encoder| encoder.multi_delete(chroot.locate(&path), version));
        let check = encode(|encoder| encoder.multi_check(chroot.locate(&path), version));
        for (bytes, op) in [(delete, op::DELETE), (check, op::CHECK)] {
            let mut decoder = Decoder::new(bytes);
            prop_assert_eq!((decoder.int(), decoder.boolean(), decoder.int()), (Ok(op), Ok(false), Ok(-1)));
            prop_assert_eq!(decoder.text(), Ok("/below/a/b"));
            prop_assert_eq!((decoder.int(), decoder.rest()), (Ok(version), &b""[..]));
        }
        let mut watch = Decoder::new(encode(|encoder| encoder.add_watch(chroot.locate(&path), version)));
        prop_assert_eq!(watch.text(), Ok("/below/a/b"));
        prop_assert_eq!((watch.int(), watch.rest()), (Ok(version), &b""[..]));
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        decode_as_everything(&Bytes::from(bytes));
    }

    /// Small numbers are what lengths, counts and operations look like, so these get further in.
    #[test]
    fn no_plausible_bytes_make_a_decoder_panic(ints in proptest::collection::vec(-2..30_i32, 0..60)) {
        let bytes: Vec<u8> = ints.iter().flat_map(|int| int.to_be_bytes()).collect();
        for start in 0..bytes.len().min(4) {
            decode_as_everything(&Bytes::copy_from_slice(&bytes[start..]));
        }
    }

    #[test]
    fn creates_are_as_the_server_reads_them(data in any_data(), acl in any_acl(), ttl_ms in 1..i64::MAX) {
        let chroot = Chroot::new("/below").expect("a path");
        let path = ZnodePath::new("/a/b");
        let create = |kind| encode(|encoder| encoder.multi_create(chroot.locate(&path), data.as_deref(), &acl, kind));
        let create2 = encode(|encoder| encoder.multi_create2(chroot.locate(&path), data.as_deref(), &acl));
        for (bytes, op, flags) in [
            (create(Kind::Persistent), op::CREATE, 0),
            (create(Kind::Container), op::CREATE_CONTAINER, 4),
            (create(Kind::Ttl { ttl_ms }), op::CREATE_TTL, 5),
            (create2, op::CREATE2, 0),
        ] {
            let mut decoder = Decoder::new(bytes);
            prop_assert_eq!((decoder.int(), decoder.boolean(), decoder.int()), (Ok(op), Ok(false), Ok(-1)));
            prop_assert_eq!(decoder.text(), Ok("/below/a/b"));
            prop_assert_eq!(decoder.buffer(), Ok(data.clone()));
            prop_assert_eq!(decoder.acl(), Ok(acl.clone()));
            prop_assert_eq!(decoder.int(), Ok(flags));
            if op == op::CREATE_TTL {
                prop_assert_eq!(decoder.long(), Ok(ttl_ms));
            }
            prop_assert_eq!(decoder.rest(), b"");
        }
    }
}

fn results(decoder: &mut Decoder) -> Result<Vec<MultiResult>, Malformed> {
    std::iter::from_fn(|| decoder.multi_result().transpose()).collect()
}

fn decode_as_everything(bytes: &Bytes) {
    let decoder = || Decoder::new(bytes.clone());
    let _ = decoder().connect_response();
    let _ = decoder().reply_header();
    let _ = decoder().data();
    let _ = decoder().stat();
    let _ = decoder().acl();
    let _ = decoder().names_and_stat();
    let _ = decoder().watcher_event();
    let _ = results(&mut decoder());
    if let Ok(names) = decoder().names() {
        assert_eq!(names.iter().count(), names.len());
    }
}

#[test]
fn a_claimed_length_takes_no_memory() {
    for claim in [i32::MAX, 1 << 20, -2] {
        let mut bytes = BytesMut::new();
        bytes.put_i32(claim);
        bytes.put_bytes(0, 64);
        let bytes = bytes.freeze();
        let decoder = || Decoder::new(bytes.clone());
        assert!(decoder().names().is_err());
        assert!(decoder().acl().is_err());
        assert!(decoder().buffer().is_err());
        assert!(decoder().text().is_err());
    }
}

#[test]
fn names_that_no_child_can_have_are_refused() {
    for name in ["..", "a/b", ""] {
        let bytes = encode(|encoder| put_names(encoder, &["fine".to_owned(), name.to_owned()]));
        assert!(Decoder::new(bytes).names().is_err(), "{name:?}");
    }
}

#[test]
fn names_that_are_not_utf8_are_refused() {
    let bytes = encode(|encoder| {
        encoder.int(1);
        encoder.buffer(Some(&[0xff, 0xfe]));
    });
    assert_eq!(Decoder::new(bytes).names().err(), Some(Malformed("a string is not UTF-8")));
}

#[test]
fn a_null_list_is_an_empty_one() {
    let null = encode(|encoder| encoder.int(-1));
    assert!(Decoder::new(null.clone()).names().expect("no names").is_empty());
    assert_eq!(Decoder::new(null).acl(), Ok(Acl::new([])));
}

/// 3.4 has no `readOnly` at the end of its answer.
#[test]
fn a_session_is_granted_by_old_servers_too() {
    for read_only in [None, Some(false)] {
        let bytes = encode(|encoder| {
            encoder.int(0);
            encoder.int(4_000);
            encoder.long(7);
            encoder.buffer(Some(&[1; 16]));
            if let Some(read_only) = read_only {
                encoder.boolean(read_only);
            }
        });
        let granted = Decoder::new(bytes).connect_response();
        assert_eq!(
            granted,
            Ok(ConnectResponse { timeout_ms: 4_000, session: SessionKey { id: 7, password: [1; 16] } })
        );
    }
}

#[test]
fn requests_lie_behind_one_another() {
    let mut buffer = BytesMut::new();
    request(&mut buffer, 1, op::SYNC, |encoder| encoder.text("/")).expect("short");
    request(&mut buffer, xid::PING, op::PING, |_| {}).expect("short");
    assert_eq!(buffer[..], *b"\0\0\0\x0d\0\0\0\x01\0\0\0\x09\0\0\0\x01/\0\0\0\x08\xff\xff\xff\xfe\0\0\0\x0b");
}

/// A long list stays where it was received; a short one does not hold on to a long frame.
#[test]
fn only_a_long_list_of_names_is_a_slice_of_its_frame() {
    let long: Vec<String> = (0..10_000).map(|n| format!("name-{n:010}")).collect();
    for (names, sliced) in [(&long[..], true), (&long[..10], false)] {
        let bytes = encode(|encoder| put_names(encoder, names));
        let read: Names = Decoder::new(bytes.clone()).names().expect("well formed");
        assert!(read.iter().eq(names.iter()));
        assert_eq!(bytes.try_into_mut().is_err(), sliced, "a frame is shared as long as a slice of it lives");
    }
}
