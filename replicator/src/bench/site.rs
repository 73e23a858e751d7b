//! Where a bench writes: a path that it has made itself, on each side, and that it removes again.
//!
//! Invariant: nothing is written but through a [`Site`], and a site's path did not exist before it was made.

use std::hash::{BuildHasher, RandomState};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use crate::connect::{Chroot, ConnectString};
use crate::error::{Error, Result, Side};
use crate::options::EnsembleOptions;
use crate::session::{Lane, WriteOp};
use crate::znode::{Acl, Kind, ZnodePath};

/// What all names of sites begin with.
const PREFIX: &str = "zkreplicator-bench";

/// What is known of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// There is no such path.
    Absent,
    /// It was asked for, and the answer has not come.
    Unknown,
    /// It is there, with whatever was written below it.
    Made,
}

/// A path of a bench's own on one side.
#[derive(Clone, Debug)]
pub struct Site {
    side: Side,
    parent: Chroot,
    ensemble: EnsembleOptions,
    state: State,
}

/// A name that nobody else has: of this moment, this process and this call.
pub fn fresh_name() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let random = RandomState::new().hash_one(std::process::id());
    format!("{PREFIX}-{seconds}-{random:016x}")
}

impl Site {
    /// The site called `name` below the root that `ensemble` names; nothing is made yet. The side is part of its path,
    /// so that both may be in one place.
    pub fn new(side: Side, ensemble: &EnsembleOptions, name: &str) -> Result<Self> {
        let parent = ensemble.connect.chroot.clone();
        let root = ZnodePath::new(&format!("/{name}-{side}"));
        let chroot = Chroot::new(&parent.locate(&root).to_string())?;
        let connect = ConnectString { chroot, ..ensemble.connect.clone() };
        Ok(Self { side, parent, ensemble: EnsembleOptions { connect, ..ensemble.clone() }, state: State::Absent })
    }

    /// Which side it is on.
    pub fn side(&self) -> Side {
        self.side
    }

    /// How to reach it: its path is the root.
    pub fn ensemble(&self) -> &EnsembleOptions {
        &self.ensemble
    }

    /// Whether it is there.
    pub fn state(&self) -> State {
        self.state
    }

    /// Opens a session, and looks whether the site can be made. Writes nothing.
    pub async fn look(&self) -> Result<Lane> {
        let lane = Lane::connect(self.side, &self.ensemble).await.map_err(|error| self.ensemble.with_schemes(error))?;
        if lane.seen_from(self.parent.clone()).stat(&ZnodePath::root()).await?.is_none() {
            let parent = self.parent.as_str();
            let text =
                format!("there is no znode {parent}: a bench makes no ancestors; create it, or name another path");
            lane.close().await;
            return Err(Error::bad_input(text).at(self.side));
        }
        Ok(lane)
    }

    /// Makes it, empty. In one multi it is created, deleted and created: where we lack the right to delete, which the
    /// end of the bench will need, nothing is made.
    ///
    /// Cancelled, its state is unknown.
    pub async fn make(&mut self, lane: &Lane) -> Result<()> {
        let path = ZnodePath::root();
        let create = || WriteOp::Create {
            path: path.clone(),
            data: Some(Bytes::new()),
            acl: Acl::open(),
            kind: Kind::Persistent,
        };
        self.state = State::Unknown;
        let made = lane.write(vec![create(), WriteOp::Delete { path: path.clone(), version: 0 }, create()]).await;
        match &made {
            Ok(()) => self.state = State::Made,
            Err(error) if !error.outcome_unknown => self.state = State::Absent,
            Err(_) => {}
        }
        made
    }
}
