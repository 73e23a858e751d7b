//! A certificate is read as it was written, or refused with a reason; none is given for less than was proven.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::*;
use crate::digest::TreeDigest;
use crate::error::ErrorKind;
use crate::filter::Filter;
use crate::limits;
use crate::verify::{Differences, Subtree, Subtrees};

const ROOT: &str = "zk1:2181,[::1]:2182/pegasus/onebox";

fn options() -> VerifyOptions {
    let to = |connect: &str| EnsembleOptions::to(connect.parse().expect("a connect string"));
    VerifyOptions {
        source: to(ROOT).into(),
        target: to("new1:2181").into(),
        acl: AclPolicy::Preserve,
        filter: Filter::default(),
        counters: CounterPolicy::Ignore,
        ephemerals: crate::options::EphemeralPolicy::default(),
        depth: 2,
        target_seen: Zxid::default(),
        differences_listed: 10,
    }
}

fn sum(digit: char, znodes: u64) -> Summary {
    let digest: TreeDigest = digit.to_string().repeat(32).parse().expect("32 digits");
    Summary { znodes, bytes: 10 * znodes, digest }
}

/// A report of two equal trees that were quiet.
fn report() -> VerifyReport {
    let reading =
        |zxid| Reading { sum: sum('a', 4), zxid: Some(Zxid(zxid)), last_write: Zxid(5), children: 3, listed: 3 };
    let part = |path, digit, znodes| {
        let sum = sum(digit, znodes);
        Subtree { path: ZnodePath::new(path), source: sum, target: sum, sign: Sign::Same }
    };
    VerifyReport {
        source: reading(0x1_0000_0012),
        target: reading(7),
        subtrees: Subtrees { asked: 2, depth: 2, list: vec![part("/a", 'b', 3), part("/a/\u{e4}\"", 'c', 1)] },
        ..VerifyReport::default()
    }
}

fn certificate() -> Certificate {
    Certificate::of(&options(), &report()).expect("the trees are equal and were quiet")
}

/// What is done to a good document.
type Change<'a> = &'a dyn Fn(&mut Value);

fn refused(json: &Value) -> String {
    Certificate::parse(json.to_string().as_bytes()).expect_err("it is no certificate").to_string()
}

#[test]
fn is_read_as_it_was_written() {
    let certificate = certificate();
    assert_eq!(Certificate::parse(certificate.to_json().as_bytes()), Ok(certificate.clone()));
    let json: Value = serde_json::from_str(&certificate.to_json()).expect("it is JSON");
    assert_eq!(json["source"]["connect"], "zk1:2181,[::1]:2182");
    assert_eq!(json["source"]["root"], "/pegasus/onebox");
    assert_eq!(json["source"]["zxid"], "0x100000012");
    assert_eq!(json["target"]["root"], "/");
    assert_eq!(json["target"]["digest"], "a".repeat(32));
    let none: [&str; 0] = [];
    let terms = serde_json::json!(
        { "acl": "preserve", "include": none, "exclude": none, "counters": "ignore", "depth": 2 }
    );
    assert_eq!(json["options"], terms);
    assert_eq!(json["subtrees"][1]["path"], "/a/\u{e4}\"");
    let globs = ["/a/*".to_owned(), "/**/tmp".to_owned()];
    for acls in [Acls::Mapped, Acls::NotRead] {
        let (include, exclude) = (globs.to_vec(), globs[1..].to_vec());
        let terms = Terms { acls, include, exclude, counters: CounterPolicy::Compare, depth: 7 };
        let other = Certificate { terms, ..certificate.clone() };
        assert_eq!(Certificate::parse(other.to_json().as_bytes()), Ok(other));
    }
}

#[test]
fn says_on_which_terms_the_trees_were_compared() {
    let globs = ["/a/*".to_owned()];
    let options = VerifyOptions {
        acl: AclPolicy::Map("sasl:* -> digest:*".parse().expect("a map")),
        filter: Filter::new(&globs, &[]).expect("a glob"),
        counters: CounterPolicy::Compare,
        ..options()
    };
    let Certificate { terms, .. } = Certificate::of(&options, &report()).expect("the trees are equal");
    let counters = CounterPolicy::Compare;
    assert_eq!(terms, Terms { acls: Acls::Mapped, include: globs.into(), exclude: Vec::new(), counters, depth: 2 });
    let open = VerifyOptions { acl: AclPolicy::Open, ..options };
    let Certificate { terms, .. } = Certificate::of(&open, &report()).expect("the trees are equal");
    assert_eq!(terms.acls, Acls::NotRead);
}

#[test]
fn none_is_given_for_less_than_was_proven() {
    let why = |report: &VerifyReport| Certificate::of(&options(), report).expect_err("not proven");
    let quiet = report();
    let differences = |differences| VerifyReport { differences, ..report() };
    assert!(why(&differences(Differences { differing: 1, ..Differences::default() })).contains("not equal"));
    assert!(why(&differences(Differences { unreadable: 1, ..Differences::default() })).contains("could be read"));
    let mut vanished = report();
    vanished.skipped.vanished = 1;
    assert!(why(&vanished).contains("went away"));
    let written = Reading { last_write: Zxid(8), ..quiet.target };
    assert!(why(&VerifyReport { target: written, ..report() }).starts_with("target: it was written"));
    let deleted = Reading { children: 4, ..quiet.source };
    assert!(why(&VerifyReport { source: deleted, ..report() }).starts_with("source: it was written"));
    let unknown = Reading { zxid: None, ..quiet.source };
    assert!(why(&VerifyReport { source: unknown, ..report() }).contains("zxid"));
    let other = Reading { sum: sum('d', 4), ..quiet.target };
    assert!(why(&VerifyReport { target: other, ..report() }).contains("digests"));
}

#[test]
fn says_what_is_wrong_with_what_is_no_certificate() {
    let good: Value = serde_json::from_str(&certificate().to_json()).expect("it is JSON");
    let with = |change: Change<'_>| {
        let mut json = good.clone();
        change(&mut json);
        refused(&json)
    };
    let cases: [(&str, Change<'_>); 16] = [
        ("no certificate of zkreplicator", &|json| json["format"] = "receipt".into()),
        ("no certificate of zkreplicator", &|json| *json = 1.into()),
        ("format version 2", &|json| json["version"] = 2.into()),
        ("unknown field `filters`", &|json| json["options"]["filters"] = "/a".into()),
        ("unknown variant `copy`", &|json| json["options"]["acl"] = "copy".into()),
        ("--include \"a\"", &|json| json["options"]["include"] = vec!["a"].into()),
        ("more than 1000 globs", &|json| json["options"]["exclude"] = vec!["/a"; 1_001].into()),
        ("md5", &|json| json["digest_algorithm"] = "md5".into()),
        ("time", &|json| json["time"] = "yesterday".into()),
        ("are not equal", &|json| json["target"]["znodes"] = 5.into()),
        ("is no digest", &|json| json["source"]["digest"] = "A".repeat(32).into()),
        ("is no zxid", &|json| json["source"]["zxid"] = "0x0012".into()),
        ("source: ", &|json| json["source"]["root"] = "/a//b".into()),
        ("has a path", &|json| json["target"]["connect"] = "new1:2181/a".into()),
        ("no root of a subtree", &|json| json["subtrees"][0]["path"] = "/a/b/c".into()),
        ("not in order", &|json| json["subtrees"][1]["path"] = "/a".into()),
    ];
    for (says, change) in cases {
        let said = with(change);
        assert!(said.contains(says), "{said:?} does not say {says:?}");
    }
    let huge = vec![b' '; usize::try_from(limits::CERTIFICATE_BYTES_MAX).expect("it is small") + 1];
    let error = Certificate::parse(&huge).expect_err("it is too large").to_string();
    assert!(error.contains("more than 8388608 bytes"), "{error}");
}

#[test]
fn is_written_for_its_owner_alone_once_and_in_full() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("moved.json");
    assert_eq!(check_free(&file), Ok(()));
    assert_eq!(issue(&file, &options(), &report()), Ok(Issued::Written(file.clone())));
    let mode = file.metadata().expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let read = Certificate::read(&file).expect("it is a certificate");
    assert_eq!(read.source.sum, report().source.sum);

    // Not again: neither before the work nor after it.
    let error = check_free(&file).expect_err("it is there").to_string();
    assert!(error.contains("moved.json") && error.contains("name another one"), "{error}");
    assert!(matches!(issue(&file, &options(), &report()), Err(Error { kind: ErrorKind::Io(_), .. })));
    let left: Vec<_> = directory.path().read_dir().expect("it can be listed").collect();
    assert_eq!(left.len(), 1, "a temporary file is left: {left:?}");

    let nowhere = directory.path().join("missing/moved.json");
    assert!(check_free(&nowhere).expect_err("no such directory").to_string().contains("does not take files"));
    let error = Certificate::read(&nowhere).expect_err("no such file").to_string();
    assert!(error.starts_with("certificate ") && error.contains("moved.json"), "{error}");
}
