//! An alarm that rings within a fraction of a millisecond.
//!
//! The runtime's own timer rounds up to its next millisecond, and then the wait for events does once more: two ways of
//! 10 ms took 22.8 ms. A timer of the kernel's is an event like bytes on a socket, and they take 20.4 ms.

use std::{
    io,
    os::fd::{AsFd, AsRawFd, RawFd},
    time::Duration,
};

use nix::sys::{
    time::TimeSpec,
    timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
};
use tokio::{
    io::{Interest, unix::AsyncFd},
    time::{Instant, sleep_until},
};

/// A timer of the kernel's, as an event of the runtime that made it.
#[derive(Debug)]
pub(super) struct Alarm {
    timer: AsyncFd<Timer>,
    set_to: Option<Instant>,
}

#[derive(Debug)]
struct Timer(TimerFd);

impl AsRawFd for Timer {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl Alarm {
    /// An alarm that is not set.
    #[expect(
        deprecated,
        reason = "what replaces it is an unsafe function; its contract, a descriptor that stays the same, is kept here"
    )]
    pub(super) fn new() -> io::Result<Self> {
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?;
        Ok(Self { timer: AsyncFd::with_interest(Timer(timer), Interest::READABLE)?, set_to: None })
    }

    /// Waits until `due`, in the runtime that made it. It may ring early: look at the clock. Nothing is lost if this is dropped and called again.
    pub(super) async fn ring(&mut self, due: Instant) {
        if self.set_to != Some(due) {
            // Zero would unset it.
            let left = due.saturating_duration_since(Instant::now()).max(Duration::from_nanos(1));
            let once = Expiration::OneShot(TimeSpec::from_duration(left));
            if self.timer.get_ref().0.set(once, TimerSetTimeFlags::empty()).is_err() {
                return sleep_until(due).await;
            }
            self.set_to = Some(due);
        }
        // Each expiry is an event of its own, whether or not the count of the last one was read: so nobody reads it.
        if let Ok(mut rung) = self.timer.readable().await {
            rung.clear_ready();
        }
        self.set_to = None;
    }
}
