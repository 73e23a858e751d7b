//! The page of a migration, and what Prometheus is told of it.

use std::fs;

use super::cluster::{Cluster, Fallible};
use crate::metrics::samples;
use crate::report::{directory, looks_well, shows};

#[tokio::test]
async fn a_plan_and_its_migration_have_pages() -> Fallible<()> {
    let cluster = Cluster::start("migrate-page").await?;
    let directory = directory("migration")?;
    let (plan, page, metrics) = (directory.join("plan.html"), directory.join("page.html"), directory.join("run.prom"));
    let [plan_name, page_name, metrics_name] = [&plan, &page, &metrics].map(|file| file.display().to_string());
    cluster.run(&["plan", "--report", &plan_name]).await?.expect(0);
    let found = looks_well(&plan).await?;
    shows(&found, &["Can begin", "nothing was changed", "7. check-copy", "without a meta server", "hosts_list"]);

    let ran = cluster
        .run(&["run", "--execute", "--report", &page_name, "--metrics-file", &metrics_name, "--format", "json"])
        .await?
        .expect(0);
    let report = ran.json();
    let found = looks_well(&page).await?;
    let digest = report["proof"]["digest"].as_str().ok_or("no digest")?;
    let source = cluster.source.connect_string();
    shows(&found, &["Done", "onebox runs on the new ZooKeeper", digest, &source, "0: done", "Steps over time"]);
    shows(&found, &[&format!("+  hosts_list = {}", cluster.target.connect_string())]);
    shows(&found, &["metadata frozen", "without a meta server", "all is done", "begun by copy"]);
    let words = found["pictures"][0]["words"].as_str().ok_or("no picture")?;
    for step in ["preflight", "stop-leader", "start-followers", "tripwire", "metadata frozen"] {
        assert!(words.contains(step), "{step} is not in the timeline: {words}");
    }
    assert!(!words.contains("not done"), "{words}");

    let told = samples(&metrics);
    let seconds = |name: &str| report[name].as_f64().map(|millis| millis / 1e3);
    for (sample, value) in [
        ("zkmigrator_running", Some(0.0)),
        ("zkmigrator_exit_code", Some(0.0)),
        ("zkmigrator_verdict{verdict=\"done\"}", Some(1.0)),
        ("zkmigrator_frozen", Some(0.0)),
        ("zkmigrator_freeze_seconds", seconds("freeze_ms")),
        ("zkmigrator_away_seconds", seconds("away_ms")),
        ("zkmigrator_steps", Some(11.0)),
        ("zkmigrator_steps_done", Some(11.0)),
        ("zkmigrator_step{step=\"tripwire\"}", Some(11.0)),
    ] {
        assert_eq!(told.get(sample).copied(), value, "{sample}: {told:#?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_migration_that_went_back_shows_how() -> Fallible<()> {
    let cluster = Cluster::start("migrate-page-back").await?;
    let directory = directory("rolled-back")?;
    let (page, metrics) = (directory.join("page.html"), directory.join("run.prom"));
    let [page_name, metrics_name] = [&page, &metrics].map(|file| file.display().to_string());
    cluster.run(&["run", "--execute", "--pause-before", "stop-leader"]).await?.expect(0);
    cluster.run(&["rollback", "--report", &page_name, "--metrics-file", &metrics_name]).await?.expect(0);
    let found = looks_well(&page).await?;
    shows(&found, &["Rolled back", "was taken back, as was asked", "metadata frozen"]);
    let words = found["pictures"][0]["words"].as_str().ok_or("no picture")?;
    assert!(words.contains("back from blind") && words.contains("back from stop-followers"), "{words}");
    let told = samples(&metrics);
    assert_eq!((told["zkmigrator_going_back"], told["zkmigrator_frozen"]), (1.0, 0.0), "{told:#?}");
    Ok(())
}

#[tokio::test]
async fn what_could_not_begin_has_a_page_and_metrics_too() -> Fallible<()> {
    let cluster = Cluster::start("migrate-page-failed").await?;
    let directory = tempfile::tempdir()?;
    let (page, metrics) = (directory.path().join("page.html"), directory.path().join("run.prom"));
    let [page_name, metrics_name] = [&page, &metrics].map(|file| file.display().to_string());
    // There is nothing to go on with.
    cluster.run(&["resume", "--report", &page_name, "--metrics-file", &metrics_name]).await?.expect(2);
    assert!(fs::read_to_string(&page)?.contains("no migration was begun"));
    let told = samples(&metrics);
    assert_eq!((told["zkmigrator_exit_code"], told["zkmigrator_running"]), (2.0, 0.0), "{told:#?}");
    for option in ["--report", "--metrics-file"] {
        let refused = cluster.run(&["run", "--execute", option, "/proc/no/such/file"]).await?.expect(2);
        refused.says(&["/proc/no/such/file"]);
    }
    cluster.run(&["run", "--metrics-file", &metrics_name]).await?.expect(2).says(&["give --execute too"]);
    // What is there is replaced only where it is a page.
    cluster.run(&["plan", "--report", &metrics_name]).await?.expect(2).says(&["is no page of ours"]);
    assert_eq!(samples(&metrics), told, "it was replaced");
    fs::create_dir(directory.path().join("sub"))?;
    let same = directory.path().join("sub/../run.prom").display().to_string();
    let refused = cluster.run(&["resume", "--report", &same, "--metrics-file", &metrics_name]).await?.expect(2);
    refused.says(&["name the same file"]);
    assert_eq!(cluster.records(), 0, "something was begun");
    Ok(())
}

/// How it ended is what a script has to know.
#[tokio::test]
async fn a_page_that_can_not_be_written_leaves_a_migration_its_exit_code() -> Fallible<()> {
    let cluster = Cluster::start("migrate-page-lost").await?;
    let lost = cluster.file("lost");
    fs::create_dir(&lost)?;
    let [page, metrics] = ["page.html", "run.prom"].map(|name| lost.join(name).display().to_string());
    let args = ["run", "--execute", "--pause-before", "stop-followers", "--report", &page, "--metrics-file", &metrics];
    let (_cluster, run) =
        cluster.run_and(&args, ("before", "backup"), async |_| Ok(fs::remove_dir_all(&lost)?)).await?;
    run.expect(0).says(&["page.html could not be written", "run.prom could not be written"]);
    Ok(())
}

#[tokio::test]
async fn a_page_does_not_take_the_place_of_what_the_migration_needs() -> Fallible<()> {
    let cluster = Cluster::start("migrate-page-own").await?;
    let plan = cluster.plan()?;
    fs::create_dir(cluster.file("journal"))?;
    let config = cluster.metas[0].file("config.ini").display().to_string();
    let before = (fs::read(&plan)?, cluster.configs()?);
    for option in ["--report", "--metrics-file"] {
        for own in ["zkmigrator.toml", "./journal/../zkmigrator.toml", "journal/journal", &config] {
            let run = cluster.run_plan(&["run", "--execute", option, own], &plan).await?.expect(2);
            run.says(&["give it a file of its own"]);
        }
    }
    assert!((fs::read(&plan)?, cluster.configs()?) == before, "something was written");
    assert_eq!(cluster.records(), 0, "something was begun");
    Ok(())
}
