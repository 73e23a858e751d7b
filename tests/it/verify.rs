//! Verify finds each single difference, says where, and proves nothing that it has not read.

use bytes::Bytes;
use harness::{load, read_tree, shared_pair, tree, unique_root};
use replicator::error::Side;
use replicator::options::EnsembleOptions;
use replicator::session::{Lane, WriteOp};
use replicator::znode::{self, Kind, ZnodePath};
use zookeeper_client::{Acl, Acls, AuthId, CreateMode, Permission};

use crate::product::{Outcome, run, run_with};

#[tokio::test]
async fn finds_each_difference_and_names_it() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("find");
    let (at_source, at_target) = (source.client().await?, target.client().await?);
    load(&at_source, &root, tree::pegasus_like(1, 3_000)).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    run(&["copy", "--verify", &from, &to]).await.expect(0);
    let tree = read_tree(&at_source, &root).await?;
    let leaf = tree.iter().rfind(|(_, seen)| seen.stat.num_children == 0 && seen.data.len() > 10).expect("a leaf");
    let path = format!("{root}{}", leaf.0);
    let options = CreateMode::Persistent.with_acls(Acls::anyone_all());
    let finds = async |line: String| {
        let found = run(&["verify", &from, &to]).await.expect(1);
        assert_eq!(found.stdout.lines().next(), Some(&*line), "{}", found.stdout);
    };

    let mut data = leaf.1.data.clone();
    data[3] ^= 1;
    at_target.set_data(&path, &data, None).await?;
    finds(format!("* {} (data)", leaf.0)).await;
    at_target.set_data(&path, &leaf.1.data, None).await?;

    let mut without_write = Permission::READ | Permission::CREATE | Permission::DELETE | Permission::ADMIN;
    at_target.set_acl(&path, &[Acl::new(without_write, AuthId::anyone())], None).await?;
    finds(format!("* {} (acl)", leaf.0)).await;
    without_write = Permission::ALL;
    at_target.set_acl(&path, &[Acl::new(without_write, AuthId::anyone())], None).await?;

    at_target.delete(&path, None).await?;
    finds(format!("+ {}", leaf.0)).await;
    at_target.create(&path, &leaf.1.data, &options).await?;

    // One too many: beside others, and below a leaf of the source, with more below it.
    at_target.create(&format!("{root}/extra"), b"", &options).await?;
    finds("- /extra".to_owned()).await;
    at_target.delete(&format!("{root}/extra"), None).await?;
    at_target.create(&format!("{path}/x"), b"", &options).await?;
    at_target.create(&format!("{path}/x/y"), b"", &options).await?;
    let found = run(&["verify", "--format", "json", &from, &to]).await.expect(1).json();
    assert_eq!(found["verify"]["differences"]["only_target"], 2);
    assert_ne!(found["verify"]["source"]["digest"], found["verify"]["target"]["digest"]);
    at_target.delete(&format!("{path}/x/y"), None).await?;
    at_target.delete(&format!("{path}/x"), None).await?;
    run(&["verify", &from, &to]).await.expect(0);
    Ok(())
}

#[tokio::test]
async fn takes_a_missing_target_for_missing_znodes() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("missing");
    load(&source.client().await?, &root, tree::small(2, 300)).await?;
    let found = run(&["verify", "--list", "3", &source.at(&root), &target.at(&root)]).await.expect(1);
    let lines: Vec<&str> = found.stdout.lines().collect();
    assert_eq!(lines[0], "+ /");
    assert_eq!(lines[3], "... and 298 more");
    Ok(())
}

#[tokio::test]
async fn ephemerals_are_no_difference_but_a_persistent_copy_of_one_is() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("ephemeral");
    let (at_source, at_target) = (source.client().await?, target.client().await?);
    load(&at_source, &root, tree::small(3, 50)).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    run(&["copy", &from, &to]).await.expect(0);
    let ephemeral = CreateMode::Ephemeral.with_acls(Acls::anyone_all());
    at_source.create(&format!("{root}/lock"), b"", &ephemeral).await?;
    at_target.create(&format!("{root}/other"), b"", &ephemeral).await?;
    run(&["verify", &from, &to]).await.expect(0);
    at_target.create(&format!("{root}/lock"), b"", &CreateMode::Persistent.with_acls(Acls::anyone_all())).await?;
    let found = run(&["verify", &from, &to]).await.expect(1);
    assert!(found.stdout.starts_with("- /lock\n"), "{}", found.stdout);
    Ok(())
}

#[tokio::test]
async fn does_not_call_equal_what_it_may_not_read() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("unreadable");
    let at_source = source.client().await?;
    load(&at_source, &root, tree::small(4, 50)).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    run(&["copy", &from, &to]).await.expect(0);
    let path = read_tree(&at_source, &root).await?.into_keys().next_back().expect("a znode");
    let nobody = [Acl::new(Permission::ALL, AuthId::new("ip", "192.0.2.1"))];
    at_source.set_acl(&format!("{root}{path}"), &nobody, None).await?;
    let found = run(&["verify", &from, &to]).await.expect(2);
    assert!(found.stdout.starts_with(&format!("! {path}\n")), "{}", found.stdout);
    assert!(!found.stdout.contains("equal:"), "{}", found.stdout);
    run(&["copy", "--update", &from, &to]).await.expect(2).says(&["source: read", &path, "not authorized"]);
    Ok(())
}

#[tokio::test]
async fn a_masked_acl_is_neither_copied_nor_called_equal() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("masked");
    let at_source = source.client().await?;
    at_source.auth("digest", b"owner:secret").await?;
    load(&at_source, &root, tree::small(5, 20)).await?;
    let path = read_tree(&at_source, &root).await?.into_keys().next_back().expect("a znode");
    let hash = "owner:n3Fb7zGyNl6WrGB/0YaCZ3OJ4fI=";
    let acl = [Acl::new(Permission::READ, AuthId::anyone()), Acl::new(Permission::ALL, AuthId::new("digest", hash))];
    at_source.set_acl(&format!("{root}{path}"), &acl, None).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    run(&["copy", &from, &to]).await.expect(2).says(&["hides an id", &path, "ADMIN"]);
    let superuser_less = run(&["verify", &from, &to]).await;
    assert!(!superuser_less.stdout.contains("equal:"), "{}", superuser_less.stdout);
    Ok(())
}

#[tokio::test]
async fn each_sides_credentials_stay_on_their_side() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("sides");
    let (at_source, at_target) = (source.client().await?, target.client().await?);
    at_source.auth("digest", b"reader:one").await?;
    at_target.auth("digest", b"writer:two").await?;
    let mine = CreateMode::Persistent.with_acls(Acls::creator_all());
    at_source.create(&root, b"root", &mine).await?;
    at_source.create(&format!("{root}/child"), b"child", &mine).await?;
    at_target.create(&root, b"", &mine).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    let copy = ["copy", &*from, &*to];

    let (reader, writer) = ("digest:reader:one", "digest:writer:two");
    run(&copy).await.expect(2).says(&["source: ", "not authorized"]);
    // The source's credentials do not open the target, nor the other way round.
    run_with(&[("ZKREPLICATOR_SOURCE_AUTH", reader)], &copy).await.expect(2).says(&["target: ", "not authorized"]);
    run_with(&[("ZKREPLICATOR_TARGET_AUTH", writer)], &copy).await.expect(2).says(&["source: ", "not authorized"]);
    // A side's own replaces what is for both.
    run_with(&[("ZKREPLICATOR_AUTH", reader), ("ZKREPLICATOR_SOURCE_AUTH", "digest:nobody:x")], &copy).await.expect(2);

    let directory = tempfile::tempdir()?;
    let file = directory.path().join("target-auth");
    std::fs::write(&file, format!("# the target's\n{writer}\n"))?;
    let file = file.to_str().expect("a temp path is UTF-8");
    let args = ["copy", "--target-auth-file", file, "-vv", &from, &to];
    let ran = run_with(&[("ZKREPLICATOR_AUTH", reader), ("RUST_LOG", "trace")], &args).await.expect(0);
    for secret in ["reader:one", "writer:two", ":one", ":two"] {
        assert!(!ran.stderr.contains(secret) && !ran.stdout.contains(secret), "{secret} stands in the output");
    }
    // The copy carries the source's ACLs, so now it is the reader who may read the target.
    run_with(&[("ZKREPLICATOR_AUTH", reader)], &["verify", &from, &to]).await.expect(0);
    Ok(())
}

/// Review finding: the walk of extras waited for windows held by pairs that nobody drove meanwhile.
#[tokio::test]
async fn does_not_hang_when_extras_come_while_many_acls_are_under_way() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("extras");
    let (at_source, at_target) = (source.client().await?, target.client().await?);
    load(&at_source, &root, tree::small(6, 20_000)).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    run(&["copy", &from, &to]).await.expect(0);
    // One too many below each of many leaves, met all along the way.
    let leaves = read_tree(&at_source, &root).await?.into_iter().filter(|(_, seen)| seen.stat.num_children == 0);
    let options = CreateMode::Persistent.with_acls(Acls::anyone_all());
    let mut extras = 0;
    for (path, _) in leaves.step_by(50) {
        at_target.create(&format!("{root}{path}/extra"), b"", &options).await?;
        extras += 1;
    }
    let found = run(&["verify", "--format", "json", &from, &to]).await.expect(1).json();
    assert_eq!(found["verify"]["differences"]["only_target"], extras);
    Ok(())
}

#[tokio::test]
async fn says_that_acls_were_not_read_when_they_were_not() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("acl-open");
    let at_source = source.client().await?;
    load(&at_source, &root, tree::small(7, 30)).await?;
    let path = read_tree(&at_source, &root).await?.into_keys().next_back().expect("a znode");
    at_source.set_acl(&format!("{root}{path}"), &Acls::anyone_read(), None).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    let copied = run(&["copy", "--acl", "open", "--verify", &from, &to]).await.expect(0);
    assert!(copied.stdout.contains("ACLs        not read"), "{}", copied.stdout);
    let ignored = run(&["verify", "--acl", "ignore", "--format", "json", &from, &to]).await.expect(0).json();
    assert_eq!(ignored["acl"], "not read");
    let found = run(&["verify", "--format", "json", &from, &to]).await.expect(1).json();
    assert_eq!(found["acl"], "preserved");
    assert_eq!(found["verify"]["differences"]["differing"], 1);
    // A digest without ACLs is never taken for one with them.
    assert_ne!(found["verify"]["target"]["digest"], ignored["verify"]["target"]["digest"]);
    Ok(())
}

/// Runs a verify that must find one difference, and gives it.
async fn the_only_difference(options: &[&str], from: &str, to: &str) -> serde_json::Value {
    let found = run(&[&["verify", "--format", "json", from, to], options].concat()).await.expect(1).json();
    assert_eq!(found["verify"]["differences"]["total"], 1, "{found:#}");
    assert_eq!(found["verify"]["differences"]["unreadable"], 0, "{found:#}");
    assert_ne!(found["verify"]["source"]["digest"], found["verify"]["target"]["digest"]);
    found["verify"]["differences"]["list"][0].clone()
}

/// The lane writes what the other client can't: null data.
#[tokio::test]
async fn finds_each_single_difference_in_100_000_znodes() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("planted");
    load(&source.client().await?, &root, tree::pegasus_like(9, 100_000)).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    run(&["copy", &from, &to]).await.expect(0);
    let equal = run(&["verify", "--counters", "--depth", "9", "--format", "json", &from, &to]).await.expect(0).json();
    // Too many partitions for a digest each: the tables have theirs.
    assert_eq!(equal["verify"]["subtrees"]["depth"], 2);
    assert!(equal["verify"]["subtrees"]["list"].as_array().is_some_and(|list| list.len() > 100));
    assert!(equal["process"]["resident_bytes_max"].as_u64() < Some(48 * 1024 * 1024), "{}", equal["process"]);
    let lane = Lane::connect(Side::Target, &EnsembleOptions::to(to.parse()?)).await?;
    let path = ZnodePath::new("/apps/20/3");
    let leaf = lane.znode(&path).await?.expect("the tree has it");
    let create = |path: &ZnodePath| WriteOp::Create {
        path: path.clone(),
        data: leaf.data.clone(),
        acl: znode::Acl::open(),
        kind: Kind::Persistent,
    };
    let set = |path: &ZnodePath, data| WriteOp::SetData { path: path.clone(), data, version: -1 };
    let set_acl = |acl| WriteOp::SetAcl { path: path.clone(), acl, aversion: -1, seals: false };
    let delete = |path: &ZnodePath| WriteOp::Delete { path: path.clone(), version: -1 };
    let difference = async |sign: &str, path: &ZnodePath, what: &[&str]| {
        let found = the_only_difference(&[], &from, &to).await;
        let expected = serde_json::json!({ "sign": sign, "path": path.as_str(), "what": what, "counter": null });
        assert_eq!(found, expected);
    };

    let extra = path.child("extra");
    lane.write(vec![create(&extra), delete(&extra)]).await?;
    let found = the_only_difference(&["--counters"], &from, &to).await;
    let counter = serde_json::json!({ "source": 0, "target": 1 });
    assert_eq!((&found["path"], &found["counter"]), (&path.as_str().into(), &counter));

    let mut data = leaf.data.as_deref().expect("it has data").to_vec();
    *data.last_mut().expect("it is not empty") ^= 1;
    lane.write(vec![set(&path, Some(data.into()))]).await?;
    difference("*", &path, &["data"]).await;
    lane.write(vec![set(&path, leaf.data.clone())]).await?;

    let entry = znode::AclEntry { perms: 31 - 8, scheme: "world".into(), id: "anyone".into() };
    lane.write(vec![set_acl(znode::Acl::new([entry]))]).await?;
    difference("*", &path, &["acl"]).await;
    lane.write(vec![set_acl(znode::Acl::open())]).await?;

    let empty = ZnodePath::new("/bulk_load");
    assert_eq!(lane.znode(&empty).await?.expect("the tree has it").data, Some(Bytes::new()));
    lane.write(vec![set(&empty, None)]).await?;
    difference("*", &empty, &["data"]).await;
    lane.write(vec![set(&empty, Some(Bytes::new()))]).await?;

    lane.write(vec![delete(&path)]).await?;
    difference("+", &path, &[]).await;
    lane.write(vec![create(&path)]).await?;

    lane.write(vec![create(&extra)]).await?;
    difference("-", &extra, &[]).await;
    lane.write(vec![delete(&extra)]).await?;

    run(&["verify", &from, &to]).await.expect(0);
    Ok(())
}

#[tokio::test]
async fn a_single_counter_is_a_difference_only_where_counters_are_compared() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("counter");
    load(&source.client().await?, &root, tree::small(10, 2_000)).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    let same = target.at(&unique_root("counted-same"));
    run(&["copy", &from, &to]).await.expect(0);
    run(&["copy", &from, &same]).await.expect(0);
    let at_target = target.client().await?;
    let sequential = CreateMode::PersistentSequential.with_acls(Acls::anyone_all());
    let (_, number) = at_target.create(&format!("{root}/0/1/n-"), b"", &sequential).await?;
    at_target.delete(&format!("{root}/0/1/n-{number}"), None).await?;
    let number = number.into_i64();

    let plain = run(&["verify", "--format", "json", &from, &to]).await.expect(0).json();
    let found = the_only_difference(&["--counters"], &from, &to).await;
    assert_eq!((found["path"].as_str(), &found["what"]), (Some("/0/1"), &serde_json::json!(["counter"])));
    // The number that the next sequential child gets.
    assert_eq!(found["counter"], serde_json::json!({ "source": number, "target": number + 1 }));
    let text = run(&["verify", "--counters", &from, &to]).await.expect(1).stdout;
    let line = format!("* /0/1 (counter {number} at the source, {} at the target)\n", number + 1);
    assert!(text.starts_with(&line) && text.contains("counters    compared"), "{text}");
    let counted = run(&["verify", "--counters", "--format", "json", &from, &same]).await.expect(0).json();
    assert_ne!(counted["verify"]["source"]["digest"], plain["verify"]["source"]["digest"]);
    assert_eq!(plain["verify"]["counters"], "not compared");
    assert_eq!(counted["verify"]["counters"], "compared");
    Ok(())
}

#[tokio::test]
async fn digests_by_subtree_say_which_ones_differ() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("depth");
    let (at_source, at_target) = (source.client().await?, target.client().await?);
    load(&at_source, &root, tree::small(11, 3_000)).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    run(&["copy", &from, &to]).await.expect(0);
    let options = CreateMode::Persistent.with_acls(Acls::anyone_all());
    at_source.create(&format!("{root}/only"), b"", &options).await?;
    at_target.create(&format!("{root}/extra"), b"", &options).await?;
    at_target.create(&format!("{root}/extra/x"), b"", &options).await?;
    at_target.set_data(&format!("{root}/3/4/5"), b"another", None).await?;

    let found = run(&["verify", "--depth", "2", "--format", "json", &from, &to]).await.expect(1).json();
    let subtrees = &found["verify"]["subtrees"];
    assert_eq!((&subtrees["depth"], &subtrees["depth_asked"]), (&2.into(), &2.into()));
    let list = subtrees["list"].as_array().expect("a list");
    // 16 children, 16 of each, and what was planted.
    assert_eq!(list.len(), 16 + 256 + 3);
    let sign = |path: &str| {
        let of_path = list.iter().find(|part| part["path"] == path).unwrap_or_else(|| panic!("no {path}"));
        of_path["sign"].as_str().expect("a sign").to_owned()
    };
    let signs = ["/only", "/extra", "/extra/x", "/3", "/3/4", "/3/5", "/4"].map(sign);
    assert_eq!(signs, ["+", "-", "-", "*", "*", "=", "="]);
    assert_eq!(list.iter().filter(|part| part["sign"] == "=").count(), list.len() - 5);
    let of =
        |path: &str, side: &str| list.iter().find(|part| part["path"] == path).expect("it is listed")[side].clone();
    assert_eq!(of("/only", "target"), serde_json::Value::Null);
    assert_eq!(of("/extra", "target")["znodes"], 2);
    assert_eq!(of("/4", "source"), of("/4", "target"));

    let found = run(&["verify", "--depth", "1", &from, &to]).await.expect(1).stdout;
    for line in ["* /3/4/5 (data)\n", "= /4/**  ", "* /3/**  source: ", "+ /only/**  1 znodes", "- /extra/**  2 znodes"]
    {
        assert!(found.contains(line), "no {line:?} in\n{found}");
    }
    let without = run(&["verify", &from, &to]).await.expect(1).stdout;
    assert!(!without.contains("/**"), "{without}");
    Ok(())
}

#[tokio::test]
async fn says_behind_which_zxid_each_side_was_read() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("zxid");
    let at_source = source.client().await?;
    load(&at_source, &root, tree::small(12, 100)).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    run(&["copy", &from, &to]).await.expect(0);
    let found = run(&["verify", "--format", "json", &from, &to]).await.expect(0).json();
    let zxid = |side: &str| {
        let text = found["verify"][side]["zxid"].as_str().expect("the wire transport tells");
        i64::from_str_radix(text.strip_prefix("0x").expect("in hexadecimal"), 16).expect("a number")
    };
    for (side, client) in [("source", at_source), ("target", target.client().await?)] {
        let written = read_tree(&client, &root).await?.into_values().map(|seen| seen.stat.mzxid).max();
        assert!(Some(zxid(side)) >= written, "{found:#}");
    }
    assert_eq!(found["verify"]["source"]["written_while_read"], serde_json::Value::Null);
    let text = run(&["verify", &from, &to]).await.expect(0).stdout;
    assert_eq!(text.matches(", read behind zxid 0x").count(), 2, "{text}");
    Ok(())
}

#[tokio::test]
async fn a_tree_is_not_compared_with_itself_whatever_it_is_called() -> Outcome {
    let (source, _) = shared_pair().await?;
    let (root, other) = (unique_root("verify-itself"), unique_root("verify-another"));
    load(&source.client().await?, &root, tree::small(1, 5)).await?;
    let from = source.at(&root);
    let by_another_name = from.replace("127.0.0.1", "localhost");
    assert_ne!(from, by_another_name);
    let directory = tempfile::tempdir()?;
    let certificate = directory.path().join("certificate.json");
    let file = certificate.to_str().ok_or("UTF-8")?;
    for target in [&from, &by_another_name] {
        let refused = run(&["verify", "--certificate", file, &from, target]).await.expect(2).stderr;
        assert!(refused.contains("are one tree") && refused.contains("nothing was compared"), "{refused}");
        assert!(!certificate.exists());
    }
    // Another tree of the same ensemble is another tree.
    run(&["copy", &from, &source.at(&other)]).await.expect(0);
    run(&["verify", &from, &source.at(&other)]).await.expect(0);
    Ok(())
}

#[tokio::test]
async fn servers_of_two_ensembles_make_no_tree() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("two-ensembles");
    load(&source.client().await?, &root, tree::small(1, 50)).await?;
    run(&["copy", &source.at(&root), &target.at(&root)]).await.expect(0);
    let both = format!("{},{}", source.address(), target.at(&root));
    let copy = target.at(&format!("{root}-copy"));
    for args in
        [vec!["copy", &both, &copy], vec!["verify", &both, &copy], vec!["scan", &both], vec!["sync", &copy, &both]]
    {
        let refused = run(&args).await.expect(2).stderr;
        assert!(refused.contains("are not of one ensemble"), "{args:?}: {refused}");
    }
    run(&["scan", &copy]).await.expect(2);
    Ok(())
}
