//! Somebody else writes in the place of a request while nobody knows what became of it.

use std::sync::Arc;

use bytes::Bytes;
use harness::proxy::Direction::ToServer;
use harness::proxy::{Flow, Reach};
use harness::{Proxy, shared_pair, unique_root};
use replicator::batch::Batcher;
use replicator::budget::Permit;
use replicator::error::{Code, Error, Side};
use replicator::options::EnsembleOptions;
use replicator::progress::Progress;
use replicator::session::{Lane, WriteOp};
use replicator::target;
use replicator::znode::{Acl, Kind, ZnodePath};
use tokio::sync::mpsc;
use zookeeper_client::{Acls, CreateMode, CreateOptions};

use super::LIMIT;
use crate::product::Outcome;

const PERSISTENT: CreateOptions<'static> = CreateMode::Persistent.with_acls(Acls::anyone_all());

/// Creates `/a` with `ours` in it; the request never arrives. Meanwhile a stranger creates it with `theirs`. Gives what came
/// of it, how often it was sent again, and what stands there with its version.
async fn create_beside(
    theirs: Option<&[u8]>,
) -> Result<(Result<(), Error>, u64, Vec<u8>, i32), Box<dyn std::error::Error>> {
    let (_, target) = shared_pair().await?;
    let (proxy, root) = (Proxy::start(target.address())?, unique_root("recovery-stranger"));
    let stranger = target.client().await?;
    stranger.create(&root, b"", &PERSISTENT).await?;
    let lane = Lane::connect(Side::Target, &EnsembleOptions::to(proxy.at(&root).parse()?)).await?;
    let mut batcher = Batcher::new(lane.chroot().clone(), 100_000);
    let data = Some(Bytes::from_static(b"ours"));
    let create = WriteOp::Create { path: ZnodePath::new("/a"), data, acl: Acl::open(), kind: Kind::Persistent };
    batcher.push(create, &Arc::new(Permit::none()), &mut Vec::new())?;
    let (batches_in, batches) = mpsc::channel(1);
    batches_in.send(batcher.take().ok_or("one write")?).await?;
    drop(batches_in);

    proxy.flow(ToServer, Flow::Hold, Reach::Present);
    let (before, progress, path) = (proxy.traffic(ToServer), Progress::default(), format!("{root}/a"));
    let meanwhile = async {
        proxy.until_traffic(ToServer, LIMIT, |traffic| traffic.received > before.received).await?;
        proxy.refuse();
        proxy.hang_up();
        if let Some(theirs) = theirs {
            stranger.create(&path, theirs, &PERSISTENT).await?;
        }
        proxy.admit();
        Ok::<_, Box<dyn std::error::Error>>(())
    };
    let (written, done) = tokio::join!(target::write(&lane, batches, &progress), meanwhile);
    done?;
    // What was held arrives now, too late to do anything.
    proxy.release();
    lane.sync().await?;
    let (data, stat) = stranger.get_data(&path).await?;
    Ok((written, lane.retry().counts().writes_repeated, data, stat.version))
}

#[tokio::test]
async fn a_lost_create_is_sent_again() -> Outcome {
    let (written, repeated, data, version) = create_beside(None).await?;
    assert_eq!((written, repeated, &data[..], version), (Ok(()), 1, &b"ours"[..], 0));
    Ok(())
}

#[tokio::test]
async fn a_strangers_create_in_its_place_is_not_overwritten_and_named() -> Outcome {
    let (written, _, data, version) = create_beside(Some(b"theirs")).await?;
    let error = written.expect_err("somebody else has it");
    assert_eq!((error.code(), error.outcome_unknown), (Some(Code::NODE_EXISTS), false), "{error}");
    assert!(error.path.as_deref().is_some_and(|path| path.ends_with("/a")), "{error}");
    assert_eq!((&data[..], version), (&b"theirs"[..], 0));
    Ok(())
}

#[tokio::test]
async fn what_a_stranger_has_made_just_the_same_need_not_be_made() -> Outcome {
    let (written, repeated, data, version) = create_beside(Some(b"ours")).await?;
    assert_eq!((written, repeated, &data[..], version), (Ok(()), 0, &b"ours"[..], 0));
    Ok(())
}
