//! What a copy may cost, whatever the tree: our memory, the source's heap, requests a level.
//!
//! The cases of the source's heap are those of `benches/heap.rs`, smaller: ZooKeeper keeps its whole tree in heap, so
//! what can be scarce is what a server has beside it. They run one at a time: a target needs 3 GB.

use harness::tree::{self, TreeZnode};
use harness::{Server, ServerOptions, load, load_lean, shared_pair, unique_root};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::product::{Outcome, run};

const MIB: u64 = 1024 * 1024;
/// What a copy may hold in memory at any moment, in bytes.
const RESIDENT_BYTES_MAX: u64 = 48 * MIB;
/// Data of a large value, in bytes: ZooKeeper takes one of 1 MiB with its path and header at most.
const VALUE_BYTES: usize = 900_000;
/// Heap of a source beside its tree, in MiB: with 64 the server can't take the tree itself.
const SPARE_MB: u32 = 128;
/// How much two runs may differ, whatever they copy, in bytes: allocators do.
const FLAT_BYTES: u64 = 4 * MIB;

static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

fn resident_bytes(report: &Value) -> u64 {
    report["process"]["resident_bytes_max"].as_u64().expect("a report has the memory")
}

/// Loads a tree of `znodes` znodes, `values` of them large, into a source that has little heap beside it; copies and
/// verifies it, and sees that the source has survived.
///
/// ACLs are left out: they slow the reading of values down, and no answer with one is large.
async fn source_survives(tree: impl Iterator<Item = TreeZnode>, znodes: usize, values: usize) -> Outcome {
    let _alone = ONE_AT_A_TIME.lock().await;
    let bytes = values * VALUE_BYTES;
    let source_mb = tree::heap_mb(znodes, bytes) + SPARE_MB;
    let source = Server::start(ServerOptions::default().heap_mb(source_mb)).await?;
    load_lean(&source.client().await?, "/source", tree).await?;
    let target_mb = tree::written_heap_mb(znodes, bytes);
    let target = Server::start(ServerOptions::default().heap_mb(target_mb)).await?;
    let (from, to) = (source.at("/source"), target.at("/target"));

    let copied = run(&["copy", "--acl", "open", "--format", "json", &from, &to]).await;
    assert!(source.is_running(), "the copy has killed the source:\n{}", source.log());
    let copied = copied.expect(0).json();
    assert_eq!(copied["copy"]["znodes"]["created"], znodes + 1, "the tree and its root");
    let resident = resident_bytes(&copied);
    assert!(resident <= RESIDENT_BYTES_MAX, "{} MiB for {values} values", resident / MIB);

    let verified = run(&["verify", "--acl", "ignore", "--format", "json", &from, &to]).await;
    assert!(source.is_running(), "the verify has killed the source:\n{}", source.log());
    assert_eq!(verified.expect(0).json()["verify"]["source"]["znodes"], znodes + 1);
    Ok(())
}

#[tokio::test]
async fn a_source_with_little_heap_survives_1_000_values_of_900_kb() -> Outcome {
    let values = 1_000;
    source_survives(tree::big_values(1, values, VALUE_BYTES), values, values).await
}

#[tokio::test]
async fn a_source_with_little_heap_survives_values_behind_50_000_small_siblings() -> Outcome {
    let (small, values) = (50_000, 300);
    let znodes = 3 + 2 * small + values;
    source_survives(tree::values_between_small(2, small, values, VALUE_BYTES), znodes, values).await
}

#[tokio::test]
async fn a_source_with_little_heap_survives_one_value_in_50_of_20_000_znodes() -> Outcome {
    let (children, every) = (20_000, 50);
    let tree = tree::values_among_small(3, children, every, VALUE_BYTES);
    source_survives(tree, 1 + children, children / every).await
}

#[tokio::test]
async fn a_chain_of_1_000_takes_two_requests_a_level() -> Outcome {
    // Servers of its own: what another test writes meanwhile would cost a second pass, and as many requests again.
    let start = || Server::start(ServerOptions::default());
    let (source, target) = tokio::try_join!(start(), start())?;
    let root = unique_root("chain");
    load(&source.client().await?, &root, tree::deep(1_000)).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    let copied = run(&["copy", "--format", "json", &from, &to]).await.expect(0).json();
    let again = run(&["copy", "--update", "--format", "json", &from, &to]).await.expect(0).json();
    let verified = run(&["verify", "--format", "json", &from, &to]).await.expect(0).json();
    for (side, latencies) in [
        ("source", &copied["copy"]["latency_us"]["source"]),
        ("source", &again["copy"]["latency_us"]["source"]),
        ("source", &verified["verify"]["latency_us"]["source"]),
        ("target", &verified["verify"]["latency_us"]["target"]),
    ] {
        let requests: u64 =
            latencies.as_object().into_iter().flatten().filter_map(|(_, of)| of["count"].as_u64()).sum();
        // The root is a level, and it is looked at once more before anything is read: its data and its ACL.
        assert!(requests > 1_000, "the {side}'s requests are not in the report: {latencies}");
        assert!(requests <= 2 * 1_001 + 2, "{requests} requests to the {side}: {latencies}");
    }
    Ok(())
}

#[tokio::test]
async fn ten_times_the_znodes_take_the_same_memory() -> Outcome {
    let (source, target) = shared_pair().await?;
    let at_source = source.client().await?;
    let mut resident = Vec::new();
    for znodes in [10_000, 100_000] {
        let root = unique_root("flat");
        load(&at_source, &root, tree::small(4, znodes)).await?;
        let copied = run(&["copy", "--format", "json", &source.at(&root), &target.at(&root)]).await.expect(0).json();
        assert_eq!(copied["copy"]["znodes"]["created"], znodes + 1);
        resident.push(resident_bytes(&copied));
    }
    assert!(resident[1] <= resident[0] + FLAT_BYTES, "{resident:?} bytes for 10,000 and 100,000 znodes");
    Ok(())
}
