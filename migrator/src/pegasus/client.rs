//! [`MetaClient`]: asks the cluster's meta servers; finds the primary among them and stays with it as it changes.
//!
//! Followers are recognised by `ERR_FORWARD_TO_OTHERS`; asked for a table's partitions, they name the primary
//! (`meta/meta_service.cpp`, `on_query_configuration_by_index`). Whoever answers anything else is the primary, also while
//! it loads its state (`ERR_SERVICE_NOT_ACTIVE`) and while it waits for a recovery.
//!
//! - A question is asked again, within [`MetaOptions::primary_wait`], while no primary answers.
//! - What changes something is sent again only when it was certainly not executed: no connection, or a follower's answer.
//!   When it was sent and nothing came back, its outcome is unknown, and the error says so.

mod calls;
mod looking;
#[cfg(test)]
mod tests;

use std::sync::Mutex;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

pub use calls::{ClusterInfo, Partitions};
pub use looking::Role;
#[cfg(test)]
pub(super) use looking::named;
use tokio::time::{Instant, sleep_until};

use super::connection::{self, NoAnswer, Within};
use super::frame::{Request, ThriftReply};
use super::http::{self, HttpAnswer, Version};
use super::messages::{Answer, Call};
use super::record::{Damage, decode_body, encode_body};
use super::types::ErrorCode;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;

/// Time limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetaOptions {
    /// Until a connection is there.
    pub connect_timeout: Duration,
    /// From the connection to the end of the answer.
    pub call_timeout: Duration,
    /// The same, of a recovery: the server collects from all replica servers in it (`shell/commands/recovery.cpp` waits
    /// 100 s).
    pub recovery_timeout: Duration,
    /// How long is asked again while no primary answers; an election takes the ZooKeeper session's timeout.
    pub primary_wait: Duration,
    /// Between two of these attempts.
    pub retry_wait: Duration,
}

impl Default for MetaOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(2),
            call_timeout: Duration::from_secs(5),
            recovery_timeout: Duration::from_secs(100),
            primary_wait: Duration::from_secs(20),
            retry_wait: Duration::from_millis(200),
        }
    }
}

/// Asks a cluster's meta servers.
#[derive(Debug)]
pub struct MetaClient {
    servers: Vec<String>,
    options: MetaOptions,
    /// Who answered as the primary last.
    known: Mutex<Option<String>>,
    sequence: AtomicI32,
}

impl MetaClient {
    /// Of these servers, each `host:port`. Nothing is asked yet.
    pub fn new(servers: Vec<String>, options: MetaOptions) -> Result<Self> {
        let refused = |why: String| Err(Error::new(ErrorKind::Input, "meta servers", "take the list", why));
        if servers.is_empty() || servers.len() > limits::META_SERVERS_MAX {
            return refused(format!("{} servers, where 1 to {} can be", servers.len(), limits::META_SERVERS_MAX));
        }
        for server in &servers {
            if let Err(Damage(why)) = server.parse::<super::types::HostPort>() {
                return refused(why);
            }
        }
        Ok(Self { servers, options, known: Mutex::new(None), sequence: AtomicI32::new(0) })
    }

    /// The servers, as they were given.
    pub fn servers(&self) -> &[String] {
        &self.servers
    }

    /// Asks exactly this server, once, and gives its answer whatever it says: followers say `ERR_FORWARD_TO_OTHERS`.
    pub async fn ask_one<C: Call>(&self, server: &str, request: &C) -> Result<C::Reply> {
        self.ask_one_within(server, request, self.options.call_timeout).await
    }

    async fn ask_one_within<C: Call>(&self, server: &str, request: &C, answer: Duration) -> Result<C::Reply> {
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
        let timeout_ms = i32::try_from(answer.as_millis()).unwrap_or(i32::MAX);
        let frame = Request::new(C::RPC, sequence, timeout_ms, encode_body(1, request)).encode();
        let failed = |NoAnswer { kind, why, sent }| {
            let error = error(server, C::OP, kind, why);
            if sent && request.writes() { error.with_unknown_outcome() } else { error }
        };
        let bytes = connection::ask(server, &frame, self.within(answer)).await.map_err(failed)?;
        let damaged = |damage: Damage| failed(damage.into());
        let reply = ThriftReply::decode(&bytes).map_err(damaged)?;
        if !reply.error.is(ErrorCode::OK) {
            return Err(error(server, C::OP, ErrorKind::Refused, format!("it answers {}", reply.error)));
        }
        if reply.sequence != sequence || reply.rpc.strip_suffix("_ACK") != Some(C::RPC) {
            return Err(damaged(Damage(format!("{} with number {} is no answer", reply.rpc, reply.sequence))));
        }
        decode_body(&reply.body).map_err(damaged)
    }

    /// Asks the primary, and gives what it says, also when that is an error other than being no primary.
    pub async fn ask<C>(&self, request: &C) -> Result<C::Reply>
    where
        C: Call,
        C::Reply: Answer,
    {
        self.ask_within(request, self.options.call_timeout).await
    }

    async fn ask_within<C>(&self, request: &C, answer: Duration) -> Result<C::Reply>
    where
        C: Call,
        C::Reply: Answer,
    {
        let end = Instant::now() + self.options.primary_wait;
        loop {
            let why = match self.ask_primary(request, answer).await {
                Ok(reply) => return Ok(reply),
                Err(error) if error.outcome_unknown || !may_be_tried_again(&error) => return Err(error),
                Err(error) => error,
            };
            self.forget();
            let next = Instant::now() + self.options.retry_wait;
            if next > end {
                return Err(why);
            }
            sleep_until(next).await;
        }
    }

    /// One attempt: a server that is not the primary or not ready is an error that may be tried again.
    async fn ask_primary<C>(&self, request: &C, answer: Duration) -> Result<C::Reply>
    where
        C: Call,
        C::Reply: Answer,
    {
        let primary = match self.known() {
            Some(known) => known,
            None => self.look_for_primary().await?,
        };
        let reply = self.ask_one_within(&primary, request, answer).await?;
        let err = reply.err();
        if err.is(ErrorCode::FORWARD_TO_OTHERS) || err.is(ErrorCode::SERVICE_NOT_ACTIVE) {
            return Err(error(&primary, C::OP, ErrorKind::Unreachable, format!("it answers {err}")));
        }
        Ok(reply)
    }

    /// Asks exactly this server by HTTP.
    pub async fn http(&self, server: &str, path: &str) -> Result<HttpAnswer> {
        const OP: &str = "ask by http";
        let failed = |NoAnswer { kind, why, .. }| error(server, OP, kind, format!("{path}: {why}"));
        let within = self.within(self.options.call_timeout);
        let asked = connection::ask_http(server, &http::get(server, path), within).await;
        let (head, body) = asked.map_err(failed)?;
        HttpAnswer::parse(&head, body).map_err(|damage| failed(damage.into()))
    }

    /// The value of `name` in the configuration that exactly this server runs with, follower or not.
    pub async fn config_value(&self, server: &str, name: &str) -> Result<String> {
        let op = format!("ask for the configuration's {name}");
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if name.is_empty() || !name.bytes().all(plain) {
            return Err(error(server, op, ErrorKind::Input, "it is no name of a value".to_owned()));
        }
        let answer = self.http(server, &format!("/config?name={name}")).await?;
        let value = match answer.status {
            200 => http::config_value(name, &answer.body).map_err(|damage| damage.to_string()),
            status => Err(format!("it answers with status {status}")),
        };
        value.map_err(|why| error(server, op, ErrorKind::Protocol, why))
    }

    /// The version of exactly this server.
    pub async fn version(&self, server: &str) -> Result<Version> {
        let answer = self.http(server, "/version").await?;
        serde_json::from_slice(&answer.body)
            .map_err(|why| error(server, "ask for the version", ErrorKind::Protocol, why.to_string()))
    }

    fn within(&self, answer: Duration) -> Within {
        Within { connect: self.options.connect_timeout, answer }
    }

    fn known(&self) -> Option<String> {
        self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    fn remember(&self, primary: &str) {
        *self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(primary.to_owned());
    }

    fn forget(&self) {
        *self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
    }
}

fn may_be_tried_again(error: &Error) -> bool {
    matches!(error.kind, ErrorKind::Unreachable | ErrorKind::TimedOut)
}

fn error(server: &str, op: impl Into<String>, kind: ErrorKind, why: String) -> Error {
    Error::new(kind, format!("meta server {server}"), op, why)
}
