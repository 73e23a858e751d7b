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

/// A comment in an old encoding is no reason to lose a byte.
#[tokio::test]
async fn a_configuration_file_that_is_not_utf8_is_kept_byte_for_byte() -> Fallible<()> {
    let cluster = Cluster::start("migrate-latin").await?;
    let meta = &cluster.metas[0];
    let latin = [&std::fs::read(meta.file("config.ini"))?[..], b"# se\xf1or\n"].concat();
    std::fs::write(meta.file("config.ini"), &latin)?;
    cluster.run(&["run", "--execute", "--pause-before", "pre-copy"]).await?.expect(0);
    let name = format!("config.{}.ini", meta.name().replace(':', "_"));
    let kept = cluster.saved(&name)?;
    assert!(kept == latin, "{:?}", String::from_utf8_lossy(&kept));
    Ok(())
}
