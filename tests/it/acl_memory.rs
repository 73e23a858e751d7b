//! Trees that are read more than once by one program, whose ACLs are asked for once.

use harness::{load, shared_pair, tree, unique_root};
use replicator::acl_memory::AclMemory;
use replicator::connect::ConnectString;
use replicator::copy::copy;
use replicator::latency::{Latency, Request};
use replicator::options::{CopyOptions, EnsembleOptions, VerifyOptions};
use replicator::progress::Progress;
use replicator::verify::{VerifyReport, verify};
use tokio_util::sync::CancellationToken;
use zookeeper_client::{Acls, CreateMode};

use crate::product::Outcome;

fn get_acls(latencies: &[Latency]) -> u64 {
    latencies.iter().filter(|latency| latency.request == Request::GetAcl).map(|latency| latency.count).sum()
}

#[tokio::test]
async fn an_acl_is_asked_for_again_when_it_was_set_or_its_znode_made_anew() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("acl-memory");
    let client = source.client().await?;
    load(&client, &root, tree::small(3, 400)).await?;
    let side = |connect: String| -> Result<EnsembleOptions, Box<dyn std::error::Error>> {
        let acl_memory = Some(AclMemory::default());
        Ok(EnsembleOptions { acl_memory, ..EnsembleOptions::to(connect.parse::<ConnectString>()?) })
    };
    let (from, to) = (side(source.at(&root))?, side(target.at(&root))?);
    let stop = CancellationToken::new();
    let to_copy = CopyOptions { update: true, ..CopyOptions::between(from.clone(), to.clone()) };
    let copied = copy(&to_copy, &Progress::default(), &stop).await?;
    assert!(get_acls(&copied.source_latencies) >= 400, "{:?}", copied.source_latencies);
    let compare = async || -> Result<(VerifyReport, u64, u64), Box<dyn std::error::Error>> {
        let options = VerifyOptions::between(from.clone(), to.clone(), to_copy.filter.clone());
        let report = verify(&options, &Progress::default(), &stop).await?;
        // Whether the source's root can be a root is looked at before anything else, with its ACL.
        let asked = (get_acls(&report.source_latencies) - 1, get_acls(&report.target_latencies));
        Ok((report, asked.0, asked.1))
    };
    let (first, at_source, at_target) = compare().await?;
    assert!(first.is_equal() && at_source == 0 && at_target >= 400, "{first:?}");
    let (second, at_source, at_target) = compare().await?;
    assert!(second.is_equal() && (at_source, at_target) == (0, 0), "{second:?}");
    assert_eq!(second.source.sum, first.source.sum, "what was remembered counts in the digest");

    // One is set, one is made anew with another: both differ, and nothing else was asked for.
    let leaf = format!("{root}/anew");
    client.create(&leaf, b"", &CreateMode::Persistent.with_acls(Acls::anyone_all())).await?;
    copy(&to_copy, &Progress::default(), &stop).await?;
    assert!(compare().await?.0.is_equal());
    client.delete(&leaf, None).await?;
    client.create(&leaf, b"", &CreateMode::Persistent.with_acls(Acls::anyone_read())).await?;
    client
        .set_acl(
            &root,
            &[
                zookeeper_client::Acl::new(zookeeper_client::Permission::ALL, zookeeper_client::AuthId::anyone()),
                zookeeper_client::Acl::new(
                    zookeeper_client::Permission::READ,
                    zookeeper_client::AuthId::new("ip", "127.0.0.1"),
                ),
            ],
            None,
        )
        .await?;
    let (third, at_source, at_target) = compare().await?;
    let differ: Vec<_> =
        third.differences.list.iter().map(|found| (found.path.as_str(), found.what.as_slice())).collect();
    assert_eq!(differ, [("/", &["acl"][..]), ("/anew", &["acl"][..])]);
    assert_eq!((at_source, at_target), (2, 0));
    Ok(())
}
