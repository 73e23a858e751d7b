//! scan: its figures are those of the tree that was written, and what will be a problem is found.

use std::collections::{BTreeMap, HashMap};

use harness::tree::{self, TreeZnode};
use harness::{Server, ServerOptions, load, shared_pair, unique_root};
use serde_json::{Value, json};
use zookeeper_client::{Acl, Acls, AuthId, CreateMode, Permission};

use crate::product::{Outcome, run, run_with};

/// What a scan may hold, whatever the tree.
const RESIDENT_BYTES_MAX: u64 = 48 * 1024 * 1024;

/// The figures of a tree, counted without the program.
#[derive(Debug, Default)]
struct Model {
    znodes: u64,
    data_bytes: u64,
    path_bytes: u64,
    empty: u64,
    levels: Vec<u64>,
    children: BTreeMap<String, u64>,
    sizes: Vec<(u64, String)>,
}

impl Model {
    fn add(&mut self, root: &str, TreeZnode { path, data, .. }: &TreeZnode) {
        let at_root = path == "/";
        let level = if at_root { 0 } else { path.matches('/').count() };
        self.levels.resize(self.levels.len().max(level + 1), 0);
        self.levels[level] += 1;
        self.znodes += 1;
        self.data_bytes += data.len() as u64;
        self.path_bytes += (root.len() + if at_root { 0 } else { path.len() }) as u64;
        self.empty += u64::from(data.is_empty());
        self.sizes.push((data.len() as u64, path.clone()));
        if !at_root {
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            let parent = if parent.is_empty() { "/" } else { parent };
            *self.children.entry(parent.to_owned()).or_default() += 1;
        }
    }

    /// The highest, and of equal ones those whose paths come first.
    fn top(values: impl Iterator<Item = (u64, String)>, name: &str, count: usize) -> Value {
        let mut values: Vec<_> = values.filter(|(value, _)| *value > 0).collect();
        values.sort_by(|(one, path), (other, path_of_other)| other.cmp(one).then(path.cmp(path_of_other)));
        values.into_iter().take(count).map(|(value, path)| json!({ "path": path, name: value })).collect()
    }
}

async fn scan(args: &[&str]) -> Value {
    run(&[&["scan", "--format", "json"], args].concat()).await.expect(0).json()
}

#[tokio::test]
async fn its_figures_are_those_of_the_tree_that_was_written() -> Outcome {
    let (source, _) = shared_pair().await?;
    let root = unique_root("scan");
    let client = source.client().await?;
    let znodes: Vec<_> = std::iter::once(TreeZnode::new("/", "")).chain(tree::bush(11, 5_000)).collect();
    load(&client, &root, znodes[1..].iter().cloned()).await?;
    let mut model = Model::default();
    for znode in &znodes {
        model.add(&root, znode);
    }

    let document = scan(&["--top", "25", &source.at(&root)]).await;
    let scanned = &document["scan"];
    assert_eq!((&document["verdict"], &document["exit_code"]), (&"done".into(), &0.into()));
    assert_eq!(
        scanned["znodes"],
        json!({ "total": model.znodes, "ephemeral": 0, "null_data": 0, "empty_data": model.empty })
    );
    assert_eq!(scanned["bytes"], json!({ "data": model.data_bytes, "paths": model.path_bytes }));
    let max = model.levels.len() - 1;
    assert_eq!(scanned["levels"], json!({ "max": max, "znodes": model.levels, "deeper": 0 }));
    assert_eq!(scanned["largest"], Model::top(model.sizes.iter().cloned(), "bytes", 25));
    let children = model.children.iter().map(|(path, count)| (*count, path.clone()));
    assert_eq!(scanned["widest"], Model::top(children.clone(), "children", 25));
    // Whoever counts the children that ever were counts these.
    assert_eq!(scanned["counters"], Model::top(children, "counter", 25));
    let mut sizes: Vec<u64> = model.sizes.iter().map(|(size, _)| *size).collect();
    sizes.sort_unstable();
    // The smallest value that at least half of all do not exceed.
    let half = sizes[sizes.len().div_ceil(2) - 1];
    let percentiles = &scanned["data_bytes"]["percentiles"];
    assert_eq!((&percentiles["p50"], &percentiles["max"]), (&half.into(), &(*sizes.last().expect("some")).into()));
    let buckets = scanned["data_bytes"]["histogram"].as_array().expect("a list");
    let within = |bucket: &Value| {
        let bound = |name: &str| bucket[name].as_u64().expect("a number");
        let counted = sizes.iter().filter(|size| (bound("from")..=bound("to")).contains(size)).count() as u64;
        assert_eq!(bucket["znodes"], counted, "{bucket}");
        counted
    };
    assert_eq!(buckets.iter().map(within).sum::<u64>(), model.znodes);
    let acls = json!({
        "distinct": 1,
        "others": 0,
        "list": [{ "acl": "world:anyone:rwcda", "znodes": model.znodes, "first": "/" }],
    });
    assert_eq!(scanned["acls"], acls);
    assert_eq!(scanned["problems"]["total"], 0);
    assert!(scanned["zxid"].as_str().is_some_and(|zxid| zxid.starts_with("0x")));

    // The other transport does not tell null from empty, nor where it reads.
    let other = scan(&["--top", "25", "--transport", "zookeeper-client", &source.at(&root)]).await;
    let other = &other["scan"];
    for same in ["bytes", "levels", "largest", "widest", "counters", "acls", "data_bytes", "problems"] {
        assert_eq!(other[same], scanned[same], "{same}");
    }
    assert_eq!((&other["znodes"]["null_data"], &other["zxid"]), (&Value::Null, &Value::Null));
    Ok(())
}

#[tokio::test]
async fn tells_ephemerals_by_session_acls_and_counters() -> Outcome {
    let (source, _) = shared_pair().await?;
    let root = unique_root("scan-owners");
    let (one, other) = (source.client().await?, source.client().await?);
    let reader = Acl::new(Permission::READ, AuthId::anyone());
    let restricted = |path: &str| TreeZnode::new(path, "12345").with_acl(vec![reader.clone()]);
    let znodes = [TreeZnode::new("/queue", ""), TreeZnode::new("/locks", ""), restricted("/r"), restricted("/s")];
    load(&one, &root, znodes.into_iter()).await?;
    let sequential = CreateMode::PersistentSequential.with_acls(Acls::anyone_all());
    for _ in 0..40 {
        let (_, number) = one.create(&format!("{root}/queue/n-"), b"", &sequential).await?;
        one.delete(&format!("{root}/queue/n-{number}"), None).await?;
    }
    let ephemeral = CreateMode::Ephemeral.with_acls(Acls::anyone_all());
    for (client, count) in [(&one, 3), (&other, 2)] {
        for index in 0..count {
            let path = format!("{root}/locks/{}-{index}", client.session_id());
            client.create(&path, b"held", &ephemeral).await?;
        }
    }
    let document = scan(&[&source.at(&root)]).await;
    let scanned = &document["scan"];
    assert_eq!(scanned["znodes"]["total"], 10);
    assert_eq!(scanned["znodes"]["ephemeral"], 5);
    assert_eq!(scanned["bytes"]["data"], 2 * 5 + 5 * 4, "an ephemeral's data is in the tree too");
    let owners: HashMap<&str, u64> = scanned["ephemeral_owners"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|owner| (owner["session"].as_str().expect("an id"), owner["znodes"].as_u64().expect("a number")))
        .collect();
    let id = |client: &zookeeper_client::Client| format!("{:#x}", client.session_id().0);
    assert_eq!(owners, HashMap::from([(&*id(&one), 3), (&*id(&other), 2)]));
    assert_eq!(scanned["counters"][0], json!({ "path": "/queue", "counter": 40 }));
    let acls = &scanned["acls"];
    assert_eq!(acls["distinct"], 2);
    assert_eq!(acls["list"][1]["acl"], "world:anyone:r");
    assert_eq!(acls["list"][1]["znodes"], 2);

    let text = run(&["scan", &source.at(&root)]).await.expect(0).stdout;
    for part in ["10, 5 of them ephemeral", "40 children ever created  /queue", "2 distinct", &id(&other), "none"] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    // Parts of it, and without ACLs.
    let part = scan(&["--acl", "ignore", "--include", "/locks", "--exclude", "/**/*-0", &source.at(&root)]).await;
    assert_eq!((&part["scan"]["znodes"]["total"], &part["scan"]["acls"]), (&5.into(), &Value::Null));
    assert_eq!(part["acl"], "not read");
    Ok(())
}

#[tokio::test]
async fn finds_what_will_be_a_problem() -> Outcome {
    // A list of so many names is in nobody else's way on a server of its own.
    let source = Server::start(ServerOptions::default()).await?;
    let client = source.client().await?;
    let digest = Acl::new(Permission::ALL, AuthId::new("digest", "owner:Vj++wdU3sMAbt+g9TyKj1BT+usI="));
    let readable = Acl::new(Permission::READ, AuthId::anyone());
    let znodes = [
        TreeZnode::new("/large", vec![7; 50_000]),
        TreeZnode::new("/hidden", "").with_acl(vec![readable, digest.clone()]),
    ];
    load(&client, "/a", znodes.into_iter()).await?;
    load(&client, "/a", tree::wide(65_000)).await?;
    let document = scan(&["--jute-maxbuffer", "50000", &source.at("/a")]).await;
    let problems = &document["scan"]["problems"];
    assert_eq!(problems["total"], 3, "{problems:#}");
    assert_eq!(problems["oversized"]["list"][0]["path"], "/large");
    assert!(problems["oversized"]["list"][0]["request_bytes"].as_u64() > Some(50_000));
    assert_eq!(problems["masked_acls"]["list"][0]["path"], "/hidden");
    let long = &problems["long_lists"]["list"][0];
    assert_eq!((&long["path"], &long["children"]), (&"/wide".into(), &65_000.into()));
    assert_eq!(document["scan"]["widest"][0]["children"], 65_000);
    assert!(document["process"]["resident_bytes_max"].as_u64() < Some(RESIDENT_BYTES_MAX), "{}", document["process"]);

    // Unmasked for who has ADMIN there; and what can't be read makes it an error.
    let owned = run_with(&[("ZKREPLICATOR_AUTH", "digest:owner:secret")], &["scan", &source.at("/a/hidden")]).await;
    drop(owned.expect(0));
    client.set_acl("/a/large", &[digest], None).await?;
    let ran = run(&["scan", "--format", "json", &source.at("/a")]).await.expect(2).json();
    assert_eq!((&ran["verdict"], &ran["exit_code"]), (&"not complete".into(), &2.into()));
    assert_eq!(ran["scan"]["problems"]["unreadable"]["list"][0]["path"], "/large");
    assert_eq!(ran["scan"]["znodes"]["total"], 65_003);
    let text = run(&["scan", &source.at("/a")]).await.expect(2).stdout;
    assert!(text.contains("unreadable: /large (not authorized)") && text.contains("INCOMPLETE"), "{text}");
    Ok(())
}

#[tokio::test]
async fn takes_a_whole_ensemble_and_keeps_the_report() -> Outcome {
    let source = Server::start(ServerOptions::default()).await?;
    load(&source.client().await?, "/a", tree::small(1, 100)).await?;
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("scan.json");
    let out = file.to_str().expect("UTF-8");
    let ran = run(&["scan", "--format", "json", "--out", out, &source.at("/")]).await.expect(0);
    assert_eq!(std::fs::read_to_string(&file)?, ran.stdout);
    let document = ran.json();
    assert_eq!(document["scan"]["znodes"]["total"], 102, "the root of the ensemble, /a and what is below it");
    assert_eq!(document["scan"]["skipped"]["reserved"], 1);

    run(&["scan", &source.at("/none")]).await.expect(2).says(&["no znode /none"]);
    let failed = run(&["scan", "--format", "json", &source.at("/none")]).await.expect(2).json();
    assert_eq!((&failed["verdict"], &failed["scan"]), (&"failed".into(), &Value::Null));
    run(&["scan", "--top", "100000", &source.at("/a")]).await.expect(2).says(&["--top"]);
    run(&["scan", "--out", "/no/such/directory/x", &source.at("/a")]).await.expect(2).says(&["--out"]);
    Ok(())
}
