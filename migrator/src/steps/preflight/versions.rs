//! The versions of all servers, beside one another: where they differ somebody is in the middle of an upgrade, which starts
//! meta servers again, moves partitions and sets the level as it likes.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};

use crate::migration::Migration;
use crate::steps::Findings;

/// Servers that are asked at the same time.
const ASKED_AT_ONCE: usize = 16;

/// Asks these servers, `what` they are, and compares: builds of one kind of server must be the same, unless the plan says
/// otherwise.
pub(super) async fn compare(migration: &Migration, what: &str, servers: &[String], found: &mut Findings) {
    let answers: Vec<_> = stream::iter(servers.iter().cloned())
        .map(|server| async move { (migration.meta.version(&server).await, server) })
        .buffered(ASKED_AT_ONCE)
        .collect()
        .await;
    let (mut builds, mut silent) = (BTreeMap::<String, Vec<String>>::new(), Vec::new());
    for (version, server) in answers {
        match version {
            Ok(version) => {
                builds.entry(format!("{} ({})", version.version, version.git_commit)).or_default().push(server);
            }
            Err(error) => silent.push(error.to_string()),
        }
    }
    if let Some(first) = silent.first() {
        found.unchecked.push(format!("the versions of {} of {} {what}(s): {first}", silent.len(), servers.len()));
    }
    let listed: Vec<String> =
        builds.iter().map(|(build, servers)| format!("{build}: {}", servers.join(", "))).collect();
    match &listed[..] {
        [] => {}
        [one] => found.fine.push(format!("every {what} that tells is version {one}")),
        several if migration.plan.policy.mixed_versions => {
            found.notes.push(format!("{what}s of different versions: {}", several.join("; ")));
        }
        several => found.wrong.push(format!(
            "{what}s of different versions: {}: is an upgrade under way? wait until it is over, or allow it with [policy] \
             mixed_versions",
            several.join("; ")
        )),
    }
}
