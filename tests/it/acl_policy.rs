//! What becomes of ACLs that can't be copied as they are: masked ones, mapped ones, and those that a target refuses.

use std::collections::BTreeMap;

use harness::tree::{self, TreeZnode};
use harness::{Server, ServerOptions, load, read_tree, shared_pair, unique_root};
use tempfile::NamedTempFile;
use zookeeper_client::{Acl, Acls, AuthId, CreateMode, Permission};

use crate::product::{Outcome, run, run_with};

/// What the server makes of `owner:secret`.
const OWNER: &str = "owner:Vj++wdU3sMAbt+g9TyKj1BT+usI=";

fn owned() -> Vec<Acl> {
    vec![Acl::new(Permission::READ, AuthId::anyone()), Acl::new(Permission::ALL, AuthId::new("digest", OWNER))]
}

/// A tree in which two znodes have an owner, and one of them has something below.
fn with_owners() -> impl Iterator<Item = TreeZnode> + Send {
    let owner = ["/a/owned", "/owned-leaf"];
    ["/a", "/a/owned", "/a/owned/b", "/a/owned/b/c", "/a/z", "/owned-leaf", "/x"].into_iter().map(move |path| {
        let znode = TreeZnode::new(path, path);
        if owner.contains(&path) { znode.with_acl(owned()) } else { znode }
    })
}

#[tokio::test]
async fn masked_acls_stop_a_copy_unless_something_else_is_said() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("masked-fail");
    load(&source.client().await?, &root, with_owners()).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    run(&["copy", &from, &to]).await.expect(2).says(&["hides an id", "owned", "--masked-acl", "--update"]);
    // Whoever has ADMIN sees all of it.
    let env = [("ZKREPLICATOR_AUTH", "digest:owner:secret")];
    run_with(&env, &["copy", "--update", "--verify", "--masked-acl", "skip", &from, &to]).await.expect(0);
    Ok(())
}

#[tokio::test]
async fn skip_leaves_masked_znodes_out_with_all_below_them_and_lists_them() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("masked-skip");
    load(&source.client().await?, &root, with_owners()).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    let ran = run(&["copy", "--masked-acl", "skip", "--format", "json", &from, &to]).await.expect(3).json();
    let masked = &ran["copy"]["masked_acls"];
    assert_eq!((&masked["policy"], &masked["znodes"], &masked["below"]), (&"skip".into(), &2.into(), &2.into()));
    assert_eq!(ran["verdict"], "not complete");
    let listed: Vec<&str> =
        masked["list"].as_array().expect("a list").iter().filter_map(|line| line["path"].as_str()).collect();
    assert!(listed.contains(&"/a/owned") && listed.contains(&"/owned-leaf") && listed.len() == 2, "{listed:?}");
    let there = read_tree(&target.client().await?, &root).await?;
    assert_eq!(there.keys().collect::<Vec<_>>(), ["/", "/a", "/a/z", "/x"]);

    // Not equal, and nobody says so; what can be proven without them is proven by leaving them out.
    let verified = run(&["verify", &from, &to]).await.expect(1);
    assert!(verified.stdout.contains("+ /a/owned\n"), "{}", verified.stdout);
    run(&["verify", "--exclude", "/**/owned", "--exclude", "/owned-leaf", &from, &to]).await.expect(0);
    let again = run(&["copy", "--update", "--masked-acl", "skip", &from, &to]).await.expect(3);
    assert!(again.stdout.contains("2 znode(s) left out, with 2 below them (--masked-acl skip)"), "{}", again.stdout);
    assert!(again.stdout.contains("/a/owned (world:anyone:r,digest:owner:x:rwcda)"), "{}", again.stdout);
    Ok(())
}

/// Nobody may read what lies below, which does not matter when it is left out.
#[tokio::test]
async fn skip_does_not_stop_at_what_lies_below_and_can_not_be_read() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("masked-below");
    let at_source = source.client().await?;
    load(&at_source, &root, with_owners()).await?;
    let nobody = [Acl::new(Permission::ALL, AuthId::new("ip", "192.0.2.1"))];
    at_source.set_acl(&format!("{root}/a/owned/b"), &nobody, None).await?;
    run(&["copy", "--masked-acl", "skip", &source.at(&root), &target.at(&root)]).await.expect(3);
    Ok(())
}

#[tokio::test]
async fn open_creates_masked_znodes_open_and_leaves_existing_ones_as_they_are() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("masked-open");
    let at_source = source.client().await?;
    load(&at_source, &root, with_owners()).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    let copy = ["copy", "--update", "--masked-acl", "open", "--format", "json", &from, &to];
    let ran = run(&copy).await.expect(3).json();
    assert_eq!(ran["copy"]["masked_acls"]["znodes"], 2);
    assert_eq!(ran["copy"]["masked_acls"]["below"], 0);
    let at_target = target.client().await?;
    let there = read_tree(&at_target, &root).await?;
    assert_eq!(there.len(), 8);
    assert!(there.values().all(|seen| seen.acl == Acls::anyone_all().to_vec()));

    // Once somebody has closed them by hand, another run does not open them again.
    let leaf = format!("{root}/owned-leaf");
    at_target.set_acl(&leaf, &Acls::anyone_read(), None).await?;
    let again = run(&copy).await.expect(3).json();
    assert_eq!(again["copy"]["write_requests"], 0);
    assert_eq!(at_target.get_acl(&leaf).await?.0, Acls::anyone_read().to_vec());

    // Verify calls nothing equal of which it can't see the ACL.
    let verified = run(&["verify", &from, &to]).await.expect(2);
    assert!(verified.stdout.contains("! /a/owned (acl)\n"), "{}", verified.stdout);
    Ok(())
}

#[tokio::test]
async fn a_root_with_a_masked_acl_is_never_skipped() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("masked-root");
    let at_source = source.client().await?;
    load(&at_source, &root, with_owners()).await?;
    at_source.set_acl(&root, &owned(), None).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    run(&["copy", "--masked-acl", "skip", &from, &to]).await.expect(2).says(&["hides an id", "(/)"]);
    run(&["copy", "--masked-acl", "open", &from, &to]).await.expect(3);
    Ok(())
}

/// A source where SASL and x509 ids may stand in ACLs; a plain target takes neither (-114).
async fn source_with_providers() -> Result<Server, harness::Error> {
    let provider = |name: &str| format!("org.apache.zookeeper.server.auth.{name}AuthenticationProvider");
    let options = ServerOptions::default()
        .property("zookeeper.authProvider.1", provider("SASL"))
        .property("zookeeper.authProvider.2", provider("X509"));
    Server::start(options).await
}

/// Everybody may read, and these may do everything.
fn acl(ids: &[(&str, &str)]) -> Vec<Acl> {
    let read = Acl::new(Permission::READ, AuthId::anyone());
    ids.iter().map(|(scheme, id)| Acl::new(Permission::ALL, AuthId::new(scheme, id))).chain([read]).collect()
}

/// A file with these rules.
fn rules(text: &str) -> Result<NamedTempFile, std::io::Error> {
    let file = NamedTempFile::new()?;
    std::fs::write(&file, text)?;
    Ok(file)
}

#[tokio::test]
async fn a_map_rewrites_ids_and_verify_compares_what_it_makes() -> Outcome {
    let (source, (_, target)) = (source_with_providers().await?, shared_pair().await?);
    let root = unique_root("map");
    let tree = [
        TreeZnode::new("/sasl", "1").with_acl(acl(&[("sasl", "bob"), ("sasl", "eve@REALM")])),
        TreeZnode::new("/sasl/below", "2").with_acl(acl(&[("x509", "CN=old, O=us"), ("sasl", "bob")])),
        TreeZnode::new("/plain", "3"),
    ];
    load(&source.client().await?, &root, tree.into_iter()).await?;
    let owner = format!("sasl:bob -> digest:{OWNER}\nsasl:* -> ip:127.0.0.1\n\n# gone\nx509:CN=old, O=us -> drop\n");
    let file = rules(&owner)?;
    let (file, from, to) = (file.path().to_str().expect("UTF-8"), source.at(&root), target.at(&root));
    let env = [("ZKREPLICATOR_TARGET_AUTH", "digest:owner:secret")];
    let copy = ["copy", "--update", "--verify", "--acl", "map", file, "--format", "json", &from, &to];
    let ran = run_with(&env, &copy).await.expect(0).json();
    assert_eq!(ran["acl"], "mapped");
    assert_eq!(ran["verify"]["source"]["digest"], ran["verify"]["target"]["digest"]);

    let at_target = target.client().await?;
    at_target.auth("digest", b"owner:secret").await?;
    let there = read_tree(&at_target, &root).await?;
    assert_eq!(there["/sasl"].acl, acl(&[("digest", OWNER), ("ip", "127.0.0.1")]));
    assert_eq!(there["/sasl/below"].acl, acl(&[("digest", OWNER)]));
    assert_eq!(there["/plain"].acl, Acls::anyone_all().to_vec());

    let again = run_with(&env, &copy).await.expect(0).json();
    assert_eq!(again["copy"]["write_requests"], 0);
    run_with(&env, &["verify", "--acl", "map", file, &from, &to]).await.expect(0);
    // As they are the trees differ.
    let found = run_with(&env, &["verify", &from, &to]).await.expect(1);
    assert!(found.stdout.contains("* /sasl (acl)\n"), "{}", found.stdout);
    Ok(())
}

#[tokio::test]
async fn a_map_resolves_ids_that_the_source_hides() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("map-masked");
    load(&source.client().await?, &root, with_owners()).await?;
    let file = rules(&format!("digest:owner:x -> digest:{OWNER}\n"))?;
    let (file, from, to) = (file.path().to_str().expect("UTF-8"), source.at(&root), target.at(&root));
    // The source knows us not. At the target we have to see what we have written.
    let env = [("ZKREPLICATOR_TARGET_AUTH", "digest:owner:secret")];
    run_with(&env, &["copy", "--verify", "--acl", "map", file, &from, &to]).await.expect(0);
    let at_target = target.client().await?;
    at_target.auth("digest", b"owner:secret").await?;
    assert_eq!(read_tree(&at_target, &root).await?["/a/owned"].acl, owned());
    Ok(())
}

#[tokio::test]
async fn a_map_that_is_none_is_a_usage_error_and_nothing_is_changed() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("map-bad");
    load(&source.client().await?, &root, with_owners()).await?;
    let file = rules("# fine\nsasl:bob -> sasl:eve\nsasl:bob\n")?;
    let (file, from, to) = (file.path().to_str().expect("UTF-8"), source.at(&root), target.at(&root));
    for command in ["copy", "verify"] {
        run(&[command, "--acl", "map", file, &from, &to]).await.expect(2).says(&[file, "line 3", "no arrow"]);
        run(&[command, "--acl=map", "/no/such/file", &from, &to]).await.expect(2).says(&["/no/such/file"]);
        run(&[command, &from, &to, "--acl", "map"]).await.expect(2).says(&["map FILE"]);
    }
    assert!(target.client().await?.check_stat(&root).await?.is_none());
    Ok(())
}

#[tokio::test]
async fn a_map_may_not_leave_an_acl_without_entries() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("map-empty");
    load(&source.client().await?, &root, with_owners()).await?;
    let file = rules("world:anyone -> drop\ndigest:* -> drop\n")?;
    let (file, from, to) = (file.path().to_str().expect("UTF-8"), source.at(&root), target.at(&root));
    let ran = run(&["copy", "--acl", "map", file, &from, &to]).await.expect(2);
    ran.says(&["source: ", &root, "leaves no entry", "world:anyone:rwcda"]);
    Ok(())
}

/// A parent that only `sasl:bob` may use, with many znodes below: without a probe its ACL would show itself to be
/// refused after all of them.
#[tokio::test]
async fn an_acl_that_the_target_refuses_stops_the_copy_before_the_tree_below_is_written() -> Outcome {
    let (source, (_, target)) = (source_with_providers().await?, shared_pair().await?);
    for transport in ["wire", "zookeeper-client"] {
        let root = unique_root("refused");
        let at_source = source.client().await?;
        load(&at_source, &format!("{root}/p"), tree::small(1, 20_000)).await?;
        let restricted = acl(&[("sasl", "bob")]);
        at_source.set_acl(&format!("{root}/p"), &restricted, None).await?;
        let (from, to) = (source.at(&root), target.at(&root));
        let ran = run(&["copy", "--transport", transport, &from, &to]).await.expect(2);
        let ran = ran.says(&["target: ", &format!("{root}/p: "), "sasl:bob:rwcda", "--acl map", "--update"]);
        assert!(!ran.stderr.contains("acl-probe"), "{}", ran.stderr);
        let at_target = target.client().await?;
        // The probe may have been answered before anything else went out.
        let is_there = at_target.check_stat(&root).await?.is_some();
        let there = if is_there { read_tree(&at_target, &root).await? } else { BTreeMap::new() };
        assert!(there.len() < 15_000, "{} znodes were written", there.len());
        assert!(there.keys().all(|path| !path.contains("acl-probe")));
        assert!(!at_target.list_children("/").await?.iter().any(|name| name.contains("acl-probe")));

        // What was written stands, and with other names for people the copy goes on from there.
        let file = rules("sasl:bob -> ip:127.0.0.1\n")?;
        let file = file.path().to_str().expect("UTF-8");
        run(&["copy", "--update", "--verify", "--acl", "map", file, &from, &to]).await.expect(0);
    }
    Ok(())
}

/// Many ACLs are probed in one request, whatever else stands in its way: the root that is not there yet, and then one
/// below which we may not create.
#[tokio::test]
async fn the_one_refused_acl_among_many_is_named_with_its_znode() -> Outcome {
    let (source, (_, target)) = (source_with_providers().await?, shared_pair().await?);
    let root = unique_root("one-refused");
    let at_source = source.client().await?;
    let tree = (0..300).map(|index| {
        let id = ("ip", format!("10.0.{}.{}", index / 250, index % 250));
        let ids = if index == 277 { ("x509", "CN=a, OU=b".to_owned()) } else { id };
        TreeZnode::new(format!("/{index:03}"), "").with_acl(acl(&[("ip", "127.0.0.1"), (ids.0, &ids.1)]))
    });
    load(&at_source, &root, tree).await?;
    at_source.set_acl(&root, &acl(&[("ip", "127.0.0.1")]), None).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    let path = format!("{root}/277: ");
    run(&["copy", &from, &to]).await.expect(2).says(&["target: ", &path, "x509:CN=a, OU=b:rwcda"]);

    let (to, path) = (format!("{to}-locked"), format!("{root}-locked/277: "));
    let at_target = target.client().await?;
    let locked = [Acl::new(Permission::READ | Permission::ADMIN, AuthId::anyone())];
    let options = CreateMode::Persistent.with_acls(Acls::new(&locked));
    at_target.create(&format!("{root}-locked"), b"", &options).await?;
    run(&["copy", &from, &to]).await.expect(2).says(&["target: ", &path, "x509:CN=a, OU=b:rwcda"]);
    Ok(())
}

/// A probe that is answered well has left nothing: no znode, and no trace in the parent's counter either.
#[tokio::test]
async fn probes_leave_nothing_behind() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("no-trace");
    let at_source = source.client().await?;
    at_source.auth("digest", b"owner:secret").await?;
    let tree = (0..5_000).map(|index| {
        TreeZnode::new(format!("/{index:04}"), "")
            .with_acl(acl(&[("digest", OWNER), ("digest", &format!("user{index}:h="))]))
    });
    load(&at_source, &root, tree).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    let env = [("ZKREPLICATOR_AUTH", "digest:owner:secret")];
    run_with(&env, &["copy", "--verify", &from, &to]).await.expect(0);
    let stat = target.client().await?.check_stat(&root).await?.expect("the root was copied");
    assert_eq!((stat.num_children, stat.cversion), (5_000, 5_000));
    Ok(())
}
