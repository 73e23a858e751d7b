//! The others are started, the cluster is seen to be what it was, and the level is what it was before.

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use tokio::time::{Duration, Instant, sleep};

use super::blind::{set, set_start_levels};
use super::preflight::{refresh_tables, same_hosts, written_hosts};
use super::stop_followers;
use crate::config_file::HOSTS_LIST;
use crate::error::{Error, ErrorKind, Result};
use crate::migration::Migration;
use crate::pegasus::shell::Health;
use crate::pegasus::types::{AppStatus, Level, NodeStatus};
use crate::plan::{LevelAfter, StepName};
use crate::server::Server;
use crate::state::now_ms;
use crate::step::{Standing, Step, Touches};

/// `fd_grace_seconds` where it can't be asked for (failure_detector.h).
const GRACE: Duration = Duration::from_secs(22);
/// Between two looks at the cluster's health.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// See the room.
pub(super) struct StartFollowers;

impl Step for StartFollowers {
    fn name(&self) -> StepName {
        StepName::StartFollowers
    }

    fn purpose(&self) -> &'static str {
        "starts the other meta servers, sees the cluster healthy, and gives it back its level"
    }

    fn touches(&self) -> Touches {
        Touches::Cluster
    }

    fn describe(&self, migration: &Migration) -> Vec<String> {
        let start =
            |server: &Server| format!("{}: {} (if it did not lead)", server.plan.host, server.plan.start.as_str());
        let mut lines: Vec<String> = migration.servers.iter().map(start).collect();
        lines.push("put back each configuration file's own meta_function_level_on_start".to_owned());
        lines.push(
            "wait until ALIVE can be trusted; see all nodes ALIVE and all partitions with their replicas".to_owned(),
        );
        lines.push("set_meta_level to what it was; read it back".to_owned());
        lines
    }

    fn check<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<Standing>> {
        all_answer(migration).boxed_local()
    }

    fn run<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            start_others(migration).await?;
            set_start_levels(migration, None).await?;
            wait_healthy(migration).await?;
            set(migration, level_after(migration)).await?;
            migration.state.times.ended = Some(now_ms());
            Ok(())
        }
        .boxed_local()
    }

    fn undo<'a>(&'a self, migration: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            for server in migration.followers() {
                stop_followers::stop(migration, &server).await?;
            }
            migration.state.times.ended = None;
            Ok(())
        }
        .boxed_local()
    }
}

/// Whether every meta server answers.
pub(super) async fn all_answer(migration: &Migration) -> Result<Standing> {
    for server in &migration.servers {
        if let Err(error) = migration.meta.role(&server.address).await {
            return Ok(Standing::Open(error.to_string()));
        }
    }
    Ok(Standing::Done)
}

/// Starts all but the leader, and sees that each uses the target.
pub(super) async fn start_others(migration: &mut Migration) -> Result<()> {
    let target = written_hosts(&migration.plan.target.connect);
    for server in migration.followers() {
        stop_followers::start(migration, &server).await?;
        let hosts = migration.meta.config_value(&server.address, HOSTS_LIST).await?;
        if !same_hosts(&hosts, &target) {
            // One on the old ZooKeeper would take the lead there.
            stop_followers::stop(migration, &server).await?;
            let why = format!("it uses {hosts}; it was stopped");
            return Err(server.error(ErrorKind::Refused, "use the new ZooKeeper", why));
        }
    }
    Ok(())
}

pub(super) fn level_after(migration: &Migration) -> Level {
    match migration.plan.policy.level_after {
        LevelAfter::AsBefore => migration.state.level.as_deref().and_then(Level::from_name).unwrap_or(Level::Steady),
        LevelAfter::Freezed => Level::Freezed,
        LevelAfter::Steady => Level::Steady,
        LevelAfter::Lively => Level::Lively,
    }
}

/// Waits until what the leader says of its nodes can be trusted (meta_service.cpp:328-340), and is good.
pub(super) async fn wait_healthy(migration: &mut Migration) -> Result<()> {
    let leader = migration.leader()?;
    let grace = migration.meta.config_value(&leader.address, "fd_grace_seconds").await;
    let grace = grace.ok().and_then(|text| text.parse().ok()).map_or(GRACE, Duration::from_secs);
    let serves = migration.state.times.leader_serves.unwrap_or_else(now_ms);
    let passed = Duration::from_millis(now_ms().saturating_sub(serves));
    if let Some(rest) = grace.checked_sub(passed) {
        migration.say(&format!("waits {} s: until then every node counts as ALIVE", rest.as_secs() + 1));
        migration.teller.waits("the leader's grace period", rest);
        sleep(rest).await;
    }
    migration.teller.waits("all replica servers ALIVE", migration.plan.limits.healthy_max);
    let until = Instant::now() + migration.plan.limits.healthy_max;
    loop {
        // An answer that got lost says nothing of the cluster.
        let why = match unhealthy(migration).await {
            Ok(None) => return Ok(()),
            Ok(Some(why)) => why,
            Err(error) => error.to_string(),
        };
        migration.refuse_when_stopped()?;
        if Instant::now() >= until {
            let max = humantime::format_duration(migration.plan.limits.healthy_max);
            return Err(Error::new(
                ErrorKind::TimedOut,
                "cluster",
                "become healthy",
                format!("not within {max}: {why}"),
            ));
        }
        sleep(LOOK_EVERY).await;
    }
}

async fn unhealthy(migration: &mut Migration) -> Result<Option<String>> {
    let nodes = migration.meta.list_nodes(None).await?;
    if let Some(node) = nodes.iter().find(|node| node.status != NodeStatus::Alive) {
        return Ok(Some(format!("replica server {} is not ALIVE", node.name())));
    }
    refresh_tables(migration).await?;
    for app in migration.apps.iter().flatten().filter(|app| app.status == AppStatus::Available) {
        let health = Health::of(migration.partitions.get(&app.app_id).map_or(&[], Vec::as_slice));
        if health.fully_healthy < i64::from(app.partition_count) {
            return Ok(Some(format!("table {} has partitions that lack replicas", app.app_name)));
        }
    }
    Ok(None)
}
