//! Free ports on 127.0.0.1.
//!
//! ZooKeeper can't be told to bind port 0, so a port is tried here, freed, and named in `zoo.cfg`. The range lies below
//! Linux's ephemeral ports (32768 and up), so no outgoing connection takes one while its server is down.
//!
//! Invariants: one process hands out no port twice before the range is through. Two processes may collide: who binds
//! second must retry.

use std::{
    net::{Ipv4Addr, TcpListener},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::Error;

const FIRST: u16 = 12_000;
const COUNT: u16 = 20_000;
const TRIES: u16 = 1_000;

/// A port that nothing listens on.
///
/// # Errors
/// [`Error::NoPort`] if many in a row are taken.
pub(crate) fn free() -> Result<u16, Error> {
    static HANDED_OUT: AtomicU32 = AtomicU32::new(0);
    // Processes that run at the same time have ids close together: spread them over the range.
    let start = process::id().wrapping_mul(7_919);
    (0..TRIES)
        .map(|_| start.wrapping_add(HANDED_OUT.fetch_add(1, Ordering::Relaxed)) % u32::from(COUNT))
        .map(|offset| FIRST + u16::try_from(offset).expect("below COUNT, which is a u16"))
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .ok_or(Error::NoPort(TRIES))
}
