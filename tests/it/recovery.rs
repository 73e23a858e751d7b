//! Faults in the middle of a copy: it ends equal, or it says clearly why not and the same command finishes it.
//!
//! Here are those of the network, by a proxy before a real server; in [`ensemble`] those of the servers, in [`refusals`]
//! what a server does not want to do; in [`strangers`] what others do meanwhile.

#![expect(clippy::print_stderr, reason = "how many faults struck, and what became of them, is for who reads the log")]

mod ensemble;
mod refusals;
mod strangers;

use std::collections::BTreeMap;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use harness::proxy::Direction::{ToClient, ToServer};
use harness::proxy::{Ending, Faults, Flow, Fuse, Reach, Then};
use harness::tree::{self, Random, TreeZnode};
use harness::{Proxy, Seen, Server, ServerOptions, load, read_tree, shared_pair, unique_root, until};
use serde_json::Value;
use zookeeper_client::{Acl, AuthId, CreateMode, Permission};

use crate::product::{Outcome, Run, finish, run, zkreplicator};

const LIMIT: Duration = Duration::from_secs(60);
/// In ms: so short that silence is noticed in a second.
const SESSION_TIMEOUT: &str = "1500";
const ZNODES: usize = 1_500;
/// Children that a queue has had, all of which have gone: more than one request raises.
const COUNTED: u32 = 700;
/// Bytes before which a random fault strikes: about as many as go each way.
const BYTES_MAX: usize = 220_000;

/// Znodes in every kind of write: plain ones, restricted parents (their ACLs are set last), a queue whose counter is ahead.
fn trees() -> impl Iterator<Item = TreeZnode> {
    let read_only = vec![Acl::new(Permission::READ | Permission::ADMIN, AuthId::anyone())];
    let restricted = (0..20).flat_map(move |index| {
        let parent = format!("/restricted-{index}");
        let child = TreeZnode::new(format!("{parent}/child"), "below");
        [TreeZnode::new(parent, "data").with_acl(read_only.clone()), child]
    });
    tree::small(1, ZNODES).chain(restricted).chain([TreeZnode::new("/queue", "")])
}

/// The tree below a root of its own, with a counter that says so.
async fn make_source(server: &Server) -> Result<String, Box<dyn std::error::Error>> {
    let root = unique_root("recovery-source");
    let client = server.client().await?;
    load(&client, &root, trees()).await?;
    let open = CreateMode::Persistent.with_acls(zookeeper_client::Acls::anyone_all());
    let mut multi = client.new_multi_writer();
    let child = format!("{root}/queue/child");
    for _ in 0..COUNTED {
        multi.add_create(&child, b"", &open)?;
        multi.add_delete(&child, None)?;
    }
    multi.commit().await?;
    Ok(root)
}

/// What a znode is to a user of the tree: its data, its ACL, and the number of its next sequential child.
fn held(seen: &Seen) -> (&[u8], &[Acl], i32) {
    (&seen.data, &seen.acl, (seen.stat.cversion + seen.stat.num_children) / 2)
}

/// The first path at which the trees differ, by a reader of its own.
async fn difference(
    (source, from): (&Server, &str),
    (target, to): (&Server, &str),
) -> Result<Option<String>, Box<dyn std::error::Error>> {
    let (here, there) = (source.client().await?, target.client().await?);
    let (here, there) = tokio::try_join!(read_tree(&here, from), read_tree(&there, to))?;
    let paths = here.keys().chain(there.keys());
    // A root that held something else before has counted that, too.
    let root_counts = |tree: &BTreeMap<String, Seen>| tree.get("/").map(|root| held(root).2);
    let differs = |path: &&String| {
        let (here, there) = (here.get(*path).map(held), there.get(*path).map(held));
        if *path == "/" { here.map(|it| (it.0, it.1)) != there.map(|it| (it.0, it.1)) } else { here != there }
    };
    assert!(root_counts(&there) >= root_counts(&here));
    Ok(paths.into_iter().find(differs).cloned())
}

fn copy_args<'a>(command: &'a str, from: &'a str, to: &'a str) -> Vec<&'a str> {
    let mut args = vec![
        command,
        "--session-timeout",
        SESSION_TIMEOUT,
        "--connect-timeout",
        "4000",
        "--retry-for",
        "20s",
        "--format",
        "json",
        from,
        to,
    ];
    if command == "sync" {
        args.extend(["--max-delete", "100000"]);
    }
    args
}

/// How often the target's side had to be tried again.
fn retries(run: &Run, side: &str, kind: &str) -> u64 {
    run.json()["copy"]["retries"][side][kind].as_u64().expect("it is counted")
}

/// What became of one seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ended {
    Equal,
    EqualWithoutAFault,
    FailedClearly,
}

/// What it took: write requests that were read back, and that were sent again.
type Took = (u64, u64);

/// One copy or sync with one random fault on one side.
async fn with_a_fault(seed: u64, from: &str) -> Result<(Ended, Took), Box<dyn std::error::Error>> {
    let (source, target) = shared_pair().await?;
    let mut random = Random::new(!seed);
    let root = unique_root("recovery-fault");
    let command = ["copy", "sync"][random.below(2)];
    if command == "sync" {
        // Something to set, to remove and to keep.
        let other = tree::small(2, ZNODES / 2).chain([TreeZnode::new("/extra", ""), TreeZnode::new("/extra/a", "")]);
        load(&target.client().await?, &root, other).await?;
    }
    let at_source = random.below(3) == 0;
    let proxy = Proxy::start(if at_source { source.address() } else { target.address() })?;
    let faults = Faults::random(seed, BYTES_MAX);
    proxy.apply(&faults);
    let (from_at, to_at) =
        if at_source { (proxy.at(from), target.at(&root)) } else { (source.at(from), proxy.at(&root)) };
    let ran = run(&copy_args(command, &from_at, &to_at)).await;
    let struck = !proxy.is_armed(faults.fuse.direction);
    let took = |kind| if ran.code == Some(0) { retries(&ran, "target", kind) } else { 0 };
    let took = (took("writes_read_back"), took("writes_repeated"));
    let ended = match ran.code {
        Some(0) if struck => Ended::Equal,
        Some(0) => Ended::EqualWithoutAFault,
        Some(2) => {
            assert!(ran.stderr.contains("zkreplicator: "), "seed {seed} says nothing: {ran:?}");
            eprintln!("seed {seed} ({command}, {faults:?}): {}", ran.stderr.trim_end());
            proxy.heal();
            let finish =
                if command == "copy" { vec!["copy", "--update"] } else { vec!["sync", "--max-delete", "100000"] };
            run(&[finish, vec![&source.at(from), &target.at(&root)]].concat()).await.expect(0);
            Ended::FailedClearly
        }
        code => panic!("seed {seed} ended with {code:?}: {ran:?}"),
    };
    let wrong = difference((source, from), (target, &root)).await?;
    assert_eq!(wrong, None, "seed {seed} ({command}, {faults:?}) is wrong there, and said: {ran:?}");
    Ok((ended, took))
}

#[tokio::test]
async fn every_random_fault_ends_in_an_equal_copy() -> Outcome {
    const SEEDS: u64 = 48;
    let from = &make_source(&shared_pair().await?.0).await?;
    let runs = futures::stream::iter(0..SEEDS).map(|seed| with_a_fault(seed, from)).buffer_unordered(4);
    let all: Vec<(Ended, Took)> = runs.try_collect().await?;
    let count = |wanted| all.iter().filter(|(ended, _)| *ended == wanted).count();
    let (equal, failed) = (count(Ended::Equal), count(Ended::FailedClearly));
    let read_back: u64 = all.iter().map(|(_, (read_back, _))| read_back).sum();
    let repeated: u64 = all.iter().map(|(_, (_, repeated))| repeated).sum();
    eprintln!(
        "{SEEDS} faults: {equal} equal, {} met none, {failed} failed clearly; {read_back} requests read back, {repeated} \
         sent again",
        count(Ended::EqualWithoutAFault)
    );
    // Some were done and only their answer was lost, some were not.
    assert!(repeated > 0 && read_back > repeated, "{all:?}");
    assert!(equal >= 24, "too few copies met their fault and came back: {all:?}");
    Ok(())
}

/// The connection breaks again and again, somewhere in a frame.
#[tokio::test]
async fn a_connection_that_breaks_again_and_again_only_costs_time() -> Outcome {
    const CUTS: usize = 12;
    let (source, target) = shared_pair().await?;
    let (from, to) = (make_source(source).await?, unique_root("recovery-cuts"));
    let proxy = Proxy::start(target.address())?;
    let mut random = Random::new(7);
    let mut arm = || {
        let (direction, bytes) = if random.below(4) == 0 { (ToClient, 800) } else { (ToServer, 22_000) };
        let ending = [Ending::Close, Ending::Reset][random.below(2)];
        proxy.arm(Fuse { direction, bytes: 300 + random.below(bytes) as u64, then: Then::Cut(ending) });
        direction
    };
    let mut child = zkreplicator(&copy_args("copy", &source.at(&from), &proxy.at(&to))).spawn()?;
    let mut cuts = 0;
    let mut armed = arm();
    until("the cuts, or the end", LIMIT, async || {
        if !proxy.is_armed(armed) {
            (cuts, armed) = (cuts + 1, arm());
        }
        (cuts == CUTS || !matches!(child.try_wait(), Ok(None))).then_some(())
    })
    .await?;
    proxy.heal();
    let ran = finish(child).await.expect(0);
    assert!(cuts >= 4, "only {cuts} cuts struck");
    let repeated = retries(&ran, "target", "writes_repeated");
    eprintln!(
        "{cuts} cuts: {} session(s) came back, {repeated} requests repeated",
        retries(&ran, "target", "reconnects")
    );
    assert!(repeated > 0, "{ran:?}");
    assert_eq!(difference((source, &from), (target, &to)).await?, None);
    Ok(())
}

/// Writes that a network held back reach the server when their session has long come back by another connection.
#[tokio::test]
async fn a_write_that_is_delivered_late_is_neither_lost_nor_done_twice() -> Outcome {
    let (source, target) = shared_pair().await?;
    let from = make_source(source).await?;
    for bytes in [5_000, 40_000, 90_000] {
        let to = unique_root("recovery-late");
        let proxy = Proxy::start(target.address())?;
        proxy.arm(Fuse { direction: ToServer, bytes, then: Then::Flow(Flow::Hold) });
        let child = zkreplicator(&copy_args("copy", &source.at(&from), &proxy.at(&to))).spawn()?;
        until("bytes to be held", LIMIT, async || (!proxy.is_armed(ToServer)).then_some(())).await?;
        proxy.until_traffic(ToServer, LIMIT, |traffic| traffic.received > traffic.delivered).await?;
        let before = proxy.connections();
        proxy.hang_up();
        until("it to come back", LIMIT, async || (proxy.connections() > before).then_some(())).await?;
        let delivered = proxy.traffic(ToServer).delivered;
        // It goes on before the late bytes arrive.
        proxy.until_delivered(ToServer, delivered + 1_000, LIMIT).await?;
        proxy.release();
        let ran = finish(child).await.expect(0);
        assert!(retries(&ran, "target", "reconnects") > 0, "{ran:?}");
        assert_eq!(difference((source, &from), (target, &to)).await?, None);
        // A write that was done twice would be a second version.
        let twice =
            read_tree(&target.client().await?, &to).await?.into_values().filter(|seen| seen.stat.version > 0).count();
        assert_eq!(twice, 0);
    }
    Ok(())
}

/// Both servers of a pair of their own, a tree, and a copy of it through a proxy before the target that has written.
async fn under_way(
    args: &[&str],
) -> Result<(Server, Server, Proxy, tokio::process::Child), Box<dyn std::error::Error>> {
    let source = Server::start(ServerOptions::default()).await?;
    let target = Server::start(ServerOptions::default()).await?;
    load(&source.client().await?, "/a", tree::small(1, 40_000)).await?;
    let proxy = Proxy::start(target.address())?;
    let args = [&["copy", "--session-timeout", SESSION_TIMEOUT, "--format", "json"], args].concat();
    let child = zkreplicator(&[args, vec![&source.at("/a"), &proxy.at("/a")]].concat()).spawn()?;
    proxy.until_delivered(ToServer, 100_000, LIMIT).await?;
    Ok((source, target, proxy, child))
}

#[tokio::test]
async fn a_black_hole_that_outlives_the_session_costs_a_new_one() -> Outcome {
    let (source, target, proxy, child) = under_way(&["--retry-for", "60s"]).await?;
    proxy.black_hole();
    until("the sessions to expire", LIMIT, async || {
        target.command("dump").await.ok()?.contains("Session Sets (0)/(0)").then_some(())
    })
    .await?;
    proxy.release();
    let ran = finish(child).await.expect(0).says(&["trying to come back", "--retry-for"]);
    assert!(retries(&ran, "target", "sessions_replaced") > 0, "{ran:?}");
    assert_eq!(difference((&source, "/a"), (&target, "/a")).await?, None);
    Ok(())
}

#[tokio::test]
async fn a_server_that_never_answers_again_ends_it_in_time_with_the_reason() -> Outcome {
    let (source, target, proxy, child) = under_way(&["--retry-for", "1s"]).await?;
    proxy.black_hole();
    finish(child).await.expect(2).says(&["target: ", "has not answered for", "--retry-for", "is unknown"]);
    run(&["copy", "--update", "--verify", &source.at("/a"), &target.at("/a")]).await.expect(0);
    Ok(())
}

#[tokio::test]
async fn both_servers_may_be_restarted_under_a_copy() -> Outcome {
    let (source, target, _proxy, child) = under_way(&["--retry-for", "60s"]).await?;
    target.kill().await?;
    target.restart().await?;
    source.kill().await?;
    source.restart().await?;
    let ran = finish(child).await.expect(0);
    let came_back = |side| retries(&ran, side, "reconnects") + retries(&ran, side, "sessions_replaced");
    assert!(came_back("target") > 0, "{ran:?}");
    assert_eq!(difference((&source, "/a"), (&target, "/a")).await?, None);
    Ok(())
}

#[tokio::test]
async fn a_verify_reads_on_after_its_connections_broke() -> Outcome {
    let (source, target) = shared_pair().await?;
    let (from, to) = (make_source(source).await?, unique_root("recovery-verify"));
    run(&["copy", &source.at(&from), &target.at(&to)]).await.expect(0);
    let proxy = Proxy::start(target.address())?;
    proxy.arm(Fuse { direction: ToClient, bytes: 60_000, then: Then::Cut(Ending::Reset) });
    let ran = run(&["verify", "--format", "json", &source.at(&from), &proxy.at(&to)]).await.expect(0);
    let report: Value = ran.json();
    assert_eq!((&report["verify"]["equal"], proxy.is_armed(ToClient)), (&Value::Bool(true), false));
    assert_eq!(report["verify"]["retries"]["target"]["reconnects"], 1, "{report}");
    Ok(())
}

/// Without retries a lost connection is told as it comes.
#[tokio::test]
async fn nothing_is_tried_again_where_that_was_asked() -> Outcome {
    let (source, target, proxy, child) = under_way(&["--retry-for", "0"]).await?;
    proxy.flow(ToServer, Flow::Swallow, Reach::Present);
    proxy.cut(Ending::Close);
    finish(child).await.expect(2).says(&["target: ", "is unknown", "--update"]);
    run(&["copy", "--update", "--verify", &source.at("/a"), &target.at("/a")]).await.expect(0);
    Ok(())
}
