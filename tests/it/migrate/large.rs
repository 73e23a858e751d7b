//! A cluster of 100,000 znodes: what it is without, and for how long.

use harness::tree;

use super::cluster::{Cluster, Fallible};

/// On a quiet machine, with programs built for speed, it is less than 3 s and less than 1 s (benches/runs): what is looked
/// for here is whether something takes time that grows with the tree and should not.
#[tokio::test]
async fn a_large_cluster_stands_still_for_moments() -> Fallible<()> {
    let cluster = Cluster::start_on("migrate-large", tree::pegasus_like(7, 100_000), |_| {}).await?;
    // The stand-in reads its tree znode by znode, and a busy machine is slow: that is not what is looked for here.
    let cluster = cluster.limit("tripwire = \"10ms\"").limit("meta_away_max = \"60s\"").limit("freeze_max = \"5m\"");
    let report = cluster.run(&["run", "--execute", "--format", "json"]).await?.expect(0).json();
    assert_eq!(report["proof_kind"], "acls by version");
    let times = ["freeze_without_processes_ms", "away_without_processes_ms"].map(|key| report[key].as_u64());
    let [Some(freeze), Some(away)] = times else { panic!("{report:#}") };
    // The source of `benches/runs/*/migrate-100k.json`.
    if let Some(file) = std::env::var_os("ZKMIGRATOR_REPORT") {
        std::fs::write(file, format!("{report:#}\n"))?;
    }
    assert!(freeze < 30_000 && away < 8_000, "freeze {freeze} ms, without a meta server {away} ms");
    Ok(())
}
