//! What can go wrong on the way, as plain values; and a plan of it that one seed gives.

use std::time::Duration;

use crate::tree::Random;

/// A way of the bytes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Requests.
    ToServer,
    /// Replies.
    ToClient,
}

impl Direction {
    /// Both of them.
    pub const BOTH: [Self; 2] = [Self::ToServer, Self::ToClient];

    pub(super) fn index(self) -> usize {
        self as usize
    }
}

/// What becomes of bytes, and of the close behind them, when their delay is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// They are delivered.
    Pass,
    /// They are kept until they may pass, and so is the receiver's connection.
    Hold,
    /// They are lost. A close is kept until it may pass.
    Swallow,
}

/// Which connections a [`Flow`] is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those that were accepted until now. Later ones pass: so does the client that reconnects.
    Present,
    /// These and all later ones.
    All,
}

/// How a connection is ended, on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Closed in order (FIN): what was delivered is received.
    Close,
    /// Reset (RST). It overtakes what the receiver's kernel had no room for.
    Reset,
}

/// What a [`Fuse`] sets off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The connection that burnt it ends.
    Cut(Ending),
    /// [`Proxy::flow`](super::Proxy::flow) of its direction, for the present connections.
    Flow(Flow),
    /// All of its direction is held, of connections that come later too.
    HoldAll,
}

/// Something that happens once, behind a number of bytes: between two of a frame, if the number says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fuse {
    /// Whose bytes count, over all connections.
    pub direction: Direction,
    /// How many bytes are still delivered. With 0 it burns in front of the next one.
    pub bytes: u64,
    /// What happens then.
    pub then: Then,
}

/// The bytes of one direction: what was received and neither delivered nor swallowed is in the line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes that their sender gave to the proxy.
    pub received: u64,
    /// Bytes that the proxy gave to their receiver's connection.
    pub delivered: u64,
    /// Bytes that were swallowed, cut off, or had no receiver any more.
    pub swallowed: u64,
}

/// A plan of faults, the same for the same seed: print it, and the run can be had again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults {
    /// The seed, of the jitter too.
    pub seed: u64,
    /// The delay of each direction.
    pub delay: Duration,
    /// The most that jitter adds to it.
    pub jitter: Duration,
    /// What breaks, and where.
    pub fuse: Fuse,
}

impl Faults {
    /// A delay of up to 4 ms and a jitter of up to 2 ms, so that a run stays short.
    const DELAYS_MS: usize = 5;
    const JITTERS_MS: usize = 3;

    /// The plan of a seed: something breaks, in either direction, before `bytes_max` bytes are through.
    ///
    /// # Panics
    /// If `bytes_max` is 0.
    pub fn random(seed: u64, bytes_max: usize) -> Self {
        const THEN: [Then; 4] =
            [Then::Cut(Ending::Close), Then::Cut(Ending::Reset), Then::Flow(Flow::Hold), Then::Flow(Flow::Swallow)];
        let mut random = Random::new(seed);
        let mut below_ms = |limit| Duration::from_millis(random.below(limit) as u64);
        let (delay, jitter) = (below_ms(Self::DELAYS_MS), below_ms(Self::JITTERS_MS));
        let direction = Direction::BOTH[random.below(Direction::BOTH.len())];
        let then = THEN[random.below(THEN.len())];
        let bytes = random.below(bytes_max) as u64;
        Self { seed, delay, jitter, fuse: Fuse { direction, bytes, then } }
    }
}
