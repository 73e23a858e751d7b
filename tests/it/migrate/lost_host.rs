//! Meta servers on hosts that ssh leads to, and what becomes of one whose host is lost under way.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use harness::sshd::Sshd;

use super::cluster::{Cluster, Fallible};

/// Makes this program's `ssh` one that knows the way to `sshd`, and that fails while the file that is given exists.
fn through(sshd: &Sshd, cluster: Cluster) -> Fallible<(Cluster, PathBuf)> {
    let (lost, bin) = (cluster.file("lost"), cluster.file("bin"));
    let config = sshd.client_config();
    // A command over a connection that is there names its socket, and no configuration.
    let script = format!(
        "#!/bin/sh\n[ -e {lost} ] && {{ echo 'the host is lost' >&2; exit 255; }}\nexec /usr/bin/ssh -F {config} \"$@\"\n",
        lost = lost.display(),
        config = config.display()
    );
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
