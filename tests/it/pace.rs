//! Care for a weak server: rates that are kept, latencies that are minded, and a file that holds everything up.

use std::process::Stdio;
use std::time::{Duration, Instant};

use harness::proxy::Direction;
use harness::{Proxy, load, shared_pair, tree, unique_root, until};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr};

use crate::product::{Outcome, finish, run, zkreplicator};

/// What a program says to stderr.
pub(crate) type Said = Lines<BufReader<ChildStderr>>;

const LIMIT: Duration = Duration::from_secs(60);
/// SIGUSR1 in a mask of signals: the tenth.
const USR1: u64 = 1 << 9;

/// Asks with SIGUSR1 until what the program says is as wanted.
pub(crate) async fn asked(child: &Child, said: &mut Said, wanted: &[&str]) -> Outcome {
    let deadline = Instant::now() + LIMIT;
    loop {
        assert!(Instant::now() < deadline, "nothing said has {wanted:?}");
        let line = answer(child, said).await?;
        if wanted.iter().all(|part| line.contains(part)) {
            return Ok(());
        }
    }
}

/// Asks with SIGUSR1 until something is said. Nobody listens yet where the program has just begun.
pub(crate) async fn answer(child: &Child, said: &mut Said) -> Result<String, Box<dyn std::error::Error>> {
    let pid = child.id().ok_or("it has ended")?.to_string();
    let deadline = Instant::now() + LIMIT;
    loop {
        assert!(Instant::now() < deadline, "nothing is said");
        assert!(std::process::Command::new("kill").args(["-USR1", &pid]).status()?.success());
        if let Ok(line) = tokio::time::timeout(Duration::from_secs(2), said.next_line()).await {
            let line = line?.ok_or("stderr has ended")?;
            assert!(line.starts_with("zkreplicator: "), "{line}");
            return Ok(line);
        }
    }
}

/// A run that takes the signal, with its stderr to be read from.
pub(crate) async fn heard(args: &[&str]) -> Result<(Child, Said), Box<dyn std::error::Error>> {
    let mut child = zkreplicator(args).stderr(Stdio::piped()).spawn()?;
    let said = BufReader::new(child.stderr.take().ok_or("no stderr")?).lines();
    // A program that has just begun would be ended by it.
    let status = format!("/proc/{}/status", child.id().ok_or("it has ended")?);
    until("the signal to be caught", LIMIT, async || {
        let status = std::fs::read_to_string(&status).ok()?;
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
        (u64::from_str_radix(caught.trim(), 16).ok()? & USR1 != 0).then_some(())
    })
    .await?;
    Ok((child, said))
}

#[tokio::test]
async fn a_rate_of_operations_takes_the_time_that_it_must() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("ops-rate");
    load(&source.client().await?, &root, tree::small(1, 3_000)).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    let limit = ["--max-ops-per-second", "1500", "--format", "json", &from, &to];
    // Each znode's data and ACL are an operation each: 4 s, less what passes at once in the beginning.
    let copied = run(&[&["copy"], &limit[..]].concat()).await.expect(0).json();
    let waited = &copied["waited"]["source"];
    assert!(copied["copy"]["elapsed_ms"].as_u64() >= Some(3_000), "{copied:#}");
    assert!(waited["rate_ms"].as_u64() >= Some(1_500), "{copied:#}");
    assert_eq!((&waited["latency_ms"], &waited["paused_ms"]), (&0.into(), &0.into()));
    // A verify reads the target too, and each side by itself at that rate.
    let verified = run(&[&["verify"], &limit[..]].concat()).await.expect(0).json();
    assert!(verified["verify"]["elapsed_ms"].as_u64() >= Some(3_000), "{verified:#}");
    assert!(verified["waited"]["target"]["rate_ms"].as_u64() >= Some(1_000), "{verified:#}");
    // And without a limit nobody has waited.
    let free = run(&["verify", "--format", "json", &from, &to]).await.expect(0).json();
    assert!(free["waited"].is_null());
    Ok(())
}

#[tokio::test]
async fn a_rate_of_bytes_takes_the_time_that_it_must() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("bytes-rate");
    // 4 MB of data at 1 MiB a second.
    load(&source.client().await?, &root, tree::big_values(1, 80, 50_000)).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    let copied = run(&["copy", "--max-bytes-per-second", "1M", "--format", "json", &from, &to]).await.expect(0).json();
    assert!(copied["copy"]["elapsed_ms"].as_u64() >= Some(2_500), "{copied:#}");
    assert!(copied["waited"]["target"]["rate_ms"].as_u64() >= Some(1_000), "{copied:#}");
    Ok(())
}

#[tokio::test]
async fn a_target_that_becomes_slow_is_asked_less_until_it_is_quick_again() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("latency");
    let znodes = 60_000;
    load(&source.client().await?, &root, tree::small(1, znodes)).await?;
    let proxy = Proxy::start(target.address())?;
    let (from, to) = (source.at(&root), proxy.at(&root));
    let args = ["copy", "--acl", "open", "--max-latency", "150ms", "--format", "json", &from, &to];
    let (child, mut said) = heard(&args).await?;
    proxy.until_delivered(Direction::ToServer, 100_000, LIMIT).await?;
    proxy.delay(Duration::from_millis(150));
    asked(&child, &mut said, &["copy: ", "the target is held back: replies took", "150 are wanted"]).await?;
    proxy.delay(Duration::ZERO);
    let well_again = Instant::now();
    let report = finish(child).await.expect(0).json();
    assert_eq!(report["copy"]["znodes"]["created"], znodes + 1);
    let waited = &report["waited"]["target"];
    assert!(waited["backed_off"].as_u64() >= Some(1) && waited["latency_ms"].as_u64() >= Some(1), "{report:#}");
    assert_eq!(waited["rate_ms"], 0);
    // At what is left to a slow server it would take two minutes.
    assert!(well_again.elapsed() < Duration::from_secs(60), "it has not come back: {report:#}");
    Ok(())
}

#[tokio::test]
async fn a_file_holds_a_copy_up_until_it_is_removed() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("pause");
    load(&source.client().await?, &root, tree::small(1, 2_000)).await?;
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("pause");
    std::fs::write(&file, "")?;
    let pause = file.to_str().ok_or("a temporary path is UTF-8")?;
    let (from, to) = (source.at(&root), target.at(&root));
    let args = ["copy", "--verify", "--pause-file", pause, "--format", "json", &from, &to];
    let (child, mut said) = heard(&args).await?;
    asked(&child, &mut said, &["copy: 0 read", "the source is held back: paused", pause]).await?;
    assert!(target.client().await?.check_stat(&format!("{root}/0")).await?.is_none(), "it writes all the same");
    std::fs::remove_file(&file)?;
    let report = finish(child).await.expect(0).json();
    assert_eq!(report["verdict"], "equal");
    assert!(report["waited"]["source"]["paused_ms"].as_u64() >= Some(1), "{report:#}");
    Ok(())
}

#[tokio::test]
async fn a_file_stops_a_copy_in_the_middle_and_lets_it_go_on() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("pause-middle");
    load(&source.client().await?, &root, tree::small(1, 4_000)).await?;
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("pause");
    let pause = file.to_str().ok_or("a temporary path is UTF-8")?;
    let proxy = Proxy::start(target.address())?;
    let (from, to) = (source.at(&root), proxy.at(&root));
    // Slow enough to be caught.
    let args = ["copy", "--max-ops-per-second", "2000", "--pause-file", pause, "--format", "json", &from, &to];
    let (child, mut said) = heard(&args).await?;
    proxy.until_delivered(Direction::ToServer, 20_000, LIMIT).await?;
    std::fs::write(&file, "")?;
    let delivered = || proxy.traffic(Direction::ToServer).delivered;
    // What was under way arrives; then there are only pings.
    let mut before = 0;
    while delivered() != std::mem::replace(&mut before, delivered()) {
        asked(&child, &mut said, &["the source is held back: paused"]).await?;
    }
    for _ in 0..20 {
        asked(&child, &mut said, &["the source is held back: paused"]).await?;
    }
    let during = delivered() - before;
    assert!(during <= 100, "{during} bytes were sent during a pause");
    std::fs::remove_file(&file)?;
    let report = finish(child).await.expect(0).json();
    assert_eq!(report["copy"]["znodes"]["created"], 4_001);
    assert!(report["waited"]["source"]["paused_ms"].as_u64() >= Some(1), "{report:#}");
    Ok(())
}

#[tokio::test]
async fn amounts_that_are_none_are_refused() {
    for wrong in [
        ["--max-ops-per-second", "0"],
        ["--max-ops-per-second", "many"],
        ["--max-bytes-per-second", "10X"],
        ["--max-latency", "200"],
    ] {
        run(&["copy", wrong[0], wrong[1], "a:1/x", "b:1/x"]).await.expect(2).says(&[wrong[0]]);
    }
}
