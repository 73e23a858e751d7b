//! How long a stopped meta server's lock outlives it: for as long as its session was granted.

use std::time::Duration;

use crate::error::Result;
use crate::migration::{Migration, ensemble};
use crate::session::granted;
use crate::state::Granted;
use crate::steps::Findings;

/// Opens a session at each ensemble as a meta server would, and notes what timeout it is granted. An ensemble that can't be
/// asked is taken to grant what is asked.
pub(in crate::steps) async fn sessions(migration: &mut Migration, found: &mut Findings) -> Result<()> {
    let asked = migration.session_timeout();
    let (source, target) = (ensemble(&migration.plan.source)?, ensemble(&migration.plan.target)?);
    let (at_source, at_target) = tokio::join!(granted(&source, asked), granted(&target, asked));
    let ms = |time: Option<Duration>| time.and_then(|time| u64::try_from(time.as_millis()).ok());
    migration.state.granted = Granted { source_ms: ms(at_source), target_ms: ms(at_target) };
    let asked = humantime::format_duration(asked);
    for (side, granted) in [("source", at_source), ("target", at_target)] {
        match granted.map(humantime::format_duration) {
            Some(granted) => {
                found.fine.push(format!("meta servers' sessions at the {side}: {granted} ({asked} asked)"));
            }
            None => found.unchecked.push(format!("the session timeout that the {side} grants for {asked}")),
        }
    }
    Ok(())
}
