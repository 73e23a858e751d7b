//! What the documents show of `zkmigrator` is so: run on three stand-in meta servers and two real ZooKeeper servers, as
//! [`crate::documents`] does it with `zkreplicator`.

use super::cluster::Cluster;
use crate::documents::project;
use crate::documents::world::World;
use crate::product::Outcome;

/// Documents whose commands speak to a cluster.
pub(crate) const DOCUMENTS: [&str; 2] = ["README.md", "docs/migrating.md"];

#[tokio::test(flavor = "multi_thread")]
async fn each_command_of_a_migration_does_what_its_document_shows() -> Outcome {
    for document in DOCUMENTS {
        let cluster = Cluster::start("documents").await?;
        world(&cluster)?.run(&project().join(document)).await?.map_err(|why| format!("{why}\n{}", cluster.story()))?;
    }
    Ok(())
}

/// The cluster's meta servers are the documents' `a1` to `a3`, and `vi` is the person who fills the plan in.
fn world(cluster: &Cluster) -> Result<World, Box<dyn std::error::Error>> {
    let mut world = World::new(&cluster.source.connect_string(), &cluster.target.connect_string())?;
    for (number, meta) in (1..).zip(&cluster.metas) {
        world.address(&format!("a{number}:34601"), meta.name());
    }
    world.text("/pegasus/onebox", &cluster.root);
    let plan = cluster.plan()?;
    world.program("vi", &format!("#!/bin/sh\nexec cp {} \"$1\"\n", plan.display()))?;
    Ok(world)
}
