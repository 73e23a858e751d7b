//! What happens in a tree, as the server tells it: persistent watches (3.6 and later) and the stream of their events.
//!
//! An event says that something happened and not what is there now, and a server tells none of a setACL, nor of what
//! happened while there was no connection (DataTree.java:757-772, 1518-1524). So a stream that ends, for whatever
//! reason, may have missed something: who goes on looks at everything again.

use tokio::sync::mpsc;

use super::{Lane, Session};
use crate::connect::Chroot;
use crate::error::{Error, ErrorKind, Result};
use crate::jute::WatcherEvent;
use crate::znode::{ZnodePath, Zxid};

/// How far a watch sees (AddWatchMode.java).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One znode and the list of its children.
    Znode,
    /// One znode and all below it; lists of children are not told of, creates and deletes are.
    Tree,
}

/// What happened to a znode (Watcher.java, `EventType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was created.
    Created,
    /// It was deleted.
    Deleted,
    /// Its data was set.
    DataSet,
    /// A child came or went; only of [`Scope::Znode`].
    ChildrenChanged,
    /// Anything that later servers may tell.
    Other(i32),
}

/// What a watch has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub change: Change,
    /// Where, below the root.
    pub path: ZnodePath,
    /// The transaction that did it; `None` from servers below 3.9 (ZOOKEEPER-4655).
    pub zxid: Option<Zxid>,
}

/// The events of a session's watches, in the order of the transactions.
#[derive(Debug)]
pub struct Events {
    chroot: Chroot,
    heard: mpsc::Receiver<(Zxid, WatcherEvent)>,
}

impl Events {
    /// The next one. `None`: the session has ended, another stream has taken over, or this one fell behind by more
    /// than [`EVENTS_WAITING_MAX`](crate::limits::EVENTS_WAITING_MAX). A call that is dropped loses nothing.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            let (zxid, event) = self.heard.recv().await?;
            // One outside the tree is of a watch that the same session has elsewhere.
            let Some(path) = self.chroot.below(&event.path) else { continue };
            let change = match event.kind {
                1 => Change::Created,
                2 => Change::Deleted,
                3 => Change::DataSet,
                4 => Change::ChildrenChanged,
                kind => Change::Other(kind),
            };
            return Some(Event { change, path, zxid: (zxid.0 >= 0).then_some(zxid) });
        }
    }
}

impl Lane {
    /// addWatch: sets a persistent watch on `path`, which need not exist, and gives what this session's watches see
    /// from now on, to one listener at a time. Refused where the server is older than 3.6; the `zookeeper-client`
    /// transport has none.
    pub async fn watch(&self, path: &ZnodePath, scope: Scope) -> Result<Events> {
        let Session::Wire(session) = &*self.session else {
            let text = "watches need the transport wire".to_owned();
            return Err(self.failed(Error::new(ErrorKind::BadInput(text), "watch"), path));
        };
        let mode = match scope {
            Scope::Znode => 0,
            Scope::Tree => 1,
        };
        // Before it is set: the first event may come right behind the answer.
        let heard = session.events();
        session.add_watch(self.locate(path), mode).await.map_err(|error| self.failed(error, path))?;
        Ok(Events { chroot: self.chroot.clone(), heard })
    }
}
