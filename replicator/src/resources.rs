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
    /// Processor time, whoever spent it.
    pub fn processor(&self) -> Duration {
        self.user + self.system
    }

    /// As of now; nothing where the kernel does not tell.
    pub fn now() -> Self {
        let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else { return Self::default() };
        Self {
            user: duration(usage.user_time()),
            system: duration(usage.system_time()),
            resident_bytes_max: resident(),
        }
    }
}

/// `VmHWM` of proc(5). getrusage's ru_maxrss is not it: it counts what the parent held when it forked us.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}

/// Processor time of the thread that asks until now, and nothing else: for who looks often. All sockets are driven by one.
pub fn of_this_thread() -> Duration {
    getrusage(UsageWho::RUSAGE_THREAD)
        .map_or(Duration::ZERO, |usage| duration(usage.user_time()) + duration(usage.system_time()))
}

fn duration(time: TimeVal) -> Duration {
    let seconds = u64::try_from(time.tv_sec()).unwrap_or_default();
    let micros = u64::try_from(time.tv_usec()).unwrap_or_default();
    Duration::from_secs(seconds) + Duration::from_micros(micros)
}
