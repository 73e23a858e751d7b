//! Parts of trees: what --include and --exclude take, leave out and count, in copy and in verify.

use std::collections::BTreeSet;

use harness::tree::{self, TreeZnode};
use harness::{load, read_tree, shared_pair, unique_root};
use zookeeper_client::{Acl, Acls, AuthId, CreateMode, Permission};

use crate::product::{Outcome, run};

/// Three applications with a configuration and a lock, one of them without, and things beside them.
const TREE: [&str; 16] = [
    "/apps",
    "/apps/1",
    "/apps/1/config",
    "/apps/1/config/deep",
    "/apps/1/lock",
    "/apps/2",
    "/apps/2/config",
    "/apps/2/tmp",
    "/apps/2/tmp/config",
    "/apps/3",
    "/apps/3/lock",
    "/apps/3/lock/holder",
    "/backup",
    "/backup/policy",
    "/tmp",
    "/tmp/x",
];

fn znodes() -> impl Iterator<Item = TreeZnode> + Send {
    TREE.into_iter().map(|path| TreeZnode::new(path, path))
}

/// Copies with these options and gives the paths at the target beside the JSON report; the verify must agree.
async fn copied(name: &str, options: &[&str]) -> Result<(BTreeSet<String>, serde_json::Value), harness::Error> {
    let (source, target) = shared_pair().await?;
    let root = unique_root(name);
    load(&source.client().await?, &root, znodes()).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    let args = [&["copy", "--verify", "--format", "json"], options, &[&from, &to]].concat();
    let report = run(&args).await.expect(0).json();
    let verify = run(&[&["verify", "--format", "json"], options, &[&from, &to]].concat()).await.expect(0).json();
    assert_eq!(verify["verify"]["source"]["digest"], verify["verify"]["target"]["digest"]);
    assert_eq!(verify["verify"]["skipped"]["filtered"], report["copy"]["skipped"]["filtered"]);
    let there = read_tree(&target.client().await?, &root).await?;
    assert_eq!(verify["verify"]["source"]["znodes"], there.len());
    assert!(there.iter().all(|(path, seen)| path == "/" || seen.data == path.as_bytes()), "data came with all of them");
    Ok((there.into_keys().collect(), report))
}

fn set(paths: &[&str]) -> BTreeSet<String> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}

#[tokio::test]
async fn excludes_leave_out_subtrees_and_count_their_roots() -> Outcome {
    let (paths, report) = copied("exclude", &["--exclude", "/apps/*/lock", "--exclude", "/**/tmp"]).await?;
    let left: Vec<&str> = TREE.into_iter().filter(|path| !path.contains("lock") && !path.contains("tmp")).collect();
    assert_eq!(paths, set(&[&["/"], &*left].concat()));
    assert_eq!(report["copy"]["skipped"]["filtered"], 4, "two locks, two tmp");
    assert_eq!(report["exclude"], serde_json::json!(["/apps/*/lock", "/**/tmp"]));
    Ok(())
}

#[tokio::test]
async fn includes_take_subtrees_with_the_parents_they_need_and_no_others() -> Outcome {
    let (paths, report) = copied("include", &["--include", "/apps/*/config"]).await?;
    let expected = ["/", "/apps", "/apps/1", "/apps/1/config", "/apps/1/config/deep", "/apps/2", "/apps/2/config"];
    assert_eq!(paths, set(&expected));
    // Seen and left out: /backup, /tmp, /apps/1/lock, /apps/2/tmp, /apps/3/lock, and /apps/3 which led to nothing.
    assert_eq!(report["copy"]["skipped"]["filtered"], 6);
    assert_eq!(report["copy"]["znodes"]["read"], expected.len());

    let (paths, _) = copied("both", &["--include", "/**/config", "--exclude", "/apps/2/tmp"]).await?;
    assert_eq!(paths, set(&expected));
    let (paths, _) = copied("nothing", &["--include", "/no/such"]).await?;
    assert_eq!(paths, set(&["/"]), "the root itself is always there");
    Ok(())
}

/// What is left out is not even read: a znode that nobody may read stops a copy, and here it does not.
#[tokio::test]
async fn what_is_excluded_is_not_read() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("unread");
    let at_source = source.client().await?;
    load(&at_source, &root, znodes()).await?;
    let nobody = [Acl::new(Permission::ALL, AuthId::new("ip", "192.0.2.1"))];
    at_source.set_acl(&format!("{root}/apps/3/lock"), &nobody, None).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    run(&["copy", &from, &to]).await.expect(2).says(&["/apps/3/lock", "not authorized"]);
    let ran = run(&["copy", "--update", "--verify", "--exclude", "/**/lock", &from, &to]).await.expect(0);
    assert!(ran.stdout.contains("2 by --include or --exclude"), "{}", ran.stdout);
    Ok(())
}

#[tokio::test]
async fn verify_takes_both_sides_through_the_same_filter() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("both-sides");
    load(&source.client().await?, &root, znodes()).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    let options = ["--include", "/apps/*/config", "--exclude", "/**/deep"];
    run(&[&["copy"], &options[..], &[&from, &to]].concat()).await.expect(0);
    let verify = [&["verify", "--format", "json"], &options[..], &[&from, &to]].concat();
    run(&verify).await.expect(0);

    // Extras that the filter leaves out are none, wherever they are.
    let at_target = target.client().await?;
    let anyone = CreateMode::Persistent.with_acls(Acls::anyone_all());
    for extra in ["/other", "/other/apps", "/apps/1/lock", "/apps/1/config/deep", "/apps/3", "/apps/4"] {
        at_target.create(&format!("{root}{extra}"), b"", &anyone).await?;
    }
    run(&verify).await.expect(0);
    // And those that it takes are found, also below a znode that leads to nothing at the source, or is not there.
    for extra in ["/apps/1/config/x", "/apps/3/config", "/apps/4/config", "/apps/4/config/y"] {
        at_target.create(&format!("{root}{extra}"), b"", &anyone).await?;
    }
    let found = run(&verify).await.expect(1);
    let differences = &found.json()["verify"]["differences"];
    let paths: BTreeSet<&str> =
        differences["list"].as_array().expect("a list").iter().filter_map(|line| line["path"].as_str()).collect();
    let expected = ["/apps/1/config/x", "/apps/3/config", "/apps/4", "/apps/4/config", "/apps/4/config/y"];
    assert_eq!(paths, expected.into_iter().collect(), "/apps/4 is there for what is below it");
    assert_eq!(differences["only_target"], expected.len());
    // The whole trees differ in more than that.
    run(&["verify", &from, &to]).await.expect(1);
    Ok(())
}

#[tokio::test]
async fn update_with_a_filter_writes_within_it_alone() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("update-part");
    let (at_source, at_target) = (source.client().await?, target.client().await?);
    load(&at_source, &root, znodes()).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    run(&["copy", &from, &to]).await.expect(0);
    for path in ["/apps/1/config", "/apps/2/tmp"] {
        at_source.set_data(&format!("{root}{path}"), b"new", None).await?;
    }
    let updated =
        run(&["copy", "--update", "--exclude", "/**/tmp", "--format", "json", &from, &to]).await.expect(0).json();
    assert_eq!(updated["copy"]["znodes"]["data_set"], 1);
    assert_eq!(at_target.get_data(&format!("{root}/apps/2/tmp")).await?.0, b"/apps/2/tmp");
    Ok(())
}

/// Every parent is only on the way here, and each is given when something below it comes.
#[tokio::test]
async fn includes_find_few_znodes_in_a_large_tree() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("large");
    let at_source = source.client().await?;
    load(&at_source, &root, tree::small(1, 20_000)).await?;
    let before = read_tree(&at_source, &root).await?;
    let wanted: BTreeSet<&str> = before.keys().map(String::as_str).filter(|path| path.contains("/7/7")).collect();
    let needed: BTreeSet<String> = wanted
        .iter()
        .flat_map(|path| {
            path.match_indices('/').map(|(end, _)| if end == 0 { "/" } else { &path[..end] }).chain([*path])
        })
        .map(str::to_owned)
        .collect();
    let (from, to) = (source.at(&root), target.at(&root));
    let report =
        run(&["copy", "--verify", "--include", "/**/7/7", "--format", "json", &from, &to]).await.expect(0).json();
    let there = read_tree(&target.client().await?, &root).await?;
    assert_eq!(there.keys().cloned().collect::<BTreeSet<_>>(), needed);
    assert!(there.iter().all(|(path, seen)| seen.data == before[path].data));
    assert_eq!(report["verify"]["source"]["znodes"], needed.len());
    assert_eq!(report["copy"]["skipped"]["filtered"], before.len() - needed.len(), "all of them were seen");
    Ok(())
}

/// A parent whose own ACL keeps everybody from creating, and which is not known to be needed when it is met.
#[tokio::test]
async fn a_restrictive_parent_on_the_way_is_closed_after_its_children() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("restrictive-way");
    let at_source = source.client().await?;
    load(&at_source, &root, znodes()).await?;
    for path in ["/apps/1", "/apps", ""] {
        at_source.set_acl(&format!("{root}{path}"), &Acls::anyone_read(), None).await?;
    }
    let (from, to) = (source.at(&root), target.at(&root));
    run(&["copy", "--verify", "--include", "/apps/*/config", &from, &to]).await.expect(0);
    let there = read_tree(&target.client().await?, &root).await?;
    assert!(["/", "/apps", "/apps/1"].iter().all(|path| there[*path].acl == Acls::anyone_read().to_vec()));
    Ok(())
}

#[tokio::test]
async fn a_bad_glob_is_a_usage_error_and_nothing_is_changed() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("bad-glob");
    load(&source.client().await?, &root, tree::small(2, 10)).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    for (option, glob) in [("--exclude", "tmp"), ("--include", "/a["), ("--exclude", "/{a/b,c}"), ("--include", "/")] {
        for command in ["copy", "verify"] {
            run(&[command, option, glob, &from, &to]).await.expect(2).says(&[option, glob, "a glob is a path"]);
        }
    }
    assert!(target.client().await?.check_stat(&root).await?.is_none());
    Ok(())
}
