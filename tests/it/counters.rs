//! Sequence counters: the next sequential child at the target gets a number that is not below the source's.

use harness::{read_tree, shared_pair, unique_root};
use zookeeper_client::{Acl, Acls, AuthId, Client, CreateMode, Error as ClientError, Permission};

use crate::product::{Outcome, run, run_with};

const OPEN: Acls<'static> = Acls::anyone_all();
const AUTH: (&str, &str) = ("digest", "counter:secret");

/// The number that the next sequential child of `parent` gets. It is taken away again.
async fn next_number(client: &Client, parent: &str) -> Result<i64, ClientError> {
    let prefix = format!("{parent}/next-");
    let (_, sequence) = client.create(&prefix, b"", &CreateMode::PersistentSequential.with_acls(OPEN)).await?;
    client.delete(&format!("{prefix}{sequence}"), None).await?;
    Ok(sequence.into_i64())
}

/// Creates sequential children and keeps only those whose place in the row is in `kept`.
async fn queue(client: &Client, parent: &str, created: usize, kept: &[usize]) -> Result<(), ClientError> {
    client.create(parent, b"", &CreateMode::Persistent.with_acls(OPEN)).await?;
    for place in 0..created {
        let prefix = format!("{parent}/n-");
        let (_, sequence) = client.create(&prefix, b"x", &CreateMode::PersistentSequential.with_acls(OPEN)).await?;
        if !kept.contains(&place) {
            client.delete(&format!("{prefix}{sequence}"), None).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn are_carried_over_wherever_children_were_deleted() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("counters");
    let (at_source, at_target) = (source.client().await?, target.client().await?);
    at_target.auth(AUTH.0, AUTH.1.as_bytes()).await?;
    queue(&at_source, &root, 5, &[4]).await?;
    queue(&at_source, &format!("{root}/emptied"), 30, &[]).await?;
    queue(&at_source, &format!("{root}/holes"), 700, &[0, 13, 699]).await?;
    queue(&at_source, &format!("{root}/whole"), 3, &[0, 1, 2]).await?;
    queue(&at_source, &format!("{root}/closed"), 12, &[2]).await?;
    queue(&at_source, &format!("{root}/closed-leaf"), 9, &[]).await?;
    // Our own session may create there, and not delete; and may not even create.
    let only_create = [Acl::new(Permission::CREATE | Permission::READ | Permission::ADMIN, AuthId::anyone())];
    let only_read = [Acl::new(Permission::READ | Permission::ADMIN, AuthId::anyone())];
    at_source.set_acl(&format!("{root}/closed"), &only_create, None).await?;
    at_source.set_acl(&format!("{root}/closed-leaf"), &only_read, None).await?;
    at_source.create(&format!("{root}/holes/e"), b"", &CreateMode::Ephemeral.with_acls(OPEN)).await?;

    let env = [("ZKREPLICATOR_AUTH", "digest:counter:secret")];
    let (from, to) = (source.at(&root), target.at(&root));
    let copied = run_with(&env, &["copy", "--verify", "--format", "json", &from, &to]).await.expect(0).json();
    // One of `/` and every ephemeral, deleted or not, counts: 4 + 30 + 698 + 11 + 9.
    assert_eq!(copied["copy"]["counter_steps"], 752);
    let (before, after) = (read_tree(&at_source, &root).await?, read_tree(&at_target, &root).await?);
    for (path, at_source) in before.iter().filter(|(_, seen)| seen.stat.ephemeral_owner == 0) {
        let counter = |seen: &harness::Seen| (seen.stat.cversion + seen.stat.num_children) / 2;
        assert_eq!(counter(at_source), counter(&after[path]), "{path}");
        assert_eq!(format!("{:?}", at_source.acl), format!("{:?}", after[path].acl), "{path}");
    }
    for parent in ["", "/emptied", "/holes", "/whole"] {
        let parent = format!("{root}{parent}");
        assert_eq!(next_number(&at_target, &parent).await?, next_number(&at_source, &parent).await?, "{parent}");
    }
    Ok(())
}

#[tokio::test]
async fn catch_up_with_update_and_stay_where_they_are_ahead() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("counters-update");
    let (at_source, at_target) = (source.client().await?, target.client().await?);
    queue(&at_source, &root, 2, &[0]).await?;
    queue(&at_source, &format!("{root}/behind"), 4, &[1]).await?;
    queue(&at_source, &format!("{root}/ahead"), 1, &[0]).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    run(&["copy", "--verify", &from, &to]).await.expect(0);

    let behind = format!("{root}/behind");
    for _ in 0..3 {
        next_number(&at_source, &behind).await?;
    }
    let ahead = format!("{root}/ahead");
    for _ in 0..10 {
        next_number(&at_target, &ahead).await?;
    }
    let updated = run(&["copy", "--update", "--format", "json", &from, &to]).await.expect(0).json();
    assert_eq!(updated["copy"]["counter_steps"], 3);
    assert_eq!(updated["copy"]["znodes"]["created"], 0);
    assert_eq!(next_number(&at_target, &behind).await?, 7);
    assert_eq!(next_number(&at_target, &ahead).await?, 11);
    // Nothing is left to do, and nothing is done.
    let again = run(&["copy", "--update", "--no-counters", "--format", "json", &from, &to]).await.expect(0).json();
    assert_eq!(again["copy"]["write_requests"], 0);
    Ok(())
}

#[tokio::test]
async fn are_left_alone_when_told_so() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("counters-off");
    let (at_source, at_target) = (source.client().await?, target.client().await?);
    queue(&at_source, &root, 6, &[5]).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    let copied = run(&["copy", "--no-counters", "--format", "json", &from, &to]).await.expect(0).json();
    assert_eq!(copied["copy"]["counter_steps"], 0);
    assert_eq!(next_number(&at_target, &root).await?, 1);
    Ok(())
}
