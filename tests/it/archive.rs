//! Archives: what a tree was comes back from a file, whichever way it is asked for; and nothing is passed over.

mod damage;
mod ends;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use harness::tree::{self, TreeZnode};
use harness::{Server, load, read_tree, shared_pair, unique_root};
use serde_json::Value;
use tempfile::TempDir;
use zookeeper_client::{Acl, Acls, AuthId, CreateMode, Permission};

use crate::product::{Outcome, Run, run, run_with};

/// What the server makes of `owner:secret`.
const OWNER: &str = "owner:Vj++wdU3sMAbt+g9TyKj1BT+usI=";

/// A file of a directory that goes with the test.
struct Place {
    directory: TempDir,
    file: PathBuf,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("tree.zka");
        Self { directory, file }
    }

    fn file(&self) -> &str {
        self.file.to_str().expect("UTF-8")
    }

    /// The same in the place of a tree.
    fn tree(&self) -> String {
        format!("archive:{}", self.file())
    }

    /// What lies in the directory.
    fn names(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.directory.path()).expect("a directory");
        entries.map(|entry| entry.expect("an entry").path()).collect()
    }
}

async fn dump(from: &str, to: &Path, more: &[&str]) -> Value {
    let to = to.to_str().expect("UTF-8");
    run(&[&["dump", "--format", "json"], more, &[from, to]].concat()).await.expect(0).json()
}

/// Fails unless both trees hold the same data and ACLs; kinds and counters are the product's own verify's to compare.
async fn assert_same(source: &Server, from: &str, target: &Server, to: &str) -> Outcome {
    let [one, other] = [source.client().await?, target.client().await?];
    let (scheme, auth) = tree::ODD_AUTH;
    one.auth(scheme, auth).await?;
    other.auth(scheme, auth).await?;
    let (one, other) = (read_tree(&one, from).await?, read_tree(&other, to).await?);
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (path, seen) in &one {
        assert!(seen.data == other[path].data && seen.acl == other[path].acl, "{path} is another");
    }
    Ok(())
}

#[tokio::test]
async fn a_tree_comes_back_with_everything_that_it_had() -> Outcome {
    let (source, target) = shared_pair().await?;
    let (root, place) = (unique_root("archive"), Place::new());
    let client = source.client().await?;
    load(&client, &root, tree::pegasus_like(3, 3_000)).await?;
    load(&client, &format!("{root}/odd"), tree::odd(4)).await?;
    // An ancestor that a copy has made has null data.
    run(&["copy", &source.at(&format!("{root}/lock")), &source.at(&format!("{root}/null/lock"))]).await.expect(0);
    let sequential = CreateMode::PersistentSequential.with_acls(Acls::anyone_all());
    for _ in 0..20 {
        let (_, number) = client.create(&format!("{root}/lock/n-"), b"", &sequential).await?;
        client.delete(&format!("{root}/lock/n-{number}"), None).await?;
    }
    let ephemeral = CreateMode::Ephemeral.with_acls(Acls::anyone_all());
    client.create(&format!("{root}/lock/held"), b"", &ephemeral).await?;

    let (scheme, auth) = tree::ODD_AUTH;
    let auth = format!("{scheme}:{}", String::from_utf8_lossy(auth));
    let env = [("ZKREPLICATOR_AUTH", auth.as_str())];
    let (from, to) = (source.at(&root), target.at(&root));
    let dumped = run_with(&env, &["dump", "--verify", "--format", "json", &from, place.file()]).await.expect(0).json();
    assert_eq!((&dumped["verdict"], &dumped["dump"]["archive"]["settled"]), (&"equal".into(), &true.into()));
    assert_eq!(place.file.metadata()?.permissions().mode() & 0o777, 0o600);
    assert_eq!(place.file.metadata()?.len(), dumped["dump"]["file_bytes"].as_u64().expect("a number"));
    assert_eq!(place.names(), std::slice::from_ref(&place.file), "nothing beside it");
    assert_eq!(dumped["dump"]["skipped"]["ephemeral"], 1);
    assert_eq!(dumped["dump"]["archive"]["digest"], dumped["verify"]["source"]["digest"]);

    let restored = ["restore", "--verify", "--format", "json", place.file(), &to];
    let restored = run_with(&env, &restored).await.expect(0).json();
    assert_eq!(restored["verdict"], "equal");
    assert_eq!(restored["copy"]["archive"]["head"]["source"], from);
    assert_eq!(restored["copy"]["skipped"]["ephemeral"], 1);
    client.delete(&format!("{root}/lock/held"), None).await?;
    assert_same(source, &root, target, &root).await?;
    // Null stays null, counters are carried over, and both ways round it is the same.
    for sides in [[&from, &to], [&place.tree(), &to], [&to, &place.tree()], [&place.tree(), &place.tree()]] {
        let args = ["verify", "--format", "json", sides[0], sides[1]];
        let verified = run_with(&env, &args).await.expect(0).json();
        assert_eq!(verified["verify"]["source"]["digest"], dumped["dump"]["archive"]["digest"], "{sides:?}");
        assert_eq!(verified["verify"]["target"]["digest"], dumped["dump"]["archive"]["digest"], "{sides:?}");
    }
    let counter = |document: &Value| document["scan"]["counters"][0].clone();
    let scanned = run(&["scan", "--format", "json", "--top", "1", "--include", "/lock", &place.tree()]).await.expect(0);
    assert!(counter(&scanned.json())["counter"].as_u64() >= Some(22), "{}", scanned.stdout);

    // Again, and nothing is to be done.
    let again = ["restore", "--update", "--format", "json", place.file(), &to];
    let again = run_with(&env, &again).await.expect(0).json();
    assert_eq!(again["copy"]["write_requests"], 0, "{again:#}");
    Ok(())
}

#[tokio::test]
async fn differences_are_told_as_they_were_asked_for() -> Outcome {
    let (source, target) = shared_pair().await?;
    let (root, place) = (unique_root("archive-differs"), Place::new());
    let (from, to) = (source.at(&root), target.at(&root));
    load(&source.client().await?, &root, tree::small(1, 300)).await?;
    dump(&from, &place.file, &[]).await;
    run(&["copy", &place.tree(), &to]).await.expect(0);
    let client = target.client().await?;
    client.set_data(&format!("{root}/0"), b"other", None).await?;
    let fewer = Acl::new(Permission::READ | Permission::WRITE | Permission::ADMIN, AuthId::anyone());
    client.set_acl(&format!("{root}/0"), &[fewer], None).await?;
    let open = CreateMode::Persistent.with_acls(Acls::anyone_all());
    client.create(&format!("{root}/more"), b"", &open).await?;
    client.create(&format!("{root}/more/below"), b"", &open).await?;
    let gone = client.list_children(&root).await?.into_iter().find(|name| name != "0" && name != "more").expect("one");
    for path in read_tree(&client, &format!("{root}/{gone}")).await?.keys().rev() {
        client.delete(format!("{root}/{gone}{path}").trim_end_matches('/'), None).await?;
    }

    let other = place.directory.path().join("other.zka");
    dump(&to, &other, &[]).await;
    let other = format!("archive:{}", other.display());
    let there = read_tree(&source.client().await?, &format!("{root}/{gone}")).await?.len();
    let forth = run(&["verify", &place.tree(), &to]).await.expect(1);
    let back = run(&["verify", &to, &place.tree()]).await.expect(1);
    let archives = run(&["verify", &place.tree(), &other]).await.expect(1);
    for (ran, [only_here, only_there]) in [(&forth, ['+', '-']), (&back, ['-', '+']), (&archives, ['+', '-'])] {
        let lines: Vec<&str> = ran.stdout.lines().take_while(|line| !line.starts_with("different")).collect();
        assert_eq!(lines.len(), 3 + there, "{}", ran.stdout);
        for line in ["* /0 (data, acl)".to_owned(), format!("{only_there} /more"), format!("{only_there} /more/below")]
        {
            assert!(lines.contains(&line.as_str()), "{line}: {}", ran.stdout);
        }
        assert!(lines.contains(&format!("{only_here} /{gone}").as_str()), "{}", ran.stdout);
    }
    // A sync takes away what the archive has not, within its bounds.
    run(&["sync", "--max-delete", "1", &place.tree(), &to]).await.expect(2).says(&["nothing was changed"]);
    let planned = run(&["sync", "--dry-run", "--format", "json", &place.tree(), &to]).await.expect(0).json();
    assert_eq!(
        (&planned["plan"]["znodes"]["remove"], &planned["plan"]["znodes"]["create"]),
        (&2.into(), &there.into())
    );
    let synced = run(&["sync", "--verify", "--format", "json", &place.tree(), &to]).await.expect(0).json();
    assert_eq!((&synced["verdict"], &synced["copy"]["znodes"]["deleted"]), (&"equal".into(), &2.into()));
    // verify --fix does the same.
    client.set_data(&format!("{root}/0"), b"other", None).await?;
    let fixed = run(&["verify", "--fix", "--format", "json", &place.tree(), &to]).await.expect(0).json();
    assert_eq!((&fixed["verdict"], &fixed["copy"]["znodes"]["data_set"]), (&"equal".into(), &1.into()));
    Ok(())
}

#[tokio::test]
async fn filters_cut_what_goes_in_and_what_comes_out_and_what_it_is_compared_with() -> Outcome {
    let (source, target) = shared_pair().await?;
    let (root, place) = (unique_root("archive-filter"), Place::new());
    let (from, to) = (source.at(&root), target.at(&root));
    let client = source.client().await?;
    let paths = ["/apps", "/apps/1", "/apps/1/config", "/apps/1/tmp", "/apps/1/tmp/x", "/apps/2", "/lock", "/lock/y"];
    load(&client, &root, paths.into_iter().map(|path| TreeZnode::new(path, path))).await?;
    let dumped = dump(&from, &place.file, &["--exclude", "/**/tmp"]).await;
    assert_eq!(dumped["dump"]["archive"]["znodes"], paths.len() + 1 - 2);
    // What was left out of it is left out of what it is compared with.
    run(&["verify", &place.tree(), &from]).await.expect(0);
    run(&["verify", &from, &place.tree()]).await.expect(0);
    let restored = run(&["restore", "--include", "/apps/*/config", "--format", "json", place.file(), &to]).await;
    let restored = restored.expect(0).json();
    assert_eq!(restored["copy"]["znodes"]["created"], 4, "the root, /apps, /apps/1 and /apps/1/config");
    let there = read_tree(&target.client().await?, &root).await?;
    assert_eq!(there.keys().collect::<Vec<_>>(), ["/", "/apps", "/apps/1", "/apps/1/config"]);
    run(&["verify", "--include", "/apps/*/config", &place.tree(), &to]).await.expect(0);
    // What the archive leaves out by itself is not removed by a sync of it.
    let kept = target.client().await?;
    kept.create(&format!("{root}/apps/1/tmp"), b"", &CreateMode::Persistent.with_acls(Acls::anyone_all())).await?;
    run(&["sync", &place.tree(), &to]).await.expect(0);
    assert!(kept.check_stat(&format!("{root}/apps/1/tmp")).await?.is_some());

    let part = place.directory.path().join("part.zka");
    dump(&from, &part, &["--include", "/apps/2"]).await;
    let part = format!("archive:{}", part.display());
    run(&["verify", "--include", "/apps/1", &part, &from]).await.expect(2).says(&["itself made with --include"]);
    run(&["verify", &part, &from]).await.expect(0);
    Ok(())
}

#[tokio::test]
async fn acls_are_kept_mapped_or_left() -> Outcome {
    let (source, target) = shared_pair().await?;
    let (root, place) = (unique_root("archive-acls"), Place::new());
    let (from, to) = (source.at(&root), target.at(&root));
    let owned =
        vec![Acl::new(Permission::READ, AuthId::anyone()), Acl::new(Permission::ALL, AuthId::new("digest", OWNER))];
    let znodes = [TreeZnode::new("/a", "a").with_acl(owned), TreeZnode::new("/a/b", "b"), TreeZnode::new("/c", "c")];
    load(&source.client().await?, &root, znodes.into_iter()).await?;
    let at = |name: &str| place.directory.path().join(name).to_str().expect("UTF-8").to_owned();
    // A masked ACL ends it, is left out, or is left open.
    run(&["dump", &from, place.file()]).await.expect(2).says(&["hides an id", "--masked-acl"]);
    assert!(place.names().is_empty(), "nothing is left of it");
    let skipped = run(&["dump", "--masked-acl", "skip", "--format", "json", &from, &at("skip")]).await.expect(3).json();
    assert_eq!((&skipped["verdict"], &skipped["dump"]["archive"]["znodes"]), (&"not complete".into(), &2.into()));
    run(&["dump", "--masked-acl", "open", &from, &at("open")]).await.expect(3);
    run(&["copy", &format!("archive:{}", at("open")), &format!("{to}/open")]).await.expect(0);
    // Unread ones are not there, and nobody is told otherwise.
    dump(&from, Path::new(&at("unread")), &["--acl", "open"]).await;
    let unread = format!("archive:{}", at("unread"));
    run(&["verify", &unread, &from]).await.expect(2).says(&["holds no ACLs", "--acl ignore"]);
    run(&["copy", &unread, &format!("{to}/unread")]).await.expect(2).says(&["holds no ACLs", "--acl open"]);
    run(&["verify", "--acl", "ignore", &unread, &from]).await.expect(0);
    run(&["copy", "--acl", "open", "--verify", &unread, &format!("{to}/unread")]).await.expect(0);
    // A map goes between, either way.
    let env = [("ZKREPLICATOR_AUTH", "digest:owner:secret")];
    run_with(&env, &["dump", &from, place.file()]).await.expect(0);
    std::fs::write(at("rules"), format!("digest:{OWNER} -> world:anyone\n"))?;
    let map = format!("--acl=map={}", at("rules"));
    run_with(&env, &["restore", &map, "--verify", place.file(), &format!("{to}/mapped")]).await.expect(0);
    run_with(&env, &["dump", &map, "--verify", &from, &at("mapped")]).await.expect(0);
    run(&["verify", &format!("archive:{}", at("mapped")), &format!("{to}/mapped")]).await.expect(0);
    run_with(&env, &["restore", "--verify", place.file(), &format!("{to}/same")]).await.expect(0);
    let differs = run_with(&env, &["verify", &format!("archive:{}", at("mapped")), &place.tree()]).await.expect(1);
    assert!(differs.stdout.starts_with("* /a (acl)\n"), "{}", differs.stdout);
    Ok(())
}

#[tokio::test]
async fn a_scan_of_an_archive_tells_what_one_of_the_tree_does() -> Outcome {
    let (source, _) = shared_pair().await?;
    let (root, place) = (unique_root("archive-scan"), Place::new());
    load(&source.client().await?, &root, tree::bush(11, 5_000)).await?;
    let dumped = dump(&source.at(&root), &place.file, &[]).await;
    let scan = async |tree: &str| run(&["scan", "--format", "json", tree]).await.expect(0).json()["scan"].clone();
    let (tree, archive) = (scan(&source.at(&root)).await, scan(&place.tree()).await);
    for same in ["znodes", "levels", "data_bytes", "largest", "widest", "counters", "acls", "problems"] {
        assert_eq!(archive[same], tree[same], "{same}");
    }
    assert_eq!(archive["bytes"]["data"], tree["bytes"]["data"]);
    assert_eq!(archive["zxid"], dumped["dump"]["archive"]["zxid"]);
    Ok(())
}

#[tokio::test]
async fn what_makes_no_sense_with_an_archive_is_refused() -> Outcome {
    let (source, target) = shared_pair().await?;
    let (root, place) = (unique_root("archive-refused"), Place::new());
    let (from, to, tree) = (source.at(&root), target.at(&root), place.tree());
    load(&source.client().await?, &root, tree::small(1, 5)).await?;
    dump(&from, &place.file, &[]).await;
    let before = std::fs::read(&place.file)?;
    let refused = async |args: &[&str], why: &str| -> Run { run(args).await.expect(2).says(&[why]) };
    refused(&["dump", &from, place.file()], "--replace").await;
    refused(&["copy", &from, &tree], "--replace").await;
    refused(&["sync", &from, &tree], "--replace").await;
    assert_eq!(std::fs::read(&place.file)?, before, "it is as it was");
    refused(&["dump", &from, "/no/such/directory/x"], "does not take files").await;
    refused(&["copy", "archive:/no/such/file", &to], "No such file").await;
    refused(&["copy", "archive:", &to], "no file behind it").await;
    refused(&["copy", &tree, &tree], "as any file is").await;
    refused(&["copy", "--quotas", &tree, &to], "--quotas has no meaning here").await;
    refused(&["copy", "--quotas", &from, &tree], "--quotas").await;
    refused(&["copy", "--no-counters", &from, &tree], "--no-counters").await;
    refused(&["copy", "--jute-maxbuffer", "1048575", &from, &tree], "--jute-maxbuffer").await;
    refused(&["copy", "--dry-run", &from, &tree], "--dry-run").await;
    refused(&["copy", "--salvage", &from, &to], "--salvage").await;
    refused(&["copy", "--verify", "--certificate", "/tmp/x", &tree, &to], "--certificate").await;
    refused(&["copy", "--masked-acl", "skip", &tree, &to], "--masked-acl").await;
    refused(&["copy", "--source-auth-file", "/dev/null", &tree, &to], "--source-auth-file").await;
    refused(&["copy", "--transport", "zookeeper-client", &tree, &to], "--transport wire").await;
    refused(&["dump", "--transport", "zookeeper-client", &from, "/tmp/x"], "--transport wire").await;
    refused(&["scan", "--max-ops-per-second", "5", &tree], "--max-ops-per-second").await;
    refused(&["verify", "--retry-for", "5s", &tree, &tree], "--retry-for").await;
    refused(&["verify", "--fix", &from, &tree], "--replace").await;
    refused(&["sync", "--max-delete", "1", &from, &tree], "--max-delete").await;
    refused(&["rm", "--yes-remove", "/x", &tree], "").await;
    refused(&["copy", "--salvage", "--update", &tree, &to], "--update").await;
    // And what does is done.
    run(&["dump", "--replace", "--max-ops-per-second", "100000", &from, place.file()]).await.expect(0);
    run(&["copy", "--update", &from, &tree]).await.expect(0);
    run(&["restore", "--dry-run", place.file(), &to]).await.expect(0);
    run(&["restore", "--no-counters", "--max-ops-per-second", "100000", place.file(), &to]).await.expect(0);
    run(&["restore", place.file(), &to]).await.expect(2).says(&["--update"]);
    Ok(())
}
