//! The whole way there, and the whole way back, with nothing in the way.

use super::cluster::{Cluster, Fallible};

#[tokio::test]
async fn a_cluster_moves_and_serves_what_it_served() -> Fallible<()> {
    let cluster = Cluster::start("migrate-whole").await?;
    let before = cluster.configs()?;
    let rehearsed = cluster.run(&["run"]).await?.expect(0);
    assert!(
        rehearsed.stdout.contains("can begin") && rehearsed.stdout.contains("nothing was changed"),
        "{rehearsed:?}"
    );
    assert_eq!(cluster.configs()?, before);
    cluster.expect_on(cluster.source).await?;

    let ran = cluster.run(&["run", "--execute", "--format", "json"]).await?.expect(0);
    let report = ran.json();
    assert_eq!((&report["verdict"], &report["exit_code"]), (&"done".into(), &0.into()));
    cluster.expect_on(cluster.target).await?;
    // Nothing but the hosts is another in the files, down to the byte.
    let moved: Vec<String> = before
        .iter()
        .map(|text| text.replace(&cluster.source.connect_string(), &cluster.target.connect_string()))
        .collect();
    assert_eq!(cluster.configs()?, moved);
    Ok(())
}
