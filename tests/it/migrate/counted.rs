//! How far a copy is, a step knows from the one before it.

use harness::{load, tree, unique_root};
use replicator::progress::Progress;
use replicator::status::Size;
use tokio_util::sync::CancellationToken;

use super::cluster::Fallible;
use super::proofs::trees;
use crate::documents::two_servers;

/// Servers of their own: where others write, a later pass has no size.
#[tokio::test]
async fn the_copy_behind_a_rehearsal_knows_how_many_znodes_there_are() -> Fallible<()> {
    let (source, target) = two_servers().await?;
    let root = unique_root("counted");
    let client = source.client().await?;
    load(&client, &root, tree::small(5, 200)).await?;
    let (trees, never) = (trees(&source, &target, &root)?, CancellationToken::new());
    let size = async || -> Fallible<Size> {
        let progress = Progress::default();
        trees.copy(true, &progress, &never).await?;
        Ok(progress.size())
    };
    assert_eq!(size().await?, Size::AtLeast(201), "nobody has counted yet");
    let planned = trees.rehearse(&never).await?;
    assert_eq!((planned.counts.read, size().await?), (201, Size::About(201)));
    // A comparison counts anew.
    load(&client, &format!("{root}/more"), tree::small(6, 50)).await?;
    let copied = size().await?;
    let seen = trees.verify(replicator::znode::Zxid::default(), true, &never).await?;
    assert!(seen.is_equal() && matches!(copied, Size::AtLeast(_)), "{copied:?}");
    assert_eq!(size().await?, Size::About(seen.source.sum.znodes));
    Ok(())
}
