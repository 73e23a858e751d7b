//! A cluster of stand-in meta servers whose metadata is rebuilt from replica servers, by the real program.

mod dead;
mod faults;
mod killed;
mod whole;

use harness::pegasus::recorded_replicas;
use harness::until;
use serde_json::{Value, json};

use super::cluster::{Cluster, Fallible, LIMIT};

/// The replica servers of the recorded cluster.
const NODES: [&str; 3] = ["localhost:34801", "localhost:34802", "localhost:34803"];

/// Three meta servers that serve, their replica servers, and a plan with short leases. What is added to its policy is added
/// to `[recovery]`.
pub(super) async fn ready(name: &str) -> Fallible<Cluster> {
    let cluster = Cluster::start(name).await?.policy("[recovery]");
    tell(&cluster, |_| {})?;
    Ok(cluster.policy("lease = \"200ms\"").policy("config_sync_interval = \"300ms\"").policy("lease_margin = \"50ms\""))
}

/// Tells every meta server what replica servers have, with this change.
fn tell(cluster: &Cluster, change: impl Fn(&mut Value)) -> Fallible<()> {
    let mut admin = json!({ "alive_nodes": NODES, "cures": true, "recovery": { "nodes": recorded_replicas(&NODES) } });
    change(&mut admin);
    cluster.metas.iter().try_for_each(|meta| meta.tell(&admin))?;
    Ok(())
}

/// Fails the test unless the cluster serves on the target what the replica servers have, with the configuration files as they
/// were but for the hosts.
async fn expect_recovered(cluster: &Cluster, configs: &[String]) -> Fallible<()> {
    cluster.settled().await?;
    let hosts = cluster.target.connect_string();
    assert_eq!(cluster.hosts().await?, vec![hosts.clone(); 3]);
    let client = cluster.client()?;
    let info = client.cluster_info().await?;
    assert_eq!((info.zookeeper_hosts, info.zookeeper_root), (hosts.clone(), cluster.root.clone()));
    assert_eq!(client.level().await?.name(), "steady");
    let apps = client.list_apps(None).await?;
    let names: Vec<&str> = apps.iter().map(|app| app.app_name.as_str()).collect();
    assert_eq!(
        names,
        ["stat", "temp", "user_profile", "orders", "ns.table_with.dots", "__drop_holder__6", "renamed"],
        "{}",
        cluster.story()
    );
    let source = cluster.source.connect_string();
    let moved: Vec<String> = configs.iter().map(|text| text.replace(&source, &hosts)).collect();
    assert_eq!(cluster.configs()?, moved, "{}", cluster.story());
    Ok(())
}

/// The journal's last whole record.
fn last_record(cluster: &Cluster) -> Value {
    let journal = std::fs::read_to_string(cluster.file("journal").join("journal")).unwrap_or_default();
    let whole = journal.split_inclusive('\n').rfind(|line| line.ends_with('\n'));
    whole.and_then(|line| serde_json::from_str(line.split_once(' ')?.1).ok()).unwrap_or_default()
}

/// Stops all meta servers, as whatever made the recovery necessary did.
async fn end_all(cluster: &Cluster) -> Fallible<()> {
    for meta in &cluster.metas {
        meta.signal("TERM")?;
        until("a meta server's end", LIMIT, async || (!meta.is_running()).then_some(())).await?;
    }
    Ok(())
}
