//! What a proxy's owner and its thread share: the settings, which are looked at before each step, and the counters.

use std::{
    net::SocketAddr,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::watch;

use super::{Direction, Ending, Flow, Fuse, Reach, Traffic, pace::Pace};

/// All that the owner may change while connections live.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) upstream: SocketAddr,
    pub(super) delay: Duration,
    pub(super) jitter: Duration,
    pub(super) jitter_seed: u64,
    pub(super) bandwidth: [Option<u64>; 2],
    flows: [Rule; 2],
    pub(super) refuses: bool,
    /// Who sees another number than at its start is cut, by `ending`.
    pub(super) cuts: u64,
    pub(super) ending: Ending,
    /// Who sees another number than at its start closes the client's side.
    pub(super) hang_ups: u64,
    pub(super) stopped: bool,
}

/// The flow of a direction, for the connections with a smaller number; later ones pass.
#[derive(Clone, Copy, Debug)]
struct Rule {
    flow: Flow,
    before: u64,
}

impl Rule {
    const PASS: Self = Self { flow: Flow::Pass, before: u64::MAX };
}

impl Settings {
    fn new(upstream: SocketAddr) -> Self {
        Self {
            upstream,
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            jitter_seed: 0,
            bandwidth: [None; 2],
            flows: [Rule::PASS; 2],
            refuses: false,
            cuts: 0,
            ending: Ending::Close,
            hang_ups: 0,
            stopped: false,
        }
    }

    /// The flow of a direction for the connection of this number.
    pub(super) fn flow(&self, direction: Direction, connection: u64) -> Flow {
        let rule = self.flows[direction.index()];
        if connection < rule.before { rule.flow } else { Flow::Pass }
    }

    /// Takes all faults away. Connections that are being cut stay cut.
    pub(super) fn heal(&mut self) {
        let (cuts, ending, hang_ups) = (self.cuts, self.ending, self.hang_ups);
        *self = Self { cuts, ending, hang_ups, ..Self::new(self.upstream) };
    }
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: watch::Sender<Settings>,
    ways: [Way; 2],
    connections: AtomicU64,
    ended: AtomicU64,
    refused: AtomicU64,
}

impl Shared {
    pub(super) fn new(upstream: SocketAddr) -> Self {
        Self {
            settings: watch::Sender::new(Settings::new(upstream)),
            ways: [Way::default(), Way::default()],
            connections: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    pub(super) fn way(&self, direction: Direction) -> &Way {
        &self.ways[direction.index()]
    }

    pub(super) fn flow(&self, direction: Direction, flow: Flow, reach: Reach) {
        self.settings.send_modify(|settings| {
            let before = match reach {
                Reach::Present => self.connections(),
                Reach::All => u64::MAX,
            };
            settings.flows[direction.index()] = Rule { flow, before };
        });
    }

    pub(super) fn connections(&self) -> u64 {
        self.connections.load(Ordering::Acquire)
    }

    /// Counts a connection, and gives its number.
    pub(super) fn count_connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::AcqRel)
    }

    /// The connections that live. The ended are read first, so there are never more of them.
    pub(super) fn open(&self) -> u64 {
        let ended = self.ended.load(Ordering::Acquire);
        self.connections() - ended
    }

    pub(super) fn count_ended(&self) {
        self.ended.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Acquire)
    }

    pub(super) fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::AcqRel);
    }
}

/// What all connections have in common in one direction.
#[derive(Debug, Default)]
pub(super) struct Way {
    received: AtomicU64,
    delivered: AtomicU64,
    swallowed: AtomicU64,
    fuse: Mutex<Option<Fuse>>,
    pace: Mutex<Pace>,
}

impl Way {
    /// The fuse, locked while bytes are delivered: one that is armed meanwhile counts those behind them.
    pub(super) fn fuse(&self) -> MutexGuard<'_, Option<Fuse>> {
        self.fuse.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Received is read last, so the sum of the others never exceeds it.
    pub(super) fn traffic(&self) -> Traffic {
        let (delivered, swallowed) = (self.delivered.load(Ordering::Acquire), self.swallowed.load(Ordering::Acquire));
        Traffic { received: self.received.load(Ordering::Acquire), delivered, swallowed }
    }

    pub(super) fn count_received(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::AcqRel);
    }

    pub(super) fn count_delivered(&self, bytes: usize) {
        self.delivered.fetch_add(bytes as u64, Ordering::AcqRel);
    }

    pub(super) fn count_swallowed(&self, bytes: usize) {
        self.swallowed.fetch_add(bytes as u64, Ordering::AcqRel);
    }
}
