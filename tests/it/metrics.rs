//! `--metrics-file`: what Prometheus is told while a command works, and when it has ended.

mod exposition;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use harness::{load, shared_pair, tree, unique_root, until};

pub(crate) use self::exposition::Samples;
use self::exposition::read;
use crate::product::{Outcome, finish, run, run_with, zkreplicator};

const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn samples(file: &Path) -> Samples {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    read(&text).unwrap_or_else(|why| panic!("{why}\n{text}"))
}

/// Those of a run, without the labels that each of them has.
fn of_run(file: &Path) -> Samples {
    let all = samples(file);
    let info = all.keys().find_map(|key| key.strip_prefix("zkreplicator_info{")).expect("a run says what it is");
    let (common, _) = info.split_once(",version=").expect("a run says its version");
    let common = common.to_owned();
    let own = |key: String| {
        assert!(key.contains(&format!("{{{common}")), "{key} does not say whose it is");
        key.replace(&format!("{{{common},"), "{").replace(&format!("{{{common}}}"), "")
    };
    all.into_iter().map(|(key, value)| (own(key), value)).collect()
}

fn file(directory: &tempfile::TempDir) -> (PathBuf, String) {
    let file = directory.path().join("run.prom");
    let name = file.display().to_string();
    (file, name)
}

#[tokio::test]
async fn a_copy_tells_how_far_it_is_and_how_it_ended() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("metrics-copy");
    load(&source.client().await?, &root, tree::small(1, 6_000)).await?;
    let directory = tempfile::tempdir()?;
    let (file, name) = file(&directory);
    let (from, to) = (source.at(&root), target.at(&root));
    let args = ["copy", "--verify", "--max-ops-per-second", "4000", "--metrics-file", &name, &from, &to];
    let child = zkreplicator(&args).spawn()?;
    let read_until_now = || of_run(&file).get("zkreplicator_znodes_read_total{phase=\"copy\"}").copied();
    until("something was read", LIMIT, async || (file.exists() && read_until_now() > Some(0.0)).then_some(())).await?;
    let during = of_run(&file);
    assert_eq!(during.get("zkreplicator_running"), Some(&1.0));
    assert!(!during.contains_key("zkreplicator_exit_code"));
    finish(child).await.expect(0);

    let after = of_run(&file);
    for (sample, value) in [
        ("zkreplicator_running", 0.0),
        ("zkreplicator_exit_code", 0.0),
        ("zkreplicator_verdict{verdict=\"equal\"}", 1.0),
        ("zkreplicator_znodes_read_total{phase=\"copy\"}", 6_001.0),
        ("zkreplicator_znodes_read_total{phase=\"verify\"}", 6_001.0),
        ("zkreplicator_phase{phase=\"verify\"}", 1.0),
        ("zkreplicator_retries_total{side=\"target\",kind=\"reconnect\"}", 0.0),
        ("zkreplicator_lost", 0.0),
    ] {
        assert_eq!(after.get(sample), Some(&value), "{sample}: {after:#?}");
    }
    assert!(after["zkreplicator_writes_total{phase=\"copy\",kind=\"create\"}"] >= 5_999.0);
    assert!(after["zkreplicator_waited_seconds_total{side=\"source\",why=\"rate\"}"] > 0.0);
    assert!(after["zkreplicator_request_duration_seconds_count{side=\"target\",request=\"multi\"}"] > 0.0);
    assert!(after["zkreplicator_duration_seconds"] >= during["zkreplicator_duration_seconds"]);
    let info = format!("zkreplicator_info{{command=\"copy\",source=\"{from}\",target=\"{to}\",version=");
    assert!(samples(&file).keys().any(|key| key.starts_with(&info)), "{after:#?}");
    // Who collects it is another user; and nothing but it is left there.
    assert_eq!(fs::metadata(&file)?.permissions().mode() & 0o444, 0o444);
    assert_eq!(fs::read_dir(directory.path())?.count(), 1);
    Ok(())
}

#[tokio::test]
async fn a_run_that_fails_says_so() -> Outcome {
    let (source, target) = shared_pair().await?;
    let directory = tempfile::tempdir()?;
    let (file, name) = file(&directory);
    let missing = unique_root("metrics-missing");
    let (from, to) = (source.at(&missing), target.at(&missing));
    run(&["copy", "--metrics-file", &name, &from, &to]).await.expect(2);
    let told = of_run(&file);
    assert_eq!((told["zkreplicator_exit_code"], told["zkreplicator_verdict{verdict=\"failed\"}"]), (2.0, 1.0));
    // So does one that was typed wrong.
    fs::remove_file(&file)?;
    run(&["copy", "--metrics-file", &name, "--include", "[", &from, &to]).await.expect(2);
    assert_eq!(of_run(&file).get("zkreplicator_exit_code"), Some(&2.0));
    Ok(())
}

#[tokio::test]
async fn no_credential_is_in_it() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("metrics-secret");
    load(&source.client().await?, &root, tree::small(1, 50)).await?;
    let directory = tempfile::tempdir()?;
    let (file, name) = file(&directory);
    let page = directory.path().join("page.html");
    let page_name = page.display().to_string();
    let args = ["copy", "--metrics-file", &name, "--report", &page_name, &source.at(&root), &target.at(&root)];
    run_with(&[("ZKREPLICATOR_AUTH", "digest:somebody:top-secret-word")], &args).await.expect(0);
    for written in [fs::read_to_string(file)?, fs::read_to_string(page)?] {
        assert!(!written.contains("top-secret-word") && !written.contains("somebody"), "{written}");
    }
    Ok(())
}

#[tokio::test]
async fn every_command_that_works_on_trees_has_it() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("metrics-all");
    load(&source.client().await?, &root, tree::small(1, 200)).await?;
    load(&target.client().await?, &format!("{root}-bench"), tree::small(1, 2)).await?;
    let directory = tempfile::tempdir()?;
    let (file, name) = file(&directory);
    let archive = directory.path().join("tree.zka").display().to_string();
    let (from, to, restored, bench) = (
        source.at(&root),
        target.at(&root),
        target.at(&format!("{root}-restored")),
        target.at(&format!("{root}-bench")),
    );
    let removed = format!("{root}-restored");
    for (args, phase) in [
        (vec!["sync", &from, &to], "sync"),
        (vec!["verify", &from, &to], "verify"),
        (vec!["verify", "--fix", &from, &to], "verify"),
        (vec!["dump", &from, &archive], "dump"),
        (vec!["restore", &archive, &restored], "copy"),
        (vec!["scan", &from], "scan"),
        (vec!["rm", "--yes-remove", &removed, &restored], "rm"),
        (vec!["bench", "--znodes", "300", &bench, &bench], "remove"),
    ] {
        let args: Vec<&str> = args.into_iter().chain(["--metrics-file", &name]).collect();
        run(&args).await.expect(0);
        let told = of_run(&file);
        assert_eq!((told["zkreplicator_running"], told["zkreplicator_exit_code"]), (0.0, 0.0), "{args:?}");
        assert_eq!(told.get(&format!("zkreplicator_phase{{phase=\"{phase}\"}}")), Some(&1.0), "{args:?}: {told:#?}");
        let did = told.iter().filter(|(key, _)| key.contains("_read_total") || key.contains("_writes_total"));
        assert!(did.map(|(_, value)| value).sum::<f64>() >= 200.0, "{args:?}: {told:#?}");
    }
    Ok(())
}

#[tokio::test]
async fn two_runs_in_one_directory_hide_nothing_of_each_other() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("metrics-two");
    load(&source.client().await?, &root, tree::small(1, 100)).await?;
    let directory = tempfile::tempdir()?;
    let (from, to) = (source.at(&root), target.at(&root));
    let (copied, compared) = (directory.path().join("copy.prom"), directory.path().join("verify.prom"));
    run(&["copy", "--verify", "--metrics-file", &copied.display().to_string(), &from, &to]).await.expect(0);
    run(&["verify", "--metrics-file", &compared.display().to_string(), &from, &to]).await.expect(0);
    let (one, other) = (samples(&copied), samples(&compared));
    // Who collects both takes them for one text, in which nothing may come twice.
    let both: Vec<&String> = one.keys().filter(|key| other.contains_key(*key)).collect();
    assert!(both.is_empty(), "{both:#?}");
    Ok(())
}
