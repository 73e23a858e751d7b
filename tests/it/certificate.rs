//! Certificates of real trees: given for what was proven and for nothing else, and told apart from what they are not of.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use harness::{Server, ServerOptions, load, read_tree, shared_pair, tree, unique_root, until};
use serde_json::Value;
use zookeeper_client::{Acls, CreateMode};

use crate::product::{Outcome, run};

/// A tree at the source and its copy at the target, as connect strings.
async fn copied(root: &str, seed: u64, znodes: usize) -> Result<(String, String), harness::Error> {
    let (source, target) = shared_pair().await?;
    load(&source.client().await?, root, tree::small(seed, znodes)).await?;
    let (from, to) = (source.at(root), target.at(root));
    run(&["copy", &from, &to]).await.expect(0);
    Ok((from, to))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a temp path is UTF-8")
}

fn json(path: &Path) -> Value {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).expect("a certificate is JSON")
}

#[tokio::test]
async fn either_tree_equals_its_certificate_until_it_changes() -> Outcome {
    let (_, target) = shared_pair().await?;
    let root = unique_root("certified");
    let (from, to) = copied(&root, 1, 2_000).await?;
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("moved.json");
    let certificate = text(&file);
    let ran = run(&["verify", "--depth", "2", "--certificate", certificate, &from, &to]).await.expect(0);
    assert!(ran.stdout.contains(&format!("certificate {certificate}\n")), "{}", ran.stdout);

    let held = json(&file);
    assert_eq!(held["verdict"], "equal");
    assert_eq!(held["source"]["znodes"], 2_001);
    assert_eq!(held["source"]["root"], root);
    assert!(from.starts_with(held["source"]["connect"].as_str().expect("a connect string")), "{held:#}");
    assert!(held["target"]["zxid"].as_str().is_some_and(|zxid| zxid.starts_with("0x")), "{held:#}");
    assert_eq!(held["subtrees"].as_array().map(Vec::len), Some(16 + 256));

    for tree in [&from, &to] {
        let equal = run(&["verify", "--against", certificate, tree]).await.expect(0);
        assert!(equal.stdout.contains(&format!("equal: {tree} and certificate {certificate} of ")), "{}", equal.stdout);
    }
    let at_target = target.client().await?;
    at_target.set_data(&format!("{root}/3/4/5"), b"changed", None).await?;
    run(&["verify", "--against", certificate, &from]).await.expect(0);
    let found = run(&["verify", "--against", certificate, &to]).await.expect(1);
    let differing: Vec<&str> = found.stdout.lines().filter(|line| line.starts_with("* ")).collect();
    assert!(
        matches!(differing[..], [one, other] if one.starts_with("* /3/**  certificate: ") && other.starts_with("* /3/4/**  ")),
        "{differing:?}"
    );
    let found = run(&["verify", "--against", certificate, "--format", "json", &to]).await.expect(1).json();
    assert_eq!((&found["verdict"], &found["against"]["equal"]), (&"different".into(), &false.into()));
    assert_eq!(found["against"]["certificate"]["digest"], held["source"]["digest"]);
    assert_eq!(found["against"]["tree"]["znodes"], 2_001);
    Ok(())
}

#[tokio::test]
async fn a_copy_gives_one_too_for_its_owner_alone_and_overwrites_none() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("copy-certified");
    load(&source.client().await?, &root, tree::pegasus_like(2, 500)).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("moved.json");
    let certificate = text(&file);
    run(&["copy", "--certificate", certificate, &from, &to]).await.expect(2).says(&["--verify"]);
    let ran = run(&["copy", "--verify", "--certificate", certificate, "--format", "json", &from, &to]).await.expect(0);
    assert_eq!(ran.json()["certificate"], serde_json::json!({ "written": true, "file": certificate }));
    assert_eq!(std::fs::metadata(&file)?.permissions().mode() & 0o777, 0o600);

    // Refused before anything is read or written: nobody listens there.
    let before = std::fs::read(&file)?;
    let (nobody, elsewhere) = ("127.0.0.1:1/a", target.at(&unique_root("never")));
    for args in [vec!["copy", "--verify"], vec!["verify"]] {
        let args = [args, vec!["--certificate", certificate, nobody, &elsewhere]].concat();
        run(&args).await.expect(2).says(&["moved.json", "is there already", "name another one"]);
    }
    assert_eq!(std::fs::read(&file)?, before);
    let nowhere = directory.path().join("missing/moved.json");
    run(&["verify", "--certificate", text(&nowhere), nobody, &elsewhere])
        .await
        .expect(2)
        .says(&["does not take files"]);
    let client = ["verify", "--transport", "zookeeper-client", "--certificate", "x.json", nobody, &elsewhere];
    run(&client).await.expect(2).says(&["--transport wire"]);
    Ok(())
}

#[tokio::test]
async fn there_is_none_of_trees_that_differ_or_are_hidden() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("uncertified");
    let (from, to) = copied(&root, 3, 100).await?;
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("moved.json");
    let verify = ["verify", "--certificate", text(&file), &from, &to];
    let options = CreateMode::Persistent.with_acls(Acls::anyone_all());
    target.client().await?.create(&format!("{root}/extra"), b"", &options).await?;
    let ran = run(&verify).await.expect(1);
    assert!(ran.stdout.contains("certificate none was written: the trees are not equal\n"), "{}", ran.stdout);
    target.client().await?.delete(&format!("{root}/extra"), None).await?;

    let nobody = [zookeeper_client::Acl::new(
        zookeeper_client::Permission::ALL,
        zookeeper_client::AuthId::new("ip", "192.0.2.1"),
    )];
    for server in [source, target] {
        server.client().await?.set_acl(&format!("{root}/7"), &nobody, None).await?;
    }
    let ran = run(&verify).await.expect(2);
    assert!(ran.stdout.contains("certificate none was written: not all of the trees could be read"), "{}", ran.stdout);
    assert!(!file.exists());
    Ok(())
}

#[tokio::test]
async fn there_is_none_of_a_tree_that_is_written_while_it_is_read() -> Outcome {
    let (source, _) = shared_pair().await?;
    let root = unique_root("written");
    let (from, to) = copied(&root, 4, 10_000).await?;
    let client = source.client().await?;
    let path = format!("{root}/f/f/f");
    let (data, _) = client.get_data(&path).await?;
    // The same bytes again: the trees are equal all the time.
    let churn = async {
        loop {
            client.set_data(&path, &data, None).await.expect("it can be written");
        }
    };
    let directory = tempfile::tempdir()?;
    let withheld = async {
        let mut round = 0;
        until("a write came behind the barrier", Duration::from_secs(60), async || {
            round += 1;
            let file = directory.path().join(format!("round-{round}.json"));
            let ran = run(&["verify", "--certificate", text(&file), "--format", "json", &from, &to]).await;
            assert_eq!(file.exists(), ran.code == Some(0), "{ran:?}");
            (ran.code != Some(0)).then_some(ran)
        })
        .await
    };
    let ran = tokio::select! {
        () = churn => unreachable!("the churn never ends"),
        ran = withheld => ran?.expect(3).json(),
    };
    assert_eq!((&ran["verdict"], &ran["verify"]["equal"]), (&"not certified".into(), &true.into()));
    let reason = ran["certificate"]["reason"].as_str().expect("a reason");
    assert!(reason.starts_with("source: it was written while it was read"), "{reason}");
    Ok(())
}

#[tokio::test]
async fn its_own_terms_decide_how_a_tree_is_compared_with_it() -> Outcome {
    let (_, target) = shared_pair().await?;
    let root = unique_root("terms");
    let (from, to) = copied(&root, 5, 300).await?;
    let directory = tempfile::tempdir()?;
    let [plain, without_acls, with_counters] =
        ["plain", "without-acls", "with-counters"].map(|name| directory.path().join(name));
    run(&["verify", "--certificate", text(&plain), &from, &to]).await.expect(0);
    let ran = run(&["verify", "--acl", "ignore", "--certificate", text(&without_acls), &from, &to]).await.expect(0);
    assert!(ran.stdout.contains("ACLs        not read"), "{}", ran.stdout);
    run(&["verify", "--counters", "--certificate", text(&with_counters), &from, &to]).await.expect(0);
    assert_eq!(json(&without_acls)["options"]["acl"], "ignore");
    assert_eq!(json(&with_counters)["options"]["counters"], "compare");
    let against = async |file: &Path| run(&["verify", "--against", text(file), &to]).await;

    let at_target = target.client().await?;
    let options = CreateMode::Persistent.with_acls(Acls::anyone_all());
    at_target.create(&format!("{root}/2/passing"), b"", &options).await?;
    at_target.delete(&format!("{root}/2/passing"), None).await?;
    against(&plain).await.expect(0);
    let counted = against(&with_counters).await.expect(1);
    assert!(counted.stdout.contains("counters    compared"), "{}", counted.stdout);

    at_target.set_acl(&format!("{root}/2"), &Acls::anyone_read(), None).await?;
    against(&plain).await.expect(1);
    let equal = against(&without_acls).await.expect(0);
    assert!(equal.stdout.contains("ACLs        not read"), "{}", equal.stdout);
    Ok(())
}

#[tokio::test]
async fn ephemerals_and_zookeepers_own_hinder_no_certificate() -> Outcome {
    let (source, target) =
        tokio::try_join!(Server::start(ServerOptions::default()), Server::start(ServerOptions::default()))?;
    let (at_source, at_target) = (source.client().await?, target.client().await?);
    load(&at_source, "/a", tree::small(6, 100)).await?;
    let (from, to) = (source.at("/"), target.at("/"));
    run(&["copy", &from, &to]).await.expect(0);
    let ephemeral = CreateMode::Ephemeral.with_acls(Acls::anyone_all());
    at_source.create("/a/1/lock", b"", &ephemeral).await?;
    for path in ["/a/1/lock", "/a/2/other"] {
        at_target.create(path, b"", &ephemeral).await?;
    }
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("moved.json");
    run(&["verify", "--certificate", text(&file), &from, &to]).await.expect(0);
    let held = json(&file);
    run(&["verify", "--against", text(&file), &to]).await.expect(0);
    let found = read_tree(&at_target, "/").await?;
    assert_eq!(held["target"]["znodes"], found.len() - 2);
    Ok(())
}

/// What a filter leaves out may differ, be hidden, and be more at one side.
#[tokio::test]
async fn a_part_of_a_tree_has_a_certificate_too() -> Outcome {
    let (_, target) = shared_pair().await?;
    let root = unique_root("part");
    let (from, to) = copied(&root, 8, 3_000).await?;
    let at_target = target.client().await?;
    let options = CreateMode::Persistent.with_acls(Acls::anyone_all());
    for path in ["/5/left-out", "/3/4/left-out", "/3/4/5/left-out"] {
        at_target.create(&format!("{root}{path}"), b"", &options).await?;
    }
    let directory = tempfile::tempdir()?;
    let globs = [vec!["--include", "/3/*/[0-9]", "--exclude", "/3/4/5"], vec!["--exclude", "/**/left-out"]];
    for (index, globs) in globs.into_iter().enumerate() {
        let file = directory.path().join(format!("part-{index}.json"));
        run(&[&["verify", "--certificate", text(&file), &from, &to], &globs[..]].concat()).await.expect(0);
        let held = json(&file);
        assert_eq!(held["options"]["exclude"][0], globs[globs.len() - 1]);
        run(&["verify", "--against", text(&file), &from]).await.expect(0);
        let equal = run(&["verify", "--against", text(&file), "--format", "json", &to]).await.expect(0).json();
        assert_eq!(equal["exclude"], held["options"]["exclude"]);
        assert!(equal["against"]["skipped"]["filtered"].as_u64() > Some(0));
        at_target.set_data(&format!("{root}/3/1/1"), b"changed", None).await?;
        run(&["verify", "--against", text(&file), &to]).await.expect(1);
        run(&["copy", "--update", &from, &to]).await.expect(0);
    }
    Ok(())
}

/// The target's ACLs are what the map made of the source's; the certificate is of them.
#[tokio::test]
async fn a_certificate_of_mapped_acls_is_one_of_the_target() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("mapped");
    let at_source = source.client().await?;
    load(&at_source, &root, tree::small(9, 50)).await?;
    let mut acl = Acls::anyone_all().to_vec();
    acl.push(zookeeper_client::Acl::new(
        zookeeper_client::Permission::READ,
        zookeeper_client::AuthId::new("ip", "10.1.2.3"),
    ));
    at_source.set_acl(&format!("{root}/1"), &acl, None).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    let directory = tempfile::tempdir()?;
    let (rules, file) = (directory.path().join("rules"), directory.path().join("mapped.json"));
    std::fs::write(&rules, "ip:10.1.2.3 -> ip:10.9.9.9\n")?;
    let copy = ["copy", "--verify", "--acl", "map", text(&rules), "--certificate", text(&file), &from, &to];
    run(&copy).await.expect(0);
    assert_eq!(json(&file)["options"]["acl"], "map");
    run(&["verify", "--against", text(&file), &to]).await.expect(0);
    run(&["verify", "--against", text(&file), &from]).await.expect(1);
    Ok(())
}

#[tokio::test]
async fn what_is_no_certificate_and_where_is_no_tree_is_said() -> Outcome {
    let root = unique_root("no-certificate");
    let (from, to) = copied(&root, 7, 20).await?;
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("moved.json");
    run(&["verify", "--certificate", text(&file), &from, &to]).await.expect(0);
    let against = async |file: &Path, tree: &str| run(&["verify", "--against", text(file), tree]).await.expect(2);
    against(&file, &format!("{from}/missing")).await.says(&["tree: there is no znode", "/missing"]);
    against(&directory.path().join("none.json"), &from).await.says(&["none.json", "No such file"]);

    let wrong = directory.path().join("wrong.json");
    for (change, says) in [("version", "format version"), ("format", "no certificate of zkreplicator")] {
        let mut json = json(&file);
        json[change] = if change == "version" { 99.into() } else { "x".into() };
        std::fs::write(&wrong, json.to_string())?;
        against(&wrong, &from).await.says(&["wrong.json", says]);
    }
    std::fs::write(&wrong, "digest: 1234")?;
    against(&wrong, &from).await.says(&["wrong.json", "no certificate of zkreplicator"]);
    for extra in
        [["--counters", ""], ["--depth", "1"], ["--acl", "ignore"], ["--include", "/a"], ["--certificate", "x"]]
    {
        let extra = extra.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
        let args = [vec!["verify", "--against", text(&file), &*from], extra].concat();
        run(&args).await.expect(2).says(&["cannot be used with"]);
    }
    run(&["verify", &from]).await.expect(2).says(&["<TARGET>"]);
    run(&["verify", "--against", text(&file), &from, &to]).await.expect(2);
    Ok(())
}
