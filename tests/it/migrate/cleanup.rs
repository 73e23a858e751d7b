//! The old tree's removal, interrupted.

use std::time::Duration;

use harness::proxy::Proxy;
use harness::{shared_pair, until};

use super::cluster::{Cluster, Fallible, LIMIT};
use super::killed::kill_at;

/// What has begun to go is no longer what was proven, and whole in the archive: the second attempt must look at neither.
#[tokio::test]
async fn a_cleanup_that_was_killed_while_it_removed_is_gone_on_with() -> Fallible<()> {
    // The source answers slowly, so that the migrator is killed in the middle.
    let (source, _) = shared_pair().await?;
    let proxy = Proxy::start(source.address())?;
    let cluster = Cluster::start_with("cleanup-killed", |config| config.zookeeper = proxy.connect_string()).await?;
    let connect = |hosts: &str| format!("[source]\nconnect = {hosts:?}");
    let cluster = cluster.replacing(&connect(&source.connect_string()), &connect(&proxy.connect_string()));
    cluster.run(&["run", "--execute"]).await?.expect(0);
    let (client, root) = (source.client().await?, cluster.root.clone());
    let lock = format!("{root}/lock/dsn.meta.server.leader");
    until("the old sessions to expire", LIMIT, async || {
        client.list_children(&lock).await.ok()?.is_empty().then_some(())
    })
    .await?;

    proxy.delay(Duration::from_millis(200));
    let cleanup = ["cleanup", "--yes-remove", &root];
    assert!(kill_at(&cluster, &cleanup, cluster.records() + 1).await?, "it was over before it was killed");
    proxy.heal();
    let status = cluster.run(&["status"]).await?.expect(0);
    assert!(status.stdout.contains("about to remove the old tree"), "{status:?}");
    assert!(client.check_stat(&root).await?.is_some(), "nothing was left to go on with");
    // As if some of it had gone by then.
    client.delete(&format!("{root}/apps/4/7"), None).await?;
    let archive = cluster.saved("old-tree.zka")?;
    let done = cluster.run(&cleanup).await?.expect(0);
    assert!(done.stdout.contains("znodes of the old tree were removed"), "{done:?}");
    assert!(client.check_stat(&root).await?.is_none(), "the old tree is still there");
    assert!(cluster.saved("old-tree.zka")? == archive, "the archive of the whole tree was written over");
    cluster.run(&cleanup).await?.expect(2).says(&["was cleaned up"]);
    cluster.expect_on(cluster.target).await
}
