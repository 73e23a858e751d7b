//! What is written for one quota, and what is not.

use super::*;

fn limits(text: &'static str) -> Limits {
    Limits { data: Some(Bytes::from_static(text.as_bytes())), version: 7 }
}

/// What `target` gets for a quota on `at`, when the source has quotas on `ours` too.
fn brought(at: &str, text: &'static str, ours: &[&str], target: &mut Quotas) -> (Becomes, Vec<String>) {
    let ours = ours.iter().chain([&at]).map(|&at| at.to_owned()).collect();
    let (becomes, writes) = bring(at, &limits(text), &ours, target);
    let say = |write: &WriteOp| match write {
        WriteOp::SetData { path, version, .. } => format!("set {path} at {version}"),
        write => format!("{} {}", write.name(), write.path()),
    };
    (becomes, writes.iter().map(say).collect())
}

const SMALL: &str = "count=5,bytes=-1";

#[test]
fn a_new_quota_is_made_with_what_it_stands_on_limits_before_stats() {
    let mut target = Quotas::of(&[("/", None, false)]);
    let (becomes, writes) = brought("/a/b", SMALL, &[], &mut target);
    assert_eq!(becomes, Becomes::Set);
    let made = ["", "/b", "/b/zookeeper_limits", "/b/zookeeper_stats"];
    assert_eq!(writes, made.map(|path| format!("create /zookeeper/quota/a{path}")));
    // What stands by then is not made twice.
    let (_, writes) = brought("/a/c", SMALL, &["/a/b"], &mut target);
    assert_eq!(writes[0], "create /zookeeper/quota/a/c");
}

#[test]
fn equal_limits_are_kept_and_others_set_where_they_were_read() {
    let mut target = Quotas::of(&[("/a", Some(limits(SMALL)), true)]);
    assert_eq!(brought("/a", SMALL, &[], &mut target), (Becomes::Kept, Vec::new()));
    let set = "set /zookeeper/quota/a/zookeeper_limits at 7".to_owned();
    assert_eq!(brought("/a", "count=6,bytes=-1", &[], &mut target), (Becomes::Set, vec![set]));
}

#[test]
fn missing_stats_are_created_and_leftover_ones_made_anew() {
    let mut target = Quotas::of(&[("/a", Some(limits(SMALL)), false), ("/b", None, true)]);
    let (_, writes) = brought("/a", SMALL, &[], &mut target);
    assert_eq!(writes, ["create /zookeeper/quota/a/zookeeper_stats"]);
    let (_, writes) = brought("/b", SMALL, &[], &mut target);
    let at = "/zookeeper/quota/b/zookeeper_";
    assert_eq!(writes, [format!("create {at}limits"), format!("delete {at}stats"), format!("create {at}stats")]);
}

#[test]
fn a_quota_that_the_server_can_not_have_is_refused() {
    let mut target = Quotas::of(&[("/a", Some(limits(SMALL)), true)]);
    for (at, text, because) in [
        ("/", SMALL, Becomes::AtRoot),
        ("/b", "", Becomes::Garbled),
        ("/b", "count", Becomes::Garbled),
        ("/b", "count=,bytes=1", Becomes::Garbled),
        ("/a/b/c", SMALL, Becomes::Nested),
    ] {
        assert_eq!(brought(at, text, &[], &mut target), (because, Vec::new()), "{at} {text:?}");
    }
    let mut below = Quotas::of(&[("/b/c/d", Some(limits(SMALL)), true), ("/b-c", Some(limits(SMALL)), true)]);
    assert_eq!(brought("/b", SMALL, &[], &mut below).0, Becomes::Nested);
    assert_eq!(brought("/b-", SMALL, &[], &mut below).0, Becomes::Set, "a name that begins like it is not below it");
    // As nested as it is at the source.
    assert_eq!(brought("/b", SMALL, &["/b/c/d"], &mut below).0, Becomes::Set);
}

#[test]
fn limits_of_every_release_can_be_parsed() {
    for text in ["count=5,bytes=-1", "count=5,bytes=10=;byteHardLimit=20;countHardLimit=7", "bytes=3,count=1"] {
        assert!(limits(text).can_be_parsed(), "{text}");
    }
    assert!(!Limits { data: None, version: 0 }.can_be_parsed());
}

#[test]
fn the_report_counts_all_and_lists_the_first() {
    let planned = |number: usize| Planned {
        path: ZnodePath::new(&format!("/{number}")),
        becomes: [Becomes::Set, Becomes::Kept, Becomes::Absent, Becomes::Nested][number % 4],
        writes: Vec::new(),
    };
    let report = Plan((0..4 * limits::QUOTAS_LISTED).map(planned).collect()).report();
    let QuotaReport { set, kept, skipped, refused, list } = report;
    assert_eq!((set, kept, skipped, refused), (100, 100, 200, 100));
    assert_eq!(list.len(), limits::QUOTAS_LISTED);
}
