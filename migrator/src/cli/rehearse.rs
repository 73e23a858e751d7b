//! `zkmigrator plan`, and `run` without `--execute`.

use replicator::status::Shown;

use super::method::chosen;
use super::process::stop_on_signal;
use super::typed::{Common, MethodName};
use super::{Written, in_format};
use crate::config_file::{self, HOSTS_LIST, META_SERVER, RECOVER, START_LEVEL, ZOOKEEPER};
use crate::error::Result;
use crate::migration::Migration;
use crate::page;
use crate::report::rehearsal;
use crate::state::State;
use crate::steps::{self, COPY, written_hosts};

/// Shows everything, changes nothing.
pub(super) async fn rehearse(common: &Common, method: MethodName, shown: Shown) -> Result<Written> {
    let (plan, _) = common.read()?;
    let method = chosen(common, &plan, method).await?;
    let mut migration = Migration::new(plan, State::default(), None, stop_on_signal())?;
    let is_copy = method.name == COPY.name;
    let teller = migration.teller.clone();
    let look = async {
        if is_copy {
            Box::pin(steps::look(&mut migration)).await
        } else {
            Box::pin(steps::recovery::look(&mut migration)).await
        }
    };
    let found = teller.shown(shown, look).await;
    let level_or_recovery = if is_copy { (START_LEVEL, "blind") } else { (RECOVER, "true") };
    let diffs = diffs(&migration, Some(level_or_recovery)).await;
    let (text, json) = rehearsal(&migration, method, &found, &diffs);
    let page = page::rehearsal(&migration, method, &found, &diffs, &json);
    let code = if found.wrong.is_empty() { 0 } else { 2 };
    Ok(Written::of(in_format(common.format, &text, &json), code, Some(page)))
}

/// What becomes of each configuration file, with what stands there only `meanwhile`. One that can't be edited is among the
/// findings.
pub(super) async fn diffs(migration: &Migration, meanwhile: Option<(&str, &str)>) -> Vec<String> {
    let target = written_hosts(&migration.plan.target.connect);
    let mut diffs = Vec::new();
    for server in &migration.servers {
        let meanwhile = meanwhile.map(|(key, value)| (META_SERVER, key, Some(value)));
        let edits: Vec<_> = [(ZOOKEEPER, HOSTS_LIST, Some(target.as_str()))].into_iter().chain(meanwhile).collect();
        if let Ok((before, after)) = server.edited(&edits).await {
            let name = format!("{}:{}", server.plan.host, server.plan.config_file.display());
            diffs.push(config_file::diff(&name, before.bytes(), after.bytes()));
        }
    }
    diffs
}
