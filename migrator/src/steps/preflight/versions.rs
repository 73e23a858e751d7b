//! The versions of all servers, beside one another: where they differ somebody is in the middle of an upgrade, which starts
//! meta servers again, moves partitions and sets the level as it likes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::{StreamExt, stream};
use tokio::time::sleep;

use crate::migration::Migration;
use crate::steps::Findings;

/// Servers that are asked at the same time.
const ASKED_AT_ONCE: usize = 16;

/// How long all of one kind are asked: hundreds of names that nobody answers to must not hold up everything else.
const ASKED_FOR: Duration = Duration::from_secs(20);

/// Asks these servers, `what` they are, and compares: builds of one kind of server must be the same, unless the plan says
/// otherwise.
pub(super) async fn compare(migration: &Migration, what: &str, servers: &[String], found: &mut Findings) {
    let answers: Vec<_> = stream::iter(servers.iter().cloned())
        .map(|server| async move { (migration.meta.version(&server).await, server) })
        .buffer_unordered(ASKED_AT_ONCE)
        .take_until(sleep(ASKED_FOR))
        .collect()
        .await;
    let (mut builds, mut told, mut why) = (BTreeMap::<String, BTreeSet<String>>::new(), 0, None);
    for (version, server) in answers {
        match version {
            Ok(version) => {
                told += 1;
                builds.entry(format!("{} ({})", version.version, version.git_commit)).or_default().insert(server);
            }
            Err(error) => why = Some(error.to_string()),
        }
    }
    if told < servers.len() {
        let why = why.unwrap_or_else(|| format!("no answer within {}", humantime::format_duration(ASKED_FOR)));
        found.unchecked.push(format!("the versions of {} of {} {what}(s): {why}", servers.len() - told, servers.len()));
    }
    let listed: Vec<String> = builds
        .into_iter()
        .map(|(build, servers)| format!("{build}: {}", servers.into_iter().collect::<Vec<_>>().join(", ")))
        .collect();
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
