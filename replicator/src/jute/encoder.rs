//! What is sent: appended to the caller's buffer, its length put in front afterwards.

use bytes::{BufMut, BytesMut};

use super::{LENGTH_BYTES, op};
use crate::connect::Located;
use crate::znode::{Acl, Kind};

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

/// What opens a new session (ConnectRequest).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectRequest {
    /// A server that has not come this far refuses the session.
    pub last_zxid_seen: i64,
    /// Asked for; the server clamps it.
    pub timeout_ms: i32,
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

    /// `ConnectRequest` for a new session, on a server that may write.
    pub fn connect(&mut self, request: ConnectRequest) {
        const PROTOCOL_VERSION: i32 = 0;
        const NO_SESSION: i64 = 0;
        self.int(PROTOCOL_VERSION);
        self.long(request.last_zxid_seen);
        self.int(request.timeout_ms);
        self.long(NO_SESSION);
        self.buffer(Some(&[0; 16]));
        self.boolean(false);
    }

    /// `AuthPacket`
    pub fn auth(&mut self, scheme: &str, credentials: &[u8]) {
        const TYPE: i32 = 0;
        self.int(TYPE);
        self.text(scheme);
        self.buffer(Some(credentials));
    }

    /// `GetDataRequest`, `GetChildrenRequest` and `ExistsRequest`, which are alike; no watch is left.
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

    /// A create in a multi: as op 1, which every server knows and answers with less than create2, unless the kind
    /// needs an operation of its own. Never an ephemeral.
    pub fn multi_create(&mut self, path: Located<'_>, data: Option<&[u8]>, acl: &Acl, kind: Kind) {
        // CreateMode.java: the flags say again what the operation says.
        let (op, flags, ttl) = match kind {
            Kind::Persistent | Kind::Ephemeral { .. } => (op::CREATE, 0, None),
            Kind::Container => (op::CREATE_CONTAINER, 4, None),
            Kind::Ttl { ttl_ms } => (op::CREATE_TTL, 5, Some(ttl_ms)),
        };
        self.multi_header(op);
        self.path(path);
        self.buffer(data);
        self.acl(acl);
        self.int(flags);
        if let Some(ttl) = ttl {
            self.long(ttl);
        }
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
