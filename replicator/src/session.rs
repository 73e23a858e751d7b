//! One FIFO lane to an ensemble: requests go out in the order of the calls, and are executed in that order.
//!
//! This is the seam between the line and a transport. A lane sends synchronously, in the call, and answers through
//! the future: two writes called one after the other are executed one after the other, whichever future is polled
//! first. The lane bounds nothing by itself; who calls it holds a window (see [`crate::limits`]).
//!
//! Two transports stand behind it. [`Wire`](Transport::Wire) is our own, for the hot path: it writes in one go what
//! gathered, decodes without copying, tells null data from empty data, bounds replies, can open a session behind a
//! zxid, and comes back when its connection breaks; it speaks neither TLS nor SASL.
//! [`ZookeeperClient`](Transport::ZookeeperClient) is the `zookeeper-client` crate: it reads null data as empty, bounds no
//! reply, knows no zxid barrier, and ends with its connection.

mod client;
mod diagnose;
mod opening;
mod paced;
mod roles;
pub mod srvr;
pub mod watch;
mod wire;

pub(crate) use roles::{Readers, readers};

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::connect::{Chroot, Located};
use crate::error::{Code, Error, ErrorKind, Result, Side};
use crate::latency::{Latencies, Request};
use crate::options::{EnsembleOptions, Transport};
use crate::pace::Pace;
use crate::retry::Retry;
use crate::znode::{Acl, Kind, Names, Stat, Znode, ZnodePath, Zxid};
use bytes::Bytes;

/// One read of a multiRead.
#[derive(Clone, Copy, Debug)]
pub enum ReadOp<'a> {
    /// getData: the data and the stat.
    Data(&'a ZnodePath),
    /// getChildren: the names.
    Children(&'a ZnodePath),
}

impl ReadOp<'_> {
    /// The znode that is read.
    pub fn path(&self) -> &ZnodePath {
        match self {
            Self::Data(path) | Self::Children(path) => path,
        }
    }
}

/// What one read of a multiRead gave.
#[derive(Clone, Debug)]
pub enum ReadReply {
    /// The data and the stat.
    Data(Option<Bytes>, Stat),
    /// The names of the children.
    Children(Names),
    /// This one failed, the others did not.
    Refused(Code),
}

/// One write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteOp {
    /// create
    Create {
        /// The znode to be.
        path: ZnodePath,
        /// Its data.
        data: Option<Bytes>,
        /// Its ACL.
        acl: Acl,
        /// What kind of znode it is to be; never ephemeral.
        kind: Kind,
    },
    /// setData
    SetData {
        /// The znode.
        path: ZnodePath,
        /// Its new data.
        data: Option<Bytes>,
        /// The version that it must have.
        version: i32,
    },
    /// setACL; not allowed inside a multi (MultiOperationRecord.java:93-111).
    SetAcl {
        /// The znode.
        path: ZnodePath,
        /// Its new ACL.
        acl: Acl,
        /// The aversion that it must have, -1 for any.
        aversion: i32,
        /// Whether it may take rights away that the writes before it needed: then it is sent when all of them were
        /// acknowledged, so that none of them has to be repeated under it.
        seals: bool,
    },
    /// delete; refused where the znode has children.
    Delete {
        /// The znode.
        path: ZnodePath,
        /// The version that it must have, -1 for any.
        version: i32,
    },
    /// create and delete of a znode, which nobody sees: its parent's sequence counter goes up by one.
    RaiseCounter {
        /// The child.
        path: ZnodePath,
        /// What the counter is afterwards, if nobody else creates there: it tells whether this was done.
        to: u32,
    },
    /// check: changes nothing, and fails the multi that it stands in where the version is another.
    Check {
        /// The znode.
        path: ZnodePath,
        /// The version that it must have, -1 for any: then it must only exist.
        version: i32,
    },
}

impl WriteOp {
    /// The znode that is written.
    pub fn path(&self) -> &ZnodePath {
        match self {
            Self::Create { path, .. }
            | Self::SetData { path, .. }
            | Self::SetAcl { path, .. }
            | Self::Delete { path, .. }
            | Self::RaiseCounter { path, .. }
            | Self::Check { path, .. } => path,
        }
    }

    /// What it is called in a message.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::SetData { .. } => "set data of",
            Self::SetAcl { .. } => "set ACL of",
            Self::Delete { .. } => "delete",
            Self::RaiseCounter { .. } => "raise the sequence counter with",
            Self::Check { .. } => "check",
        }
    }

    /// Operations of a multi that it takes.
    fn operations(&self) -> usize {
        if matches!(self, Self::RaiseCounter { .. }) { 2 } else { 1 }
    }

    /// The write that the operation at `index` of a multi belongs to.
    fn at(ops: &[Self], index: usize) -> Option<&Self> {
        let mut ends = ops.iter().scan(0, |end, op| {
            *end += op.operations();
            Some((op, *end))
        });
        ends.find(|(_, end)| index < *end).map(|(op, _)| op)
    }
}

/// A session of one of the transports.
#[derive(Debug)]
enum Session {
    Wire(wire::Session),
    Client(client::Session),
}

impl Session {
    async fn connect(options: &EnsembleOptions, seen: Zxid) -> Result<Self> {
        Ok(match options.transport {
            Transport::Wire => Self::Wire(wire::Session::connect(options, seen).await?),
            Transport::ZookeeperClient => Self::Client(client::Session::connect(options).await?),
        })
    }
}

/// A session, seen from the root of a tree.
#[derive(Clone, Debug)]
pub struct Lane {
    side: Side,
    chroot: Chroot,
    session: Arc<Session>,
    retry: Retry,
    latencies: Arc<Latencies>,
    pace: Option<Pace>,
}

impl Lane {
    /// The same session, seen from another root.
    #[must_use]
    pub fn seen_from(&self, chroot: Chroot) -> Self {
        Self { chroot, ..self.clone() }
    }

    /// How long the server took to answer on this lane and those that were opened with it.
    pub fn latencies(&self) -> &Latencies {
        &self.latencies
    }

    /// How its side is tried again, and how often it was.
    pub fn retry(&self) -> &Retry {
        &self.retry
    }

    /// Which side it leads to.
    pub fn side(&self) -> Side {
        self.side
    }

    /// The root of the tree.
    pub fn chroot(&self) -> &Chroot {
        &self.chroot
    }

    /// The last transaction that the server is known to have applied; `None` where the transport does not tell.
    pub fn last_zxid(&self) -> Option<Zxid> {
        match &*self.session {
            Session::Wire(session) => Some(session.last_zxid()),
            Session::Client(_) => None,
        }
    }

    /// Waits until the server is up to date (sync), and gives the last transaction that it has applied then; `None`
    /// where the transport does not tell. What is asked behind it shows that transaction, whatever it shows besides.
    pub async fn sync(&self) -> Result<Option<Zxid>> {
        let synced = match &*self.session {
            Session::Wire(session) => session.sync().await.map(Some),
            Session::Client(session) => session.sync().await.map(|()| None),
        };
        synced.map_err(|error| error.at(self.side))
    }

    /// multiRead: all of `ops` in one request, answered one by one. On a server older than 3.6, which has none, the
    /// wire transport asks for each by itself; `zookeeper-client` fails.
    pub fn read(&self, ops: &[ReadOp<'_>]) -> BoxFuture<'_, Result<Vec<ReadReply>>> {
        let first = ops.first().map(|op| op.path().clone());
        let located = ops.iter().map(|op| (*op, self.locate(op.path())));
        let (flight, took) = self.sent(Request::MultiRead, ops.len(), || 0);
        let reply: BoxFuture<'_, _> = match &*self.session {
            Session::Wire(session) => session.read(located, Some(flight)),
            Session::Client(session) => Box::pin(session.read(located).inspect(move |_| drop(flight))),
        };
        Box::pin(async move {
            let reply = reply.await.map_err(|error| match first {
                Some(path) => self.failed(error, &path),
                None => error.at(self.side),
            });
            self.answered(&took, || paced::read_bytes(&reply));
            reply
        })
    }

    /// getData of one znode for who looks on: no part of what is measured, and nobody waits for its turn.
    pub async fn glance(&self, path: &ZnodePath) -> Result<Option<ReadReply>> {
        let located = std::iter::once((ReadOp::Data(path), self.locate(path)));
        let reply = match &*self.session {
            Session::Wire(session) => session.read(located, None).await,
            Session::Client(session) => session.read(located).await,
        };
        Ok(reply.map_err(|error| self.failed(error, path))?.pop())
    }

    /// getACL: the ACL and the stat that goes with it, which may be of another moment than one that another server gave.
    pub fn acl(&self, path: &ZnodePath) -> BoxFuture<'_, Result<(Acl, Stat)>> {
        let path = path.clone();
        let (flight, took) = self.sent(Request::GetAcl, 1, || 0);
        let reply: BoxFuture<'_, _> = match &*self.session {
            Session::Wire(session) => Box::pin(session.acl(self.locate(&path), flight)),
            Session::Client(session) => {
                let located = self.locate(&path).to_string();
                Box::pin(async move { session.acl(&located).inspect(move |_| drop(flight)).await })
            }
        };
        Box::pin(async move {
            let reply = reply.await.map_err(|error| self.failed(error, &path));
            self.answered(&took, || 0);
            reply
        })
    }

    /// exists: the stat; `None` where there is no such znode. Needs no right on older servers, READ since 3.8.4 and
    /// 3.9.2 (ZOOKEEPER-2590).
    pub async fn stat(&self, path: &ZnodePath) -> Result<Option<Stat>> {
        let stat = match &*self.session {
            Session::Wire(session) => session.stat(self.locate(path)).await,
            Session::Client(session) => session.stat(&self.locate(path).to_string()).await,
        };
        stat.map_err(|error| self.failed(error, path))
    }

    /// getData and getACL of one znode; `None` where there is none.
    pub async fn znode(&self, path: &ZnodePath) -> Result<Option<Znode>> {
        // Both are asked for in one round trip.
        let data = [ReadOp::Data(path)];
        let (data, acl) = futures::future::join(self.read(&data), self.acl(path)).await;
        let (data, mut stat) = match data?.pop() {
            Some(ReadReply::Data(data, stat)) => (data, stat),
            Some(ReadReply::Refused(Code::NO_NODE)) => return Ok(None),
            Some(ReadReply::Refused(code)) => return Err(self.refused(code, "read", path)),
            _ => return Err(self.protocol("a multiRead of one operation was answered by something else")),
        };
        let acl = match acl {
            Ok((acl, Stat { aversion, .. })) => {
                // Who sets another ACL sets it where this one was.
                stat.aversion = aversion;
                acl
            }
            Err(error) if error.code() == Some(Code::NO_NODE) => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(Znode { path: path.clone(), data, acl: Some(acl), kind: Kind::of_owner(stat.ephemeral_owner), stat }))
    }

    /// getChildren2 of one znode: the names, and the stat that goes with them; `None` where there is no such znode.
    pub async fn children(&self, path: &ZnodePath) -> Result<Option<(Names, Stat)>> {
        let children = match &*self.session {
            Session::Wire(session) => session.children(self.locate(path)).await,
            Session::Client(session) => session.children(&self.locate(path).to_string()).await,
        };
        match children {
            Ok(children) => Ok(Some(children)),
            Err(error) if error.code() == Some(Code::NO_NODE) => Ok(None),
            Err(error) => Err(self.failed(error, path)),
        }
    }

    /// Sends writes as one request: a single setACL by itself, anything else as a multi, all or nothing. The error
    /// names the operation that failed. It goes out in the call, except a setACL on `zookeeper-client`: that goes out
    /// when it is first polled, which is never too late, since nothing behind it on its lane depends on it.
    pub fn write(&self, ops: Vec<WriteOp>) -> BoxFuture<'_, Result<()>> {
        let tried = self.try_write(ops);
        Box::pin(async move { tried.await.1 })
    }

    /// The same, and gives the writes back.
    pub fn try_write(&self, ops: Vec<WriteOp>) -> BoxFuture<'_, (Vec<WriteOp>, Result<()>)> {
        let request = if matches!(ops[..], [WriteOp::SetAcl { .. }]) { Request::SetAcl } else { Request::Multi };
        let (flight, took) = self.sent(request, ops.len(), || paced::written_bytes(&ops));
        let reply: BoxFuture<'_, Result<(), (Option<usize>, Error)>> = match (&*self.session, &ops[..]) {
            (Session::Wire(session), [WriteOp::SetAcl { path, acl, aversion, .. }]) => {
                let reply = session.set_acl(self.locate(path), acl, *aversion, flight);
                Box::pin(async move { reply.await.map_err(|error| (None, error)) })
            }
            (Session::Client(session), [WriteOp::SetAcl { path, acl, aversion, .. }]) => {
                let (path, acl, aversion) = (self.locate(path).to_string(), acl.clone(), *aversion);
                Box::pin(async move {
                    let set = session.set_acl(&path, &acl, aversion).inspect(move |_| drop(flight));
                    set.await.map_err(|error| (None, error))
                })
            }
            (Session::Wire(session), _) => session.write(ops.iter().map(|op| (op, self.locate(op.path()))), flight),
            (Session::Client(session), _) => {
                let written = session.write(ops.iter().map(|op| (op, self.locate(op.path()))));
                Box::pin(written.inspect(move |_| drop(flight)))
            }
        };
        Box::pin(async move {
            let reply = reply.await.map_err(|(index, error)| self.write_failed(&ops, index, error));
            self.answered(&took, || 0);
            (ops, reply)
        })
    }

    /// Behind writes whose outcome is unknown: waits until the session is back, and gives whether it is. Then nothing of
    /// them is under way any more, and what is read on this lane shows what became of them; until then the lane takes no
    /// writes. The `zookeeper-client` transport does not come back.
    pub async fn settle(&self) -> Result<bool> {
        match &*self.session {
            Session::Wire(session) => session.settle().await.map(|()| true).map_err(|error| error.at(self.side)),
            Session::Client(_) => Ok(false),
        }
    }

    /// Ends the session in good order, so that the server forgets it at once. Waits at most
    /// [`CLOSE_WITHIN`](crate::limits::CLOSE_WITHIN). Other lanes of the same session keep it open.
    pub async fn close(self) {
        match Arc::try_unwrap(self.session) {
            Ok(Session::Wire(session)) => session.close().await,
            Ok(Session::Client(session)) => session.close().await,
            Err(_others) => {}
        }
    }

    /// Whether credentials were given: then `auth` stands for us in an ACL.
    pub fn is_authenticated(&self) -> bool {
        match &*self.session {
            Session::Wire(session) => session.is_authenticated(),
            Session::Client(session) => session.is_authenticated(),
        }
    }

    fn locate<'a>(&'a self, path: &'a ZnodePath) -> Located<'a> {
        self.chroot.locate(path)
    }

    fn failed(&self, error: Error, path: &ZnodePath) -> Error {
        error.at(self.side).on(self.locate(path).to_string())
    }

    /// A refusal as an error about `path`.
    pub fn refused(&self, code: Code, op: &'static str, path: &ZnodePath) -> Error {
        Error::new(ErrorKind::Refused(code), op).at(self.side).on(self.locate(path).to_string())
    }

    /// The error of a write, about the operation that the server named, or about the first. An outcome that nobody
    /// knows is said to be unknown.
    fn write_failed(&self, ops: &[WriteOp], index: Option<usize>, error: Error) -> Error {
        let Some(op) = WriteOp::at(ops, index.unwrap_or(0)) else { return error.at(self.side) };
        let outcome_unknown = matches!(error.kind, ErrorKind::Lost(_) | ErrorKind::Protocol(_));
        Error { op: op.name(), outcome_unknown, ..error }.at(self.side).on(self.locate(op.path()).to_string())
    }

    /// An answer that the protocol does not allow.
    pub fn protocol(&self, text: &str) -> Error {
        Error::new(ErrorKind::Protocol(text.to_owned()), "read").at(self.side)
    }
}
