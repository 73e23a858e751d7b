//! A plan as it is written: TOML, and what only two keys together tell.
//!
//! The values check themselves (`values`, `credentials`). Messages are built from the position and the reason only, for the
//! line itself could hold what somebody took for the place of a password.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::path::PathBuf;

use replicator::connect::ConnectString;
use serde::Deserialize;
use toml::Spanned;

use super::credentials::{AuthFile, VariableName};
use super::values::connect;
use super::{Credentials, Ensemble, Hooks, Limits, MetaServer, Plan, Policy, Recovery, StepName};
use crate::error::{Error, ErrorKind, Result};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    cluster: Spanned<String>,
    journal: Option<PathBuf>,
    #[serde(default)]
    pause_before: BTreeSet<StepName>,
    meta_server: Vec<Spanned<MetaServer>>,
    source: Spanned<WrittenEnsemble>,
    target: Spanned<WrittenEnsemble>,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    policy: Policy,
    #[serde(default)]
    hooks: Hooks,
    #[serde(default)]
    recovery: Recovery,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenEnsemble {
    #[serde(deserialize_with = "connect")]
    connect: ConnectString,
    auth_file: Option<AuthFile>,
    auth_env: Option<VariableName>,
}

/// Keys that look as if somebody wanted to write credentials into the plan.
const INLINE: [&str; 8] = ["auth", "credentials", "password", "user", "username", "digest", "secret", "token"];

pub(super) fn plan(text: &str) -> Result<Plan> {
    let written: Written = toml::from_str(text).map_err(|error| misread(text, &error))?;
    let wrong = |span: Range<usize>, why: String| wrong(text, Some(span), &why);

    let cluster = written.cluster.get_ref();
    if cluster.is_empty() || cluster.contains(|c: char| c == '/' || c.is_control()) || cluster.starts_with('.') {
        return Err(wrong(written.cluster.span(), "cluster: this is no name of a cluster".to_owned()));
    }
    if written.meta_server.is_empty() {
        return Err(wrong(0..0, "meta_server: there is none".to_owned()));
    }
    let mut addresses = HashMap::new();
    let mut files = HashMap::new();
    for (index, spanned) in written.meta_server.iter().enumerate() {
        let server = spanned.get_ref();
        if !server.config_file.is_absolute() {
            return Err(wrong(
                spanned.span(),
                format!("meta_server {}: config_file is no absolute path", server.address),
            ));
        }
        if let Some(first) = addresses.insert(&server.address, index) {
            let why = format!(
                "meta_server {}: it is there twice, as numbers {} and {}",
                server.address,
                first + 1,
                index + 1
            );
            return Err(wrong(spanned.span(), why));
        }
        if let Some(first) = files.insert((&server.host, &server.config_file), &server.address) {
            let why =
                format!("meta_server {}: its config_file is that of {first} too, on the same host", server.address);
            return Err(wrong(spanned.span(), why));
        }
    }
    let (source, target) = (ensemble(text, &written.source)?, ensemble(text, &written.target)?);
    let shared = source.connect.hosts.iter().any(|host| target.connect.hosts.contains(host));
    if shared && source.connect.chroot.overlaps(&target.connect.chroot) {
        let why = "target: it has a server of the source, and a tree that overlaps the source's";
        return Err(wrong(written.target.span(), why.to_owned()));
    }
    Ok(Plan {
        journal: written.journal.unwrap_or_else(|| format!("zkmigrator-{cluster}").into()),
        cluster: written.cluster.into_inner(),
        pause_before: written.pause_before,
        meta_servers: written.meta_server.into_iter().map(Spanned::into_inner).collect(),
        source,
        target,
        limits: written.limits,
        policy: written.policy,
        hooks: written.hooks,
        recovery: written.recovery,
    })
}

fn ensemble(text: &str, written: &Spanned<WrittenEnsemble>) -> Result<Ensemble> {
    let WrittenEnsemble { connect, auth_file, auth_env } = written.get_ref();
    let credentials = match (auth_file, auth_env) {
        (None, None) => Credentials::None,
        (Some(file), None) => Credentials::File(file.0.clone()),
        (None, Some(variable)) => Credentials::Variable(variable.0.clone()),
        (Some(_), Some(_)) => {
            return Err(wrong(text, Some(written.span()), "auth_file and auth_env: only one may be there"));
        }
    };
    Ok(Ensemble { connect: connect.clone(), credentials })
}

fn misread(text: &str, error: &toml::de::Error) -> Error {
    let message = error.message();
    let inline = INLINE.iter().any(|key| message.starts_with(&format!("unknown field `{key}`")));
    let hint = if inline {
        " (credentials are never written in a plan: name their place with auth_file or auth_env)"
    } else {
        ""
    };
    wrong(text, error.span(), &format!("{message}{hint}"))
}

/// Line and column count from 1, the column in characters.
fn wrong(text: &str, span: Option<Range<usize>>, why: &str) -> Error {
    let why = match span {
        Some(span) => {
            let before = &text.as_bytes()[..span.start.min(text.len())];
            let line = before.split(|byte| *byte == b'\n').count();
            let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let column = 1 + String::from_utf8_lossy(&before[start..]).chars().count();
            format!("line {line}, column {column}: {why}")
        }
        None => why.to_owned(),
    };
    Error::new(ErrorKind::Input, "plan", "read", replicator::terminal::line(&why.replace('\n', ", ")))
}
