//! Meta servers on hosts that ssh leads to, and what becomes of one whose host is lost under way.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use harness::sshd::Sshd;

use super::cluster::{Cluster, Fallible};

/// The next write of a file is `LOST.late`: it lands when `LOST.land` is there, long after whoever has sent it gave up.
const SSH: &str = r#"#!/bin/sh
[ -e LOST ] && { echo 'the host is lost' >&2; exit 255; }
case "$*" in *'did not arrive in full'*) writes=1 ;; *) writes=0 ;; esac
if [ $writes = 1 ] && [ -e LOST.late ]; then
  rm LOST.late; cat >LOST.content
  setsid sh -c 'until [ -e LOST.land ]; do sleep 0.05; done; /usr/bin/ssh -F CONFIG "$@" <LOST.content; touch LOST.landed' \
    sh "$@" >/dev/null 2>&1 </dev/null &
  exec sleep 60
fi
exec /usr/bin/ssh -F CONFIG "$@"
"#;

/// Makes this program's `ssh` one that knows the way to `sshd`, and that fails while the file that is given exists.
fn through(sshd: &Sshd, cluster: Cluster) -> Fallible<(Cluster, PathBuf)> {
    let (lost, bin) = (cluster.file("lost"), cluster.file("bin"));
    let config = sshd.client_config();
    let script = SSH.replace("LOST", &lost.display().to_string()).replace("CONFIG", &config.display().to_string());
    std::fs::create_dir(&bin)?;
    std::fs::write(bin.join("ssh"), script)?;
    std::fs::set_permissions(bin.join("ssh"), std::fs::Permissions::from_mode(0o755))?;
    Ok((cluster.path(&bin)?, lost))
}

/// The same plan, with one server behind ssh.
async fn with_remote_follower(cluster: Cluster) -> Fallible<(Cluster, String)> {
    let name = cluster.follower().await?.name().to_owned();
    let host = |host: &str| format!("address = {name:?}\nhost = {host:?}");
    let remote = format!("ssh:{}", Sshd::NAME);
    Ok((cluster.replacing(&host("local"), &host(&remote)), name))
}

#[tokio::test]
async fn a_cluster_with_a_host_behind_ssh_moves() -> Fallible<()> {
    let sshd = Sshd::start().await?;
    let (cluster, _) = through(&sshd, Cluster::start("ssh-moves").await?)?;
    let (cluster, _) = with_remote_follower(cluster).await?;
    cluster.run(&["run", "--execute"]).await?.expect(0);
    cluster.expect_on(cluster.target).await
}

#[tokio::test]
async fn a_host_that_is_lost_after_the_preflight_is_named_and_seen_to_when_it_is_back() -> Fallible<()> {
    let sshd = Sshd::start().await?;
    for step in ["stop-followers", "blind", "rewrite-config"] {
        let (cluster, lost) = through(&sshd, Cluster::start("ssh-lost").await?)?;
        let (cluster, name) = with_remote_follower(cluster).await?;
        let configs = cluster.configs()?;
        let (cluster, run) =
            cluster.run_and(&["run", "--execute"], ("before", step), async |_| Ok(std::fs::write(&lost, "")?)).await?;
        // The others are on the old ZooKeeper; of this one nobody knows.
        let run = run.expect(5);
        assert!(run.stdout.contains("host ssh:here") && run.stdout.contains("zkmigrator rollback"), "{step}: {run:?}");
        let serves = cluster.client()?.cluster_info().await?;
        assert_eq!(serves.zookeeper_hosts, cluster.source.connect_string(), "{step}: of {name}");
        std::fs::remove_file(&lost)?;
        cluster.run(&["rollback"]).await?.expect(0);
        cluster.expect_as_before(&configs).await?;
    }
    Ok(())
}

/// It was given up, everything was taken back, and then it arrives.
#[tokio::test]
async fn a_write_over_ssh_that_lands_after_the_way_back_is_told() -> Fallible<()> {
    let sshd = Sshd::start().await?;
    let (cluster, lost) = through(&sshd, Cluster::start("ssh-late").await?)?;
    let (cluster, name) = with_remote_follower(cluster).await?;
    let configs = cluster.configs()?;
    let beside = |end: &str| PathBuf::from(format!("{}.{end}", lost.display()));
    let remote = cluster.metas.iter().find(|meta| meta.name() == name).ok_or("it is one of them")?;
    // The last that is done there on the way back: what lands behind it is taken back by nobody.
    let start = std::fs::read_to_string(remote.file("start.sh"))?;
    let (land, landed) = (beside("land"), beside("landed"));
    let wait = format!("touch {}; until [ -e {} ]; do sleep 0.05; done", land.display(), landed.display());
    std::fs::write(remote.file("start.sh"), format!("{start}{wait}\n"))?;
    let (cluster, run) = cluster
        .limit("meta_away_max = \"30s\"")
        .limit("start_max = \"30s\"")
        .run_and(&["run", "--execute"], ("before", "rewrite-config"), async |_| Ok(std::fs::write(beside("late"), "")?))
        .await?;
    let run = run.expect(5);
    assert!(run.stdout.contains("it did not come to an end within 5s"), "{run:?}");
    let told = format!("meta server {name}: have its configuration file as it was");
    assert!(run.stdout.contains(&told) && run.stdout.contains("hosts_list"), "{run:?}");
    for (meta, config) in cluster.metas.iter().zip(&configs) {
        meta.edit(|_| config.clone())?;
    }
    cluster.run(&["rollback"]).await?.expect(0);
    cluster.expect_as_before(&configs).await
}
