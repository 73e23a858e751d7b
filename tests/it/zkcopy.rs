//! zkcopy's own command line: what its tests ask for holds, on real servers; and where ours differs it is meant to.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::time::Duration;

use harness::proxy::{Direction, Flow, Reach};
use harness::tree::{self, TreeZnode};
use harness::{Proxy, Seen, load, read_tree, shared_pair, unique_root, until};
use replicator::copy::copy;
use replicator::limits;
use replicator::options::{CopyOptions, EnsembleOptions};
use replicator::progress::Progress;
use serde_json::Value;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;
use zookeeper_client::{Acl, Acls, AuthId, Client, CreateMode, CreateOptions, Permission};

use crate::product::{Outcome, Run, run};

const LIMIT: Duration = Duration::from_secs(60);
const OPEN: CreateOptions<'static> = CreateMode::Persistent.with_acls(Acls::anyone_all());
const EPHEMERAL: CreateOptions<'static> = CreateMode::Ephemeral.with_acls(Acls::anyone_all());

/// A root of a test's own on both servers, and clients there.
struct Ends {
    from: String,
    to: String,
    root: String,
    at_source: Client,
    at_target: Client,
}

impl Ends {
    async fn new(name: &str) -> Result<Self, harness::Error> {
        let (source, target) = shared_pair().await?;
        let root = unique_root(name);
        let (at_source, at_target) = (source.client().await?, target.client().await?);
        Ok(Self { from: source.at(&root), to: target.at(&root), root, at_source, at_target })
    }

    async fn load(&self, client: &Client, znodes: &[(&str, &str)]) -> Result<(), harness::Error> {
        let znodes = znodes.iter().map(|(path, data)| TreeZnode::new(*path, *data));
        load(client, &self.root, znodes).await.map(drop)
    }

    async fn zkcopy(&self, more: &[&str]) -> Run {
        run(&[&["zkcopy", "--format", "json", "-s", &self.from, "-t", &self.to], more].concat()).await
    }

    async fn copied(&self, more: &[&str]) -> Value {
        self.zkcopy(more).await.expect(0).json()["copy"].clone()
    }

    async fn there(&self) -> Result<BTreeMap<String, Seen>, harness::Error> {
        read_tree(&self.at_target, &self.root).await
    }

    fn path(&self, below: &str) -> String {
        format!("{}{below}", self.root)
    }
}

fn paths(tree: &BTreeMap<String, Seen>) -> Vec<&str> {
    tree.keys().map(String::as_str).collect()
}

/// Of zkcopy's integration test: 200 persistent children and 10 ephemeral ones, which are to be copied too.
#[tokio::test]
async fn copies_persistent_and_if_told_so_ephemeral_children() -> Outcome {
    let ends = Ends::new("zkcopy").await?;
    ends.load(&ends.at_source, &[("/persistent", "/persistent"), ("/ephemeral", "/ephemeral")]).await?;
    for index in 0..200 {
        let path = ends.path(&format!("/persistent/node-{index}"));
        ends.at_source.create(&path, index.to_string().as_bytes(), &OPEN).await?;
    }
    for index in 0..10 {
        let path = ends.path(&format!("/ephemeral/node-{index}"));
        ends.at_source.create(&path, index.to_string().as_bytes(), &EPHEMERAL).await?;
    }
    let ran = ends.zkcopy(&["--ignoreEphemeralNodes", "false"]).await.expect(0).says(&["warning", "-i false"]);
    let copied = &ran.json()["copy"];
    assert_eq!((&copied["znodes"]["created"], &copied["ephemerals_as_persistent"]), (&213.into(), &10.into()));
    let there = ends.there().await?;
    assert_eq!(there.len(), 3 + 200 + 10);
    assert_eq!(there["/persistent/node-77"].data, b"77");
    assert_eq!((&there["/ephemeral/node-3"].data[..], there["/ephemeral/node-3"].stat.ephemeral_owner), (&b"3"[..], 0));

    // A second run has nothing to do; a third, which leaves them out, takes back what was copied of them.
    assert_eq!(ends.copied(&["-i", "false"]).await["write_requests"], 0);
    let copied = ends.copied(&["-i"]).await;
    assert_eq!((&copied["znodes"]["deleted"], &copied["skipped"]["ephemeral"]), (&10.into(), &10.into()), "{copied:#}");
    assert_eq!(ends.there().await?.len(), 203);
    Ok(())
}

/// Of its writer's test: znodes that are new, that exist, that are there no more, and that are ephemeral.
#[tokio::test]
async fn creates_updates_and_removes_and_leaves_ephemerals_out() -> Outcome {
    let ends = Ends::new("zkcopy-writer").await?;
    ends.load(&ends.at_source, &[("/path", "the data"), ("/path/child", "the data")]).await?;
    assert_eq!(ends.copied(&["-c"]).await["znodes"]["created"], 3);
    let there = ends.there().await?;
    assert_eq!((paths(&there), &there["/path/child"].data[..]), (vec!["/", "/path", "/path/child"], &b"the data"[..]));

    for path in ["/path", "/path/child"] {
        ends.at_source.set_data(&ends.path(path), b"other", None).await?;
    }
    ends.load(&ends.at_target, &[("/path/a", ""), ("/path/b", ""), ("/path/b/below", "")]).await?;
    let copied = ends.copied(&["--copyOnly"]).await;
    assert_eq!((&copied["znodes"]["data_set"], &copied["znodes"]["deleted"]), (&2.into(), &0.into()));
    assert_eq!(ends.there().await?.len(), 6);
    assert_eq!(ends.copied(&["-c", "false"]).await["znodes"]["deleted"], 3);
    assert_eq!(paths(&ends.there().await?), ["/", "/path", "/path/child"]);

    ends.at_source.create(&ends.path("/path/lock"), b"", &EPHEMERAL).await?;
    assert_eq!(ends.copied(&[]).await["write_requests"], 0);
    assert_eq!(ends.there().await?.len(), 3);
    Ok(())
}

/// The time of the newest of these znodes; what is written after this call is newer.
async fn newest(client: &Client, root: &str, scratch: &str) -> Result<i64, Box<dyn std::error::Error>> {
    let newest = read_tree(client, root).await?.values().map(|seen| seen.stat.mtime).max().unwrap_or_default();
    client.create(scratch, b"", &OPEN).await?;
    until("a millisecond has passed", LIMIT, async || {
        let stat = client.set_data(scratch, b"", None).await.ok()?;
        (stat.mtime > newest).then_some(newest)
    })
    .await
    .map_err(Into::into)
}

/// Of its writer's test, that what is old is not written; and where zkcopy fails for want of a parent, ours makes it.
#[tokio::test]
async fn leaves_old_znodes_alone_and_makes_parents_of_new_ones() -> Outcome {
    let ends = Ends::new("zkcopy-mtime").await?;
    let old = [("/a", "a"), ("/a/b", "b"), ("/a/b/old", ""), ("/old", ""), ("/old/leaf", ""), ("/there", "source")];
    ends.load(&ends.at_source, &old).await?;
    let mtime = newest(&ends.at_source, &ends.root, &unique_root("zkcopy-clock")).await?.to_string();
    let acl = [Acl::new(Permission::READ | Permission::ADMIN, AuthId::anyone())];
    ends.at_source.set_acl(&ends.path("/a"), &acl, None).await?;
    let copied = ends.copied(&["-m", &mtime]).await;
    assert_eq!((&copied["write_requests"], &copied["skipped"]["older"]), (&0.into(), &7.into()), "{copied:#}");
    assert!(ends.at_target.check_stat(&ends.root).await?.is_none());

    ends.at_source.create(&ends.path("/a/b/new"), b"new", &OPEN).await?;
    ends.at_source.create(&ends.path("/a/b/new/er"), b"newer", &OPEN).await?;
    ends.load(&ends.at_target, &[("/there", "target"), ("/old", "target"), ("/extra", "")]).await?;
    let copied = ends.copied(&["-m", &mtime, "-c"]).await;
    assert_eq!((&copied["znodes"]["created"], &copied["znodes"]["data_set"]), (&4.into(), &0.into()), "{copied:#}");
    let there = ends.there().await?;
    assert_eq!(paths(&there), ["/", "/a", "/a/b", "/a/b/new", "/a/b/new/er", "/extra", "/old", "/there"]);
    assert_eq!((&there["/a"].data[..], &there["/a"].acl[..]), (&b"a"[..], &acl[..]));
    assert_eq!((&there["/there"].data[..], &there["/old"].data[..]), (&b"target"[..], &b"target"[..]));

    // What only the target has goes, and what is old does not.
    ends.at_source.set_data(&ends.path("/there"), b"set", None).await?;
    let copied = ends.copied(&["-m", &mtime]).await;
    assert_eq!((&copied["znodes"]["deleted"], &copied["znodes"]["data_set"]), (&1.into(), &1.into()), "{copied:#}");
    let there = ends.there().await?;
    assert!(!there.contains_key("/extra") && there["/there"].data == b"set" && there.contains_key("/old"));

    // By default everything is newer.
    ends.copied(&[]).await;
    run(&["verify", &ends.from, &ends.to]).await.expect(0);
    Ok(())
}

/// What comes to stand below an old parent behind the first pass finds it made, although that parent has not changed.
#[tokio::test]
async fn makes_parents_of_what_comes_while_it_copies() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("zkcopy-late");
    let (at_source, at_target) = (source.client().await?, target.client().await?);
    let old = ["/old", "/old/deep"].map(|path| TreeZnode::new(path, "old"));
    load(&at_source, &root, old.into_iter()).await?;
    let acl = [Acl::new(Permission::READ | Permission::ADMIN, AuthId::anyone())];
    let mtime = newest(&at_source, &root, &unique_root("zkcopy-clock")).await?;
    // More than the line holds: while nothing is acknowledged they can't all be read, and so the first pass can't end.
    load(&at_source, &root, tree::wide(limits::BUDGET_OPERATIONS + 20_000)).await?;

    let proxy = Proxy::start(target.address())?;
    // Slow enough that there is a middle.
    proxy.bandwidth(Direction::ToServer, Some(20_000));
    let to = |connect: &str| connect.parse().map(EnsembleOptions::to);
    let options = CopyOptions {
        update: true,
        newer_than_ms: Some(mtime),
        ..CopyOptions::between(to(&source.at(&root))?, to(&proxy.at(&root))?)
    };
    let (progress, never) = (Progress::default(), CancellationToken::new());
    let meanwhile = async {
        let begun = format!("{root}/wide");
        until("it has begun to write", LIMIT, async || at_target.check_stat(&begun).await.ok().flatten()).await?;
        proxy.flow(Direction::ToClient, Flow::Hold, Reach::All);
        until("the old ones were read", LIMIT, async || (progress.counts().read > 1_000).then_some(())).await?;
        at_source.create(&format!("{root}/old/deep/new"), b"new", &OPEN).await?;
        at_source.set_acl(&format!("{root}/old/deep"), &acl, None).await?;
        proxy.heal();
        Ok::<_, Box<dyn std::error::Error>>(())
    };
    let (copied, done) = tokio::join!(copy(&options, &progress, &never), meanwhile);
    done?;
    let passes = copied?.passes;
    assert!(passes.settled && passes.later.iter().sum::<u64>() >= 4, "{passes:?}: two parents, a child and an ACL");
    let there = read_tree(&at_target, &root).await?;
    assert_eq!(there["/old/deep/new"].data, b"new");
    assert_eq!((&there["/old/deep"].acl[..], &there["/old"].data[..]), (&acl[..], &b"old"[..]));
    Ok(())
}

/// Of the test of its transactions: each has as many writes as was said, and what is left in the end is written too.
#[tokio::test]
async fn writes_in_batches_of_the_size_that_was_said() -> Outcome {
    for (znodes, size, at_least) in [(500_u64, 10_u64, 50_u64), (9, 10, 1), (100, 1, 100), (40, 0, 40)] {
        let ends = Ends::new("zkcopy-batch").await?;
        let count = usize::try_from(znodes).expect("a few");
        load(&ends.at_source, &ends.root, tree::small(1, count)).await?;
        let copied = ends.copied(&["-b", &size.to_string()]).await;
        let requests = copied["write_requests"].as_u64().expect("a number");
        assert!(requests >= at_least && requests * size.max(1) > znodes, "{requests} requests: {copied:#}");
        assert_eq!(copied["znodes"]["created"], znodes + 1);
        run(&["verify", &ends.from, &ends.to]).await.expect(0);
    }
    Ok(())
}

#[tokio::test]
async fn is_called_by_its_own_name_too_and_tells_of_failures() -> Outcome {
    let ends = Ends::new("zkcopy-name").await?;
    ends.load(&ends.at_source, &[("/a", "1")]).await?;
    let directory = tempfile::tempdir()?;
    let link = directory.path().join("zkcopy");
    symlink(env!("CARGO_BIN_EXE_zkreplicator-under-test"), &link)?;
    let called = async |args: &[&str]| Command::new(&link).args(args).output().await;
    let ran = called(&["--source", &ends.from, "--target", &ends.to, "-w", "100", "-ci", "--timeout", "9000"]).await?;
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    assert_eq!(ends.there().await?.len(), 2);
    let help = called(&["--help"]).await?;
    let text = String::from_utf8(help.stdout)?;
    assert!(help.status.success());
    for option in ["--source", "--target", "--workers", "--copyOnly", "--ignoreEphemeralNodes", "--mtime", "--timeout"]
    {
        assert!(text.contains(option), "{option} is not in:\n{text}");
    }
    // zkcopy ends with 0 after each of these.
    let nowhere = unique_root("zkcopy-none");
    let (source, _) = shared_pair().await?;
    for (args, says) in [
        (&["-s", &source.at(&nowhere), "-t", &ends.to][..], "has no znode"),
        (&["-s", &ends.from, "-t", "127.0.0.1:1/a"], "refuses"),
        (&["-s", &ends.from], "--target"),
        (&["-s", &ends.from, "-t", &ends.to, "--workers"], "--workers"),
    ] {
        let ran = called(args).await?;
        let stderr = String::from_utf8(ran.stderr)?;
        assert!(ran.status.code() == Some(2) && stderr.contains(says), "{args:?}: {stderr}");
    }
    Ok(())
}

/// It loses no ACL, no znode for its name, and not half of the target.
#[tokio::test]
async fn keeps_what_zkcopy_loses() -> Outcome {
    let ends = Ends::new("zkcopy-keeps").await?;
    let readable = vec![Acl::new(Permission::READ | Permission::ADMIN, AuthId::anyone())];
    let znodes = [
        TreeZnode::new("/shut", "1").with_acl(readable.clone()),
        TreeZnode::new("/zookeeper", "2"),
        TreeZnode::new("/zookeeper/below", "3"),
    ];
    load(&ends.at_source, &ends.root, znodes.into_iter()).await?;
    ends.copied(&[]).await;
    let there = ends.there().await?;
    assert_eq!((paths(&there).len(), &there["/shut"].acl), (4, &readable));

    load(&ends.at_target, &ends.root, (0..1_100).map(|n| TreeZnode::new(format!("/extra-{n}"), ""))).await?;
    ends.zkcopy(&[]).await.expect(2).says(&["1100 of", "nothing was changed", "--max-delete 1100"]);
    assert_eq!(ends.copied(&["-c"]).await["write_requests"], 0);
    assert_eq!(ends.copied(&["--max-delete", "1100"]).await["znodes"]["deleted"], 1_100);

    // As zkcopy has it, where that was asked for.
    let other = format!("{}-open", ends.to);
    run(&["zkcopy", "-s", &ends.from, "-t", &other, "--acl", "open", "--exclude", "/**/zookeeper"]).await.expect(0);
    let there = read_tree(&ends.at_target, &format!("{}-open", ends.root)).await?;
    assert_eq!((paths(&there), &there["/shut"].acl[..]), (vec!["/", "/shut"], Acls::anyone_all().as_ref()));
    Ok(())
}
