//! One direction of one connection: reads into the delay line, and delivers what is due.
//!
//! One loop that looks at the settings and the clock and then waits for whatever comes first, so each fault is decided
//! in one place, with what is true at the moment when bytes would go out.

use std::{
    io::{ErrorKind, IoSlice},
    sync::Arc,
};

use bytes::{BufMut, BytesMut};
use tokio::{
    io::AsyncWriteExt,
    net::tcp::{ReadHalf, WriteHalf},
    sync::watch,
    task::yield_now,
    time::Instant,
};

use super::{
    Direction, Ending, Flow, Reach, Then,
    alarm::Alarm,
    line::Line,
    pace::Pace,
    state::{Settings, Shared},
};
use crate::tree::Random;

/// What is allocated to read into: the fewer system calls, the less the proxy takes from the servers it is measured with.
const BLOCK_BYTES: usize = 256 * 1024;
/// A block with less room is not read into any more.
const READ_BYTES_MIN: usize = 64 * 1024;
/// How many chunks go out in one system call.
const SLICES_MAX: usize = 16;

/// A direction of a connection that lives.
#[derive(Debug)]
pub(super) struct Pump<'a> {
    shared: Arc<Shared>,
    settings: watch::Receiver<Settings>,
    direction: Direction,
    connection: u64,
    hang_ups: u64,
    from: ReadHalf<'a>,
    to: WriteHalf<'a>,
    alarm: Alarm,
    block: BytesMut,
    chunks: usize,
    line: Line,
    /// Whether nobody receives any more.
    gone: bool,
}

impl<'a> Pump<'a> {
    pub(super) fn new(
        shared: &Arc<Shared>,
        direction: Direction,
        connection: u64,
        hang_ups: u64,
        (from, to, alarm): (ReadHalf<'a>, WriteHalf<'a>, Alarm),
    ) -> Self {
        Self {
            shared: Arc::clone(shared),
            settings: shared.settings.subscribe(),
            direction,
            connection,
            hang_ups,
            from,
            to,
            alarm,
            block: BytesMut::new(),
            chunks: 0,
            line: Line::default(),
            gone: false,
        }
    }

    /// Pumps until the sender's close has been passed on, or swallowed with all else because the receiver has gone.
    ///
    /// # Errors
    /// How both sides are to be ended, if a fuse says so.
    pub(super) async fn run(mut self) -> Result<(), Ending> {
        loop {
            // A sender that always has more and a receiver that always takes it would leave no turn to the others.
            yield_now().await;
            let settings = *self.settings.borrow_and_update();
            let flow = settings.flow(self.direction, self.connection);
            if self.direction == Direction::ToClient && settings.hang_ups != self.hang_ups && !self.gone {
                self.close().await;
            }
            let now = Instant::now();
            if self.gone || flow == Flow::Swallow {
                self.shared.way(self.direction).count_swallowed(self.line.drop_due(now));
            }
            if self.line.is_through(now) && (self.gone || flow == Flow::Pass) {
                self.close().await;
                return Ok(());
            }

            let delivers = flow == Flow::Pass && self.line.has_due(now);
            let receives = self.line.has_room() && !self.line.is_closed();
            let paced = self.paced(&settings, now).filter(|_| receives);
            let wake = self.line.next_due().filter(|due| *due > now).into_iter().chain(paced).min();
            tokio::select! {
                // Never an error: the sender is in `shared`.
                _ = self.settings.changed() => {}
                _ = self.from.readable(), if receives && paced.is_none() => self.read(),
                () = self.alarm.ring(wake.unwrap_or(now)), if wake.is_some() => {}
                _ = self.to.writable(), if delivers => self.deliver()?,
            }
        }
    }

    /// When more may be read, if the bandwidth does not allow it now.
    fn paced(&self, settings: &Settings, now: Instant) -> Option<Instant> {
        settings.bandwidth[self.direction.index()].and_then(|_| self.shared.way(self.direction).pace().wait(now))
    }

    /// Reads once, as much as there is and the bandwidth allows.
    fn read(&mut self) {
        let rate = self.shared.settings.borrow().bandwidth[self.direction.index()];
        let bytes_max = rate.map_or(BLOCK_BYTES, Pace::piece);
        if self.block.capacity() < READ_BYTES_MIN {
            self.block.reserve(BLOCK_BYTES);
        }
        let count = match self.from.try_read_buf(&mut (&mut self.block).limit(bytes_max)) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            // A reset is passed on as a close, so that it overtakes nothing.
            read => read.unwrap_or(0),
        };
        let now = Instant::now();
        let due = self.due(now);
        if count == 0 {
            return self.line.close(due);
        }
        let way = self.shared.way(self.direction);
        way.count_received(count);
        if let Some(rate) = rate {
            way.pace().spend(rate, count, now);
        }
        self.line.push(due, self.block.split().freeze());
    }

    /// When what was just read is due, by what is set by now: not by what was set when the wait for it began.
    fn due(&mut self, now: Instant) -> Instant {
        self.chunks += 1;
        let settings = *self.shared.settings.borrow();
        let stream = settings.jitter_seed.wrapping_add(self.connection * 2 + self.direction as u64);
        // 53 bits are what an f64 holds exactly.
        let share = (Random::at(stream, self.chunks).number() >> 11) as f64 / (1_u64 << 53) as f64;
        now + settings.delay + settings.jitter.mul_f64(share)
    }

    /// Delivers once what is due, as much as the receiver takes and the fuse allows.
    fn deliver(&mut self) -> Result<(), Ending> {
        let way = self.shared.way(self.direction);
        let mut armed = way.fuse();
        let mut slices = [IoSlice::new(&[]); SLICES_MAX];
        let filled = self.line.due(Instant::now(), armed.map_or(u64::MAX, |fuse| fuse.bytes), &mut slices);
        // An empty write would not tell whether the receiver is there.
        let written = if filled == 0 { Ok(0) } else { self.to.try_write_vectored(&slices[..filled]) };
        match written {
            Ok(count) => {
                way.count_delivered(count);
                self.line.advance(count);
                let Some(fuse) = armed.as_mut() else { return Ok(()) };
                fuse.bytes -= count as u64;
                if fuse.bytes > 0 {
                    return Ok(());
                }
                let then = fuse.then;
                *armed = None;
                match then {
                    Then::Cut(ending) => return Err(ending),
                    Then::Flow(flow) => self.shared.flow(self.direction, flow, Reach::Present),
                    Then::HoldAll => self.shared.flow(self.direction, Flow::Hold, Reach::All),
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => self.gone = true,
        }
        Ok(())
    }

    /// Tells the receiver that nothing follows.
    async fn close(&mut self) {
        self.gone = true;
        // The only failure is that the receiver has gone.
        let _gone = self.to.shutdown().await;
    }
}

impl Drop for Pump<'_> {
    fn drop(&mut self) {
        self.shared.way(self.direction).count_swallowed(self.line.bytes());
    }
}
