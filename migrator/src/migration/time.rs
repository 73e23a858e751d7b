//! How long what may take: without a meta server, at blind, until a lock is free, and back.

use std::time::Duration;

use replicator::error::Side;
use tokio::time::{Instant, sleep, timeout_at};

use super::{LOOK_EVERY, Migration};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::TARGET_ASKED_FOR;
use crate::server::FILE_MAX;
use crate::state::{Granted, now_ms};
use crate::steps::{same_hosts, written_hosts};

/// What a meta server asks for where its configuration says nothing (zookeeper_session.cpp:72).
pub const SESSION_TIMEOUT_MS: u64 = 30_000;

impl Migration {
    /// Whatever is done while the cluster is blind, within the time that the plan allows for that.
    pub fn while_blind(&self) -> Away {
        let max = self.plan.limits.freeze_max;
        let passed = self.state.times.frozen.map_or(0, |frozen| now_ms().saturating_sub(frozen));
        // Another clock, of a machine that was started again, must not make it longer than it is.
        let left = max.saturating_sub(Duration::from_millis(passed)).min(max);
        Away { until: Some(Instant::now() + left), max, what: "freeze_max" }
    }

    /// The cluster has no meta server from now on. Whoever resumes a migration begins to count anew.
    pub fn begin_away(&mut self) {
        self.away_until = Some(Instant::now() + self.plan.limits.meta_away_max);
    }

    /// It has one again, or nobody counts any more.
    pub fn end_away(&mut self) {
        self.away_until = None;
    }

    /// How long the cluster may go on without a meta server.
    pub fn away(&self) -> Away {
        Away { until: self.away_until, max: self.plan.limits.meta_away_max, what: "meta_away_max" }
    }

    /// The session timeout that meta servers ask for.
    pub fn session_timeout(&self) -> Duration {
        Duration::from_millis(self.state.session_timeout_ms.unwrap_or(SESSION_TIMEOUT_MS))
    }

    /// How long a stopped meta server's lock outlives it: its session's timeout, as the servers grant it (ZooKeeperServer.java,
    /// `processConnectRequest`).
    pub fn lock_outlives(&self, side: Side) -> Duration {
        let Granted { source_ms, target_ms } = self.state.granted;
        let granted = if side == Side::Source { source_ms } else { target_ms };
        granted.map_or_else(|| self.session_timeout(), Duration::from_millis)
    }

    /// The longest that a way back may take from its first command until a leader serves on the old ZooKeeper again, where all
    /// hosts can be reached, beside reading the target twice: a target that has to be asked again before and behind the stop
    /// of a leader that was started there, the stop of every server, every file, a leader's start, that it answers, that it
    /// leads, and its former session's end.
    pub fn way_back_within(&self) -> Duration {
        let limits = &self.plan.limits;
        let servers = u32::try_from(self.servers.len()).unwrap_or(u32::MAX);
        let stops = (limits.stop_max + limits.gone_max) * servers;
        // Each is put back, and the leader's is looked at once more before it is started.
        let files = FILE_MAX * (servers + 1);
        let start = limits.start_max + 2 * limits.serving_max;
        2 * TARGET_ASKED_FOR + stops + files + start + self.lock_outlives(Side::Source)
    }

    /// Waits until some meta server leads on this ZooKeeper and has loaded its state, as long as that takes where it has to
    /// wait for a lock that outlives its holder.
    pub async fn wait_led(&self, side: Side) -> Result<()> {
        let on = if side == Side::Source { &self.plan.source } else { &self.plan.target };
        let max = self.plan.limits.serving_max + self.lock_outlives(side);
        let until = Instant::now() + max;
        self.teller.waits("a meta server that leads", max);
        loop {
            let hosts = written_hosts(&on.connect);
            let error = match self.meta.cluster_info().await {
                Ok(info) if same_hosts(&info.zookeeper_hosts, &hosts) => return Ok(()),
                Ok(info) => format!("{} leads on {}", info.primary, info.zookeeper_hosts),
                Err(error) => error.to_string(),
            };
            if Instant::now() >= until {
                let why = format!("nobody leads within {}: {error}", humantime::format_duration(max));
                return Err(Error::new(ErrorKind::TimedOut, "cluster", "have a leader again", why));
            }
            sleep(LOOK_EVERY).await;
        }
    }
}

/// The time that is left, without a meta server or at blind.
#[derive(Clone, Copy, Debug)]
pub struct Away {
    until: Option<Instant>,
    max: Duration,
    what: &'static str,
}

impl Away {
    /// The same, and some more.
    #[must_use]
    pub fn longer(self, by: Duration) -> Self {
        Self { until: self.until.map(|until| until + by), max: self.max + by, what: self.what }
    }

    /// Whatever is done meanwhile, within that time.
    pub async fn bound<T>(self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let Some(until) = self.until else { return work.await };
        timeout_at(until, work).await.unwrap_or_else(|_| {
            let why = format!("it took longer than {}, {}", self.what, humantime::format_duration(self.max));
            Err(Error::new(ErrorKind::TimedOut, "cluster", "be ready for a leader on the new ZooKeeper", why))
        })
    }
}
