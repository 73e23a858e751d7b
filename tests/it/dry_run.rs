//! --dry-run: what it says is what the copy then does, all that stands in the way is named, and nothing is written.

use harness::tree::{self, TreeZnode};
use harness::{Server, ServerOptions, load, read_tree, shared_pair, unique_root};
use serde_json::Value;
use zookeeper_client::{Acl, Acls, AuthId, Client, CreateMode, CreateOptions, Permission};

use crate::product::{Outcome, run};

const OPEN: CreateOptions<'static> = CreateMode::Persistent.with_acls(Acls::anyone_all());

fn everybody(permission: Permission) -> Vec<Acl> {
    vec![Acl::new(permission, AuthId::anyone())]
}

/// Creates and deletes sequential children.
async fn count_up(client: &Client, parent: &str, times: usize) -> Result<(), zookeeper_client::Error> {
    for _ in 0..times {
        let prefix = format!("{parent}/n-");
        let sequential = CreateMode::PersistentSequential.with_acls(Acls::anyone_all());
        let (_, sequence) = client.create(&prefix, b"", &sequential).await?;
        client.delete(&format!("{prefix}{sequence}"), None).await?;
    }
    Ok(())
}

/// Of a copy's report, the numbers that a plan has under other names.
fn same_numbers(plan: &Value, copied: &Value) {
    for (planned, done) in
        [("read", "read"), ("create", "created"), ("set_data", "data_set"), ("set_acl", "acl_set"), ("keep", "kept")]
            .into_iter()
            .chain([("remove", "deleted"), ("create_ancestors", "ancestors_created")])
    {
        assert_eq!(plan["znodes"][planned], copied["znodes"][done], "{planned}: {plan:#}\n{copied:#}");
    }
    assert_eq!(plan["bytes"]["write"], copied["bytes"]["written"]);
    assert_eq!(plan["counter_steps"], copied["counter_steps"]);
    assert_eq!(plan["skipped"], copied["skipped"]);
}

#[tokio::test]
async fn says_what_the_copy_then_does_and_writes_nothing() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("plan");
    let at_source = source.client().await?;
    load(&at_source, &root, tree::small(1, 2_000)).await?;
    count_up(&at_source, &root, 30).await?;
    at_source.create(&format!("{root}/lock"), b"", &CreateMode::Ephemeral.with_acls(Acls::anyone_all())).await?;
    let to = format!("{}/deep/down", target.at(&root));
    let from = source.at(&root);
    let json = ["--format", "json"];
    let planned = run(&["copy", "--dry-run", json[0], json[1], &from, &to]).await.expect(0).json();
    assert_eq!((&planned["verdict"], &planned["copy"]), (&"planned".into(), &Value::Null));
    assert!(target.client().await?.check_stat(&root).await?.is_none(), "not even an ancestor was written");
    let plan = &planned["plan"];
    assert_eq!(plan["blockers"]["count"], 0);
    assert_eq!(plan["counter_steps"], 31, "thirty of the queue and one of the ephemeral");
    assert_eq!(plan["quotas"], Value::Null);
    let copied = run(&["copy", json[0], json[1], &from, &to]).await.expect(0).json();
    same_numbers(plan, &copied["copy"]);
    let owners = plan["ephemeral_owners"].as_array().expect("a list");
    assert_eq!((owners.len(), &owners[0]["paths"][0]), (1, &"/lock".into()), "{owners:?}");

    // Of a second copy: overwrites are listed, and so are removals of a sync.
    at_source.set_data(&format!("{root}/lock"), b"own", None).await?;
    at_source.set_data(&root, b"other", None).await?;
    at_source.create(&format!("{root}/new"), b"12345", &OPEN).await?;
    at_source.set_acl(&format!("{root}/new"), &everybody(Permission::READ), None).await?;
    let at_target = target.client().await?;
    at_target.create(&format!("{root}/deep/down/extra"), b"", &OPEN).await?;
    at_target.create(&format!("{root}/deep/down/extra/below"), b"", &OPEN).await?;
    let before = read_tree(&at_target, &root).await?;
    let plan = run(&["sync", "--dry-run", json[0], json[1], &from, &to]).await.expect(0).json()["plan"].clone();
    assert_eq!(read_tree(&at_target, &root).await?, before);
    let change = |what: &str, path: &str| serde_json::json!({ "change": what, "path": path });
    let changes = [change("set data of", "/"), change("delete", "/extra/below"), change("delete", "/extra")];
    let listed = plan["changes"].as_array().expect("a list");
    assert!(listed.len() == 3 && changes.iter().all(|change| listed.contains(change)), "{listed:?}");
    let synced = run(&["sync", json[0], json[1], &from, &to]).await.expect(0).json();
    same_numbers(&plan, &synced["copy"]);
    Ok(())
}

#[tokio::test]
async fn names_everything_that_stands_in_the_way_at_once() -> Outcome {
    let provider = "org.apache.zookeeper.server.auth.SASLAuthenticationProvider";
    let source = Server::start(ServerOptions::default().property("zookeeper.authProvider.1", provider)).await?;
    let (_, target) = shared_pair().await?;
    let root = unique_root("blocked");
    let at_source = source.client().await?;
    let id = |scheme: &str, id: &str| Acl::new(Permission::ALL, AuthId::new(scheme, id));
    let with = |path: &str, acl: Acl| {
        let read = Acl::new(Permission::READ, AuthId::anyone());
        TreeZnode::new(path, path).with_acl(vec![acl, read])
    };
    let tree = [
        TreeZnode::new("/a", ""),
        with("/a/bob", id("sasl", "bob")),
        with("/a/bob/below", id("sasl", "bob")),
        with("/a/carol", id("sasl", "carol")),
        with("/hidden", id("digest", "u:h=")),
        TreeZnode::new("/large", vec![7; 5_000]),
        TreeZnode::new("/lock", ""),
        TreeZnode::new("/z", ""),
    ];
    load(&at_source, &root, tree.into_iter()).await?;
    let nobody = [id("ip", "192.0.2.1")];
    at_source.set_acl(&format!("{root}/z"), &nobody, None).await?;
    let at_target = target.client().await?;
    at_target.create(&root, b"", &OPEN).await?;
    at_target.create(&format!("{root}/lock"), b"", &CreateMode::Ephemeral.with_acls(Acls::anyone_all())).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    let args = ["copy", "--update", "--dry-run", "--jute-maxbuffer", "4096"];
    let text = run(&[&args[..], &[&from, &to]].concat()).await.expect(2).stdout;
    let ran = run(&[&args[..], &["--format", "json", &from, &to]].concat()).await.expect(2).json();
    assert_eq!(ran["verdict"], "blocked");
    let blockers = &ran["plan"]["blockers"];
    assert_eq!(
        blockers["by_kind"],
        serde_json::json!({ "refused_acl": 2, "masked_acl": 1, "oversized": 1, "in_the_way": 1, "unreadable": 1 }),
        "{blockers:#}"
    );
    for part in ["a/bob", "a/carol", "/hidden", "/large", "/lock", "/z", "5", "--masked-acl", "jute.maxbuffer"] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    assert_eq!(read_tree(&at_target, &root).await?.len(), 2, "nothing was written");
    Ok(())
}

#[tokio::test]
async fn tells_rights_at_the_root_and_kinds_that_the_target_holds() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("abilities");
    let at_source = source.client().await?;
    load(&at_source, &root, tree::small(1, 20)).await?;
    let (from, at_target) = (source.at(&root), target.client().await?);
    let locked = everybody(Permission::READ);
    at_target.create(&root, b"", &CreateMode::Persistent.with_acls(Acls::new(&locked))).await?;
    for below in ["", "/a/b"] {
        let to = format!("{}{below}", target.at(&root));
        let ran = run(&["copy", "--dry-run", "--format", "json", &from, &to]).await.expect(2).json();
        assert_eq!(ran["plan"]["blockers"]["by_kind"]["rights"], 1, "{ran:#}");
        assert_eq!(ran["plan"]["target"], serde_json::json!({ "containers": true, "ttl": false }));
    }
    let holds_ttl = Server::start(ServerOptions::default().property("zookeeper.extendedTypesEnabled", "true")).await?;
    let to = holds_ttl.at("/anywhere");
    for transport in ["wire", "zookeeper-client"] {
        let args = ["copy", "--dry-run", "--transport", transport, "--format", "json", &from, &to];
        let ran = run(&args).await.expect(0).json();
        assert_eq!(ran["plan"]["target"], serde_json::json!({ "containers": true, "ttl": true }), "{ran:#}");
    }
    assert_eq!(holds_ttl.client().await?.list_children("/").await?, ["zookeeper"]);
    let text = run(&["copy", "--dry-run", "--acl", "open", &from, &target.at("/elsewhere")]).await.expect(0).stdout;
    assert!(text.contains("TTL znodes are not taken") && text.contains("blockers    none"), "{text}");
    Ok(())
}

#[tokio::test]
async fn a_sync_that_would_remove_too_much_is_blocked_and_the_count_named() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("plan-removals");
    let (at_source, at_target) = (source.client().await?, target.client().await?);
    load(&at_source, &root, tree::small(1, 50)).await?;
    load(&at_target, &root, tree::small(1, 50)).await?;
    load(&at_target, &root, (0..1_100).map(|number| TreeZnode::new(format!("/extra-{number}"), ""))).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    let args = ["sync", "--dry-run", "--format", "json", &from, &to];
    let ran = run(&args).await.expect(2).json();
    let plan = &ran["plan"];
    assert_eq!((&plan["removals_allowed"], &plan["znodes"]["remove"]), (&1_000.into(), &1_100.into()));
    let message = plan["blockers"]["list"][0]["message"].as_str().expect("a text");
    assert!(message.contains("1100 of") && message.contains("--max-delete 1100"), "{message}");
    let ran = run(&[&["sync", "--max-delete", "1100"], &args[1..]].concat()).await.expect(0).json();
    assert_eq!((&ran["plan"]["removals_allowed"], &ran["plan"]["blockers"]["count"]), (&1_100.into(), &0.into()));

    // Where an ephemeral holds a parent that would have to go, a sync would stop.
    at_target.create(&format!("{root}/held"), b"", &OPEN).await?;
    let ephemeral = CreateMode::Ephemeral.with_acls(Acls::anyone_all());
    at_target.create(&format!("{root}/held/e"), b"", &ephemeral).await?;
    let ran = run(&[&["sync", "--max-delete", "5000"], &args[1..]].concat()).await.expect(2).json();
    assert_eq!(ran["plan"]["blockers"]["by_kind"], serde_json::json!({ "removal": 1 }));
    Ok(())
}

#[tokio::test]
async fn a_plan_goes_to_a_file_too_and_the_estimate_is_of_the_right_size() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("plan-out");
    load(&source.client().await?, &root, tree::small(1, 20_000)).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("plan.json");
    let out = file.to_str().expect("UTF-8");
    for _ in 0..2 {
        let ran = run(&["copy", "--dry-run", "--out", out, "--format", "json", &from, &to]).await.expect(0);
        assert_eq!(std::fs::read_to_string(&file)?, ran.stdout);
    }
    let plan: Value = serde_json::from_slice(&std::fs::read(&file)?)?;
    let estimated = &plan["plan"]["estimated_ms"];
    let (least, most) = (estimated["least"].as_u64().expect("a number"), estimated["most"].as_u64().expect("a number"));
    assert!(0 < least && least <= most, "{estimated}");
    let copied = run(&["copy", "--format", "json", &from, &to]).await.expect(0).json();
    let took = copied["copy"]["elapsed_ms"].as_u64().expect("a number");
    assert!(least / 10 <= took && took <= most.max(100) * 10, "it took {took} ms, estimated were {estimated}");

    let nowhere = directory.path().join("no/such");
    let nowhere = nowhere.to_str().expect("UTF-8");
    run(&["copy", "--dry-run", "--out", nowhere, &from, &to]).await.expect(2).says(&["--out", "does not take files"]);
    run(&["copy", "--out", out, &from, &to]).await.expect(2).says(&["--dry-run"]);
    Ok(())
}

/// A root that lets nobody create is no blocker where nothing is created, nor where the plan opens it first.
#[tokio::test]
async fn a_root_with_few_rights_blocks_only_what_needs_them() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("plan-rights");
    let at_source = source.client().await?;
    load(&at_source, &root, tree::small(1, 50)).await?;
    at_source.set_acl(&root, &everybody(Permission::READ | Permission::ADMIN), None).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    let changes = async |args: &[&str]| {
        let ran = run(&[args, &["--dry-run", "--format", "json", &from, &to]].concat()).await.expect(0).json();
        ran["plan"]["changes"].as_array().map(Vec::len)
    };
    assert_eq!(changes(&["copy"]).await, Some(0), "what is created is no change to what the target holds");
    run(&["copy", &from, &to]).await.expect(0);
    assert_eq!(changes(&["copy", "--update"]).await, Some(0));
    assert_eq!(changes(&["sync"]).await, Some(0));
    // Our session may not create, and has ADMIN: the root's ACL is lifted, and set again behind the new child.
    at_source.set_acl(&root, &everybody(Permission::ALL), None).await?;
    at_source.create(&format!("{root}/new"), b"", &OPEN).await?;
    at_source.set_acl(&root, &everybody(Permission::READ | Permission::ADMIN), None).await?;
    changes(&["copy", "--update"]).await;
    run(&["copy", "--update", &from, &to]).await.expect(0);
    Ok(())
}
