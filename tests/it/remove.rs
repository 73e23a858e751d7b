//! Removal of trees on real servers: everything below a root goes, whoever wrote it, and nothing beside it.

use std::time::Duration;

use harness::{Server, load, shared_pair, tree, tree::TreeZnode, unique_root};
use replicator::error::{Code, Error, Side};
use replicator::limits;
use replicator::options::{Auth, EnsembleOptions};
use replicator::progress::{Counts, Progress};
use replicator::remove::{self, Care};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use zookeeper_client::{Acl, Acls, AuthId, CreateMode, Permission};

use crate::product::Outcome;

const LIMIT: Duration = Duration::from_secs(60);

async fn remove(server: &Server, root: &str, auths: &[Auth]) -> Result<Counts, Error> {
    let options = EnsembleOptions { auths: auths.to_vec(), ..EnsembleOptions::to(server.at(root).parse()?) };
    let (progress, never) = (Progress::default(), CancellationToken::new());
    remove::tree(Side::Target, &options, limits::JUTE_MAXBUFFER_BYTES, Care::None, &progress, &never)
        .await
        .map(|()| progress.counts())
}

#[tokio::test]
async fn removes_every_kind_of_tree_and_nothing_beside_it() -> Outcome {
    type Znodes = Box<dyn Iterator<Item = TreeZnode> + Send>;
    let (_, target) = shared_pair().await?;
    let client = target.client().await?;
    let (scheme, secret) = tree::ODD_AUTH;
    client.auth(scheme, secret).await?;
    let auth = Auth { scheme: scheme.to_owned(), credentials: String::from_utf8_lossy(secret).into_owned() };
    let trees: [(&str, Znodes); 7] = [
        ("none", Box::new(std::iter::empty())),
        ("wide", Box::new(tree::wide(20_000))),
        ("deep", Box::new(tree::deep(1_000))),
        ("bush", Box::new(tree::bush(1, 5_000))),
        ("small", Box::new(tree::small(2, 5_000))),
        ("big", Box::new(tree::big_values(3, 20, 900_000))),
        // Its ACLs let nobody delete, on purpose.
        ("odd", Box::new(tree::odd(4).filter(|znode| !znode.path.starts_with("/acls")))),
    ];
    for (name, znodes) in trees {
        let parent = unique_root("remove");
        let (root, beside) = (format!("{parent}/{name}"), format!("{parent}/{name}-beside"));
        let loaded = load(&client, &root, znodes).await?;
        load(&client, &beside, tree::small(5, 3)).await?;
        let counts = remove(target, &root, std::slice::from_ref(&auth)).await?;
        assert!(counts.deleted >= loaded.znodes, "{name}: {counts:?} of {loaded:?}");
        assert!(client.check_stat(&root).await?.is_none(), "{name} is there");
        assert_eq!(client.list_children(&beside).await?.len(), 3, "{name}: what is beside it has changed");
        // Done twice is done once.
        assert_eq!(remove(target, &root, &[]).await?, Counts { vanished: 1, ..Counts::default() });
    }
    Ok(())
}

#[tokio::test]
async fn removes_a_tree_in_which_others_create_and_delete() -> Outcome {
    let (_, target) = shared_pair().await?;
    let root = unique_root("remove-busy");
    let client = target.client().await?;
    load(&client, &root, tree::small(6, 20_000)).await?;
    let options = CreateMode::Persistent.with_acls(Acls::anyone_all());
    let churn = async {
        // A few, so that they end before the passes do.
        for n in 0..5 {
            for parent in ["", "/0", "/1/2", "/f/f/f"] {
                let path = format!("{root}{parent}/new-{n}");
                let _ = client.create(&path, b"", &options).await;
                let _ = client.delete(&format!("{root}/{n}/{n}/{n}"), None).await;
            }
        }
    };
    let (removed, ()) = tokio::join!(timeout(LIMIT, remove(target, &root, &[])), churn);
    removed??;
    assert!(client.check_stat(&root).await?.is_none());
    Ok(())
}

#[tokio::test]
async fn names_what_may_not_be_removed_and_never_removes_an_ensemble() -> Outcome {
    let (_, target) = shared_pair().await?;
    let root = unique_root("remove-kept");
    let client = target.client().await?;
    let options = CreateMode::Persistent.with_acls(Acls::anyone_all());
    client.mkdir(&format!("{root}/a/b"), &options).await?;
    let acl = [Acl::new(Permission::READ | Permission::ADMIN, AuthId::anyone())];
    client.set_acl(&format!("{root}/a"), &acl, None).await?;
    let error = remove(target, &root, &[]).await.expect_err("/a lets nobody delete");
    assert_eq!((error.code(), error.path), (Some(Code::NO_AUTH), Some(format!("{root}/a/b"))));

    let error = remove(target, "", &[]).await.expect_err("the root of an ensemble");
    assert!(error.to_string().contains("name a path"), "{error}");
    Ok(())
}
