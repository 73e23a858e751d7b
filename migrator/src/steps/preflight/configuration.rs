//! Which ZooKeeper and root each meta server has, by its own words and by its file.
use super::{one, same_hosts, written_hosts};
use crate::config_file::{HOSTS_LIST, META_SERVER, RECOVER, START_LEVEL, ZOOKEEPER};
use crate::error::{Error, ErrorKind, Result};
use crate::migration::{Migration, SESSION_TIMEOUT_MS};
use crate::state::File;
use crate::steps::Findings;

/// The session timeout, in `[zookeeper]`.
const TIMEOUT: &str = "timeout_ms";

/// Which ZooKeeper each meta server really uses, by its own words and by its file; and whether the file can be edited.
pub(super) async fn configuration(migration: &mut Migration, found: &mut Findings) -> Result<()> {
    let source = written_hosts(&migration.plan.source.connect);
    let target = written_hosts(&migration.plan.target.connect);
    let (mut roots, mut locks, mut silent) = (Vec::new(), Vec::new(), Vec::new());
    for server in migration.servers.clone() {
        let said = |what: &str, value: &str, server: &str| format!("meta server {server} has {what} {value:?}");
        let mut answers = true;
        match migration.meta.config_value(&server.address, HOSTS_LIST).await {
            Ok(hosts) if same_hosts(&hosts, &source) => {}
            Ok(hosts) => found
                .wrong
                .push(format!("{}, and the plan's source is {source:?}", said("hosts_list", &hosts, &server.address))),
            Err(error) if matches!(error.kind, ErrorKind::Unreachable | ErrorKind::TimedOut) => {
                silent.push(error);
                answers = false;
            }
            Err(error) => found.wrong.push(error.to_string()),
        }
        // One that has just not answered is not asked again.
        if answers {
            match migration.meta.config_value(&server.address, "cluster_root").await {
                Ok(root) => roots.push(root),
                Err(error) => found.wrong.push(error.to_string()),
            }
        }
        let file = match server.config().await {
            Ok(file) => file,
            Err(error) => {
                found.wrong.push(error.to_string());
                continue;
            }
        };
        found.notes.extend(file.notes().into_iter().map(|note| format!("{}: {note}", server.address)));
        match file.get(ZOOKEEPER, HOSTS_LIST) {
            Ok(Some(hosts)) if same_hosts(hosts, &source) => {}
            Ok(hosts) => found.wrong.push(format!(
                "the configuration file of {} has [{ZOOKEEPER}] {HOSTS_LIST} {hosts:?}, and the plan's source is {source:?}: \
                 is it the file that the server is started with?",
                server.address
            )),
            Err(error) => found.wrong.push(error.to_string()),
        }
        match file.get(META_SERVER, "distributed_lock_service_parameters") {
            Ok(Some(lock)) => locks.push(lock.to_owned()),
            Ok(None) => found.wrong.push(format!(
                "the configuration file of {} has no [{META_SERVER}] distributed_lock_service_parameters",
                server.address
            )),
            Err(error) => found.wrong.push(error.to_string()),
        }
        // What it runs with; its file says what the next one will.
        let used = migration.meta.config_value(&server.address, TIMEOUT).await.ok().and_then(|text| text.parse().ok());
        let written = file.get(ZOOKEEPER, TIMEOUT).ok().flatten().and_then(|text| text.parse().ok());
        let timeout = used.max(written).unwrap_or(SESSION_TIMEOUT_MS);
        migration.state.session_timeout_ms = migration.state.session_timeout_ms.max(Some(timeout));
        let edits = [(ZOOKEEPER, HOSTS_LIST, Some(target.as_str())), (META_SERVER, START_LEVEL, Some("blind"))];
        if let Err(error) = server.edited(&edits).await {
            found.wrong.push(error.to_string());
        }
        let hosts_list = file.get(ZOOKEEPER, HOSTS_LIST).ok().flatten().unwrap_or_default().to_owned();
        let start_level = file.get(META_SERVER, START_LEVEL).ok().flatten().map(str::to_owned);
        let recover = file.get(META_SERVER, RECOVER).ok().flatten().map(str::to_owned);
        let digest = blake3::hash(file.bytes()).to_hex().to_string();
        migration.state.files.insert(server.address.clone(), File { hosts_list, start_level, recover, digest });
    }
    if silent.len() == migration.servers.len() {
        return Err(none_answers(&silent));
    }
    found.wrong.extend(silent.iter().map(ToString::to_string));
    match one(&roots) {
        Some("/") => found.wrong.push(
            "cluster_root is /: the whole ensemble would be the cluster's; move it below a path of its own first"
                .to_owned(),
        ),
        Some(root) => root.clone_into(&mut migration.state.cluster_root),
        // Why there is none was said of each server.
        None if roots.is_empty() => {}
        None => found.wrong.push(format!("the meta servers do not agree on cluster_root: {roots:?}")),
    }
    match one(&locks) {
        // Several words: the first is the path (distributed_lock_service_zookeeper.cpp, `initialize`).
        Some(lock) => lock.split_whitespace().next().unwrap_or("/").clone_into(&mut migration.state.lock_root),
        None if locks.is_empty() => {}
        None => found.wrong.push(format!("the configuration files do not agree on the lock's place: {locks:?}")),
    }
    if found.wrong.is_empty() {
        found.fine.push(format!(
            "{} meta server(s) use {source} and root {}",
            roots.len(),
            migration.state.cluster_root
        ));
        return Ok(());
    }
    // Without these nothing else can be looked at.
    if migration.state.cluster_root.is_empty() || migration.state.lock_root.is_empty() {
        let why = "where its tree and its lock are is not known";
        return Err(Error::new(ErrorKind::Refused, "cluster", "look at anything else", why));
    }
    Ok(())
}

/// Nobody disagrees: nobody says anything.
fn none_answers(silent: &[Error]) -> Error {
    let causes: Vec<String> = silent.iter().map(|error| format!("{}: {}", error.subject, error.why)).collect();
    let why = format!(
        "no meta server answers ({}): start them, or see that they can be reached from here; where none can be brought back: \
         --method recovery (docs/choosing.md)",
        causes.join("; ")
    );
    Error::new(ErrorKind::Unreachable, "cluster", "ask it", why)
}
