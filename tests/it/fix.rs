//! verify --fix: the differences, and only they, are sent; then both trees are compared again.

use harness::tree::{self, TreeZnode};
use harness::{load, read_tree, shared_pair, unique_root};
use serde_json::Value;
use zookeeper_client::{Acl, Acls, AuthId, CreateMode, CreateOptions, Permission};

use crate::product::{Outcome, run};

const OPEN: CreateOptions<'static> = CreateMode::Persistent.with_acls(Acls::anyone_all());

#[tokio::test]
async fn sends_only_the_differences_and_certifies_what_is_then_equal() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("fix");
    let (at_source, at_target) = (source.client().await?, target.client().await?);
    for client in [&at_source, &at_target] {
        load(client, &root, tree::small(1, 3_000)).await?;
        load(client, &root, ["/data", "/acl", "/gone"].map(|path| TreeZnode::new(path, "same")).into_iter()).await?;
    }
    let path = |path: &str| format!("{root}{path}");
    at_target.set_data(&path("/data"), b"other", None).await?;
    let read = Acl::new(Permission::READ | Permission::ADMIN, AuthId::anyone());
    at_target.set_acl(&path("/acl"), &[read], None).await?;
    at_target.delete(&path("/gone"), None).await?;
    at_target.create(&path("/extra"), b"", &OPEN).await?;
    at_target.create(&path("/extra/below"), b"", &OPEN).await?;

    let (from, to) = (source.at(&root), target.at(&root));
    let directory = tempfile::tempdir()?;
    let certificate = directory.path().join("fixed.json");
    let file = certificate.to_str().expect("UTF-8");
    run(&["verify", &from, &to]).await.expect(1);
    let fix = ["verify", "--fix", "--certificate", file, "--format", "json", &from, &to];
    let ran = run(&fix).await.expect(0).json();
    assert_eq!(
        (&ran["verdict"], ran["found"]["differences"]["list"].as_array().map(Vec::len)),
        (&"equal".into(), Some(5))
    );
    let znodes = &ran["copy"]["znodes"];
    let sent = ["created", "data_set", "acl_set", "deleted"].map(|kind| znodes[kind].as_u64());
    assert_eq!(sent, [Some(1), Some(1), Some(1), Some(2)], "{znodes:#}");
    assert!(certificate.exists());
    let (here, there) = (read_tree(&at_source, &root).await?, read_tree(&at_target, &root).await?);
    assert!(here.keys().eq(there.keys()));
    assert!(
        here.values().zip(there.values()).all(|(here, there)| (&here.data, &here.acl) == (&there.data, &there.acl))
    );

    // Equal trees are read once, and nothing is sent.
    let again = run(&["verify", "--fix", "--format", "json", &from, &to]).await.expect(0).json();
    assert_eq!((&again["copy"], &again["found"]), (&Value::Null, &Value::Null));
    let text = run(&["verify", "--fix", &from, &to]).await.expect(0).stdout;
    assert!(!text.contains("fixed"), "{text}");
    Ok(())
}

#[tokio::test]
async fn removes_no_more_than_is_allowed() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("fix-max");
    let (at_source, at_target) = (source.client().await?, target.client().await?);
    load(&at_source, &root, tree::small(1, 10)).await?;
    load(&at_target, &root, (0..1_100).map(|number| TreeZnode::new(format!("/extra-{number}"), ""))).await?;
    let before = read_tree(&at_target, &root).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    run(&["verify", "--fix", &from, &to]).await.expect(2).says(&[
        "1100 of",
        "nothing was changed",
        "--max-delete 1100",
    ]);
    assert_eq!(read_tree(&at_target, &root).await?, before);
    run(&["verify", "--fix", "--max-delete", "1100", &from, &to]).await.expect(0);
    run(&["verify", "--max-delete", "1100", &from, &to]).await.expect(2).says(&["--fix"]);
    Ok(())
}

#[tokio::test]
async fn sends_nothing_where_something_could_not_be_compared() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("fix-masked");
    let (at_source, at_target) = (source.client().await?, target.client().await?);
    let owner = Acl::new(Permission::ALL, AuthId::new("digest", "u:h="));
    let tree = || {
        let hidden =
            TreeZnode::new("/hidden", "").with_acl(vec![owner.clone(), Acl::new(Permission::READ, AuthId::anyone())]);
        [hidden, TreeZnode::new("/other", "")].into_iter()
    };
    load(&at_source, &root, tree()).await?;
    load(&at_target, &root, tree()).await?;
    at_target.create(&format!("{root}/extra"), b"", &OPEN).await?;
    let before = read_tree(&at_target, &root).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    run(&["verify", "--fix", &from, &to])
        .await
        .expect(2)
        .says(&["1 znode(s) could not be compared", "nothing was sent"]);
    assert_eq!(read_tree(&at_target, &root).await?, before);
    run(&["verify", "--fix", "--exclude", "/hidden", &from, &to]).await.expect(0);
    Ok(())
}

/// What is not compared is not sent either.
#[tokio::test]
async fn raises_counters_only_where_they_are_compared() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("fix-counters");
    let (at_source, at_target) = (source.client().await?, target.client().await?);
    for client in [&at_source, &at_target] {
        load(client, &root, tree::small(1, 10)).await?;
    }
    for _ in 0..7 {
        at_source.create(&format!("{root}/n"), b"", &OPEN).await?;
        at_source.delete(&format!("{root}/n"), None).await?;
    }
    let (from, to) = (source.at(&root), target.at(&root));
    let ran = run(&["verify", "--fix", "--format", "json", &from, &to]).await.expect(0).json();
    assert_eq!(ran["copy"], Value::Null);
    let ran = run(&["verify", "--fix", "--counters", "--format", "json", &from, &to]).await.expect(0).json();
    assert_eq!(ran["copy"]["counter_steps"], 7);
    Ok(())
}
