//! What is sent: appended to the caller's buffer, its length put in front afterwards.

use std::fmt;

use bytes::{BufMut, BytesMut};

use super::{LENGTH_BYTES, op};
use crate::connect::Located;
use crate::znode::{Acl, Kind};

/// What a create is flagged with (CreateMode.java): it says again what the operation says.
mod flags {
    pub(super) const PERSISTENT: i32 = 0;
    pub(super) const CONTAINER: i32 = 4;
    pub(super) const PERSISTENT_WITH_TTL: i32 = 5;
}

/// Appends one frame: what `body` writes, behind its length. The error is the length of a frame that is too long to
/// be told in 31 bits; then the buffer is as it was.
pub fn frame(buffer: &mut BytesMut, body: impl FnOnce(&mut Encoder<'_>)) -> Result<(), usize> {
    let start = buffer.len();
    buffer.put_i32(0);
    body(&mut Encoder(buffer));
    let len = buffer.len() - start - LENGTH_BYTES;
    let Ok(length) = i32::try_from(len) else {
        buffer.truncate(start);
        return Err(len);
    };
    buffer[start..start + LENGTH_BYTES].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

/// Appends one request: its header, and what `body` writes. The error is that of [`frame`].
pub fn request(buffer: &mut BytesMut, xid: i32, op: i32, body: impl FnOnce(&mut Encoder<'_>)) -> Result<(), usize> {
    frame(buffer, |encoder| {
        encoder.int(xid);
        encoder.int(op);
        body(encoder);
    })
}

/// What opens a session, or takes one to another connection (ConnectRequest).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectRequest {
    /// A server that has not come this far refuses the session.
    pub last_zxid_seen: i64,
    /// Asked for; the server clamps it.
    pub timeout_ms: i32,
    /// The session that is to be taken up again; a new one by default.
    pub session: SessionKey,
}

/// Bytes of a session's password (ZooKeeperServer.java, `generatePasswd`).
const PASSWORD_BYTES: usize = 16;

/// What a session is known by. Whoever has it can take the session over, so `Debug` hides the password.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct SessionKey {
    /// 0: there is no such session.
    pub id: i64,
    /// Given by the server with the id.
    pub password: [u8; PASSWORD_BYTES],
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.id)
    }
}

/// Writes records behind one another into a frame.
#[derive(Debug)]
pub struct Encoder<'a>(&'a mut BytesMut);

impl Encoder<'_> {
    /// `int`
    pub fn int(&mut self, value: i32) {
        self.0.put_i32(value);
    }

    /// `long`
    pub fn long(&mut self, value: i64) {
        self.0.put_i64(value);
    }

    /// `boolean`
    pub fn boolean(&mut self, value: bool) {
        self.0.put_u8(value.into());
    }

    /// `buffer`; null is not empty.
    pub fn buffer(&mut self, value: Option<&[u8]>) {
        match value {
            None => self.int(-1),
            Some(value) => {
                self.length(value.len());
                self.0.put_slice(value);
            }
        }
    }

    /// `ustring`
    pub fn text(&mut self, value: &str) {
        self.buffer(Some(value.as_bytes()));
    }

    /// A path as a `ustring`, from its parts.
    pub fn path(&mut self, path: Located<'_>) {
        self.length(path.len());
        for part in path.parts() {
            self.0.put_slice(part.as_bytes());
        }
    }

    /// `vector<ACL>`
    pub fn acl(&mut self, acl: &Acl) {
        self.length(acl.entries().len());
        for entry in acl.entries() {
            self.int(entry.perms);
            self.text(&entry.scheme);
            self.text(&entry.id);
        }
    }

    /// `ConnectRequest` for a session on a server that may write.
    pub fn connect(&mut self, request: ConnectRequest) {
        const PROTOCOL_VERSION: i32 = 0;
        self.int(PROTOCOL_VERSION);
        self.long(request.last_zxid_seen);
        self.int(request.timeout_ms);
        self.long(request.session.id);
        self.buffer(Some(&request.session.password));
        self.boolean(false);
    }

    /// `AuthPacket`
    pub fn auth(&mut self, scheme: &str, credentials: &[u8]) {
        const TYPE: i32 = 0;
        self.int(TYPE);
        self.text(scheme);
        self.buffer(Some(credentials));
    }

    /// `GetDataRequest`, `GetChildrenRequest`, `GetChildren2Request` and `ExistsRequest`, which are alike; no watch is
    /// left.
    pub fn read(&mut self, path: Located<'_>) {
        self.path(path);
        self.boolean(false);
    }

    /// One operation of a multiRead.
    pub fn multi_read(&mut self, op: i32, path: Located<'_>) {
        self.multi_header(op);
        self.read(path);
    }

    /// `SetACLRequest`
    pub fn set_acl(&mut self, path: Located<'_>, acl: &Acl, aversion: i32) {
        self.path(path);
        self.acl(acl);
        self.int(aversion);
    }

    /// `AddWatchRequest`; the mode is AddWatchMode.java's.
    pub fn add_watch(&mut self, path: Located<'_>, mode: i32) {
        self.path(path);
        self.int(mode);
    }

    /// A create in a multi: as op 1, which every server knows and answers with less than create2, unless the kind
    /// needs an operation of its own. Never an ephemeral.
    pub fn multi_create(&mut self, path: Located<'_>, data: Option<&[u8]>, acl: &Acl, kind: Kind) {
        match kind {
            Kind::Persistent | Kind::Ephemeral { .. } => self.create(op::CREATE, path, data, acl, flags::PERSISTENT),
            Kind::Container => self.create(op::CREATE_CONTAINER, path, data, acl, flags::CONTAINER),
            Kind::Ttl { ttl_ms } => {
                self.create(op::CREATE_TTL, path, data, acl, flags::PERSISTENT_WITH_TTL);
                self.long(ttl_ms);
            }
        }
    }

    /// A create2 of a persistent znode in a multi: like [`multi_create`](Self::multi_create), and answered with the stat.
    pub fn multi_create2(&mut self, path: Located<'_>, data: Option<&[u8]>, acl: &Acl) {
        self.create(op::CREATE2, path, data, acl, flags::PERSISTENT);
    }

    fn create(&mut self, op: i32, path: Located<'_>, data: Option<&[u8]>, acl: &Acl, flags: i32) {
        self.multi_header(op);
        self.path(path);
        self.buffer(data);
        self.acl(acl);
        self.int(flags);
    }

    /// A delete in a multi.
    pub fn multi_delete(&mut self, path: Located<'_>, version: i32) {
        self.multi_header(op::DELETE);
        self.path(path);
        self.int(version);
    }

    /// A check of a znode's version in a multi.
    pub fn multi_check(&mut self, path: Located<'_>, version: i32) {
        self.multi_header(op::CHECK);
        self.path(path);
        self.int(version);
    }

    /// A setData in a multi.
    pub fn multi_set_data(&mut self, path: Located<'_>, data: Option<&[u8]>, version: i32) {
        self.multi_header(op::SET_DATA);
        self.path(path);
        self.buffer(data);
        self.int(version);
    }

    /// What stands before each operation of a multi.
    fn multi_header(&mut self, op: i32) {
        self.int(op);
        self.boolean(false);
        self.int(-1);
    }

    /// What ends a multi.
    pub fn multi_end(&mut self) {
        self.int(op::NONE);
        self.boolean(true);
        self.int(-1);
    }

    /// A length that does not fit stands in a frame that does not fit either, and [`frame`] refuses that.
    fn length(&mut self, len: usize) {
        self.int(i32::try_from(len).unwrap_or(i32::MAX));
    }
}
