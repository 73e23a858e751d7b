//! What the other tests rely on the harness for.
//!
//! A harness that silently did less than it says would make every other test pass.

use std::{collections::HashSet, env, ffi::OsString, fs, iter, path::Path, process::Command, time::Duration};

use harness::{
    Ensemble, Error, Installation, Server, ServerOptions, golden, load, load_lean, read_tree, shared_pair,
    tree::{self, TreeZnode},
    unique_root, until,
};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_server_serves_and_keeps_its_data_over_kill_and_stop() -> Outcome {
    let server = Server::start(ServerOptions::default()).await?;
    let client = server.client().await?;
    load(&client, "/kept", tree::wide(3)).await?;
    drop(client);
    assert!(server.command("ruok").await?.contains("imok"));
    let first = server.pid();

    server.kill().await?;
    assert!(!server.is_running());
    assert!(server.command("ruok").await.is_err());
    server.restart().await?;
    assert_ne!(server.pid(), first);
    assert_eq!(read_tree(&server.client().await?, "/kept").await?.len(), 5);

    server.stop().await?;
    server.restart().await?;
    assert_eq!(read_tree(&server.client().await?, "/kept").await?.len(), 5);
    let directory = server.directory().to_owned();
    drop(server);
    assert!(!directory.exists());
    Ok(())
}

#[tokio::test]
async fn a_paused_server_answers_after_it_resumes() -> Outcome {
    let server = Server::start(ServerOptions::default().tick_time_ms(2_000)).await?;
    server.pause().await?;
    let silent = tokio::time::timeout(Duration::from_millis(300), server.command("ruok")).await;
    assert!(silent.is_err(), "{silent:?}");
    server.resume();
    assert_eq!(server.command("ruok").await?, "imok");
    server.pause().await?;
    server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_failed_start_tells_command_and_log() -> Outcome {
    let bad_line = Server::start(ServerOptions::default().config("tickTime", "soon")).await;
    let told = bad_line.expect_err("a tickTime is a number").to_string();
    assert!(told.contains("QuorumPeerMain") && told.contains("zoo.cfg") && told.contains("NumberFormat"), "{told}");

    let no_heap = Server::start(ServerOptions::default().heap_mb(1)).await;
    let told = no_heap.expect_err("no JVM runs in 1 MiB").to_string();
    assert!(told.contains("-Xmx1m") && told.contains("heap"), "{told}");
    Ok(())
}

#[test]
fn an_unusable_variable_is_an_error_and_not_passed_over() -> Outcome {
    let empty = tempfile::tempdir()?;
    let with = |name: &'static str, value: &Path| {
        let value = value.as_os_str().to_owned();
        let found = Installation::find_with(
            |variable| {
                if variable == name { Some(value.clone()) } else { env::var_os(variable) }
            },
        );
        found.map(drop)
    };
    for variable in ["ZOOKEEPER_JARS", "JAVA_HOME"] {
        for path in [empty.path(), Path::new("/no/such/directory")] {
            let refused = with(variable, path);
            assert!(matches!(refused, Err(Error::Variable { .. })), "{variable}={path:?}: {refused:?}");
        }
    }
    let no_java = Installation::find_with(|variable| (variable == "PATH").then(OsString::new));
    let told = no_java.expect_err("an empty PATH has no java").to_string();
    assert!(told.contains("apt-get install"), "{told}");
    Ok(())
}

/// Runs itself again as a process that starts a server and aborts.
#[tokio::test]
async fn no_java_outlives_an_aborted_test_process() -> Outcome {
    const TOLD: &str = "HARNESS_ABORTS_AFTER_TELLING_PID_IN";
    if let Some(file) = env::var_os(TOLD) {
        let server = Server::start(ServerOptions::default()).await?;
        fs::write(file, format!("{} {}", server.pid(), server.directory().display()))?;
        std::process::abort();
    }
    let scratch = tempfile::tempdir()?;
    let file = scratch.path().join("pid");
    let aborted = Command::new(env::current_exe()?)
        .args(["--exact", "harness_itself::no_java_outlives_an_aborted_test_process"])
        .env(TOLD, &file)
        .output()?;
    assert!(!aborted.status.success());
    let told = fs::read_to_string(file)?;
    let (pid, directory) = told.split_once(' ').ok_or("pid and directory")?;
    until("the end of java", LIMIT, async || (!Path::new("/proc").join(pid).exists()).then_some(())).await?;
    until("the removal of its directory", LIMIT, async || (!Path::new(directory).exists()).then_some(())).await?;
    Ok(())
}

#[tokio::test]
async fn an_ensemble_survives_the_death_of_its_leader() -> Outcome {
    let ensemble = Ensemble::start(3, ServerOptions::default().heap_mb(128)).await?;
    let client = zookeeper_client::Client::connect(&ensemble.connect_string()).await?;
    let loaded = load(&client, "/tree", tree::small(1, 1_000)).await?;
    let first = ensemble.leader().await?;
    ensemble.kill(first).await?;
    let second = ensemble.leader().await?;
    assert_ne!(first, second);
    let seen = read_tree(&ensemble.server(second).client().await?, "/tree").await?;
    assert_eq!(seen.len() as u64, loaded.znodes + 1);
    ensemble.restart(first).await?;
    assert_eq!(ensemble.leader().await?, second);
    assert_eq!(ensemble.server(first).mode().await.as_deref(), Some("follower"));
    Ok(())
}

#[tokio::test]
async fn a_tree_that_is_loaded_leanly_is_there_in_full() -> Outcome {
    let (source, _) = shared_pair().await?;
    let (root, client) = (unique_root("lean"), source.client().await?);
    // Three parts, and one transaction for each of the small ones that push the large ones out.
    let loaded = load_lean(&client, &root, tree::big_values(1, 40, 900_000)).await?;
    assert_eq!((loaded.znodes, loaded.bytes), (40, 36_000_000));
    let seen = read_tree(&client, &root).await?;
    assert_eq!(seen.len(), 41);
    assert_eq!(seen["/"].stat.version, 3 * 500);
    Ok(())
}

#[tokio::test]
async fn the_golden_trees_load_as_recorded() -> Outcome {
    let (source, _) = shared_pair().await?;
    for znodes in [golden::live(), golden::after_recovery()] {
        let client = source.client().await?;
        let root = unique_root("golden");
        golden::load(&client, &root, &znodes).await?;
        let seen = read_tree(&client, &root).await?;
        let recorded = znodes.iter().filter(|znode| !znode.path.starts_with("/zookeeper"));
        assert_eq!(recorded.clone().count(), seen.len());
        for znode in recorded {
            let there = &seen[&znode.path];
            assert_eq!((&znode.data, &znode.acl), (&there.data, &there.acl), "{}", znode.path);
            assert_eq!(znode.stat.ephemeral_owner != 0, there.stat.ephemeral_owner != 0, "{}", znode.path);
        }
    }
    Ok(())
}

#[tokio::test]
async fn every_tree_is_read_back_as_it_was_loaded() -> Outcome {
    let (_, target) = shared_pair().await?;
    let (scheme, auth) = tree::ODD_AUTH;
    let client = target.client().await?;
    client.auth(scheme, auth).await?;
    let ephemeral = || iter::once(TreeZnode::new("/mine", "here").ephemeral());
    for (name, znodes) in all(7).into_iter().chain([("ephemeral", ephemeral().collect())]) {
        let root = unique_root(name);
        let loaded = load(&client, &root, znodes.iter().cloned()).await.map_err(|error| format!("{name}: {error}"))?;
        assert_eq!(loaded.znodes, znodes.len() as u64, "{name}");
        let seen = read_tree(&client, &root).await?;
        assert_eq!(seen.len(), znodes.len() + usize::from(name != "odd"), "{name}");
        for znode in &znodes {
            let there = &seen[&znode.path];
            assert_eq!((&there.data, &there.acl), (&znode.data, &znode.acl), "{name}: {}", znode.path);
            assert_eq!(there.stat.ephemeral_owner != 0, znode.ephemeral, "{name}: {}", znode.path);
        }
    }
    Ok(())
}

#[test]
fn generators_yield_the_asked_count_with_parents_first() {
    for (name, znodes) in all(1) {
        let mut known = HashSet::from([String::new()]);
        for znode in &znodes {
            let (parent, _) = znode.path.rsplit_once('/').expect("every path is absolute");
            assert!(known.contains(parent), "{name}: {} before its parent", znode.path);
            assert!(known.insert(znode.path.clone()), "{name}: {} twice", znode.path);
        }
        assert_eq!(znodes, all_named(name, 1), "{name} differs for the same seed");
        let seedless = ["wide", "deep"].contains(&name);
        assert_eq!(znodes == all_named(name, 2), seedless, "{name} and another seed");
    }
    for count in (0..200).chain([10_000]) {
        assert_eq!(tree::pegasus_like(3, count).count(), count);
        assert_eq!(tree::bush(3, count).count(), count);
        assert_eq!(tree::small(3, count).count(), count);
        assert_eq!(tree::deep(count).count(), count);
        assert_eq!(tree::wide(count).count(), count + 1);
        assert_eq!(tree::big_values(3, count, 1).count(), count);
        assert_eq!(tree::values_between_small(3, count, 2, 1).count(), 3 + 2 * count + 2);
        assert_eq!(tree::values_among_small(3, count, 50, 1).count(), 1 + count);
    }
}

#[test]
fn pegasus_like_znodes_have_the_sizes_of_recorded_ones() {
    for znode in tree::pegasus_like(5, 50_000) {
        let sizes = match znode.path.split('/').count() {
            3 if znode.path.starts_with("/apps/") => 300..=364,
            4 if znode.path.starts_with("/apps/") => 293..=331,
            _ => 0..=300,
        };
        assert!(sizes.contains(&znode.data.len()), "{}: {} bytes", znode.path, znode.data.len());
    }
}

#[tokio::test]
async fn a_condition_that_hangs_is_given_up_in_time() {
    let limit = Duration::from_millis(50);
    let late = until("nothing", limit, async || std::future::pending::<Option<()>>().await).await;
    let told = late.expect_err("it never yields").to_string();
    assert!(told.contains("nothing") && told.contains("50ms"), "{told}");
}

fn all(seed: u64) -> Vec<(&'static str, Vec<TreeZnode>)> {
    vec![
        ("pegasus", tree::pegasus_like(seed, 3_000).collect()),
        ("wide", tree::wide(2_000).collect()),
        ("deep", tree::deep(150).collect()),
        ("bush", tree::bush(seed, 2_000).collect()),
        ("big", tree::big_values(seed, 5, 700_000).collect()),
        ("small", tree::small(seed, 2_000).collect()),
        ("between", tree::values_between_small(seed, 100, 5, 10_000).collect()),
        ("among", tree::values_among_small(seed, 100, 10, 10_000).collect()),
        ("odd", tree::odd(seed).collect()),
    ]
}

fn all_named(name: &str, seed: u64) -> Vec<TreeZnode> {
    all(seed).into_iter().find(|(other, _)| *other == name).map(|(_, znodes)| znodes).unwrap_or_default()
}
