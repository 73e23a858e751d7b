//! `zkmigrator status`, at one moment after another, from the journal alone.

use super::cluster::{Cluster, Fallible};

async fn text(cluster: &Cluster) -> Fallible<String> {
    Ok(cluster.run(&["status"]).await?.expect(0).stdout)
}

async fn json(cluster: &Cluster) -> Fallible<serde_json::Value> {
    Ok(cluster.run(&["status", "--format", "json"]).await?.expect(0).json())
}

/// How each step stands, by its first letter: d(one), b(egun), o(pen).
fn standings(status: &serde_json::Value) -> String {
    let steps = status["steps"].as_array().cloned().unwrap_or_default();
    steps.iter().filter_map(|step| step["standing"].as_str()?.chars().next()).collect()
}

#[tokio::test]
async fn a_migration_that_was_never_begun_has_a_status_too() -> Fallible<()> {
    let cluster = Cluster::start("status-none").await?;
    assert_eq!(text(&cluster).await?, "no migration was begun\n");
    let status = json(&cluster).await?;
    assert_eq!((&status["command"], &status["migration"]), (&"status".into(), &serde_json::Value::Null));
    assert!(!cluster.file("journal").exists(), "a look makes nothing");
    Ok(())
}

#[tokio::test]
async fn a_status_says_how_far_it_is_and_what_to_do() -> Fallible<()> {
    let cluster = Cluster::start("status-whole").await?;
    let (cluster, run) = cluster
        .run_and(&["run", "--execute", "--pause-before", "stop-leader"], ("before", "blind"), async |cluster| {
            // While another process writes the journal.
            let status = json(cluster).await?;
            assert_eq!((standings(&status), &status["ended"]), ("ddddooooooo".to_owned(), &false.into()));
            assert!(text(cluster).await?.contains("about to run the hook before blind"));
            Ok(())
        })
        .await?;
    run.expect(0);
    let status = text(&cluster).await?;
    assert!(status.contains("not ended") && status.contains("paused before stop-leader"), "{status}");
    assert!(status.contains("zkmigrator resume --plan") && status.contains("zkmigrator rollback --plan"), "{status}");
    let status = json(&cluster).await?;
    assert_eq!((standings(&status), &status["last"]), ("dddddoooooo".to_owned(), &"paused before stop-leader".into()));
    assert_eq!(status["state"]["level"], "steady");

    // What a crash has torn is said, and read over.
    let journal = cluster.file("journal").join("journal");
    let whole = std::fs::read_to_string(&journal)?;
    std::fs::write(&journal, format!("{whole}0123"))?;
    assert!(text(&cluster).await?.contains("the last 4 bytes of the journal were torn"));
    assert_eq!(json(&cluster).await?["torn_bytes"], 4);
    // What somebody has written into it is not.
    std::fs::write(&journal, whole.replacen("\"number\":1,", "\"number\":2,", 1))?;
    cluster.run(&["status"]).await?.expect(2).says(&["line 2 is damaged"]);
    let failed = cluster.run(&["status", "--format", "json"]).await?.expect(2).json();
    assert!(failed["errors"][0].as_str().is_some_and(|error| error.contains("line 2 is damaged")), "{failed:#}");
    std::fs::write(&journal, whole)?;

    cluster.run(&["resume"]).await?.expect(0);
    let status = json(&cluster).await?;
    assert_eq!((standings(&status), &status["ended"]), ("ddddddddddd".to_owned(), &true.into()));
    let status = text(&cluster).await?;
    assert!(status.contains(": ended") && status.contains("all is done") && !status.contains("next:"), "{status}");
    Ok(())
}

#[tokio::test]
async fn a_migration_that_was_taken_back_has_ended() -> Fallible<()> {
    let cluster = Cluster::start("status-back").await?;
    cluster.run(&["run", "--execute", "--pause-before", "blind"]).await?.expect(0);
    cluster.run(&["rollback"]).await?.expect(0);
    let status = json(&cluster).await?;
    assert_eq!((standings(&status), &status["ended"]), ("ooooooooooo".to_owned(), &true.into()));
    assert_eq!(status["last"], "all was taken back");
    Ok(())
}
