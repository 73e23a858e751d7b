//! The level goes to blind, so that as little as possible is written, and what changed since the copy is sent.
//!
//! The level lives in the leader's memory (meta_service.cpp:183,866): a leader that starts again has the one of its
//! configuration file. So `blind` is written there first, and the level is read again and again. It stops not every write
//! (facts on the server, section 4): the proof that counts is made when no meta server runs. This one makes that one short.

use futures::FutureExt;
use futures::future::{LocalBoxFuture, try_join_all};
use replicator::session::Lane;
use tokio::time::{Duration, sleep};

use super::stop_followers::{partly, see_followers_gone};
use super::stop_leader::lead_on_source;
use super::watch::{lost_blind, lost_session};
use crate::config_file::{META_SERVER, START_LEVEL};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{self, Holder};
use crate::migration::Migration;
use crate::pegasus::types::Level;
use crate::plan::StepName;
use crate::server::{FILE_MAX, Server};
use crate::state::now_ms;
use crate::step::{Standing, Step, Touches};

/// Times that a level that was lost is set again.
const LOSSES_MAX: usize = 3;
/// Between two attempts to set a level or to read it back.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// See the room.
pub(super) struct Blind;

impl Step for Blind {
    fn name(&self) -> StepName {
        StepName::Blind
    }

    fn purpose(&self) -> &'static str {
        "sets the meta level to blind, here and in every configuration file, and sends what has changed"
    }

    fn touches(&self) -> Touches {
        Touches::Cluster
    }

    fn holds_until(&self) -> Option<StepName> {
        Some(StepName::StopLeader)
    }

    fn describe(&self, migration: &Migration) -> Vec<String> {
        let edit = |server: &Server| {
            let file = server.plan.config_file.display();
            format!("{}: {file}: [{META_SERVER}] {START_LEVEL} = blind", server.plan.host)
        };
        let mut lines: Vec<String> = migration.servers.iter().map(edit).collect();
        lines.push("set_meta_level blind; read it back, and go on reading it each second".to_owned());
        lines.push("copy what has changed; prove that both trees are the same".to_owned());
        lines
    }

    fn check<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<Standing>> {
        async {
            Ok(match migration.meta.level().await {
                Ok(Level::Blind) => Standing::Done,
                Ok(level) => Standing::Open(format!("the level is {level}")),
                Err(error) => Standing::Open(error.to_string()),
            })
        }
        .boxed_local()
    }

    fn run<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            if migration.state.level.is_none() {
                let level = migration.meta.level().await?;
                migration.state.level = Some(level.name().to_owned());
            }
            set_start_levels(migration, Some("blind")).await?;
            set(migration, Level::Blind).await?;
            let blind = migration.while_blind();
            blind.bound(Box::pin(prove_at_blind(migration))).await
        }
        .boxed_local()
    }

    fn undo<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            let mut left = Vec::new();
            // A leader that has ended meanwhile is started before anything else: nobody else runs.
            if migration.meta.cluster_info().await.is_err() {
                left.extend(lead_on_source(migration).await.err());
            }
            if let Some(level) = migration.state.level.as_deref().and_then(Level::from_name) {
                left.extend(set(migration, level).await.err());
            }
            for server in migration.servers.clone() {
                let own = migration.state.files.get(&server.address).and_then(|file| file.start_level.clone());
                let edit = vec![(server, vec![(META_SERVER, START_LEVEL, own)])];
                left.extend(put_all(migration, edit).await.err());
            }
            migration.state.times.frozen = None;
            partly("take back blind", &left)
        }
        .boxed_local()
    }
}

/// Sends what has changed and proves both trees the same, with the level blind all the time and behind it.
async fn prove_at_blind(migration: &mut Migration) -> Result<()> {
    let lane = migration.trees()?.lock_at_source().await?;
    let proven = prove_watched(migration, &lane).await;
    lane.close().await;
    proven
}

async fn prove_watched(migration: &mut Migration, lane: &Lane) -> Result<()> {
    for _ in 0..LOSSES_MAX {
        set(migration, Level::Blind).await?;
        see_followers_gone(migration).await?;
        let (meta, leader) = (migration.meta.clone(), migration.leader()?);
        // The first in line leads; behind it the stopped followers' sessions expire.
        let line: Vec<Holder> = lock::holders(lane).await?.into_iter().take(1).collect();
        if line.is_empty() {
            let why = "nobody stands in line for the lock: it lost its ZooKeeper session, and may be about to end";
            return Err(leader.error(ErrorKind::Refused, "keep its session", why));
        }
        let lost = tokio::select! {
            proven = Box::pin(prove_and_check(migration)) => {
                proven?;
                match meta.level().await {
                    Ok(Level::Blind) => return Ok(()),
                    Ok(level) => format!("the level was {level} again"),
                    Err(error) => format!("the level could not be read again ({error})"),
                }
            }
            lost = lost_blind(&meta, &leader) => lost?,
            lost = lost_session(lane, &line, "The migration goes back") => return Err(lost),
        };
        migration.note(format!("{lost}, and is set to blind again"));
    }
    Err(Error::new(
        ErrorKind::Refused,
        "cluster",
        "stay blind",
        format!("the level was lost {LOSSES_MAX} times: does a bulk load begin, or does the leader start again?"),
    ))
}

async fn prove_and_check(migration: &mut Migration) -> Result<()> {
    // What was changed since the cluster was looked at is no difference to what there was.
    migration.apps = Some(migration.meta.list_apps(None).await?);
    let proof = migration.prove().await?;
    super::check_copy::check(migration).await?;
    migration.say(&format!("{} znodes proven the same at zxid {}", proof.znodes, proof.source_zxid));
    Ok(())
}

/// A value for a key of a section; `None` takes the line away.
pub(super) type Edit = (&'static str, &'static str, Option<String>);

/// Gives every configuration file the level that a leader starts with: this one, or each its own.
pub(super) async fn set_start_levels(migration: &mut Migration, level: Option<&str>) -> Result<()> {
    let own = |server: &Server| migration.state.files.get(&server.address).and_then(|file| file.start_level.clone());
    let value = |server: &Server| level.map(str::to_owned).or_else(|| own(server));
    let edit = |server: &Server| (server.clone(), vec![(META_SERVER, START_LEVEL, value(server))]);
    let edits = migration.servers.iter().map(edit).collect();
    put_all(migration, edits).await
}

/// Edits the configuration files of servers, all at once, where they are not so already. The journal knows of all of them
/// before the first is written, and each is read back.
pub(super) async fn put_all(migration: &mut Migration, edits: Vec<(Server, Vec<Edit>)>) -> Result<()> {
    let edited = edits.iter().map(|(server, edits)| async move {
        let edits: Vec<_> = edits.iter().map(|(section, key, value)| (*section, *key, value.as_deref())).collect();
        let (before, after) = server.edited(&edits).await?;
        Ok((before.bytes() != after.bytes()).then_some((server, edits, after)))
    });
    let edited: Vec<_> = try_join_all(edited).await?.into_iter().flatten().collect();
    if edited.is_empty() {
        return Ok(());
    }
    let mut written = Vec::new();
    for (server, edits, _) in &edited {
        for (section, key, value) in edits {
            let (file, value) = (server.plan.config_file.display(), value.unwrap_or("its default"));
            written.push(format!("{file} of {}: [{section}] {key} = {value}", server.address));
        }
    }
    let what = format!("write {}", written.join("; "));
    migration.about_to_for(&what, FILE_MAX)?;
    let id = migration.id()?;
    try_join_all(edited.iter().map(|(server, _, after)| server.put_config(after, &id))).await?;
    migration.did(what, None)
}

/// Sets the level, and reads it back. An answer that got lost is asked for again: the same level twice is the same level.
pub(super) async fn set(migration: &mut Migration, level: Level) -> Result<()> {
    let mut last = None;
    for _ in 0..LOSSES_MAX {
        if migration.meta.level().await.is_ok_and(|now| now == level) {
            if level == Level::Blind && migration.state.times.frozen.is_none() {
                migration.state.times.frozen = Some(now_ms());
            }
            return Ok(());
        }
        let what = format!("set the level to {level}");
        if level == Level::Blind && migration.state.times.frozen.is_none() {
            migration.state.times.frozen = Some(now_ms());
        }
        migration.about_to_for(&what, migration.plan.limits.rpc_max)?;
        match migration.meta.set_level(level).await {
            Ok(_) => migration.did(what, None)?,
            Err(error) => {
                migration.fail(&error);
                last = Some(error);
                sleep(AGAIN_AFTER).await;
            }
        }
    }
    match migration.meta.level().await {
        Ok(now) if now == level => Ok(()),
        Ok(now) => {
            let why = format!("it is {now} although it was set: somebody else sets it");
            Err(last
                .unwrap_or_else(|| Error::new(ErrorKind::Refused, "cluster", format!("set the level to {level}"), why)))
        }
        Err(error) => Err(last.unwrap_or(error)),
    }
}
