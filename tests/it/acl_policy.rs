//! What becomes of ACLs that can't be copied as they are: masked ones, mapped ones, and those that a target refuses.

use harness::tree::TreeZnode;
use harness::{load, read_tree, shared_pair, unique_root};
use zookeeper_client::{Acl, Acls, AuthId, Permission};

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
