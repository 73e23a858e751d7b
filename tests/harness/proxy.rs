//! The fault proxy: a TCP proxy between a client and a real server, and everything that goes wrong on the way.
//!
//! A network can't be told to lose a connection in the middle of a frame or to deliver a write after its client has
//! gone; this can. It knows nothing of ZooKeeper: it sees bytes, two directions and connections. What it does not show
//! of a real network: the handshake (connecting takes no delay), slow start, loss and retransmission. A reset of one
//! side is passed on as a close, behind what came before it.
//!
//! Benches measure through it, so it is a true delay line: bytes are stamped as they come and released when they are
//! due, many at a time, by few system calls.
//!
//! Invariants: the proxy runs on a thread of its own, so it outlives the runtime that started it, and ends with the
//! value. Order is kept in each direction of a connection. What is in the line of a direction is bounded
//! ([`LINE_BYTES_MAX`]); then the sender feels it. A fault that was set holds for every byte that comes after the call.

mod alarm;
mod connection;
mod fault;
mod line;
mod pace;
mod pump;
mod state;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{net::TcpListener, runtime};

use crate::{Error, until};
pub use fault::{Direction, Ending, Faults, Flow, Fuse, Reach, Then, Traffic};
pub use line::LINE_BYTES_MAX;
use state::{Settings, Shared};

/// A proxy on a free port of 127.0.0.1, without faults until it is told. It ends with this value.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    // Dropped after `Proxy::drop` has told the thread to end.
    _thread: Joined,
}

impl Proxy {
    /// Starts a proxy in front of `upstream`, which need not listen yet.
    ///
    /// # Errors
    /// [`Error::Io`] if no port, thread or event queue is to be had.
    pub fn start(upstream: SocketAddr) -> Result<Self, Error> {
        let failed = || Error::io(format!("a proxy in front of {upstream}"));
        let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(failed())?;
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed())?;
        listener.set_nonblocking(true).map_err(failed())?;
        let address = listener.local_addr().map_err(failed())?;
        let listener = {
            let _context = runtime.enter();
            TcpListener::from_std(listener).map_err(failed())?
        };
        let shared = Arc::new(Shared::new(upstream));
        let serve = connection::serve(listener, Arc::clone(&shared));
        let thread = thread::Builder::new().name("fault-proxy".to_owned()).spawn(move || runtime.block_on(serve));
        Ok(Self { address, shared, _thread: Joined(Some(thread.map_err(failed())?)) })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The connect string of the server behind this proxy: `127.0.0.1:port`.
    pub fn connect_string(&self) -> String {
        self.address.to_string()
    }

    /// The connect string with a chroot: `127.0.0.1:port/path`. `/` and the empty path mean none.
    pub fn at(&self, path: &str) -> String {
        format!("{}{}", self.address, path.trim_end_matches('/'))
    }

    /// Delays each direction by `one_way`: a round trip takes twice as long. Bytes under way keep their time.
    pub fn delay(&self, one_way: Duration) {
        self.set(|settings| settings.delay = one_way);
    }

    /// Delays by up to `most` more, by random numbers of `seed`. Order is kept. What one read of a socket gives gets one
    /// number, so the same seed gives the same numbers, but not to the same bytes.
    pub fn jitter(&self, most: Duration, seed: u64) {
        self.set(|settings| (settings.jitter, settings.jitter_seed) = (most, seed));
    }

    /// Lets this many bytes a second, 1 at least, into a direction, all its connections together. None is no limit.
    pub fn bandwidth(&self, direction: Direction, bytes_per_second: Option<u64>) {
        self.set(|settings| settings.bandwidth[direction.index()] = bytes_per_second.map(|rate| rate.max(1)));
    }

    /// Lets the bytes of a direction pass, holds them, or swallows them. The last call for a direction counts.
    ///
    /// One direction alone is a half-open connection. Bytes that are held go out when a later call lets them pass, and
    /// until then the receiver's connection stays open, even if the sender has gone. What is held when the direction comes
    /// to swallow is lost too.
    pub fn flow(&self, direction: Direction, flow: Flow, reach: Reach) {
        self.shared.flow(direction, flow, reach);
    }

    /// Swallows all bytes of both directions; connections stay open, new ones are accepted. An outage that heals
    /// loses nothing, for TCP sends again: that is [`Flow::Hold`] in both directions, and then [`Proxy::release`].
    pub fn black_hole(&self) {
        for direction in Direction::BOTH {
            self.flow(direction, Flow::Swallow, Reach::All);
        }
    }

    /// Lets everything pass in both directions, what is held first.
    pub fn release(&self) {
        for direction in Direction::BOTH {
            self.flow(direction, Flow::Pass, Reach::All);
        }
    }

    /// Makes something happen once, behind the next `fuse.bytes` bytes that are delivered in a direction. It replaces the
    /// fuse of that direction.
    pub fn arm(&self, fuse: Fuse) {
        *self.shared.way(fuse.direction).fuse() = Some(fuse);
    }

    /// Whether the fuse of a direction has not burnt yet.
    pub fn is_armed(&self, direction: Direction) -> bool {
        self.shared.way(direction).fuse().is_some()
    }

    /// Ends all present connections on both sides. What was in their lines is lost.
    pub fn cut(&self, ending: Ending) {
        self.set(|settings| (settings.cuts, settings.ending) = (settings.cuts + 1, ending));
    }

    /// Closes the clients' side of all present connections. The server's side stays open until what the clients sent,
    /// or still send, has been delivered: if it is held, that is a write that comes late. The client may come back
    /// meanwhile: hold with [`Reach::Present`], and its new connection passes.
    pub fn hang_up(&self) {
        self.set(|settings| settings.hang_ups += 1);
    }

    /// Resets new connections as soon as they are accepted. Present ones stay.
    pub fn refuse(&self) {
        self.set(|settings| settings.refuses = true);
    }

    /// Accepts new connections again.
    pub fn admit(&self) {
        self.set(|settings| settings.refuses = false);
    }

    /// Leads new connections to another server. Present ones stay. If nothing listens there, they are reset.
    pub fn retarget(&self, upstream: SocketAddr) {
        self.set(|settings| settings.upstream = upstream);
    }

    /// Sets the faults of a seeded plan.
    pub fn apply(&self, faults: &Faults) {
        self.delay(faults.delay);
        self.jitter(faults.jitter, faults.seed);
        self.arm(faults.fuse);
    }

    /// Takes all faults away: only the server that was last named stays. What is held goes out.
    pub fn heal(&self) {
        for direction in Direction::BOTH {
            *self.shared.way(direction).fuse() = None;
        }
        self.set(Settings::heal);
    }

    /// How many connections were accepted while the proxy did not refuse.
    pub fn connections(&self) -> u64 {
        self.shared.connections()
    }

    /// How many connections have not ended on both sides yet.
    pub fn open(&self) -> u64 {
        self.shared.open()
    }

    /// How many connections were reset because the proxy refuses or the server did not listen.
    pub fn refused(&self) -> u64 {
        self.shared.refused()
    }

    /// The bytes of a direction so far, over all connections.
    pub fn traffic(&self, direction: Direction) -> Traffic {
        self.shared.way(direction).traffic()
    }

    /// Waits until the traffic of a direction is as `is_enough` wants it.
    ///
    /// # Errors
    /// [`Error::Timeout`] with the traffic there was, once `limit` has passed.
    pub async fn until_traffic(
        &self,
        direction: Direction,
        limit: Duration,
        is_enough: impl Fn(Traffic) -> bool,
    ) -> Result<Traffic, Error> {
        let traffic = || self.traffic(direction);
        let seen = until("traffic", limit, async || Some(traffic()).filter(|traffic| is_enough(*traffic))).await;
        seen.map_err(|_late| Error::Timeout { what: format!("more than {:?} {direction:?}", traffic()), limit })
    }

    /// Waits until `bytes` bytes in all were delivered in a direction.
    ///
    /// # Errors
    /// Those of [`Proxy::until_traffic`].
    pub async fn until_delivered(&self, direction: Direction, bytes: u64, limit: Duration) -> Result<Traffic, Error> {
        self.until_traffic(direction, limit, |traffic| traffic.delivered >= bytes).await
    }

    fn set(&self, change: impl FnOnce(&mut Settings)) {
        self.shared.settings.send_modify(change);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.set(|settings| settings.stopped = true);
    }
}

/// A thread that is waited for when this is dropped.
#[derive(Debug)]
struct Joined(Option<JoinHandle<()>>);

impl Drop for Joined {
    fn drop(&mut self) {
        // A panic of the thread has told itself on stderr, and what it served has failed the test.
        let _panicked = self.0.take().map(JoinHandle::join);
    }
}
