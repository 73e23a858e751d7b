//! Connect strings and chroots.

use super::*;

fn parse(text: &str) -> ConnectString {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn takes_what_zookeepers_clients_take() {
    for (text, hosts, chroot) in [
        ("a:1/x", vec![("a", 1)], "/x"),
        ("a:1,b:2/x/y", vec![("a", 1), ("b", 2)], "/x/y"),
        ("a", vec![("a", 2181)], "/"),
        ("a:1/", vec![("a", 1)], "/"),
        ("a:1/x/", vec![("a", 1)], "/x"),
        ("[::1]:7/x", vec![("::1", 7)], "/x"),
        ("[::1]", vec![("::1", 2181)], "/"),
        ("[fe80::1%eth0]:7", vec![("fe80::1%eth0", 7)], "/"),
        ("a:1, b:2", vec![("a", 1), ("b", 2)], "/"),
    ] {
        let parsed = parse(text);
        let hosts: Vec<(String, u16)> = hosts.into_iter().map(|(host, port)| (host.to_owned(), port)).collect();
        assert_eq!(parsed.hosts, hosts, "{text}");
        assert_eq!(parsed.chroot.as_str(), chroot, "{text}");
        assert_eq!(parse(&parsed.to_string()), parsed, "{text}");
    }
}

#[test]
fn refuses_what_is_no_connect_string() {
    for text in [
        "",
        "/x",
        ",",
        "a,,b",
        "a:0",
        "a:65536",
        "a:b",
        "a:1:2",
        "::1",
        "[::1",
        "[::1]x",
        // Found by fuzzing: printed, it was another connect string.
        "[[]",
        "[a]:1",
        "a]:1",
        "a b:1",
        "a:1//x",
        "a:1/x//y",
        "a:1/./x",
        "a:1/../x",
        "a:1/x\u{1}",
        "a:1/\u{e000}",
        "a:1/zookeeper",
        "a:1/zookeeper/quota",
        "user:pw@a:1",
    ] {
        assert!(text.parse::<ConnectString>().is_err(), "{text:?} was taken");
    }
    assert_eq!(parse("a:1/zookeepers").chroot.as_str(), "/zookeepers");
    assert_eq!(parse("a:1/x/zookeeper").chroot.as_str(), "/x/zookeeper");
}

#[test]
fn says_of_each_slip_what_to_write() {
    for (text, advice) in [
        ("http://zk1:2181/a", "no http:// stands before servers; leave it out"),
        ("zk://zk1:2181/a", "no zk:// stands before servers; leave it out"),
        ("zk1:2181,", "a host is missing; its servers are one word, with commas and no spaces between them"),
        ("zk1:2181/a,zk2:2181/a", "the path stands once, behind the last server"),
        ("zk1:2181/a,zk2:2181", "the path stands once, behind the last server"),
        ("zk1:2181;zk2:2181/a", "a comma stands between servers, and no semicolon"),
        ("zk1:/a", "\"\" is no port; without a colon it is 2181"),
    ] {
        let refused = text.parse::<ConnectString>().expect_err(text).to_string();
        assert!(refused.contains(advice) && refused.ends_with(FORM), "{text}: {refused}");
    }
    for path in ["a:1//x", "a:1/./x", "a:1/x\u{1}"] {
        let refused = path.parse::<ConnectString>().expect_err(path).to_string();
        assert!(refused.ends_with(PATH_ADVICE), "{path}: {refused}");
    }
    let refused = "a:1/zookeeper/quota".parse::<ConnectString>().expect_err("ZooKeeper's own").to_string();
    assert!(refused.ends_with("name the root of another tree"), "{refused}");
    // Names with commas and colons are names.
    for path in ["/a,b", "/host,16020,1700000000000", "/a:1", "/a,b/c:1", "/a,:1"] {
        assert_eq!(parse(&format!("zk1:2181{path}")).chroot.as_str(), path);
    }
}

/// It was quoted in the message, since it stood behind the first slash.
#[test]
fn a_password_behind_a_scheme_is_shown_to_nobody() {
    let forms = [
        "zk://user:secret@zk1:2181/a",
        "user:secret@zk1:2181/a",
        // A password in base64 may hold a slash.
        "zk://user:pa/secret@zk1:2181/a",
        "user:pa/secret@zk1:2181/a",
        "user:12/secret@zk1:2181/a",
        "user:secret@http://zk1:2181/a",
    ];
    for text in forms {
        let refused = text.parse::<ConnectString>().expect_err("credentials").to_string();
        assert!(refused.contains("takes no credentials") && !refused.contains("secret"), "{refused}");
    }
}

#[test]
fn locates_a_path_below_its_chroot() {
    for (chroot, path, located) in
        [("/", "/", "/"), ("/", "/a", "/a"), ("/x", "/", "/x"), ("/x", "/a/b", "/x/a/b"), ("/x/y", "/a", "/x/y/a")]
    {
        let chroot = Chroot::new(chroot).unwrap_or_else(|error| panic!("{error}"));
        let path = ZnodePath::new(path);
        assert_eq!(chroot.locate(&path).to_string(), located);
        assert_eq!(chroot.locate(&path).len(), located.len());
        assert_eq!(chroot.below(located), Some(path));
    }
}

#[test]
fn finds_nothing_below_a_chroot_that_is_elsewhere() {
    let chroot = Chroot(String::from("/x"));
    for path in ["/", "/xy", "/a/x", "", "/x/"] {
        assert_eq!(chroot.below(path), None, "{path}");
    }
    assert_eq!(Chroot::none().below(""), None);
}

#[test]
fn names_the_ancestors_of_a_root() {
    let ancestors = |path: &str| Chroot(path.to_owned()).ancestors().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(ancestors("/a/b/c"), ["/a", "/a/b"]);
    assert!(ancestors("/a").is_empty());
    assert!(ancestors("/").is_empty());
}

#[test]
fn sees_that_one_tree_lies_in_the_other() {
    for (one, other, overlap) in [
        ("/a", "/a", true),
        ("/a", "/a/b", true),
        ("/", "/a", true),
        ("/a", "/ab", false),
        ("/a/b", "/a/c", false),
        ("/", "/", true),
    ] {
        let (one, other) = (Chroot(one.to_owned()), Chroot(other.to_owned()));
        assert_eq!(one.overlaps(&other), overlap);
        assert_eq!(other.overlaps(&one), overlap);
    }
}
