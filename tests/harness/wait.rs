//! The one place that sleeps.
//!
//! A sleep that guesses how long something takes is either too short on a busy machine or too long on an idle one.
//! Tests therefore wait for a condition, and the wait has a limit.
//!
//! Invariant: the limit holds even if the condition itself hangs.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::Error;

/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(5);

/// Waits until `condition` yields a value, looking every few milliseconds.
///
/// # Errors
/// [`Error::Timeout`] naming `what` and `limit`, once `limit` has passed.
pub async fn until<T>(what: &str, limit: Duration, mut condition: impl AsyncFnMut() -> Option<T>) -> Result<T, Error> {
    let poll = async {
        loop {
            if let Some(value) = condition().await {
                return value;
            }
            sleep(POLL).await;
        }
    };
    timeout(limit, poll).await.map_err(|_elapsed| Error::Timeout { what: what.to_owned(), limit })
}
