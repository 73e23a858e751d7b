//! A session whose connection broke comes back on another one, on whichever server takes it.
//!
//! With its id, its password and the last zxid that it has seen it is the same session to every server, and shows nothing
//! older than before. The server that takes it closes the connection that the session had there
//! (ZooKeeperServer.processConnectRequest), and the leader from then on refuses what comes from any other server in its
//! name (LearnerHandler, REVALIDATE: `setOwner`; SessionTrackerImpl.checkSession, asked by PrepRequestProcessor for every
//! write and every operation of a multi). What was under way before is in front of whatever is sent now: behind a sync of
//! the session that came back, nothing lands late.
//!
//! A session that has expired is replaced by a new one, on a server that has come as far. The leader executes nothing more
//! in the name of one that is closing or gone (the same check), so the same holds behind the first sync of the new one. It
//! would not with local sessions (`localSessionsEnabled`, off unless somebody sets it), which a leader does not know.

use std::net::SocketAddr;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::connect::{self, Attached, attach, on_any};
use super::connection::Inbound;
use super::outbox::Shared;
use super::version;
use crate::error::{Code, ErrorKind, Result};
use crate::jute::{ConnectRequest, SessionKey};
use crate::options::EnsembleOptions;
use crate::retry::{Kind, Patience};
use crate::session::diagnose;

/// Where a session is at home, and how it gets there again.
pub(super) struct Home {
    pub(super) options: EnsembleOptions,
    pub(super) server: SocketAddr,
    pub(super) session: SessionKey,
    /// What the server granted.
    pub(super) session_timeout: Duration,
    /// Whether the session asks by multiRead: then an older server is no home.
    pub(super) multi_read: bool,
}

impl Home {
    /// Tries until a server takes the session, or gives a new one where it has expired. The error is the end: refused
    /// credentials, or that it took too long, with a reason for each server.
    pub(super) async fn come_back(
        &mut self,
        shared: &Shared,
        patience: &mut Patience,
        lost: &ErrorKind,
    ) -> Result<(TcpStream, Inbound), ErrorKind> {
        let retry = self.options.retry.clone();
        let _waiting = retry.waits(&format!("{}: {lost}", self.server));
        while let Some(wait) = patience.next_wait() {
            sleep(wait).await;
            let back = match self.attach(self.again(shared)).await {
                Err(error) if error.code() == Some(Code::SESSION_EXPIRED) => {
                    let replaced = self.attach(connect::new_session(&self.options, shared.last_zxid())).await;
                    replaced.inspect(|_| retry.count(Kind::Replaced))
                }
                back => back.inspect(|_| retry.count(Kind::Reconnect)),
            };
            match back {
                Ok(Attached { server, stream, inbound, session, session_timeout }) => {
                    (self.server, self.session, self.session_timeout) = (server, session, session_timeout);
                    return Ok((stream, inbound));
                }
                Err(error) if error.code() == Some(Code::AUTH_FAILED) => return Err(error.kind),
                Err(error) => tracing::debug!(%error, "not back yet"),
            }
        }
        let servers = diagnose::servers(&self.options).await;
        let seconds = retry.limit().as_secs_f64();
        Err(ErrorKind::Lost(format!("{lost}, and for {seconds} s (--retry-for) nothing more was to be had: {servers}")))
    }

    fn again(&self, shared: &Shared) -> ConnectRequest {
        ConnectRequest { session: self.session, ..connect::new_session(&self.options, shared.last_zxid()) }
    }

    /// Boxed, for asking a server's version may open a session too, whose task would hold this future.
    fn attach(&self, request: ConnectRequest) -> BoxFuture<'_, Result<Attached>> {
        let Self { options, session_timeout, .. } = self;
        let on_server = move |server| async move {
            if self.multi_read && !version::has_multi_read(server, options).await? {
                return Err(connect::unreachable(format!("{server} is older than 3.6, and others are not")));
            }
            attach(server, options, request).await
        };
        // While one server is waited for, the others would take the session: it must not expire over that.
        let within = options.connect_timeout.min(*session_timeout);
        Box::pin(on_any(options, within, on_server))
    }
}
