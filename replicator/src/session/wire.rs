//! The transport of our own: one connection, requests out in order, replies in order.
//!
//! A request is encoded in the call, into the one outbox of its session: the same lock gives it its number, its place
//! and its bytes. The connection's task sends whatever has gathered since it last looked in one go, hands each reply to
//! the future that waits for it, and that future decodes it where it is polled. Futures hold no part of the session.
//!
//! When its connection breaks, the session comes back on another one ([`reattach`]), for as long as the policy of retries
//! allows. Reads that were not answered are asked again, in their order, and whoever waits for them notices nothing. Writes
//! that were not answered fail, their outcome unknown, and so does every later one until [`Session::settle`]: so none
//! overtakes one that has to be repeated. Streams of events end.
//!
//! Invariants: what is called first is executed first. No write is sent twice, nothing hangs: when the session ends, for
//! whatever reason, every request that was not answered fails, and so does every later one. Credentials are in no log
//! and no `Debug`. The outbox is bounded by the windows of those who call, a reply by [`EnsembleOptions::reply_bytes_max`].
//!
//! It does not speak TLS or SASL.

mod acls;
mod connect;
mod connection;
mod outbox;
mod reattach;
mod replies;
mod version;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use self::acls::Acls;
use self::outbox::Shared;
use self::replies::{done, malformed};
use super::{ReadOp, ReadReply, WriteOp};
use crate::connect::Located;
use crate::error::{Code, Error, ErrorKind, Result};
use crate::jute::{Encoder, WatcherEvent, op};
use crate::latency::Flight;
use crate::limits;
use crate::options::EnsembleOptions;
use crate::znode::{Acl, Kind, Names, Stat, Zxid};

/// A session, on one connection at a time.
pub(super) struct Session {
    shared: Arc<Shared>,
    /// Owns the socket; ends with this session.
    connection: JoinHandle<()>,
    authenticated: bool,
    /// Whether the server is 3.6 or later.
    multi_read: bool,
    acls: Arc<Acls>,
}

impl Session {
    /// Opens a session on one of the servers, authenticates it and syncs. A server that has not come as far as `seen`
    /// refuses it (ZooKeeperServer.java:1504-1515).
    pub(super) async fn connect(options: &EnsembleOptions, seen: Zxid) -> Result<Self> {
        connect::to_any(options, seen).await
    }

    pub(super) fn is_authenticated(&self) -> bool {
        self.authenticated
    }

    /// The last transaction that the server is known to have applied.
    pub(super) fn last_zxid(&self) -> Zxid {
        self.shared.last_zxid()
    }

    /// Waits until the server has caught up with the leader (sync); gives the last transaction that it had applied when it
    /// answered. What was asked behind the sync, and answered by now, may be newer.
    pub(super) async fn sync(&self) -> Result<Zxid> {
        done(self.shared.send(op::SYNC, |request| request.text("/")), "sync").await.map(|reply| reply.zxid)
    }

    /// Behind writes that were lost with their connection: waits until the session is back and nothing of them is under
    /// way any more, so that what is read now shows what became of them. Then writes are sent again; the first that are
    /// called must be those that are to be repeated.
    pub(super) async fn settle(&self) -> Result<()> {
        self.sync().await?;
        self.shared.open_to_writes();
        Ok(())
    }

    /// One multiRead, or on a server that has none, its reads one behind the other.
    pub(super) fn read<'a>(
        &self,
        ops: impl ExactSizeIterator<Item = (ReadOp<'a>, Located<'a>)>,
        mut flight: Option<Flight>,
    ) -> BoxFuture<'static, Result<Vec<ReadReply>>> {
        let asked = ops.len();
        if !self.multi_read {
            let asked = ops.enumerate().map(|(index, (read, path))| {
                let op = op_of(read);
                // The last answer is the answer.
                let flight = flight.take_if(|_| index + 1 == asked);
                (op, self.shared.send_timed(op, flight, |request| request.read(path)))
            });
            return Box::pin(replies::reads(asked.collect()));
        }
        let answer = self.shared.send_timed(op::MULTI_READ, flight, |request| {
            for (read, path) in ops {
                request.multi_read(op_of(read), path);
            }
            request.multi_end();
        });
        Box::pin(replies::multi_read(answer, asked))
    }

    pub(super) fn stat(&self, path: Located<'_>) -> impl Future<Output = Result<Option<Stat>>> + Send + use<> {
        const OP: &str = "look at";
        let answer = self.shared.send(op::EXISTS, |request| request.read(path));
        async move {
            match done(answer, OP).await {
                Ok(mut reply) => reply.body.stat().map(Some).map_err(|error| malformed(error, OP)),
                Err(error) if error.code() == Some(Code::NO_NODE) => Ok(None),
                Err(error) => Err(error),
            }
        }
    }

    pub(super) fn children(&self, path: Located<'_>) -> impl Future<Output = Result<(Names, Stat)>> + Send + use<> {
        const OP: &str = "list children of";
        let answer = self.shared.send(op::GET_CHILDREN2, |request| request.read(path));
        async move { done(answer, OP).await?.body.names_and_stat().map_err(|error| malformed(error, OP)) }
    }

    /// Sets a persistent watch; what it sees comes through [`events`](Self::events). A server below 3.6 does not know
    /// it, and would end the session that asks (UnimplementedRequestProcessor.java:32-43).
    pub(super) fn add_watch(&self, path: Located<'_>, mode: i32) -> impl Future<Output = Result<()>> + Send + use<> {
        const OP: &str = "watch";
        let answer = self.multi_read.then(|| self.shared.send(op::ADD_WATCH, |request| request.add_watch(path, mode)));
        async move {
            match answer {
                Some(answer) => done(answer, OP).await.map(drop),
                None => Err(Error::new(ErrorKind::Refused(Code::UNIMPLEMENTED), OP)),
            }
        }
    }

    /// What the watches of this session see from now on, and the zxid that the server told with it. Ends with the
    /// session, when it is called again, and when more than [`limits::EVENTS_WAITING_MAX`] wait to be taken.
    pub(super) fn events(&self) -> mpsc::Receiver<(Zxid, WatcherEvent)> {
        self.shared.events()
    }

    pub(super) fn acl(
        &self,
        path: Located<'_>,
        flight: Flight,
    ) -> impl Future<Output = Result<(Acl, Stat)>> + Send + use<> {
        const OP: &str = "read ACL of";
        let answer = self.shared.send_timed(op::GET_ACL, Some(flight), |request| request.path(path));
        let acls = Arc::clone(&self.acls);
        async move {
            let mut reply = done(answer, OP).await?;
            let acl = acls.decode(&mut reply.body).map_err(|error| malformed(error, OP))?;
            Ok((acl, reply.body.stat().map_err(|error| malformed(error, OP))?))
        }
    }

    pub(super) fn set_acl(
        &self,
        path: Located<'_>,
        acl: &Acl,
        aversion: i32,
        flight: Flight,
    ) -> impl Future<Output = Result<()>> + Send + use<> {
        let answer = self.shared.send_timed(op::SET_ACL, Some(flight), |request| request.set_acl(path, acl, aversion));
        async move { done(answer, "set ACL of").await.map(drop) }
    }

    /// One multi. The error carries the index of the operation that failed, where one is known.
    pub(super) fn write<'a>(
        &self,
        ops: impl ExactSizeIterator<Item = (&'a WriteOp, Located<'a>)> + Clone,
        flight: Flight,
    ) -> BoxFuture<'static, Result<(), (Option<usize>, Error)>> {
        // A server that finds a setACL in a multi fails the multi without saying which operation it was.
        if let Some(index) = ops.clone().position(|(write, _)| matches!(write, WriteOp::SetAcl { .. })) {
            let error = Error::new(ErrorKind::Refused(Code::BAD_ARGUMENTS), "write");
            return Box::pin(std::future::ready(Err((Some(index), error))));
        }
        let asked = ops.clone().map(|(write, _)| write.operations()).sum();
        let answer = self.shared.send_timed(op::MULTI, Some(flight), |request| {
            for (write, path) in ops {
                encode_write(request, write, path);
            }
            request.multi_end();
        });
        Box::pin(replies::multi(answer, asked))
    }

    /// Ends the session in good order, so that the server forgets it at once.
    pub(super) async fn close(self) {
        let answer = self.shared.send(op::CLOSE_SESSION, |_| {});
        // Not closed in time: the server forgets the session when it times out.
        let _ = timeout(limits::CLOSE_WITHIN, answer.reply()).await;
    }
}

/// Not closed: the server forgets the session when it times out, and its pending requests fail here.
impl Drop for Session {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("shared", &self.shared).finish_non_exhaustive()
    }
}

fn op_of(read: ReadOp<'_>) -> i32 {
    match read {
        ReadOp::Data(_) => op::GET_DATA,
        ReadOp::Children(_) => op::GET_CHILDREN,
    }
}

fn encode_write(request: &mut Encoder<'_>, write: &WriteOp, path: Located<'_>) {
    match write {
        WriteOp::Create { data, acl, kind, .. } => request.multi_create(path, data.as_deref(), acl, *kind),
        WriteOp::SetData { data, version, .. } => request.multi_set_data(path, data.as_deref(), *version),
        WriteOp::Delete { version, .. } => request.multi_delete(path, *version),
        WriteOp::RaiseCounter { .. } => {
            request.multi_create(path, None, &Acl::open(), Kind::Persistent);
            request.multi_delete(path, -1);
        }
        WriteOp::Check { version, .. } => request.multi_check(path, *version),
        WriteOp::SetAcl { .. } => debug_assert!(false, "a setACL is no part of a multi"),
    }
}

#[cfg(test)]
mod tests;
