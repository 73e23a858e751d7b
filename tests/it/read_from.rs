//! Which servers of an ensemble are read from.

use harness::{Ensemble, Error, Server, ServerOptions, load, shared_pair, tree, unique_root};
use zookeeper_client::{Acl, AuthId, Permission};

use crate::product::{Outcome, run};

const ZNODES: usize = 3_000;

/// Packets that each server has received from clients since it started.
async fn received(ensemble: &Ensemble) -> Result<Vec<u64>, Error> {
    let mut counts = Vec::new();
    for server in ensemble.servers() {
        let said = server.command("srvr").await?;
        let count = said.lines().find_map(|line| line.strip_prefix("Received: ")?.trim().parse().ok());
        counts.push(count.expect("srvr tells how many packets were received"));
    }
    Ok(counts)
}

/// What each server received for a copy with these options: one getACL a znode, and little else.
async fn received_for_a_copy(ensemble: &Ensemble, target: &Server, options: &[&str]) -> Result<Vec<u64>, Error> {
    let before = received(ensemble).await?;
    let (from, to) = (ensemble.at("/tree"), target.at(&unique_root("read-from")));
    run(&[&["copy", "--verify", &from, &to], options].concat()).await.expect(0);
    Ok(received(ensemble).await?.iter().zip(before).map(|(after, before)| after - before).collect())
}

#[tokio::test]
async fn reads_from_all_followers_and_spares_the_leader_unless_told_otherwise() -> Outcome {
    let ensemble = Ensemble::start(3, ServerOptions::default()).await?;
    let (_, target) = shared_pair().await?;
    let leader = ensemble.leader().await?;
    load(&ensemble.server(leader).client().await?, "/tree", tree::small(1, ZNODES)).await?;
    // The copy and its verify read every ACL once each.
    let total = 2 * ZNODES as u64;

    let spared = received_for_a_copy(&ensemble, target, &[]).await?;
    for (index, received) in spared.iter().enumerate() {
        if index == leader {
            assert!(*received < 100, "the leader received {received}: {spared:?}");
        } else {
            assert!(*received > total / 4, "a follower received only {received}: {spared:?}");
        }
    }

    let any = received_for_a_copy(&ensemble, target, &["--read-from", "any"]).await?;
    assert!(any.iter().all(|received| *received > total / 6), "not all were read from: {any:?}");

    let dead = (leader + 1) % 3;
    ensemble.kill(dead).await?;
    let nothing_else = format!("{},{}", ensemble.server(dead).connect_string(), ensemble.server(leader).at("/tree"));
    run(&["copy", "--verify", &nothing_else, &target.at(&unique_root("read-from"))]).await.expect(0);
    Ok(())
}

/// Whether the servers are of one ensemble was asked of the children of `/`, which not everybody may list.
#[tokio::test]
async fn a_tree_is_read_from_all_servers_where_the_root_of_the_ensemble_may_not_be_listed() -> Outcome {
    let ensemble = Ensemble::start(3, ServerOptions::default()).await?;
    let (_, target) = shared_pair().await?;
    let client = ensemble.server(0).client().await?;
    load(&client, "/tree", tree::small(1, 50)).await?;
    let to_be_changed_back = Acl::new(Permission::CREATE | Permission::ADMIN, AuthId::anyone());
    client.set_acl("/", &[to_be_changed_back], None).await?;
    run(&["copy", "--verify", &ensemble.at("/tree"), &target.at(&unique_root("read-from"))]).await.expect(0);
    Ok(())
}
