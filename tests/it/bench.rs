//! `zkreplicator bench`: it measures, and leaves both servers as they were, however it ends.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use harness::{Seen, Server, ServerOptions, load, read_tree, shared_pair, tree, unique_root, until};
use tokio::process::Child;
use zookeeper_client::{Acl, Acls, AuthId, Client, CreateMode, Permission};

use crate::product::{Outcome, Run, finish, run, zkreplicator};

const LIMIT: Duration = Duration::from_secs(30);
const MIB: u64 = 1024 * 1024;

/// A root with a tree of somebody's in it, and what it looks like.
async fn with_tree(server: &Server, root: &str) -> Result<BTreeMap<String, Seen>, harness::Error> {
    let client = server.client().await?;
    load(&client, root, tree::small(1, 40)).await?;
    read_tree(&client, root).await
}

/// The tree is as it was: not a stat has changed, but of the root's children, which came and went.
async fn assert_as_before(server: &Server, root: &str, before: &BTreeMap<String, Seen>) -> Outcome {
    let mut after = read_tree(&server.client().await?, root).await?;
    let (was, is) = (&before["/"].stat, &mut after.get_mut("/").ok_or("the root has gone")?.stat);
    (is.cversion, is.pzxid) = (was.cversion, was.pzxid);
    assert_eq!(&after, before);
    Ok(())
}

async fn children(client: &Client, path: &str) -> Vec<String> {
    client.list_children(path).await.unwrap_or_default()
}

#[tokio::test]
async fn every_shape_is_measured_and_nothing_is_left() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("bench");
    let (at_source, at_target) = (with_tree(source, &root).await?, with_tree(target, &root).await?);
    for (shape, znodes, acl) in [
        ("pegasus", "3000", "preserve"),
        ("wide", "2000", "open"),
        ("deep", "700", "preserve"),
        ("bush", "2000", "open"),
        ("small", "2000", "preserve"),
        ("big", "5", "open"),
    ] {
        let (from, to) = (source.at(&root), target.at(&root));
        let ran =
            run(&["bench", "--format", "json", "--shape", shape, "--znodes", znodes, "--acl", acl, &from, &to]).await;
        let report = ran.expect(0).says(&["will write", "remove them again"]).json();
        assert_eq!((&report["verdict"], &report["left"]), (&"equal".into(), &serde_json::json!([])));
        assert_eq!(report["plan"]["shape"], shape);
        let znodes: u64 = znodes.parse()?;
        let bytes = report["plan"]["bytes"].as_u64().ok_or("no bytes")?;
        let phases = report["phases"].as_array().ok_or("no phases")?;
        // The root of the tree is copied and removed, and is no part of what is made up.
        for (phase, (name, count, size)) in phases.iter().zip([
            ("generate", znodes, bytes),
            ("copy", znodes + 1, bytes),
            ("verify", znodes + 1, bytes),
            ("update", znodes + 1, bytes),
            ("remove", 2 * (znodes + 1), 2 * bytes),
        ]) {
            assert_eq!(phase["phase"], name);
            assert_eq!((&phase["znodes"], &phase["bytes"]), (&count.into(), &size.into()), "{shape}, {name}");
            assert!(phase["znodes_per_second"].as_u64() > Some(0), "{phase}");
            assert!(phase["processor_us_per_znode"].as_f64() > Some(0.0), "{phase}");
        }
        assert_eq!(phases.len(), 5);
        assert_eq!(phases[3]["write_requests"], 0, "the second copy wrote something");
        let source_latencies = &phases[1]["latency_us"]["source"];
        assert!(source_latencies["multiRead"]["p99"].as_u64() > Some(0), "{source_latencies}");
        // The root's is looked at before a copy.
        assert_eq!(source_latencies["getACL"]["count"].as_u64() > Some(10), acl == "preserve");
        assert_eq!(report["verify"]["source"]["digest"], report["verify"]["target"]["digest"]);
    }
    assert_as_before(source, &root, &at_source).await?;
    assert_as_before(target, &root, &at_target).await
}

#[tokio::test]
async fn the_report_is_for_people_too_and_the_other_transport_measures_as_well() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("bench-text");
    let (at_source, at_target) = (with_tree(source, &root).await?, with_tree(target, &root).await?);
    let (from, to) = (source.at(&root), target.at(&root));
    for transport in ["wire", "zookeeper-client"] {
        let ran = run(&["bench", "--znodes", "1000", "--transport", transport, &from, &to]).await.expect(0);
        for part in ["bench pegasus: 1,000 znodes of 310 bytes", "generate ", "update ", "p99", "equal ", "removed "] {
            assert!(ran.stdout.contains(part), "no {part:?}:\n{}", ran.stdout);
        }
    }
    assert_as_before(source, &root, &at_source).await?;
    assert_as_before(target, &root, &at_target).await
}

#[tokio::test]
async fn both_sides_may_be_one_place_of_one_ensemble() -> Outcome {
    let (source, _) = shared_pair().await?;
    let root = unique_root("bench-one");
    let before = with_tree(source, &root).await?;
    let at = source.at(&root);
    run(&["bench", "--znodes", "500", &at, &at]).await.expect(0);
    assert_as_before(source, &root, &before).await
}

#[tokio::test]
async fn memory_does_not_grow_with_the_tree() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("bench-memory");
    with_tree(source, &root).await?;
    with_tree(target, &root).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    let args = ["bench", "--format", "json", "--shape", "small", "--acl", "open", "--znodes", "150000", &from, &to];
    let report = run(&args).await.expect(0).json();
    let resident = report["process"]["resident_bytes_max"].as_u64().ok_or("no memory")?;
    assert!(resident > 0 && resident < 64 * MIB, "{} MiB for 150,000 znodes", resident / MIB);
    Ok(())
}

#[tokio::test]
async fn a_dry_run_says_what_it_would_do_and_writes_nothing() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("bench-dry");
    let (at_source, at_target) = (with_tree(source, &root).await?, with_tree(target, &root).await?);
    let (from, to) = (source.at(&root), target.at(&root));
    let planned = run(&["bench", "--dry-run", "--format", "json", "--shape", "big", &from, &to]).await.expect(0).json();
    assert_eq!((&planned["verdict"], &planned["phases"]), (&"planned".into(), &serde_json::json!([])));
    assert_eq!(planned["plan"]["bytes"], 90_000_000);
    let text = run(&["bench", "--dry-run", &from, &to]).await.expect(0).stdout;
    assert!(text.contains("100,000 znodes of 310 bytes") && text.contains(&format!("{root}/zkreplicator-bench-")));
    assert_eq!(
        read_tree(&source.client().await?, &root).await?,
        at_source,
        "not even the stat of the root has changed"
    );
    assert_eq!(read_tree(&target.client().await?, &root).await?, at_target);
    Ok(())
}

#[tokio::test]
async fn refuses_what_can_not_be_done_before_anything_is_made() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("bench-refuses");
    let (at_source, at_target) = (with_tree(source, &root).await?, with_tree(target, &root).await?);
    let (from, to) = (source.at(&root), target.at(&root));
    let absent = format!("{to}/absent");
    let create = CreateMode::Persistent.with_acls(Acls::anyone_all());
    for (args, said) in [
        (&["--znodes", "10", &from, &absent][..], &["target: there is no znode", "/absent", "no ancestors"][..]),
        (&["--znodes", "10", &format!("{from}/absent"), &to], &["source: there is no znode"]),
        (&["--dry-run", &from, &absent], &["target: there is no znode"]),
        (&["--znodes", "1", "--data-bytes", "1048000", &from, &to], &["1048000 bytes of data", "--jute-maxbuffer"]),
        (&["--znodes", "10000000", "--data-bytes", "1000", &from, &to], &["heap"]),
        (&["--jute-maxbuffer", "10", &from, &to], &["--jute-maxbuffer 10"]),
        (&["--znodes", "0", &from, &to], &["--znodes"]),
        (&["--shape", "round", &from, &to], &["round"]),
        (&["no connect string", &to], &["connect string"]),
    ] {
        run(&[&["bench"], args].concat()).await.expect(2).says(said);
    }
    assert_as_before(source, &root, &at_source).await?;
    assert_as_before(target, &root, &at_target).await?;

    // Who may create and not delete could never clear up.
    let client = target.client().await?;
    let keeps = format!("{root}/keeps");
    client.create(&keeps, b"", &create).await?;
    let anyone = |permission| [Acl::new(permission, AuthId::anyone())];
    client.set_acl(&keeps, &anyone(Permission::READ | Permission::CREATE), None).await?;
    let refused = run(&["bench", "--znodes", "10", &from, &target.at(&keeps)]).await.expect(2);
    refused.says(&["target: delete ", "not authorized"]);
    assert_eq!(children(&client, &keeps).await, [""; 0]);
    assert_as_before(source, &root, &at_source).await
}

/// A bench between two servers of this test's own, as soon as it has written below its path on `side`.
async fn under_way(side: &str) -> Result<(Server, Server, Child), Box<dyn std::error::Error>> {
    let (source, target) =
        tokio::try_join!(Server::start(ServerOptions::default()), Server::start(ServerOptions::default()))?;
    for server in [&source, &target] {
        server.client().await?.create("/a", b"", &CreateMode::Persistent.with_acls(Acls::anyone_all())).await?;
    }
    let (from, to) = (source.at("/a"), target.at("/a"));
    let options = ["--format", "json", "--shape", "small", "--znodes", "80000", "--session-timeout", "4000"];
    let child =
        zkreplicator(&[&["bench"], &options[..], &["--connect-timeout", "2000", &from, &to]].concat()).spawn()?;
    let client = if side == "source" { source.client().await? } else { target.client().await? };
    until("the bench has written something", LIMIT, async || {
        let site = children(&client, "/a").await.pop()?;
        (children(&client, &format!("/a/{site}")).await.len() > 2).then_some(())
    })
    .await?;
    Ok((source, target, child))
}

async fn interrupted(signal: &str, child: Child) -> Result<Run, Box<dyn std::error::Error>> {
    let pid = child.id().ok_or("it has ended")?.to_string();
    assert!(Command::new("kill").args([signal, &pid]).status()?.success());
    Ok(finish(child).await)
}

#[tokio::test]
async fn an_interrupt_in_the_middle_leaves_nothing_behind() -> Outcome {
    for (side, signal) in [("source", "-INT"), ("target", "-TERM")] {
        let (source, target, child) = under_way(side).await?;
        let sent = Instant::now();
        let ran = interrupted(signal, child).await?.expect(130).says(&["interrupted"]);
        assert!(sent.elapsed() < LIMIT, "it took {:?}", sent.elapsed());
        let report = ran.json();
        assert_eq!((&report["verdict"], &report["left"]), (&"interrupted".into(), &serde_json::json!([])));
        for server in [&source, &target] {
            assert_eq!(children(&server.client().await?, "/a").await, [""; 0], "stopped at the {side}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_target_that_dies_is_told_of_with_the_path_that_is_left_there() -> Outcome {
    let (source, target, child) = under_way("target").await?;
    target.kill().await?;
    let ran = finish(child).await.expect(2);
    let report = ran.json();
    let left = &report["left"];
    assert_eq!((left.as_array().map(Vec::len), &left[0]["side"]), (Some(1), &"target".into()));
    let path = left[0]["path"].as_str().ok_or("no path")?.to_owned();
    let says = ["target: ", "left behind at the target: ", &path, "zkCli.sh -server", "deleteall"];
    ran.says(&says);
    assert_eq!(children(&source.client().await?, "/a").await, [""; 0], "the source's is removed all the same");

    target.restart().await?;
    assert_eq!(children(&target.client().await?, "/a").await, [path.trim_start_matches("/a/")]);
    // And it is in nobody's way: the next one makes another.
    run(&["bench", "--znodes", "100", &source.at("/a"), &target.at("/a")]).await.expect(0);
    assert_eq!(children(&target.client().await?, "/a").await.len(), 1);
    Ok(())
}
