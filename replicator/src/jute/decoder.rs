//! What is received: read front to back out of one frame, without copying what is large.

use std::str;

use bytes::{Buf, Bytes};

use super::{STAT_BYTES, SessionKey, op};
use crate::error::Code;
use crate::znode::{Acl, AclEntry, Names, Stat, may_be_a_name};

/// Bytes before a string: its length.
const GAP: usize = 4;

/// Bytes of the smallest ACL entry: permissions and two empty strings.
const ACL_ENTRY_BYTES_MIN: usize = 12;

/// A list of names at least this long may stay a slice of its frame; a shorter one is copied, so that a short list
/// which waits for its turn does not keep a long frame alive.
const NAMES_SLICED_BYTES_MIN: usize = 64 * 1024;

/// The bytes are not what the protocol allows; the text says which record was meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub &'static str);

/// `ConnectResponse`, as far as it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectResponse {
    /// What the server grants.
    pub timeout_ms: i32,
    /// The session; its id is 0 where the one that was asked for has expired.
    pub session: SessionKey,
}

/// `ReplyHeader`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyHeader {
    /// The request that is answered.
    pub xid: i32,
    /// The last transaction that the server had applied.
    pub zxid: i64,
    /// What came of it.
    pub code: Code,
}

/// `WatcherEvent`: a watch fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatcherEvent {
    /// What happened (Watcher.java, `EventType`).
    pub kind: i32,
    /// The state of the session (Watcher.java, `KeeperState`).
    pub state: i32,
    /// The absolute path of the znode that it happened to.
    pub path: String,
}

/// The answer to one operation of a multi or a multiRead.
#[derive(Clone, Debug)]
pub enum MultiResult {
    /// getData
    Data(Option<Bytes>, Stat),
    /// getChildren
    Children(Names),
    /// A write that was done, or a check that held.
    Written,
    /// It failed, or was not tried because another one failed.
    Refused(Code),
}

/// Reads records that lie behind one another in a frame.
#[derive(Clone, Debug)]
pub struct Decoder {
    frame: Bytes,
    at: usize,
}

impl Decoder {
    /// Reads a frame, without the length in front of it.
    pub fn new(frame: Bytes) -> Self {
        Self { frame, at: 0 }
    }

    /// What has not been read yet.
    pub fn rest(&self) -> &[u8] {
        self.frame.get(self.at..).unwrap_or_default()
    }

    /// Passes over bytes.
    pub fn skip(&mut self, len: usize) -> Result<(), Malformed> {
        self.take(len).map(drop)
    }

    /// `int`
    pub fn int(&mut self) -> Result<i32, Malformed> {
        self.take(4).map(|mut bytes| bytes.get_i32())
    }

    /// `long`
    pub fn long(&mut self) -> Result<i64, Malformed> {
        self.take(8).map(|mut bytes| bytes.get_i64())
    }

    /// `boolean`
    pub fn boolean(&mut self) -> Result<bool, Malformed> {
        self.take(1).map(|bytes| bytes != [0])
    }

    /// `buffer`, a slice of the frame; null is not empty.
    pub fn buffer(&mut self) -> Result<Option<Bytes>, Malformed> {
        let Some(len) = self.length()? else { return Ok(None) };
        let start = self.at;
        self.skip(len)?;
        Ok(Some(self.frame.slice(start..self.at)))
    }

    /// Passes over a `buffer` or a `ustring` that nobody reads.
    fn skip_buffer(&mut self) -> Result<(), Malformed> {
        self.length()?.map_or(Ok(()), |len| self.skip(len))
    }

    /// `ustring`; ZooKeeper sends no null where the line reads one.
    pub fn text(&mut self) -> Result<&str, Malformed> {
        let len = self.length()?.ok_or(Malformed("a string is null"))?;
        str::from_utf8(self.take(len)?).map_err(|_| Malformed("a string is not UTF-8"))
    }

    /// `ConnectResponse`. Behind what is read stands, since 3.5, whether the server is read-only.
    pub fn connect_response(&mut self) -> Result<ConnectResponse, Malformed> {
        let _protocol_version = self.int()?;
        let (timeout_ms, id) = (self.int()?, self.long()?);
        let password = self.buffer()?.unwrap_or_default();
        let password = password[..].try_into().map_err(|_| Malformed("a session's password has another length"))?;
        Ok(ConnectResponse { timeout_ms, session: SessionKey { id, password } })
    }

    /// `ReplyHeader`
    pub fn reply_header(&mut self) -> Result<ReplyHeader, Malformed> {
        Ok(ReplyHeader { xid: self.int()?, zxid: self.long()?, code: Code(self.int()?) })
    }

    /// `Stat`
    pub fn stat(&mut self) -> Result<Stat, Malformed> {
        let mut bytes = self.take(STAT_BYTES)?;
        Ok(Stat {
            czxid: bytes.get_i64(),
            mzxid: bytes.get_i64(),
            ctime: bytes.get_i64(),
            mtime: bytes.get_i64(),
            version: bytes.get_i32(),
            cversion: bytes.get_i32(),
            aversion: bytes.get_i32(),
            ephemeral_owner: bytes.get_i64(),
            data_length: bytes.get_i32(),
            num_children: bytes.get_i32(),
            pzxid: bytes.get_i64(),
        })
    }

    /// `GetDataResponse`
    pub fn data(&mut self) -> Result<(Option<Bytes>, Stat), Malformed> {
        Ok((self.buffer()?, self.stat()?))
    }

    /// The `vector<ustring>` of a `GetChildrenResponse`, packed as it was sent.
    pub fn names(&mut self) -> Result<Names, Malformed> {
        let count = self.count(GAP)?;
        let start = self.at;
        let mut ends = Vec::with_capacity(count);
        for _ in 0..count {
            if !may_be_a_name(self.text()?) {
                return Err(Malformed("it lists a child by a name that no znode can be called"));
            }
            let end = u32::try_from(self.at - start).map_err(|_| Malformed("a list of names exceeds 4 GiB"))?;
            ends.push(end);
        }
        let text = self.frame.slice(start..self.at);
        let sliced = text.len() >= NAMES_SLICED_BYTES_MIN && text.len() >= self.frame.len() / 2;
        let text = if sliced { text } else { Bytes::copy_from_slice(&text) };
        Ok(Names::packed(text, ends, GAP))
    }

    /// `GetChildren2Response`
    pub fn names_and_stat(&mut self) -> Result<(Names, Stat), Malformed> {
        Ok((self.names()?, self.stat()?))
    }

    /// `WatcherEvent`
    pub fn watcher_event(&mut self) -> Result<WatcherEvent, Malformed> {
        Ok(WatcherEvent { kind: self.int()?, state: self.int()?, path: self.text()?.to_owned() })
    }

    /// `vector<ACL>`
    pub fn acl(&mut self) -> Result<Acl, Malformed> {
        let count = self.count(ACL_ENTRY_BYTES_MIN)?;
        let mut entries = Vec::with_capacity(count);
        for _ in 0..count {
            entries.push(AclEntry { perms: self.int()?, scheme: self.text()?.into(), id: self.text()?.into() });
        }
        Ok(Acl::new(entries))
    }

    /// The next answer of a multi's or multiRead's; `None` at their end.
    pub fn multi_result(&mut self) -> Result<Option<MultiResult>, Malformed> {
        let op = self.int()?;
        let done = self.boolean()?;
        let _code = self.int()?;
        if done {
            return Ok(None);
        }
        Ok(Some(match op {
            op::NONE => MultiResult::Refused(Code(self.int()?)),
            op::GET_DATA => {
                let (data, stat) = self.data()?;
                MultiResult::Data(data, stat)
            }
            op::GET_CHILDREN => MultiResult::Children(self.names()?),
            op::CREATE => {
                self.skip_buffer()?;
                MultiResult::Written
            }
            // A container and a TTL znode are answered as a create2 (FinalRequestProcessor.java:243-247); under their
            // own names they would hold the same.
            op::CREATE2 | op::CREATE_CONTAINER | op::CREATE_TTL => {
                self.skip_buffer()?;
                self.skip(STAT_BYTES)?;
                MultiResult::Written
            }
            op::SET_DATA => {
                self.skip(STAT_BYTES)?;
                MultiResult::Written
            }
            // Nothing but its header (MultiResponse.java, `serialize`).
            op::DELETE | op::CHECK => MultiResult::Written,
            _ => return Err(Malformed("a multi's answer holds a result of an operation that was not asked for")),
        }))
    }

    /// The number of elements of a vector, each of `bytes_min` bytes or more; null is none.
    fn count(&mut self, bytes_min: usize) -> Result<usize, Malformed> {
        let count = self.length()?.unwrap_or(0);
        if count > self.rest().len() / bytes_min {
            return Err(Malformed("a list claims more elements than there are bytes"));
        }
        Ok(count)
    }

    /// A length; `None` for null.
    fn length(&mut self) -> Result<Option<usize>, Malformed> {
        match self.int()? {
            -1 => Ok(None),
            len => usize::try_from(len).map(Some).map_err(|_| Malformed("a length is negative")),
        }
    }

    fn take(&mut self, len: usize) -> Result<&[u8], Malformed> {
        let end = self.at.checked_add(len).ok_or(Malformed("a length exceeds the frame"))?;
        let bytes = self.frame.get(self.at..end).ok_or(Malformed("the frame ends within a record"))?;
        self.at = end;
        Ok(bytes)
    }
}
