//! What a proof rests on: what was read for it, and what was remembered.

use std::path::{Path, PathBuf};

use harness::{Server, ServerOptions, load, shared_pair, tree, unique_root};
use migrator::plan::{Limits, Policy};
use migrator::trees::{Attempt, Ensemble, Trees};
use replicator::limits::JUTE_MAXBUFFER_BYTES;
use replicator::progress::Progress;
use tokio_util::sync::CancellationToken;
use zookeeper_client::{Acl, Acls, AuthId, Client, CreateMode, Permission};

use super::cluster::Fallible;

fn ensemble(server: &Server) -> Fallible<Ensemble> {
    Ok(Ensemble { connect: server.connect_string().parse()?, auths: Vec::new(), jute_maxbuffer: JUTE_MAXBUFFER_BYTES })
}

pub(super) fn trees(source: &Server, target: &Server, root: &str) -> Fallible<Trees> {
    let (source, target) = (ensemble(source)?, ensemble(target)?);
    Ok(Trees::new(&source, &target, root, &format!("{root}/lock"), &Limits::default(), &Policy::default())?)
}

/// Proves, and gives the proof or why there is none.
async fn prove(trees: &Trees, directory: &Path) -> Fallible<Attempt> {
    let number = std::fs::read_dir(directory)?.count();
    let file: PathBuf = directory.join(format!("{number}.certificate"));
    Ok(trees.prove(&file, &CancellationToken::new()).await?)
}

#[tokio::test]
async fn a_proof_is_full_only_where_no_acl_was_remembered() -> Fallible<()> {
    let (source, target) = shared_pair().await?;
    let root = unique_root("proof-full");
    load(&source.client().await?, &root, tree::small(5, 200)).await?;
    let directory = tempfile::tempdir()?;
    let copier = trees(source, target, &root)?;
    copier.copy(true, &Progress::default(), &CancellationToken::new()).await?;
    let full = |attempt: Attempt| match attempt {
        Attempt::Proven(proof) => (proof.is_full(), proof.acls_remembered, proof.znodes),
        Attempt::Open(why) => panic!("{why}"),
    };
    // Who has copied remembers what it has read at the source.
    let (is_full, remembered, znodes) = full(prove(&copier, directory.path()).await?);
    assert!(!is_full && remembered == znodes, "{remembered} of {znodes}");
    let (is_full, remembered, znodes) = full(prove(&copier, directory.path()).await?);
    assert!(!is_full && remembered == 2 * znodes, "{remembered} of {znodes}");
    let another = trees(source, target, &root)?;
    assert_eq!(full(prove(&another, directory.path()).await?), (true, 0, znodes));
    Ok(())
}

/// Versions come again with other ACLs, and nothing else tells.
#[tokio::test]
async fn an_ensemble_that_was_set_back_is_read_anew() -> Fallible<()> {
    let (_, target) = shared_pair().await?;
    let source = Server::start(ServerOptions::default()).await?;
    let root = unique_root("proof-set-back");
    load(&source.client().await?, &root, tree::small(5, 50)).await?;
    let directory = tempfile::tempdir()?;
    let trees = trees(&source, target, &root)?;
    let (data, kept) = (source.directory().join("data"), directory.path().join("kept"));
    source.stop().await?;
    copy_directory(&data, &kept)?;
    source.restart().await?;

    let acl = |address: &str| {
        [Acl::new(Permission::ALL, AuthId::anyone()), Acl::new(Permission::READ, AuthId::new("ip", address))]
    };
    let client = source.client().await?;
    client.set_acl(&root, &acl("127.0.0.1"), None).await?;
    write_beside(&client).await?;
    trees.copy(true, &Progress::default(), &CancellationToken::new()).await?;
    assert!(matches!(prove(&trees, directory.path()).await?, Attempt::Proven(_)));

    source.stop().await?;
    std::fs::remove_dir_all(&data)?;
    copy_directory(&kept, &data)?;
    source.restart().await?;
    source.client().await?.set_acl(&root, &acl("127.0.0.2"), None).await?;
    match prove(&trees, directory.path()).await? {
        Attempt::Open(why) => assert!(why.contains("it was set back to an older state"), "{why}"),
        Attempt::Proven(proof) => panic!("proven by what was remembered: {proof:?}"),
    }
    match prove(&trees, directory.path()).await? {
        Attempt::Open(why) => assert!(why.contains("1 difference(s)"), "{why}"),
        Attempt::Proven(proof) => panic!("proven by what was remembered: {proof:?}"),
    }
    Ok(())
}

/// Transactions that the older state does not have.
async fn write_beside(client: &Client) -> Fallible<()> {
    let options = CreateMode::Persistent.with_acls(Acls::anyone_all());
    for number in 0..50 {
        client.create(&format!("/beside-{number}"), b"", &options).await?;
    }
    Ok(())
}

fn copy_directory(from: &Path, to: &Path) -> Fallible<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let (entry, to) = (entry?, to);
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_directory(&entry.path(), &to)?;
        } else {
            std::fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}
