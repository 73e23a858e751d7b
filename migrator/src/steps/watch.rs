//! What must stay as it is while trees are read and sent is looked at beside that, again and again.
//!
//! A leader that loses its ZooKeeper session ends (meta_server_failure_detector.cpp:182-192), another takes over with the
//! level of its configuration file, and a bulk load sets the level back to steady (meta_bulk_load_service.cpp:156): a proof
//! that goes on for minutes after that is time in which the cluster stands still for nothing.

use replicator::session::Lane;
use tokio::time::{Instant, sleep};

use crate::error::{Error, ErrorKind, Result};
use crate::limits::{LINE_UNSEEN_MAX, UNANSWERED_MAX, WATCHED_EVERY};
use crate::lock::{self, Holder};
use crate::pegasus::client::MetaClient;
use crate::pegasus::messages::ControlMetaRequest;
use crate::pegasus::types::{ErrorCode, Level};
use crate::server::Server;

/// Waits until one of `line` is no longer there; `hint` is what a person may do about it.
pub(super) async fn lost_session(lane: &Lane, line: &[Holder], hint: &str) -> Error {
    let mut seen = Instant::now();
    loop {
        sleep(WATCHED_EVERY).await;
        let now = match lock::holders(lane).await {
            Ok(now) => now,
            // What can't be looked at now is looked at again, but not for ever.
            Err(error) if seen.elapsed() >= LINE_UNSEEN_MAX => return error,
            Err(_) => continue,
        };
        seen = Instant::now();
        if let Some(lost) = line.iter().find(|holder| !now.contains(holder)) {
            let why = format!(
                "it is no longer in line for the lock ({}): it lost its ZooKeeper session or ended. {hint}",
                lost.name
            );
            return Error::new(ErrorKind::Refused, format!("meta server {}", lost.address), "keep its session", why);
        }
    }
}

/// Waits until exactly this leader is no longer blind, and says what it is instead; an error where it leads no longer.
pub(super) async fn lost_blind(meta: &MetaClient, leader: &Server) -> Result<String> {
    let mut unanswered = 0;
    loop {
        sleep(WATCHED_EVERY).await;
        let last = match meta.ask_one(&leader.address, &ControlMetaRequest { level: Level::ASK }).await {
            Ok(reply) if reply.err.is(ErrorCode::FORWARD_TO_OTHERS) => {
                let why = "it sends others on while the level is blind: another leads, or it was started again";
                return Err(leader.error(ErrorKind::Refused, "go on leading", why));
            }
            Ok(reply) if reply.err.is(ErrorCode::OK) => match Level::from_number(reply.old_level) {
                Some(Level::Blind) => {
                    unanswered = 0;
                    continue;
                }
                Some(level) => return Ok(format!("the level was {level} again")),
                None => return Ok(format!("the level was {} again, which is none", reply.old_level)),
            },
            Ok(reply) => format!("it answers {}", reply.err),
            Err(error) => error.to_string(),
        };
        unanswered += 1;
        if unanswered >= UNANSWERED_MAX {
            return Ok(format!("the level could not be read {unanswered} times ({last})"));
        }
    }
}
