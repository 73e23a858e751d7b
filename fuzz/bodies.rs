//! What each fuzz target does with its bytes. The targets call it, and so does an ordinary test with the corpora
//! (tests/it/corpora.rs), so that neither can rot.

use std::time::Duration;

use bytes::Bytes;
use migrator::config_file::{self, ConfigFile};
use migrator::journal;
use migrator::pegasus::frame::{Reply, Request};
use migrator::pegasus::http::{HttpAnswer, config_value, content_length};
use migrator::pegasus::messages::{
    ClusterInfoReply, CommandRequest, ControlMetaReply, ListAppsReply, ListAppsRequest, ListNodesReply,
    QueryConfigReply, QueryConfigRequest, RecoveryReply, RecoveryRequest,
};
use migrator::pegasus::metadata::{app_info, partition_config};
use migrator::pegasus::record::{Value, decode_body, encode_body};
use migrator::plan::{ClusterFacts, MetaServerFacts, Plan, render};
use replicator::acl_map::AclMap;
use replicator::archive::block::{self, Item};
use replicator::archive::document::{AclsKept, End, Head};
use replicator::archive::frame::{FrameKind, Header, Packing, checksum};
use replicator::archive::sink::Sink;
use replicator::archive::{Replay, Wanted, index, survey};
use replicator::certificate::Certificate;
use replicator::cli::credentials;
use replicator::connect::ConnectString;
use replicator::filter::{Filter, Place};
use replicator::jute::Decoder;
use replicator::options::AclPolicy;
use replicator::session::srvr;
use replicator::znode::{Acl, AclEntry, Kind, Stat, Znode, ZnodePath};
use replicator::{amounts, quota};

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

/// What a user leaves out and takes in, and a path: the filter is refused, or its places agree with one another.
pub(crate) fn filter(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut lines = text.split('\n');
    let mut globs =
        || -> Vec<String> { lines.next().filter(|line| !line.is_empty()).map(str::to_owned).into_iter().collect() };
    let (includes, excludes) = (globs(), globs());
    let Ok(filter) = Filter::new(&includes, &excludes) else { return };
    assert_eq!(filter.said(), [&includes[..], &excludes[..]]);
    let mut path = ZnodePath::root();
    let mut above = Place::Taken;
    for name in lines.take(16).filter(|name| !name.is_empty() && !name.contains('/')) {
        path = path.child(name);
        let place = filter.place(&path);
        if above == Place::Taken && excludes.is_empty() && !(path.is_child_of(&ZnodePath::root())) {
            assert_eq!(place, Place::Taken, "{path} lies below what is taken");
        }
        if above == Place::LeftOut {
            return;
        }
        above = place;
    }
}

/// A server's words outside the protocol: what it says of itself, and the limits of a quota.
pub(crate) fn server_text(input: &[u8]) {
    let Some((choice, text)) = input.split_first() else { return };
    if choice % 2 == 0 {
        let said = srvr::parse(&String::from_utf8_lossy(text));
        assert!(said.version.is_none() || text.contains(&b'.'));
    } else if quota::limits_can_be_parsed(text) {
        assert!(text.contains(&b'='));
    }
}

/// What a user writes in options and files: amounts of bytes, durations, lines of credentials.
pub(crate) fn user_text(input: &[u8]) {
    let Some((choice, text)) = input.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    match choice % 3 {
        0 => assert_ne!(amounts::bytes(text), Ok(0)),
        1 => assert_ne!(amounts::duration(text), Ok(Duration::ZERO)),
        _ => match credentials::parse("file", text) {
            Ok(auths) => {
                let lines: Vec<_> = auths.iter().map(|auth| format!("{}:{}", auth.scheme, auth.credentials)).collect();
                assert_eq!(credentials::parse("file", &lines.join("\n")), Ok(auths), "{text:?}");
            }
            Err(error) => assert!(error.to_string().starts_with("file, line "), "{error}"),
        },
    }
}

/// A meta server's configuration file: it is refused, or an edit is read back, changes nothing else and can be undone.
pub(crate) fn pegasus_config(input: &[u8]) {
    const KEYS: [(&str, &str); 3] = [
        (config_file::ZOOKEEPER, config_file::HOSTS_LIST),
        (config_file::META_SERVER, config_file::START_LEVEL),
        (config_file::META_SERVER, config_file::RECOVER),
    ];
    let Ok(file) = ConfigFile::parse(input) else { return };
    file.notes();
    for (section, key) in KEYS {
        let Ok(edited) = file.with_value(section, key, "zk1:2181") else { continue };
        assert_eq!(edited.get(section, key), Ok(Some("zk1:2181")));
        for (other_section, other_key) in KEYS.into_iter().filter(|other| *other != (section, key)) {
            assert_eq!(edited.get(other_section, other_key).ok(), file.get(other_section, other_key).ok());
        }
        config_file::diff("config.ini", file.bytes(), edited.bytes());
        let restored = match file.get(section, key).expect("what was edited could be read") {
            Some("") => continue,
            Some(old) => edited.with_value(section, key, old),
            None => edited.without(section, key),
        };
        // An old value that would not be written anew (it holds ^) was read all the same.
        if let Ok(restored) = restored {
            assert_eq!(restored, file);
        }
    }
}

/// A migration's plan, and a new one of a cluster that calls itself so: it is refused with words for one line, or holds
/// together; what is rendered is TOML that says nothing else.
pub(crate) fn plan(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match Plan::parse(text) {
        Ok(plan) => {
            assert!(!plan.meta_servers.is_empty());
        }
        Err(error) => {
            let error = error.to_string();
            assert!(error.starts_with("plan: read: ") && !error.contains('\n'), "{error:?}");
        }
    }
    let server = |silent: Option<&str>| MetaServerFacts {
        address: text.to_owned(),
        is_primary: false,
        silent: silent.map(str::to_owned),
    };
    let words = text.to_owned();
    let facts = ClusterFacts {
        cluster: words.clone(),
        root: words.clone(),
        source: words.clone(),
        target: words.clone(),
        meta_servers: vec![server(None), server(Some(text))],
    };
    let read: toml::Table = render(&facts).parse().expect("what is rendered is TOML");
    assert_eq!(read.keys().collect::<Vec<_>>(), ["cluster", "meta_server", "source", "target"]);
    assert_eq!(read["cluster"].as_str(), Some(text));
}

/// A meta server's bytes, and those of whoever asks one: frames and records are refused, or come back as they were.
pub(crate) fn pegasus_rpc(input: &[u8]) {
    fn record<T: Value + PartialEq + std::fmt::Debug>(body: &[u8]) {
        if let Ok(value) = decode_body::<T>(body) {
            assert_eq!(decode_body(&encode_body(0, &value)), Ok(value));
        }
    }
    let Some((choice, frame)) = input.split_first() else { return };
    match choice % 4 {
        0 => {
            let Ok(request) = Request::decode(frame) else { return };
            assert_eq!(Request::decode(&request.encode()).as_ref(), Ok(&request));
            record::<ListAppsRequest>(&request.body);
            record::<QueryConfigRequest>(&request.body);
            record::<RecoveryRequest>(&request.body);
            record::<CommandRequest>(&request.body);
        }
        1 => {
            let Ok(reply) = Reply::decode(frame) else { return };
            assert_eq!(Reply::decode(&reply.encode()).as_ref(), Ok(&reply));
            let body = match &reply {
                Reply::Thrift(reply) => &reply.body,
                Reply::Rdsn(_, body) => body,
            };
            record::<ClusterInfoReply>(body);
            record::<ListAppsReply>(body);
            record::<ListNodesReply>(body);
            record::<QueryConfigReply>(body);
            record::<ControlMetaReply>(body);
            record::<RecoveryReply>(body);
            record::<String>(body);
        }
        2 => {
            let Ok(text) = std::str::from_utf8(frame) else { return };
            drop((content_length(text), HttpAnswer::parse(text, Vec::new())));
            drop(config_value("hosts_list", frame));
        }
        _ => drop((app_info(frame), partition_config(frame))),
    }
}

/// A journal as it is, and each line of it as the JSON of a record: checksums would keep a fuzzer out of them.
pub(crate) fn journal(input: &[u8]) {
    read_journal(input);
    let sealed: String = String::from_utf8_lossy(input).split('\n').map(journal::sealed).collect();
    read_journal(sealed.as_bytes());
}

/// It is damaged, or its whole lines are numbered, its torn end is one line at most, and it says again what it said.
fn read_journal(input: &[u8]) {
    let Ok(read) = journal::parse(input) else { return };
    let (whole, torn) = input.split_at(input.len() - read.torn);
    assert_eq!(whole.split_inclusive(|byte| *byte == b'\n').count(), read.records.len());
    assert!(!torn[..torn.len().saturating_sub(1)].contains(&b'\n'));
    for (index, record) in read.records.iter().enumerate() {
        assert_eq!(record.number, index as u64);
    }
    let again: String = read.records.iter().map(journal::line).collect();
    assert_eq!(journal::parse(again.as_bytes()).expect("what was read can be written").records, read.records);
}

/// A file that is said to be an archive, and each part of one by itself: checksums would keep a fuzzer out of them.
pub(crate) fn archive(input: &[u8]) {
    let Some((choice, bytes)) = input.split_first() else { return };
    match choice % 6 {
        0 => whole_archive(bytes),
        1 => block_of(bytes),
        2 => whole_archive(&framed(FrameKind::Block, Packing::Zstd, bytes)),
        3 => {
            let mut again = Vec::new();
            let read = index::entries(bytes).try_for_each(|entry| entry.map(|entry| index::push(&mut again, entry)));
            assert!(read.is_err() || again == bytes);
        }
        4 => {
            if let Ok(head) = Head::parse(bytes) {
                assert_eq!(Head::parse(&head.encode()), Ok(head));
            }
            if let Ok(end) = End::parse(bytes) {
                assert_eq!(End::parse(&end.encode()), Ok(end));
            }
        }
        _ => damaged_archive(bytes),
    }
}

/// Everything that a reader does with a file, and mends what it can.
fn whole_archive(bytes: &[u8]) {
    let Ok(found) = survey::survey(bytes) else { return };
    let mut items = Vec::new();
    for block in &found.blocks {
        let Ok(raw) = survey::payload(bytes, block) else { continue };
        items.extend(block::decode(&Bytes::from(raw)).unwrap_or_default());
    }
    replay(&items);
}

fn block_of(raw: &[u8]) {
    if let Ok(items) = block::decode(&Bytes::copy_from_slice(raw)) {
        let again = block::decode(&Bytes::from(block::encode_raw(&items))).expect("what was encoded is a block");
        assert_eq!(format!("{again:?}"), format!("{items:?}"));
        replay(&items);
    }
}

/// Replays items with a filter and without, strictly and torn: refused, or each znode behind its parent.
fn replay(items: &[Item]) {
    let globs = ["/a/*".to_owned()];
    for filter in [Filter::default(), Filter::new(&globs, &[]).expect("a glob")] {
        for torn in [false, true] {
            let wanted = Wanted { filter: filter.clone(), acl: AclPolicy::Preserve, names: true, torn };
            let (mut replay, mut visits) = (Replay::new(wanted), Vec::new());
            let replayed = items.iter().cloned().try_for_each(|item| replay.take(item, &mut visits));
            if replayed.and_then(|()| replay.finish(&mut visits)).is_err() {
                continue;
            }
            let mut given = std::collections::HashSet::new();
            for znode in visits.iter().filter_map(|visit| visit.znode()) {
                assert!(znode.path.parent().is_none_or(|parent| given.contains(&parent)), "{:?}", znode.path);
                given.insert(znode.path.clone());
            }
        }
    }
}

/// One frame with right checksums around a payload.
fn framed(kind: FrameKind, packing: Packing, payload: &[u8]) -> Vec<u8> {
    let kept_bytes = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    // A bomb: it says what it is allowed to say.
    let raw_bytes = kept_bytes.saturating_mul(64).min(16 << 20);
    let header = Header {
        kind,
        packing,
        sequence: 0,
        archive: 1,
        before: 0,
        znodes: 1,
        raw_bytes,
        kept_bytes,
        label_bytes: 0,
        checksum: checksum(payload),
    };
    [&header.encode(b"")[..], payload].concat()
}

/// A small archive with bytes of it changed, taken away or doubled, as the input says: what is left is as it was.
fn damaged_archive(damage: &[u8]) {
    let paths = ["/", "/a", "/b", "/b/c", "/b/d", "/e"];
    let item = |path: &&str| {
        let data = path.repeat(20);
        let data_length = i32::try_from(data.len()).expect("a few bytes");
        let stat = Stat { data_length, num_children: i32::from(*path == "/" || *path == "/b"), ..Stat::default() };
        let data = Some(Bytes::from(data));
        let acl = Some(Acl::open());
        Item::Znode(Znode { path: ZnodePath::new(path), data, acl, kind: Kind::Persistent, stat })
    };
    let head = Head {
        tool: String::new(),
        time: String::new(),
        source: String::new(),
        acls: AclsKept::Preserved,
        include: Vec::new(),
        exclude: Vec::new(),
    };
    let mut sink = Sink::begin(Vec::new(), head, 7).expect("memory takes everything");
    for path in &paths {
        sink.block(&block::encode(&[item(path)], 1)).expect("memory takes everything");
    }
    let (whole, ..) = sink.finish(None, None, true).expect("memory takes everything");
    let mut bytes = whole.clone();
    for change in damage.chunks_exact(4).take(8) {
        if bytes.is_empty() {
            return;
        }
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % bytes.len();
        match change[2] % 4 {
            0 => drop(bytes.drain(at..(at + usize::from(change[3])).min(bytes.len()))),
            1 => bytes.extend_from_within(at..),
            2 => bytes.truncate(at.max(1)),
            _ => bytes[at] ^= change[3],
        }
    }
    let Ok(found) = survey::survey(&bytes[..]) else { return };
    assert!(found.blocks.len() as u64 + found.losses.znodes >= paths.len() as u64 || found.losses.more);
    assert!(!found.losses.is_empty() || found.blocks.len() == paths.len());
    for block in &found.blocks {
        let raw = survey::payload(&bytes[..], block).expect("its checksum is right");
        let items = block::decode(&Bytes::from(raw)).expect("it is as it was written");
        let expected = item(&paths[block.header.sequence as usize - 1]);
        assert_eq!(format!("{items:?}"), format!("{:?}", [expected]));
    }
}
