//! What servers say of themselves.

use super::*;

#[test]
fn reads_the_version_of_any_release_and_of_nothing_else() {
    for (answer, version) in [
        ("Zookeeper version: 3.4.14-4c25d480e66aadd371de8bd2fd8da255ac140bcf, built on 03/06/2019\nMode", Some((3, 4))),
        ("Zookeeper version: 3.8.0-${mvngit.commit.id}, built on 2024-12-29 17:54 UTC\n", Some((3, 8))),
        ("Zookeeper version: 3.10-SNAPSHOT, built on", Some((3, 10))),
        ("srvr is not executed because it is not in the whitelist.\n", None),
        ("This ZooKeeper instance is not currently serving requests\n", None),
        ("ClickHouse Keeper version: v25.3\n", None),
        ("Zookeeper version: ", None),
        ("Zookeeper version: 3.", None),
        ("", None),
    ] {
        assert_eq!(parse(answer).version, version, "{answer}");
    }
}

#[test]
fn reads_the_mode_where_it_is_told() {
    let answer = |mode: &str| format!("Zookeeper version: 3.8.0-x, built on\nZxid: 0x5\nMode: {mode}\nNode count: 5\n");
    for (mode, leads) in [("leader", true), ("follower", false), ("observer", false), ("standalone", false)] {
        assert_eq!(parse(&answer(mode)).leads, Some(leads), "{mode}");
    }
    assert_eq!(parse("srvr is not executed because it is not in the whitelist.\n").leads, None);
    assert!(parse(&answer("read-only")).gives_none.is_some_and(|why| why.contains("read-only")));
    assert!(parse("This ZooKeeper instance is not currently serving requests\n").gives_none.is_some());
    assert_eq!(parse(&answer("leader")).gives_none, None);
}
