//! How a dump ends when it does not go well, what it takes in memory, and rm --archive, which rests on it.

use std::time::Duration;

use harness::proxy::{Direction, Flow, Fuse, Reach, Then};
use harness::tree::{self, TreeZnode};
use harness::{Proxy, Server, ServerOptions, load, read_tree, shared_pair, unique_root, until};

use super::{Place, assert_same, dump};
use crate::product::{Outcome, finish, run, run_with, zkreplicator};

const LIMIT: Duration = Duration::from_secs(60);
/// What a dump or a restore may hold, whatever the tree.
const RESIDENT_BYTES_MAX: u64 = 64 * 1024 * 1024;

#[tokio::test]
async fn a_dump_that_is_killed_leaves_no_half_file() -> Outcome {
    let (source, _) = shared_pair().await?;
    let root = unique_root("dump-killed");
    load(&source.client().await?, &root, tree::pegasus_like(4, 20_000)).await?;
    let proxy = Proxy::start(source.address())?;
    for (signal, code) in [("-KILL", None), ("-TERM", Some(130))] {
        let place = Place::new();
        // Replies stop in the middle of the tree.
        proxy.arm(Fuse { direction: Direction::ToClient, bytes: 3_000_000, then: Then::Flow(Flow::Hold) });
        let child = zkreplicator(&["dump", &proxy.at(&root), place.file()]).spawn()?;
        until("the middle of the dump", LIMIT, async || (!proxy.is_armed(Direction::ToClient)).then_some(())).await?;
        let pid = child.id().ok_or("it has ended")?.to_string();
        assert!(std::process::Command::new("kill").args([signal, &pid]).status()?.success());
        let ended = finish(child).await;
        assert_eq!(ended.code, code, "{}", ended.stderr);
        assert!(!place.file.exists(), "there is a half archive");
        if code.is_some() {
            assert!(place.names().is_empty(), "{:?}", place.names());
        }
        proxy.heal();
        proxy.flow(Direction::ToClient, Flow::Pass, Reach::All);
        // And what was there before stays.
        dump(&source.at(&root), &place.file, &[]).await;
    }
    Ok(())
}

#[tokio::test]
async fn a_tree_that_is_written_meanwhile_is_of_no_moment_and_says_so() -> Outcome {
    let (source, _) = shared_pair().await?;
    let (root, place) = (unique_root("dump-moving"), Place::new());
    let client = source.client().await?;
    load(&client, &root, tree::pegasus_like(4, 20_000)).await?;
    let proxy = Proxy::start(source.address())?;
    proxy.arm(Fuse { direction: Direction::ToClient, bytes: 2_000_000, then: Then::Flow(Flow::Hold) });
    let child = zkreplicator(&["dump", "--format", "json", &proxy.at(&root), place.file()]).spawn()?;
    until("the middle of the dump", LIMIT, async || (!proxy.is_armed(Direction::ToClient)).then_some(())).await?;
    // Some were read before, which does no harm; and some will be.
    for app in client.list_children(&format!("{root}/apps")).await? {
        client.set_data(&format!("{root}/apps/{app}/0"), b"written meanwhile", None).await?;
    }
    proxy.heal();
    proxy.flow(Direction::ToClient, Flow::Pass, Reach::All);
    let dumped = finish(child).await.expect(3).json();
    assert_eq!((&dumped["verdict"], &dumped["dump"]["archive"]["settled"]), (&"source changed".into(), &false.into()));
    assert!(dumped["dump"]["written_while_read"].as_str().is_some_and(|why| why.contains("while it was read")));
    assert!(dumped["dump"]["archive"]["zxid_after"] != dumped["dump"]["archive"]["zxid"]);
    // Others' traffic in the same ensemble does not matter.
    let calm = dump(&source.at(&format!("{root}/apps")), &place.directory.path().join("calm"), &[]).await;
    assert_eq!(calm["dump"]["archive"]["settled"], true);
    Ok(())
}

#[tokio::test]
async fn memory_does_not_depend_on_the_tree() -> Outcome {
    let [source, target] =
        [Server::start(ServerOptions::default()).await?, Server::start(ServerOptions::default()).await?];
    let client = source.client().await?;
    load(&client, "/a/many", tree::pegasus_like(7, 60_000)).await?;
    load(&client, "/a/wide", tree::wide(60_000)).await?;
    load(&client, "/a/big", (0..60).map(|index| TreeZnode::new(format!("/{index}"), vec![b'x'; 900_000]))).await?;
    let place = Place::new();
    let dumped = dump(&source.at("/a"), &place.file, &[]).await;
    let restored = run(&["restore", "--format", "json", place.file(), &target.at("/a")]).await.expect(0).json();
    let verified = run(&["verify", "--format", "json", &place.tree(), &target.at("/a")]).await.expect(0).json();
    for document in [&dumped, &restored, &verified] {
        let resident = document["process"]["resident_bytes_max"].as_u64().ok_or("a report has the memory")?;
        assert!(resident <= RESIDENT_BYTES_MAX, "{}: {resident} bytes", document["command"]);
    }
    Ok(())
}

/// On a machine with few processors there are none, and all is done on the spot.
#[tokio::test]
async fn with_threads_and_without_all_comes_to_the_same() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("threads");
    load(&source.client().await?, &format!("{root}/many"), tree::pegasus_like(8, 20_000)).await?;
    load(&source.client().await?, &format!("{root}/wide"), tree::wide(20_000)).await?;
    let from = source.at(&root);
    let mut digests = Vec::new();
    for threads in ["0", "1", "3"] {
        let env = [("RAYON_NUM_THREADS", threads)];
        let (place, to) = (Place::new(), target.at(&format!("{root}/{threads}")));
        let dumped = ["dump", "--verify", "--format", "json", &from, place.file()];
        let dumped = run_with(&env, &dumped).await.expect(0).json();
        digests.push(dumped["dump"]["archive"]["digest"].clone());
        let restored = ["restore", "--verify", "--format", "json", place.file(), &to];
        digests.push(run_with(&env, &restored).await.expect(0).json()["verify"]["target"]["digest"].clone());
        let verified = run_with(&env, &["verify", "--format", "json", &from, &to]).await.expect(0).json();
        digests.push(verified["verify"]["target"]["digest"].clone());
        let against = ["verify", "--format", "json", &place.tree(), &place.tree()];
        digests.push(run_with(&env, &against).await.expect(0).json()["verify"]["source"]["digest"].clone());
    }
    assert!(digests[0].is_string() && digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");
    Ok(())
}

#[tokio::test]
async fn a_whole_ensemble_goes_in_and_comes_out_without_what_is_zookeepers_own() -> Outcome {
    let [source, target] =
        [Server::start(ServerOptions::default()).await?, Server::start(ServerOptions::default()).await?];
    let place = Place::new();
    let client = source.client().await?;
    let odd = ["/zookeeper", "/zookeeper/quota", "/y"].map(|path| TreeZnode::new(path, path));
    load(&client, "/x", odd.into_iter()).await?;
    // A znode of that name has no place at the root of an ensemble, and one in it has.
    dump(&source.at("/x"), &place.file, &[]).await;
    run(&["restore", place.file(), &target.at("/")]).await.expect(2).says(&["/zookeeper", "nothing was changed"]);
    run(&["restore", "--exclude", "/zookeeper", "--verify", place.file(), &target.at("/")]).await.expect(0);
    run(&["rm", "--yes-remove", "/y", &target.at("/y")]).await.expect(0);
    let dumped = dump(&source.at("/"), &place.file, &["--replace"]).await;
    assert_eq!(
        (&dumped["dump"]["skipped"]["reserved"], &dumped["dump"]["archive"]["settled"]),
        (&1.into(), &true.into())
    );
    run(&["restore", "--verify", place.file(), &target.at("/")]).await.expect(0);
    assert_same(&source, "/", &target, "/").await?;
    run(&["verify", &target.at("/"), &place.tree()]).await.expect(0);
    run(&["sync", "--verify", &place.tree(), &target.at("/")]).await.expect(0);
    Ok(())
}

#[tokio::test]
async fn an_archive_of_a_pegasus_like_tree_is_small() -> Outcome {
    let (source, _) = shared_pair().await?;
    let (root, place) = (unique_root("dump-small"), Place::new());
    load(&source.client().await?, &root, tree::pegasus_like(7, 20_000)).await?;
    let dumped = dump(&source.at(&root), &place.file, &[]).await;
    let archive = &dumped["dump"]["archive"];
    let number = |value: &serde_json::Value| value.as_u64().expect("a number");
    let raw = number(&archive["data_bytes"]) + number(&archive["path_bytes"]);
    let file = number(&dumped["dump"]["file_bytes"]);
    assert!(file * 100 < raw * 15, "{file} of {raw} bytes");
    Ok(())
}

#[tokio::test]
async fn rm_keeps_the_tree_first_and_removes_nothing_that_is_not_kept() -> Outcome {
    let (source, target) = shared_pair().await?;
    let (root, place) = (unique_root("rm-archive"), Place::new());
    let client = target.client().await?;
    load(&client, &root, tree::pegasus_like(3, 2_000)).await?;
    load(&source.client().await?, &root, tree::pegasus_like(3, 2_000)).await?;
    let to = target.at(&root);
    let rm = async |file: &str| run(&["rm", "--format", "json", "--archive", file, "--yes-remove", &root, &to]).await;
    // Where it can't be kept nothing goes.
    rm("/no/such/directory/x").await.expect(2).says(&["does not take files"]);
    std::fs::write(&place.file, b"something else")?;
    rm(place.file()).await.expect(2).says(&["is there already"]);
    let conflicting = ["rm", "--archive", "x", "--with-ephemerals", "--yes-remove", &root, &to];
    run(&conflicting).await.expect(2).says(&["--with-ephemerals"]);
    assert_eq!(read_tree(&client, &root).await?.len(), 2_001);
    std::fs::remove_file(&place.file)?;

    let removed = rm(place.file()).await.expect(0).json();
    assert_eq!(
        (&removed["removed"]["znodes"], &removed["archive"]["archive"]["znodes"]),
        (&2_001.into(), &2_001.into())
    );
    assert!(client.check_stat(&root).await?.is_none());
    run(&["restore", "--verify", place.file(), &to]).await.expect(0);
    assert_same(source, &root, target, &root).await?;
    let text =
        run(&["rm", "--archive", &format!("{}-2", place.file()), "--yes-remove", &root, &to]).await.expect(0).stdout;
    assert!(text.contains("holds 2,001 znodes"), "{text}");
    Ok(())
}
