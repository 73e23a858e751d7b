//! A source that changes while it is copied: what changed is taken after, or the copy says that it is of no single
//! moment.

use std::time::Duration;

use harness::{Server, ServerOptions, load, read_tree, shared_pair, tree, unique_root, until};
use replicator::copy::{CopyReport, copy};
use replicator::filter::Filter;
use replicator::options::{CopyOptions, EnsembleOptions};
use replicator::progress::Progress;
use tokio_util::sync::CancellationToken;
use zookeeper_client::{Acl, Acls, AuthId, Client, CreateMode, CreateOptions, Permission};

use crate::product::{Outcome, run};

const LIMIT: Duration = Duration::from_secs(60);
const OPEN: CreateOptions<'static> = CreateMode::Persistent.with_acls(Acls::anyone_all());
const EPHEMERAL: CreateOptions<'static> = CreateMode::Ephemeral.with_acls(Acls::anyone_all());

pub(crate) fn copy_options(source: &str, target: &str) -> Result<CopyOptions, replicator::error::Error> {
    Ok(CopyOptions::between(EnsembleOptions::to(source.parse()?), EnsembleOptions::to(target.parse()?)))
}

/// Copies, and lets `change` happen when the first znodes were read.
async fn copy_while(
    options: &CopyOptions,
    change: impl Future<Output = Result<(), zookeeper_client::Error>>,
) -> Result<CopyReport, Box<dyn std::error::Error>> {
    let progress = Progress::default();
    let stop = CancellationToken::new();
    let changed = async {
        until("something was read", LIMIT, async || (progress.counts().read > 100).then_some(())).await?;
        let before = progress.counts().read;
        change.await?;
        Ok::<_, Box<dyn std::error::Error>>(before)
    };
    let (report, before) = tokio::join!(copy(options, &progress, &stop), changed);
    let (report, before) = (report?, before?);
    assert!(before < report.counts.read, "the change came while the source was read");
    Ok(report)
}

#[tokio::test]
async fn every_kind_of_change_during_a_copy_is_taken_after() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("moving");
    let (at_source, at_target) = (source.client().await?, target.client().await?);
    load(&at_source, &root, tree::small(1, 30_000)).await?;
    // Two places of each kind: wherever the walk has got to, one of them is behind it or ahead of it.
    let mut places = Vec::new();
    for place in ["00-place", "zz-place"] {
        let base = format!("{root}/{place}");
        for below in ["", "/written", "/acl", "/emptied", "/emptied/a", "/emptied/b", "/gone", "/gone/x", "/gone/x/y"] {
            at_source.create(&format!("{base}{below}"), b"before", &OPEN).await?;
        }
        for below in ["/replaced", "/replaced/old", "/to-ephemeral"] {
            at_source.create(&format!("{base}{below}"), b"before", &OPEN).await?;
        }
        places.push(base);
    }
    let read_only = [Acl::new(Permission::READ | Permission::ADMIN, AuthId::anyone())];
    let change = async {
        for base in &places {
            let at = |below: &str| format!("{base}{below}");
            at_source.set_data(&at("/written"), b"after", None).await?;
            at_source.set_acl(&at("/acl"), &read_only, None).await?;
            for gone in ["/emptied/a", "/emptied/b", "/gone/x/y", "/gone/x", "/gone", "/replaced/old", "/replaced"] {
                at_source.delete(&at(gone), None).await?;
            }
            at_source.create(&at("/replaced"), b"anew", &OPEN).await?;
            at_source.create(&at("/replaced/new"), b"anew", &OPEN).await?;
            at_source.create(&at("/created"), b"after", &OPEN).await?;
            at_source.create(&at("/created/below"), b"after", &OPEN).await?;
            at_source.delete(&at("/to-ephemeral"), None).await?;
            at_source.create(&at("/to-ephemeral"), b"", &EPHEMERAL).await?;
        }
        Ok(())
    };
    let report = copy_while(&copy_options(&source.at(&root), &target.at(&root))?, change).await?;
    assert!(report.passes.settled && !report.passes.later.is_empty(), "{:?}", report.passes);
    assert!(report.passes.later[0] > 0, "{:?}", report.passes);

    let (mut before, after) = (read_tree(&at_source, &root).await?, read_tree(&at_target, &root).await?);
    before.retain(|_, seen| seen.stat.ephemeral_owner == 0);
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    for (path, seen) in &before {
        let other = &after[path];
        assert_eq!((&seen.data, format!("{:?}", seen.acl)), (&other.data, format!("{:?}", other.acl)), "{path}");
    }
    Ok(())
}

/// What leads to something that a filter takes, and what does not, is another thing in each pass.
#[tokio::test]
async fn changes_below_znodes_that_a_filter_lets_pass_are_taken_after() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("moving-filter");
    let (at_source, at_target) = (source.client().await?, target.client().await?);
    load(&at_source, &format!("{root}/mid"), tree::small(1, 30_000)).await?;
    let places = ["00-place", "zz-place"].map(|place| format!("{root}/{place}"));
    for base in &places {
        for below in ["", "/emptied", "/emptied/taken", "/filled", "/filled/left-out"] {
            at_source.create(&format!("{base}{below}"), b"before", &OPEN).await?;
        }
    }
    let change = async {
        for base in &places {
            at_source.delete(&format!("{base}/emptied/taken"), None).await?;
            at_source.create(&format!("{base}/filled/taken"), b"after", &OPEN).await?;
        }
        Ok(())
    };
    let includes = ["/mid", "/*-place/*/taken"];
    let mut options = copy_options(&source.at(&root), &target.at(&root))?;
    options.filter = Filter::new(&includes.map(str::to_owned), &[])?;
    let report = copy_while(&options, change).await?;
    assert!(report.passes.settled, "{:?}", report.passes);
    for place in places {
        let is_there =
            async |below: &str| at_target.check_stat(&format!("{place}{below}")).await.map(|stat| stat.is_some());
        assert!(!is_there("/emptied/taken").await? && is_there("/filled/taken").await?, "{place}");
        assert!(!is_there("/filled/left-out").await?, "{place}");
    }
    let (from, to) = (source.at(&root), target.at(&root));
    run(&["verify", "--include", includes[0], "--include", includes[1], &from, &to]).await.expect(0);
    Ok(())
}

#[tokio::test]
async fn what_has_gone_takes_nothing_of_somebody_elses_with_it() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("moving-foreign");
    let (at_source, at_target) = (source.client().await?, target.client().await?);
    load(&at_source, &root, tree::small(1, 30_000)).await?;
    let places = ["00-place", "zz-place"].map(|place| format!("{root}/{place}"));
    at_target.create(&root, b"", &OPEN).await?;
    for base in &places {
        for below in ["", "/gone", "/gone/seen"] {
            at_source.create(&format!("{base}{below}"), b"", &OPEN).await?;
        }
        for below in ["", "/gone", "/gone/foreign"] {
            at_target.create(&format!("{base}{below}"), b"", &OPEN).await?;
        }
    }
    let change = async {
        for base in &places {
            at_source.delete(&format!("{base}/gone/seen"), None).await?;
            at_source.delete(&format!("{base}/gone"), None).await?;
        }
        Ok(())
    };
    let mut options = copy_options(&source.at(&root), &target.at(&root))?;
    options.update = true;
    copy_while(&options, change).await?;
    for base in &places {
        assert!(at_target.check_stat(&format!("{base}/gone/foreign")).await?.is_some(), "{base}");
        assert!(at_target.check_stat(&format!("{base}/gone/seen")).await?.is_none(), "{base}");
    }
    Ok(())
}

#[tokio::test]
async fn what_others_do_elsewhere_is_no_change() -> Outcome {
    let (source, target) = shared_pair().await?;
    let (root, other) = (unique_root("moving-not"), unique_root("moving-others"));
    let at_source = source.client().await?;
    load(&at_source, &root, tree::small(1, 20_000)).await?;
    let change = async {
        at_source.create(&other, b"", &OPEN).await?;
        at_source.create(&format!("{other}/e"), b"", &EPHEMERAL).await.map(drop)
    };
    let report = copy_while(&copy_options(&source.at(&root), &target.at(&root))?, change).await?;
    assert!(report.passes.settled, "{:?}", report.passes);
    assert!(report.passes.later.iter().all(|writes| *writes == 0), "{:?}", report.passes);
    Ok(())
}

#[tokio::test]
async fn a_quiet_source_is_read_once_and_foreign_znodes_at_the_target_stay() -> Outcome {
    let source = Server::start(ServerOptions::default()).await?;
    let (_, target) = shared_pair().await?;
    let root = unique_root("quiet");
    load(&source.client().await?, "/a", tree::small(1, 300)).await?;
    let to = target.at(&root);
    let copied = run(&["copy", "--format", "json", &source.at("/a"), &to]).await.expect(0).json();
    assert_eq!(copied["copy"]["passes"]["count"], 1, "{copied:#}");
    target.client().await?.create(&format!("{root}/foreign"), b"", &OPEN).await?;
    run(&["copy", "--update", &source.at("/a"), &to]).await.expect(0);
    assert!(target.client().await?.check_stat(&format!("{root}/foreign")).await?.is_some());
    Ok(())
}

/// Deletes znodes and creates them again with other data, for ever.
async fn churn(client: &Client, paths: &[String]) -> Result<(), zookeeper_client::Error> {
    for (turn, path) in paths.iter().rev().cycle().enumerate() {
        let data = turn.to_string();
        let (deleted, created) = (client.delete(path, None), client.create(path, data.as_bytes(), &OPEN));
        deleted.await?;
        created.await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_source_that_never_stands_still_is_not_called_done() -> Outcome {
    let source = Server::start(ServerOptions::default()).await?;
    let (_, target) = shared_pair().await?;
    let client = source.client().await?;
    load(&client, "/a", tree::wide(5_000)).await?;
    let paths = read_tree(&client, "/a").await?.into_keys().filter(|path| path.matches('/').count() == 2);
    let paths: Vec<String> = paths.map(|path| format!("/a{path}")).collect();
    let to = target.at(&unique_root("churn"));
    let from = source.at("/a");
    let command = ["copy", "--format", "json", &from, &to];
    let copied = tokio::select! {
        churned = churn(&client, &paths) => panic!("the churn ended: {churned:?}"),
        copied = run(&command) => copied.expect(3).json(),
    };
    assert_eq!(copied["verdict"], "source changed");
    assert_eq!(copied["copy"]["passes"]["settled"], false);
    assert_eq!(copied["copy"]["passes"]["count"], replicator::limits::PASSES_MAX);
    // It stands still now.
    let again = run(&["copy", "--update", "--verify", "--format", "json", &from, &to]).await.expect(0).json();
    assert_eq!(again["copy"]["passes"]["settled"], true);
    Ok(())
}
