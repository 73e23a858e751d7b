//! sync: the target becomes what the source is, and nothing goes that was not allowed to.

use harness::tree::TreeZnode;
use harness::{Server, load, read_tree, shared_pair, tree, unique_root};
use zookeeper_client::{Acl, Acls, AuthId, Client, CreateMode, CreateOptions, Permission};

use crate::product::{Outcome, run};

const OPEN: CreateOptions<'static> = CreateMode::Persistent.with_acls(Acls::anyone_all());
const EPHEMERAL: CreateOptions<'static> = CreateMode::Ephemeral.with_acls(Acls::anyone_all());

/// A tree of `count` znodes on both sides, and clients there.
async fn same(name: &str, count: usize) -> Result<(String, Client, Client), Box<dyn std::error::Error>> {
    let (source, target) = shared_pair().await?;
    let root = unique_root(name);
    let (at_source, at_target) = (source.client().await?, target.client().await?);
    load(&at_source, &root, tree::small(1, count)).await?;
    load(&at_target, &root, tree::small(1, count)).await?;
    Ok((root, at_source, at_target))
}

fn ends(root: &str, (source, target): &(Server, Server)) -> (String, String) {
    (source.at(root), target.at(root))
}

#[tokio::test]
async fn removes_what_the_source_does_not_have_and_nothing_else() -> Outcome {
    let (root, at_source, at_target) = same("sync", 500).await?;
    let extra = |path: &str| TreeZnode::new(path, "extra");
    let extras = ["/x", "/x/y", "/x/y/z", "/x/w", "/v"].map(extra);
    load(&at_target, &root, extras.into_iter()).await?;
    at_target.create(&format!("{root}/mine"), b"", &EPHEMERAL).await?;
    // In the place of an ephemeral of the source stands something with a child.
    at_source.create(&format!("{root}/lock"), b"", &EPHEMERAL).await?;
    load(&at_target, &root, ["/lock", "/lock/old"].map(extra).into_iter()).await?;
    at_source.set_data(&root, b"other", None).await?;
    at_source.create(&format!("{root}/new"), b"", &OPEN).await?;

    let (from, to) = ends(&root, shared_pair().await?);
    let synced = run(&["sync", "--verify", "--format", "json", &from, &to]).await.expect(0).json();
    assert_eq!(synced["copy"]["znodes"]["deleted"], 7, "{synced:#}");
    assert_eq!(synced["copy"]["znodes"]["created"], 1);
    assert_eq!(synced["copy"]["znodes"]["data_set"], 1);
    assert_eq!(synced["verdict"], "equal");
    assert!(at_target.check_stat(&format!("{root}/mine")).await?.is_some(), "an ephemeral belongs to its session");
    let again = run(&["sync", "--format", "json", &from, &to]).await.expect(0).json();
    assert_eq!(again["copy"]["write_requests"], 0);
    Ok(())
}

#[tokio::test]
async fn refuses_to_remove_more_than_is_allowed_and_changes_nothing() -> Outcome {
    let (root, at_source, at_target) = same("sync-max", 50).await?;
    let extras = (0..1_100).map(|number| TreeZnode::new(format!("/extra-{number}"), ""));
    load(&at_target, &root, extras).await?;
    at_source.set_data(&root, b"other", None).await?;
    let before = read_tree(&at_target, &root).await?;
    let (from, to) = ends(&root, shared_pair().await?);
    run(&["sync", &from, &to]).await.expect(2).says(&["1100 of", "nothing was changed", "--max-delete 1100"]);
    run(&["sync", "--max-delete", "1099", &from, &to]).await.expect(2).says(&["--max-delete says"]);
    assert_eq!(before, read_tree(&at_target, &root).await?);
    let synced = run(&["sync", "--max-delete", "1100", "--format", "json", &from, &to]).await.expect(0).json();
    assert_eq!(synced["copy"]["znodes"]["deleted"], 1_100);
    Ok(())
}

#[tokio::test]
async fn an_ephemeral_keeps_its_parent_and_is_named() -> Outcome {
    let (root, _, at_target) = same("sync-ephemeral", 20).await?;
    at_target.create(&format!("{root}/extra"), b"", &OPEN).await?;
    at_target.create(&format!("{root}/extra/lock"), b"", &EPHEMERAL).await?;
    let (from, to) = ends(&root, shared_pair().await?);
    run(&["sync", &from, &to]).await.expect(2).says(&["/extra/lock", "ephemeral znode of a live session"]);
    assert!(at_target.check_stat(&format!("{root}/extra/lock")).await?.is_some());
    Ok(())
}

#[tokio::test]
async fn leaves_what_a_filter_leaves_out() -> Outcome {
    let (root, _, at_target) = same("sync-filter", 20).await?;
    let extras = ["/keep", "/keep/below", "/go", "/stays", "/stays/keep", "/stays/goes"];
    load(&at_target, &root, extras.map(|path| TreeZnode::new(path, "")).into_iter()).await?;
    // Its parent stays for another reason.
    at_target.create(&format!("{root}/stays/lock"), b"", &EPHEMERAL).await?;
    let (from, to) = ends(&root, shared_pair().await?);
    run(&["sync", "--exclude", "/**/keep", &from, &to]).await.expect(0);
    for path in ["/keep/below", "/stays/keep", "/stays/lock"] {
        assert!(at_target.check_stat(&format!("{root}{path}")).await?.is_some(), "{path}");
    }
    for path in ["/go", "/stays/goes"] {
        assert!(at_target.check_stat(&format!("{root}{path}")).await?.is_none(), "{path}");
    }
    Ok(())
}

/// What is left out of the copy is left as it is at the target, be it more or less than at the source.
#[tokio::test]
async fn leaves_what_stands_at_and_below_a_znode_that_is_skipped_for_its_masked_acl() -> Outcome {
    let (root, at_source, at_target) = same("sync-masked", 20).await?;
    let owner = [Acl::new(Permission::ALL, AuthId::new("digest", "owner:Vj++wdU3sMAbt+g9TyKj1BT+usI="))];
    let owned = [Acl::new(Permission::READ, AuthId::anyone()), owner[0].clone()];
    let znodes = |paths: &[&'static str]| paths.iter().map(|&path| TreeZnode::new(path, "")).collect::<Vec<_>>();
    load(&at_source, &root, znodes(&["/o", "/o/b", "/o/b/c", "/o/e", "/leaf", "/x"]).into_iter()).await?;
    at_source.create(&format!("{root}/o/lock"), b"", &EPHEMERAL).await?;
    for path in ["/o", "/leaf"] {
        at_source.set_acl(&format!("{root}{path}"), &owned, None).await?;
    }
    let kept = ["/o", "/o/b", "/o/b/c", "/o/b/more", "/o/e", "/o/e/more", "/o/lock", "/o/more", "/leaf", "/leaf/more"];
    load(&at_target, &root, znodes(&kept).into_iter()).await?;
    load(&at_target, &root, znodes(&["/x", "/x/goes", "/goes", "/goes/too"]).into_iter()).await?;

    let (from, to) = ends(&root, shared_pair().await?);
    let sync = ["sync", "--masked-acl", "skip", "--format", "json", &from, &to];
    for deleted in [3, 0] {
        let synced = run(&sync).await.expect(3).json();
        assert_eq!(synced["copy"]["znodes"]["deleted"], deleted, "{synced:#}");
        let there = read_tree(&at_target, &root).await?;
        assert!(kept.iter().all(|path| there.contains_key(*path)), "{:?}", there.keys());
    }
    Ok(())
}

#[tokio::test]
async fn into_an_empty_place_it_is_a_copy() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("sync-empty");
    load(&source.client().await?, &root, tree::small(1, 100)).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    let synced = run(&["sync", "--verify", "--format", "json", &from, &to]).await.expect(0).json();
    assert_eq!(synced["verdict"], "equal");
    Ok(())
}
