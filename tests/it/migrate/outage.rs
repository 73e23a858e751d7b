//! What happens while the cluster has no meta server: whatever fails goes back, and no meta server starts on a tree that is
//! not the one that was proven.

use std::cell::Cell;
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use harness::until;
use serde_json::json;
use zookeeper_client::{Acls, CreateMode};

use super::cluster::{Cluster, Fallible, LIMIT};
use crate::product::finish;

const PERSISTENT: &zookeeper_client::CreateOptions<'static> = &CreateMode::Persistent.with_acls(Acls::anyone_all());

#[tokio::test]
async fn a_partition_that_is_gone_from_the_copy_is_found_before_a_leader_starts() -> Fallible<()> {
    for step in ["check-copy", "rewrite-config", "start-leader"] {
        let cluster = Cluster::start("migrate-partition").await?;
        let configs = cluster.configs()?;
        let (cluster, run) = cluster
            .run_and(&["run", "--execute"], ("before", step), async |cluster| {
                let target = cluster.target.client().await?;
                Ok(target.delete(&format!("{}/apps/4/7", cluster.root), None).await?)
            })
            .await?;
        let run = run.expect(4);
        assert!(run.stdout.contains("somebody else has written to the copy"), "{step}: {run:?}");
        cluster.expect_as_before(&configs).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_lock_node_at_the_target_is_found_before_a_leader_starts() -> Fallible<()> {
    let cluster = Cluster::start("migrate-locknode").await?;
    let configs = cluster.configs()?;
    let (cluster, run) = cluster.run_and(&["run", "--execute"], ("before", "check-copy"), lock_node).await?;
    let run = run.expect(4);
    assert!(run.stdout.contains("a lock node stands there (LOCKNODE0000000099"), "{run:?}");
    cluster.expect_as_before(&configs).await
}

#[tokio::test]
async fn a_verify_that_takes_too_long_goes_back() -> Fallible<()> {
    let cluster = Cluster::start("migrate-slow").await?.limit("meta_away_max = \"1ms\"");
    let configs = cluster.configs()?;
    let run = cluster.run(&["run", "--execute"]).await?.expect(4);
    assert!(run.stdout.contains("it took longer than meta_away_max, 1ms"), "{run:?}");
    cluster.expect_as_before(&configs).await
}

/// A hook may take its time, but not the cluster's.
#[tokio::test]
async fn a_hook_that_takes_too_long_in_the_outage_goes_back() -> Fallible<()> {
    let cluster = Cluster::start("migrate-hook").await?.limit("meta_away_max = \"3s\"");
    let configs = cluster.configs()?;
    let (cluster, run) = cluster
        .run_and(&["run", "--execute"], ("before", "rewrite-config"), async |_| {
            tokio::time::sleep(Duration::from_secs(5)).await;
            Ok(())
        })
        .await?;
    let run = run.expect(4);
    assert!(run.stdout.contains("it took longer than meta_away_max, 3s"), "{run:?}");
    cluster.expect_as_before(&configs).await
}

#[tokio::test]
async fn a_leader_that_does_not_start_on_the_new_zookeeper_goes_back() -> Fallible<()> {
    let cluster = Cluster::start("migrate-nostart").await?.limit("serving_max = \"2s\"");
    let configs = cluster.configs()?;
    start_fails_at_target(&cluster)?;
    let run = cluster.run(&["run", "--execute"]).await?.expect(4);
    assert!(run.stdout.contains("rolled back"), "{run:?}");
    cluster.expect_as_before(&configs).await
}

/// It runs, and its port takes connections, and that is all.
#[tokio::test]
async fn a_leader_that_hangs_when_it_starts_on_the_new_zookeeper_goes_back() -> Fallible<()> {
    let cluster = Cluster::start("migrate-hangs").await?.limit("serving_max = \"2s\"").limit("rpc_max = \"500ms\"");
    let configs = cluster.configs()?;
    at_target(&cluster, "then echo '{\"silent\":[\"*\"]}' >admin.json; else echo '{}' >admin.json")?;
    let run = cluster.run(&["run", "--execute"]).await?.expect(4);
    assert!(run.stdout.contains("answer: not within 2s") || run.stdout.contains("lead: not within 2s"), "{run:?}");
    cluster.expect_as_before(&configs).await
}

#[tokio::test]
async fn a_start_command_that_hangs_on_the_new_zookeeper_goes_back() -> Fallible<()> {
    let cluster = Cluster::start("migrate-hangs-command").await?;
    let configs = cluster.configs()?;
    at_target(&cluster, "then sleep 60")?;
    let run = cluster.run(&["run", "--execute"]).await?.expect(4);
    assert!(run.stdout.contains("it did not come to an end within 3s"), "{run:?}");
    cluster.expect_as_before(&configs).await
}

/// Each meta server is started and ends, but only on the target.
fn start_fails_at_target(cluster: &Cluster) -> Fallible<()> {
    at_target(cluster, "then exit 0")
}

/// Before a meta server is started: `if` its file names the target, this.
fn at_target(cluster: &Cluster, then: &str) -> Fallible<()> {
    let there = format!("if grep -q {} config.ini; {then}; fi\n", cluster.target.connect_string());
    for meta in &cluster.metas {
        let start = std::fs::read_to_string(meta.file("start.sh"))?;
        let (head, rest) = start.split_once('\n').ok_or("a script of one line")?;
        std::fs::write(meta.file("start.sh"), format!("{head}\ncd \"$(dirname \"$0\")\"; {there}{rest}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn a_leader_that_starts_nowhere_needs_a_person_and_is_gone_on_with() -> Fallible<()> {
    let cluster = Cluster::start("migrate-nowhere").await?.limit("serving_max = \"1s\"");
    let configs = cluster.configs()?;
    let (cluster, run) = cluster
        .run_and(&["run", "--execute"], ("before", "start-leader"), async |cluster| {
            cluster.metas.iter().try_for_each(|meta| meta.tell(&json!({ "refuse_start": true })))?;
            Ok(())
        })
        .await?;
    let run = run.expect(5);
    assert!(run.stdout.contains("needs a person") && run.stdout.contains("zkmigrator rollback"), "{run:?}");
    cluster.metas.iter().try_for_each(|meta| meta.tell(&json!({})))?;
    cluster.run(&["rollback"]).await?.expect(0);
    cluster.expect_as_before(&configs).await
}

#[tokio::test]
async fn a_follower_that_does_not_stop_goes_back() -> Fallible<()> {
    let cluster = Cluster::start("migrate-nostop").await?.limit("gone_max = \"1s\"");
    let configs = cluster.configs()?;
    let stop = format!("stop = {:?}", cluster.follower().await?.file("stop.sh").display().to_string());
    let cluster = cluster.replacing(&stop, "stop = \"true\"");
    let run = cluster.run(&["run", "--execute"]).await?.expect(4);
    assert!(run.stdout.contains("not gone within gone_max, 1s"), "{run:?}");
    cluster.expect_as_before(&configs).await
}

#[tokio::test]
async fn a_follower_that_its_supervisor_brings_back_goes_back() -> Fallible<()> {
    let cluster = Cluster::start("migrate-respawn").await?.limit("gone_max = \"2s\"");
    let configs = cluster.configs()?;
    std::fs::write(cluster.follower().await?.file("respawn"), "")?;
    let run = cluster.run(&["run", "--execute"]).await?.expect(4);
    assert!(run.stdout.contains("supervisor") || run.stdout.contains("gone_max"), "{run:?}");
    cluster.expect_as_before(&configs).await
}

#[tokio::test]
async fn an_interrupt_waits_until_a_leader_serves() -> Fallible<()> {
    waits_until_a_leader_serves("TERM").await
}

/// As when the terminal of a session over ssh is lost.
#[tokio::test]
async fn a_terminal_that_is_closed_waits_until_a_leader_serves() -> Fallible<()> {
    waits_until_a_leader_serves("HUP").await
}

async fn waits_until_a_leader_serves(signal: &str) -> Fallible<()> {
    let cluster = Cluster::start("migrate-signal").await?;
    let (cluster, run) = cluster
        .run_and(&["run", "--execute"], ("before", "check-copy"), async |cluster| {
            let pid = std::fs::read_to_string(cluster.file("reached"))?;
            let told = tokio::process::Command::new("kill").args(["-s", signal, pid.trim()]).status().await?;
            assert!(told.success(), "{pid}");
            // The signal is taken before the hook is let go.
            tokio::time::sleep(Duration::from_millis(200)).await;
            Ok(())
        })
        .await?;
    let run = run.expect(130);
    assert!(run.stderr.contains("not while the cluster has no meta server"), "{run:?}");
    assert_eq!(
        cluster.hosts().await?,
        vec![cluster.target.connect_string()],
        "the leader serves, nobody else\n{}",
        cluster.story()
    );
    cluster.run(&["resume"]).await?.expect(0);
    cluster.expect_on(cluster.target).await
}

/// A terminal that was stopped with Ctrl-S, or that nobody reads, takes nothing any more.
#[tokio::test]
async fn a_terminal_that_takes_nothing_holds_up_no_migration() -> Fallible<()> {
    let cluster = Cluster::start("migrate-deaf").await?;
    let fifo = cluster.file("stderr");
    assert!(tokio::process::Command::new("mkfifo").arg(&fifo).status().await?.success());
    let mut full = std::fs::File::options().read(true).write(true).open(&fifo)?;
    full.write_all(&vec![b'\n'; 64 << 10])?;
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_zkmigrator-under-test"));
    command.args(["--progress", "always", "run", "--execute", "--plan"]).arg(cluster.plan()?).kill_on_drop(true);
    command.current_dir(cluster.file("")).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(full.try_clone()?);
    finish(command.spawn()?).await.expect(0);
    cluster.expect_on(cluster.target).await
}

/// A leader that waits for its own former session to expire may be given its place at once.
#[tokio::test]
async fn a_stale_lock_node_is_removed_where_the_plan_says_so() -> Fallible<()> {
    let took = async |policy: &str| -> Fallible<Duration> {
        let cluster = Cluster::start_with("migrate-stale", |config| config.zookeeper_timeout_ms = 8_000).await?;
        let cluster = cluster.policy(policy);
        let configs = cluster.configs()?;
        start_fails_at_target(&cluster)?;
        let begun = Cell::new(Instant::now());
        let (cluster, run) = cluster
            .run_and(&["run", "--execute"], ("before", "stop-leader"), async |cluster| {
                // Those of the followers stand in line until their sessions expire, whatever is done.
                let source = cluster.source.client().await?;
                let lock = format!("{}/lock/dsn.meta.server.leader", cluster.root);
                until("the followers' sessions to expire", LIMIT, async || {
                    (source.list_children(&lock).await.ok()?.len() == 1).then_some(())
                })
                .await?;
                begun.set(Instant::now());
                Ok(())
            })
            .await?;
        run.expect(4);
        let took = begun.get().elapsed();
        cluster.expect_as_before(&configs).await?;
        Ok(took)
    };
    let (removed, kept) = tokio::join!(took("remove_stale_lock = true"), took("remove_stale_lock = false"));
    let (removed, kept) = (removed?, kept?);
    assert!(removed + Duration::from_secs(2) < kept, "{removed:?} with it removed, {kept:?} without");
    Ok(())
}

async fn lock_node(cluster: &Cluster) -> Fallible<()> {
    let target = cluster.target.client().await?;
    let path = format!("{}/lock/dsn.meta.server.leader/LOCKNODE0000000099", cluster.root);
    target.create(&path, b"localhost:1", PERSISTENT).await?;
    Ok(())
}
