//! The JSON documents of a migration are what docs/json.md says.

use tokio::process::Command;

use super::cluster::{Cluster, Fallible};
use crate::json::Schema;

/// Runs the program, which takes JSON, and fails the test unless it ends with `code` and one document as it is documented.
async fn assert_documented(cluster: &Cluster, args: &[&str], code: u8) -> Fallible<serde_json::Value> {
    let run = cluster.run(&[args, &["--format", "json"]].concat()).await?.expect(i32::from(code));
    let document = run.json();
    assert_eq!(document["exit_code"], code, "{args:?}");
    Schema::of("zkmigrator").assert_holds(&document);
    Ok(document)
}

#[tokio::test]
async fn every_document_is_as_it_is_documented() -> Fallible<()> {
    let cluster = Cluster::start("migrate-json").await?;
    let told = assert_documented(&cluster, &["status"], 0).await?;
    assert!(told["migration"].is_null(), "{told:#}");
    assert_documented(&cluster, &["plan"], 0).await?;
    assert_documented(&cluster, &["resume"], 2).await?;
    assert_documented(&cluster, &["cleanup", "--yes-remove", &cluster.root], 2).await?;
    assert_documented(&cluster, &["run", "--pause-before", "blnd"], 2).await?;
    let told = assert_documented(&cluster, &["run", "--execute", "--pause-before", "stop-followers"], 0).await?;
    assert_eq!(told["verdict"], "paused");
    assert_documented(&cluster, &["run", "--execute"], 2).await?;
    assert_documented(&cluster, &["resume"], 0).await?;
    let told = assert_documented(&cluster, &["status"], 0).await?;
    assert_eq!(told["ended"], true);
    assert_documented(&cluster, &["rollback"], 2).await?;
    assert_documented(&cluster, &["cleanup", "--yes-remove", &cluster.root], 0).await?;
    let told = assert_documented(&cluster, &["plan"], 2).await?;
    assert_eq!(told["verdict"], "can't begin");
    Ok(())
}

#[tokio::test]
async fn a_new_plan_is_a_document_too() -> Fallible<()> {
    let cluster = Cluster::start("migrate-json-init").await?;
    let program = env!("CARGO_BIN_EXE_zkmigrator-under-test");
    let address = cluster.metas[0].name();
    let output = Command::new(program)
        .args(["init", "--format", "json", "--meta-servers", address, "--target", "zk4:2181"])
        .output()
        .await?;
    assert!(output.status.success(), "{output:?}");
    let document: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    Schema::of("zkmigrator").assert_holds(&document);
    assert_eq!(document["meta_servers"].as_array().map(Vec::len), Some(3));
    assert!(document["plan"].as_str().is_some_and(|plan| plan.contains("zk4:2181")));
    Ok(())
}
