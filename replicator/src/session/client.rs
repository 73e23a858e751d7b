//! The transport on the `zookeeper-client` crate.
//!
//! It sends in the call and answers through the future, as the seam wants it. Its futures borrow the client, so the
//! seam's do too. It can't tell null data from empty data.

use std::future::Future;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use zookeeper_client as zk;

use super::{ReadOp, ReadReply, WriteOp};
use crate::connect::Located;
use crate::error::{Code, Error, ErrorKind, Result};
use crate::limits;
use crate::options::EnsembleOptions;
use crate::znode::{Acl, AclEntry, Kind, Names, Stat, may_be_a_name};

/// A session of `zookeeper-client`.
#[derive(Debug)]
pub(super) struct Session {
    client: zk::Client,
    authenticated: bool,
    /// The ACL that was decoded last: most znodes share theirs with the one before.
    last_acl: Mutex<Option<(Vec<zk::Acl>, Acl)>>,
}

impl Session {
    pub(super) async fn connect(options: &EnsembleOptions) -> Result<Self> {
        let mut connector = zk::Client::connector().with_session_timeout(options.session_timeout).with_fail_eagerly();
        for auth in &options.auths {
            connector = connector.with_auth(&auth.scheme, auth.credentials.as_bytes());
        }
        let client = connector.connect(&options.connect.servers()).await.map_err(|error| failed(&error, "connect"))?;
        let session = Self { client, authenticated: !options.auths.is_empty(), last_acl: Mutex::new(None) };
        session.sync().await?;
        Ok(session)
    }

    pub(super) async fn sync(&self) -> Result<()> {
        self.client.sync("/").await.map_err(|error| failed(&error, "sync"))
    }

    pub(super) fn is_authenticated(&self) -> bool {
        self.authenticated
    }

    pub(super) fn read<'a, 'b>(
        &'a self,
        ops: impl Iterator<Item = (ReadOp<'b>, Located<'b>)>,
    ) -> impl Future<Output = Result<Vec<ReadReply>>> + Send + 'a {
        let mut reader = self.client.new_multi_reader();
        let mut added = Ok(());
        for (op, path) in ops {
            let path = path.to_string();
            added = added.and(match op {
                ReadOp::Data(_) => reader.add_get_data(&path),
                ReadOp::Children(_) => reader.add_get_children(&path),
            });
        }
        let reply = added.map(|()| reader.commit());
        async move {
            let results = async { reply?.await }.await.map_err(|error| failed(&error, "read"))?;
            results.into_iter().map(read_reply).collect()
        }
    }

    pub(super) async fn stat(&self, path: &str) -> Result<Option<Stat>> {
        let stat = self.client.check_stat(path).await.map_err(|error| failed(&error, "look at"))?;
        Ok(stat.as_ref().map(stat_from))
    }

    pub(super) async fn children(&self, path: &str) -> Result<(Names, Stat)> {
        let children = self.client.get_children(path).await;
        let (names, stat) = children.map_err(|error| failed(&error, "list children of"))?;
        Ok((packed(&names)?, stat_from(&stat)))
    }

    pub(super) async fn acl(&self, path: &str) -> Result<(Acl, Stat)> {
        let (acl, stat) = self.client.get_acl(path).await.map_err(|error| failed(&error, "read ACL of"))?;
        let mut last = self.last_acl.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let acl = match &*last {
            Some((raw, known)) if *raw == acl => known.clone(),
            _ => {
                let known = acl_from(&acl);
                *last = Some((acl, known.clone()));
                known
            }
        };
        Ok((acl, stat_from(&stat)))
    }

    /// The error carries the index of the operation that failed, where the server named one.
    pub(super) fn write<'a, 'b>(
        &'a self,
        ops: impl Iterator<Item = (&'b WriteOp, Located<'b>)>,
    ) -> impl Future<Output = Result<(), (Option<usize>, Error)>> + Send + 'a {
        let mut writer = self.client.new_multi_writer();
        let mut added = Ok(());
        for (index, (op, path)) in ops.enumerate() {
            if added.is_ok() {
                added = add_write(&mut writer, op, &path.to_string()).map_err(|error| (Some(index), error));
            }
        }
        let reply = added.map(|()| writer.commit());
        async move {
            match reply?.await {
                Ok(_) => Ok(()),
                Err(zk::MultiWriteError::RequestFailed { source }) => Err((None, failed(&source, "write"))),
                Err(zk::MultiWriteError::OperationFailed { index, source }) => {
                    Err((Some(index), failed(&source, "write")))
                }
            }
        }
    }

    pub(super) async fn set_acl(&self, path: &str, acl: &Acl, aversion: i32) -> Result<()> {
        let version = (aversion >= 0).then_some(aversion);
        let set = self.client.set_acl(path, &acl_to(acl), version).await;
        set.map(drop).map_err(|error| failed(&error, "set ACL of"))
    }

    pub(super) async fn close(self) {
        let mut state = self.client.state_watcher();
        drop(self.client);
        let closed = async { while !matches!(state.changed().await, zk::SessionState::Closed) {} };
        // Not closed in time: the server forgets the session when it times out.
        let _ = tokio::time::timeout(limits::CLOSE_WITHIN, closed).await;
    }
}

fn add_write(writer: &mut zk::MultiWriter<'_>, op: &WriteOp, path: &str) -> Result<()> {
    let added = match op {
        WriteOp::Create { data, acl, kind, .. } => {
            let acl = acl_to(acl);
            let acls = zk::Acls::new(&acl);
            let options = match kind {
                Kind::Container => zk::CreateMode::Container.with_acls(acls),
                Kind::Ttl { ttl_ms } => {
                    zk::CreateMode::Persistent.with_acls(acls).with_ttl(Duration::from_millis(ttl_ms.unsigned_abs()))
                }
                Kind::Persistent | Kind::Ephemeral { .. } => zk::CreateMode::Persistent.with_acls(acls),
            };
            writer.add_create(path, data.as_deref().unwrap_or_default(), &options)
        }
        WriteOp::SetData { data, version, .. } => {
            writer.add_set_data(path, data.as_deref().unwrap_or_default(), (*version >= 0).then_some(*version))
        }
        WriteOp::RaiseCounter { .. } => writer
            .add_create(path, &[], &zk::CreateMode::Persistent.with_acls(zk::Acls::anyone_all()))
            .and_then(|()| writer.add_delete(path, None)),
        WriteOp::Delete { version, .. } => writer.add_delete(path, (*version >= 0).then_some(*version)),
        WriteOp::Check { version, .. } => writer.add_check_version(path, *version),
        WriteOp::SetAcl { .. } => Err(zk::Error::BadArguments(&"setACL is not allowed inside a multi")),
    };
    added.map_err(|error| failed(&error, op.name()))
}

fn read_reply(result: zk::MultiReadResult) -> Result<ReadReply> {
    Ok(match result {
        zk::MultiReadResult::Data { data, stat } => ReadReply::Data(Some(Bytes::from(data)), stat_from(&stat)),
        zk::MultiReadResult::Children { children } => ReadReply::Children(packed(&children)?),
        zk::MultiReadResult::Error { err } => ReadReply::Refused(code_of(&err).unwrap_or(Code::MARSHALLING_ERROR)),
        _ => ReadReply::Refused(Code::MARSHALLING_ERROR),
    })
}

fn packed(names: &[String]) -> Result<Names> {
    if names.iter().all(|name| may_be_a_name(name)) {
        return Ok(names.iter().collect());
    }
    let text = "it lists a child by a name that no znode can be called".to_owned();
    Err(Error::new(ErrorKind::Protocol(text), "read"))
}

fn stat_from(stat: &zk::Stat) -> Stat {
    Stat {
        czxid: stat.czxid,
        mzxid: stat.mzxid,
        ctime: stat.ctime,
        mtime: stat.mtime,
        version: stat.version,
        cversion: stat.cversion,
        aversion: stat.aversion,
        ephemeral_owner: stat.ephemeral_owner,
        data_length: stat.data_length,
        num_children: stat.num_children,
        pzxid: stat.pzxid,
    }
}

const PERMISSIONS: [(i32, zk::Permission); 5] = [
    (1, zk::Permission::READ),
    (2, zk::Permission::WRITE),
    (4, zk::Permission::CREATE),
    (8, zk::Permission::DELETE),
    (16, zk::Permission::ADMIN),
];

fn acl_from(acl: &[zk::Acl]) -> Acl {
    Acl::new(acl.iter().map(|entry| {
        let perms = PERMISSIONS.iter().filter(|(_, permission)| entry.permission().has(*permission));
        AclEntry { perms: perms.map(|(bit, _)| bit).sum(), scheme: entry.scheme().into(), id: entry.id().into() }
    }))
}

fn acl_to(acl: &Acl) -> Vec<zk::Acl> {
    let entries = acl.entries().iter().map(|entry| {
        let permissions = PERMISSIONS.iter().filter(|(bit, _)| entry.perms & bit != 0);
        let permission = permissions.fold(zk::Permission::NONE, |all, (_, permission)| all | *permission);
        zk::Acl::new(permission, zk::AuthId::new(&entry.scheme, &entry.id))
    });
    entries.collect()
}

fn code_of(error: &zk::Error) -> Option<Code> {
    Some(match error {
        zk::Error::NoNode => Code::NO_NODE,
        zk::Error::NoAuth => Code::NO_AUTH,
        zk::Error::BadVersion => Code::BAD_VERSION,
        zk::Error::NoChildrenForEphemerals => Code::NO_CHILDREN_FOR_EPHEMERALS,
        zk::Error::NodeExists => Code::NODE_EXISTS,
        zk::Error::NotEmpty => Code::NOT_EMPTY,
        zk::Error::InvalidAcl => Code::INVALID_ACL,
        zk::Error::AuthFailed => Code::AUTH_FAILED,
        zk::Error::NotReadOnly => Code::NOT_READ_ONLY,
        zk::Error::QuotaExceeded => Code::QUOTA_EXCEEDED,
        zk::Error::Throttled => Code::THROTTLED_OP,
        zk::Error::MarshallingError => Code::MARSHALLING_ERROR,
        zk::Error::Unimplemented => Code::UNIMPLEMENTED,
        zk::Error::BadArguments(_) => Code::BAD_ARGUMENTS,
        zk::Error::RuntimeInconsistent => Code::RUNTIME_INCONSISTENCY,
        zk::Error::UnexpectedErrorCode(code) => Code(*code),
        _ => return None,
    })
}

/// A failure of `op`. What the server answered is definite. Anything else (`ConnectionLoss`, `SessionMoved`, a closed
/// session, or a `Custom` error of the socket) leaves the outcome unknown.
fn failed(error: &zk::Error, op: &'static str) -> Error {
    let kind = match code_of(error) {
        Some(code) => ErrorKind::Refused(code),
        None => match error {
            zk::Error::NoHosts | zk::Error::Timeout => ErrorKind::Unreachable(error.to_string()),
            zk::Error::UnmarshalError { .. } | zk::Error::UnexpectedError(_) => ErrorKind::Protocol(error.to_string()),
            error => ErrorKind::Lost(error.to_string()),
        },
    };
    Error::new(kind, op)
}
