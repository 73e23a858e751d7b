//! The pair of servers that all tests of one process share, and roots that keep those tests apart.
//!
//! A start costs a second of a processor; a test that needs no server of its own takes a root of its own instead.
//!
//! Invariants: nobody kills, pauses or restarts a server of the shared pair. Nobody writes outside a root that
//! [`unique_root`] gave.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::OnceCell;

use crate::{Error, Server, ServerOptions};

/// The heap of each, in MiB: what all tests together leave behind, half a million znodes and more, and room for as much
/// again. With 512 one ran out of memory in a CI run, and every test after it failed.
const HEAP_MB: u32 = 2_048;

/// Two standalone servers, source and target, started by the first caller. They end with the process.
///
/// # Errors
/// Those of [`Server::start`]; the next caller tries again.
pub async fn shared_pair() -> Result<&'static (Server, Server), Error> {
    static PAIR: OnceCell<(Server, Server)> = OnceCell::const_new();
    let start = || Server::start(ServerOptions::default().heap_mb(HEAP_MB));
    PAIR.get_or_try_init(async || tokio::try_join!(start(), start())).await
}

/// A path that no other caller in this process gets: `/t-<n>-<name>`.
pub fn unique_root(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("/t-{}-{name}", NEXT.fetch_add(1, Ordering::Relaxed))
}
