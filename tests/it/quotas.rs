//! `--quotas`: limits at and below the root, set last, and counted by the servers they come to.

use harness::tree::TreeZnode;
use harness::{Server, ServerOptions, load, read_tree, shared_pair, tree, unique_root};
use serde_json::{Value, json};
use zookeeper_client::{Acl, Acls, AuthId, Client, CreateMode, CreateOptions, Error, Permission};

use crate::product::{Outcome, run};

const OPEN: CreateOptions<'static> = CreateMode::Persistent.with_acls(Acls::anyone_all());
const LIMITS: &str = "zookeeper_limits";
const STATS: &str = "zookeeper_stats";
/// As 3.7 and later write both kinds of limit (StatsTrack.java, toString).
const HARD: &str = "count=900,bytes=-1=;byteHardLimit=70000;countHardLimit=1000";

fn place(path: &str) -> String {
    format!("/zookeeper/quota{path}")
}

/// What ZooKeeper's own setquota does.
pub(crate) async fn set_quota(client: &Client, path: &str, limits: &str) -> Result<(), Error> {
    let ends = path.match_indices('/').skip(1).map(|(end, _)| end).chain([path.len()]);
    for end in ends {
        match client.create(&place(&path[..end]), b"", &OPEN).await {
            Ok(_) | Err(Error::NodeExists) => {}
            Err(error) => return Err(error),
        }
    }
    client.create(&format!("{}/{LIMITS}", place(path)), limits.as_bytes(), &OPEN).await?;
    client.create(&format!("{}/{STATS}", place(path)), b"count=0,bytes=0", &OPEN).await.map(drop)
}

async fn quota(client: &Client, path: &str, what: &str) -> Result<String, Error> {
    let (data, _) = client.get_data(&format!("{}/{what}", place(path))).await?;
    Ok(String::from_utf8(data).expect("both are text"))
}

/// What the server has counted at and below a znode.
async fn counted(client: &Client, path: &str) -> Result<(usize, usize), Error> {
    let stats = quota(client, path, STATS).await?;
    let number = |pair: &str| pair.split('=').nth(1).and_then(|number| number.parse().ok()).expect("a number");
    let mut numbers = stats.split([',', ';']).map(number);
    Ok((numbers.next().expect("the count"), numbers.next().expect("the bytes")))
}

/// What there is to count.
async fn really(client: &Client, path: &str) -> Result<(usize, usize), harness::Error> {
    let tree = read_tree(client, path).await?;
    Ok((tree.len(), tree.values().map(|seen| seen.data.len()).sum()))
}

fn became(report: &Value) -> Vec<(&str, &str)> {
    let list = report["copy"]["quotas"]["list"].as_array().expect("a list");
    list.iter().filter_map(|line| line["path"].as_str().zip(line["became"].as_str())).collect()
}

fn counts(report: &Value) -> Value {
    let quotas = &report["copy"]["quotas"];
    json!([quotas["set"], quotas["kept"], quotas["skipped"]])
}

/// A source with quotas on two znodes, one above them, and one on a znode that is no longer there.
async fn with_quotas(root: &str) -> Result<(Client, Client, &'static (Server, Server)), Box<dyn std::error::Error>> {
    let pair = shared_pair().await?;
    let (at_source, at_target) = (pair.0.client().await?, pair.1.client().await?);
    for tree_at in ["/app/a", "/app/b"] {
        load(&at_source, &format!("{root}{tree_at}"), tree::small(1, 200)).await?;
    }
    set_quota(&at_source, root, "count=1,bytes=2").await?;
    set_quota(&at_source, &format!("{root}/app/a"), HARD).await?;
    set_quota(&at_source, &format!("{root}/app/b"), "count=3,bytes=4").await?;
    set_quota(&at_source, &format!("{root}/app/gone"), "count=5,bytes=6").await?;
    Ok((at_source, at_target, pair))
}

#[tokio::test]
async fn limits_are_copied_to_another_place_counted_there_and_kept_by_the_next_run() -> Outcome {
    let root = unique_root("quotas");
    let (at_source, at_target, (source, target)) = with_quotas(&root).await?;
    let to_root = format!("{root}-there/deep");
    for transport in ["wire", "zookeeper-client"] {
        let to_root = format!("{to_root}/{transport}");
        let (from, to) = (source.at(&format!("{root}/app")), target.at(&to_root));
        let options = ["--quotas", "--transport", transport, "--format", "json"];
        let planned = run(&[&["copy", "--dry-run", &from, &to][..], &options].concat()).await.expect(0).json();
        let copied = run(&[&["copy", "--verify", &from, &to][..], &options].concat()).await.expect(0).json();
        assert_eq!(planned["plan"]["quotas"], copied["copy"]["quotas"]);
        assert_eq!(became(&copied), [("/a", "set"), ("/b", "set"), ("/gone", "absent")]);
        let above = at_target.check_stat(&format!("{}/{LIMITS}", place(&to_root))).await?;
        assert!(above.is_none(), "the quota above the root is somebody else's");
        for path in ["/a", "/b"] {
            let (here, there) = (format!("{root}/app{path}"), format!("{to_root}{path}"));
            assert_eq!(quota(&at_target, &there, LIMITS).await?, quota(&at_source, &here, LIMITS).await?);
            assert_eq!(counted(&at_target, &there).await?, really(&at_target, &there).await?);
        }
        assert_eq!(quota(&at_target, &format!("{to_root}/a"), LIMITS).await?, HARD);

        let limits = format!("{}/{LIMITS}", place(&format!("{to_root}/a")));
        let before = at_target.check_stat(&limits).await?;
        let again = run(&[&["sync", &from, &to][..], &options].concat()).await.expect(0).json();
        assert_eq!(counts(&again), json!([0, 2, 1]));
        assert_eq!(at_target.check_stat(&limits).await?, before, "nothing was sent");
        // The server goes on counting.
        at_target.create(&format!("{to_root}/a/new"), b"12345", &OPEN).await?;
        assert_eq!(
            counted(&at_target, &format!("{to_root}/a")).await?,
            really(&at_target, &format!("{to_root}/a")).await?
        );
    }
    Ok(())
}

#[tokio::test]
async fn changed_limits_are_set_missing_stats_counted_and_quotas_of_the_target_left_alone() -> Outcome {
    let root = unique_root("quotas-update");
    let (at_source, at_target, (source, target)) = with_quotas(&root).await?;
    let (from, to) = (source.at(&format!("{root}/app")), target.at(&format!("{root}/app")));
    // Stats that were left behind by a quota which is gone, and the quota of a znode that only the target has.
    load(&at_target, &format!("{root}/app"), [TreeZnode::new("/b", ""), TreeZnode::new("/extra", "")].into_iter())
        .await?;
    let (a, b) = (format!("{root}/app/a"), format!("{root}/app/b"));
    set_quota(&at_target, &b, "count=77,bytes=77").await?;
    at_target.delete(&format!("{}/{LIMITS}", place(&b)), None).await?;
    set_quota(&at_target, &format!("{root}/app/extra"), "count=8,bytes=8").await?;
    let synced = run(&["sync", "--quotas", "--format", "json", &from, &to]).await.expect(0).json();
    assert_eq!(counts(&synced), json!([2, 0, 1]));
    assert_eq!(counted(&at_target, &b).await?, really(&at_target, &b).await?, "the leftover was counted anew");
    assert_eq!(quota(&at_target, &format!("{root}/app/extra"), LIMITS).await?, "count=8,bytes=8");

    at_source.set_data(&format!("{}/{LIMITS}", place(&b)), b"count=30,bytes=40", None).await?;
    at_target.delete(&format!("{}/{STATS}", place(&a)), None).await?;
    let synced = run(&["sync", "--quotas", "--format", "json", &from, &to]).await.expect(0).json();
    assert_eq!(counts(&synced), json!([2, 0, 1]));
    assert_eq!(quota(&at_target, &b, LIMITS).await?, "count=30,bytes=40");
    assert_eq!(counted(&at_target, &a).await?, really(&at_target, &a).await?);
    Ok(())
}

#[tokio::test]
async fn what_a_filter_leaves_out_gets_no_quota() -> Outcome {
    let root = unique_root("quotas-filter");
    let (_, at_target, (source, target)) = with_quotas(&root).await?;
    let (from, to) = (source.at(&format!("{root}/app")), target.at(&format!("{root}/app")));
    let copy = ["copy", "--quotas", "--exclude", "/b", "--format", "json", &from, &to];
    let copied = run(&copy).await.expect(0).json();
    assert_eq!(became(&copied), [("/a", "set"), ("/b", "filtered"), ("/gone", "absent")]);
    assert!(at_target.check_stat(&place(&format!("{root}/app/b"))).await?.is_none());
    Ok(())
}

#[tokio::test]
async fn without_quotas_at_the_source_or_without_being_asked_nothing_is_done() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("quotas-none");
    let (at_source, at_target) = (source.client().await?, target.client().await?);
    load(&at_source, &root, tree::small(1, 20)).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    let copied = run(&["copy", "--quotas", "--format", "json", &from, &to]).await.expect(0).json();
    assert_eq!(counts(&copied), json!([0, 0, 0]));
    set_quota(&at_source, &root, "count=1,bytes=2").await?;
    let copied = run(&["copy", "--update", "--format", "json", &from, &to]).await.expect(0).json();
    assert_eq!(copied["copy"]["quotas"], Value::Null);
    assert!(at_target.check_stat(&place(&root)).await?.is_none());
    Ok(())
}

/// They would end the target's server, or make it count wrong.
#[tokio::test]
async fn quotas_that_the_target_can_not_have_are_listed_and_not_set() -> Outcome {
    let root = unique_root("quotas-refused");
    let (at_source, at_target, (source, _)) = with_quotas(&root).await?;
    let target = Server::start(ServerOptions::default()).await?;
    let alone = target.client().await?;
    let from = source.at(&format!("{root}/app/a"));
    let copied = run(&["copy", "--quotas", &from, &target.at("/")]).await.expect(3);
    assert!(copied.stdout.contains("/ NOT SET: the root of an ensemble can't have one"), "{}", copied.stdout);
    assert!(alone.list_children("/zookeeper/quota").await?.is_empty());

    // Above it stands a quota of the target's own; its own limits were garbled by hand.
    let (outer, from) = (format!("{root}/outer"), source.at(&format!("{root}/app")));
    at_target.create(&root, b"", &OPEN).await?;
    at_target.create(&outer, b"", &OPEN).await?;
    set_quota(&at_target, &outer, "count=1,bytes=1").await?;
    at_source.set_data(&format!("{}/{LIMITS}", place(&format!("{root}/app/b"))), b"lots", None).await?;
    let to = shared_pair().await?.1.at(&format!("{outer}/app"));
    let copied = run(&["copy", "--quotas", "--format", "json", &from, &to]).await.expect(3).json();
    assert_eq!(became(&copied), [("/a", "nested"), ("/b", "garbled"), ("/gone", "absent")]);
    assert_eq!(copied["verdict"], "not complete");
    Ok(())
}

#[tokio::test]
async fn a_closed_quota_tree_is_told_with_what_to_do() -> Outcome {
    let root = unique_root("quotas-closed");
    let (at_source, at_target, (source, target)) = with_quotas(&root).await?;
    let (from, to) = (source.at(&format!("{root}/app")), target.at(&format!("{root}/app")));
    at_target.create(&place(&root), b"", &OPEN).await?;
    at_target.set_acl(&place(&root), &Acls::anyone_read(), None).await?;
    let parts = ["target: create ", &place(&root), "not authorized", "may write below /zookeeper/quota", "--update"];
    run(&["copy", "--quotas", &from, &to]).await.expect(2).says(&parts);
    assert_eq!(read_tree(&at_target, &format!("{root}/app")).await?.len(), 403, "what was copied stands");

    let nobody = [Acl::new(Permission::ALL, AuthId::new("ip", "192.0.2.1"))];
    at_source.set_acl(&place(&format!("{root}/app")), &nobody, None).await?;
    let parts = ["source: read ", &place(&root), "may read below /zookeeper/quota", "leave --quotas out"];
    run(&["sync", "--quotas", &from, &to]).await.expect(2).says(&parts);
    Ok(())
}
