//! What a run has cost this process: processor time and memory, as the kernel counts them.

use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

/// Costs of the whole process so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Resources {
    /// Processor time in user space.
    pub user: Duration,
    /// Processor time in the kernel on our behalf.
    pub system: Duration,
    /// The most memory that was resident at once, in bytes.
    pub resident_bytes_max: u64,
}

impl Resources {
    /// As of now; nothing where the kernel does not tell.
    pub fn now() -> Self {
        let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else { return Self::default() };
        // Linux counts ru_maxrss in KiB (getrusage(2)).
        let resident_bytes_max = u64::try_from(usage.max_rss()).unwrap_or_default() * 1024;
        Self { user: duration(usage.user_time()), system: duration(usage.system_time()), resident_bytes_max }
    }
}

fn duration(time: TimeVal) -> Duration {
    let seconds = u64::try_from(time.tv_sec()).unwrap_or_default();
    let micros = u64::try_from(time.tv_usec()).unwrap_or_default();
    Duration::from_secs(seconds) + Duration::from_micros(micros)
}
