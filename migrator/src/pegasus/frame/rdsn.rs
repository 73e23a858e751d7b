//! The native header: the server's C struct `message_header` as it lies in memory (`rpc/rpc_message.h:81-126`), 192 bytes,
//! little-endian.

use super::super::record::Damage;
use super::super::types::RpcAddress;
use super::RDSN;
use crate::limits;

/// How long the struct is.
const BYTES: usize = 192;
/// How long a name in it may be, with its final zero.
const NAME_BYTES: usize = 48;

/// The native header, without the length of its body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RdsnHeader {
    /// Of the header; 0: not given.
    pub header_checksum: u32,
    /// Of the body; 0: not given.
    pub body_checksum: u32,
    /// The request's number, which the reply repeats.
    pub id: u64,
    /// For the server's logs; the reply repeats it.
    pub trace_id: u64,
    /// The RPC; a reply adds `_ACK`.
    pub rpc_name: String,
    /// The server's own number of the RPC and a hash of its program; 0: look the name up.
    pub local_code: [u32; 2],
    /// The partition that is asked for; 0 to a meta server.
    pub gpid: u64,
    /// Bits, see [`Self::IS_REQUEST`] and its like.
    pub context: u64,
    /// Who asks. With a port up to 1023 a follower answers with the primary's address; with any other it really forwards
    /// (`rpc/rpc_engine.cpp:838-866`).
    pub from_address: RpcAddress,
    /// How long the client waits, in milliseconds.
    pub timeout_ms: i32,
    /// Which of the server's threads; 0: any.
    pub thread_hash: i32,
    /// A hash of the key; 0 to a meta server.
    pub partition_hash: u64,
    /// In a reply, whether the request came to whom it was meant for.
    pub error_name: String,
    /// The server's own number of the error and a hash of its program.
    pub local_error: [u32; 2],
}

impl RdsnHeader {
    /// It is a request.
    pub const IS_REQUEST: u64 = 1;
    /// The body is thrift's binary protocol.
    pub const THRIFT_BINARY: u64 = 1 << 6;
    /// The client can be forwarded.
    pub const CAN_FORWARD: u64 = 1 << 10;

    /// How long the frame is that begins with `prefix`, or nothing when more bytes are needed to know.
    pub fn frame_length(prefix: &[u8]) -> Result<Option<usize>, Damage> {
        let Some(body) = prefix.get(16..).and_then(|rest| rest.first_chunk()) else { return Ok(None) };
        let body = u32::from_le_bytes(*body);
        match usize::try_from(body) {
            Ok(body) if body <= limits::FRAME_BYTES_MAX - BYTES => Ok(Some(BYTES + body)),
            _ => Err(Damage(format!("an RDSN frame says that its body is {body} bytes long"))),
        }
    }

    /// The frame's bytes.
    pub fn encode(&self, body: &[u8]) -> Vec<u8> {
        let length = |bytes: usize| u32::try_from(bytes).expect("what is sent is far below 4 GiB");
        let mut frame = RDSN.to_vec();
        for word in [0, length(BYTES), self.header_checksum, length(body.len()), self.body_checksum] {
            frame.extend(word.to_le_bytes());
        }
        frame.extend(self.id.to_le_bytes());
        frame.extend(self.trace_id.to_le_bytes());
        frame.extend(name(&self.rpc_name));
        frame.extend(self.local_code.iter().flat_map(|word| word.to_le_bytes()));
        frame.extend(self.gpid.to_le_bytes());
        frame.extend(self.context.to_le_bytes());
        frame.extend(self.from_address.0.to_le_bytes());
        frame.extend(self.timeout_ms.to_le_bytes());
        frame.extend(self.thread_hash.to_le_bytes());
        frame.extend(self.partition_hash.to_le_bytes());
        frame.extend(name(&self.error_name));
        frame.extend(self.local_error.iter().flat_map(|word| word.to_le_bytes()));
        frame.extend(body);
        frame
    }

    /// The header and the body of a whole frame.
    pub fn decode(frame: &[u8]) -> Result<(Self, Vec<u8>), Damage> {
        if Self::frame_length(frame)? != Some(frame.len()) {
            return Err(Damage(format!("an RDSN frame is not {} bytes long", frame.len())));
        }
        let (header, body) = frame.split_at(BYTES);
        let mut rest = Fields(header.split_at(4).1);
        let version = rest.u32()?;
        let bytes = rest.u32()?;
        if version != 0 || bytes as usize != BYTES {
            return Err(Damage(format!("an RDSN header of version {version} and {bytes} bytes")));
        }
        let header_checksum = rest.u32()?;
        rest.u32()?;
        let header = Self {
            header_checksum,
            body_checksum: rest.u32()?,
            id: rest.u64()?,
            trace_id: rest.u64()?,
            rpc_name: rest.name()?,
            local_code: [rest.u32()?, rest.u32()?],
            gpid: rest.u64()?,
            context: rest.u64()?,
            from_address: RpcAddress(rest.u64()?),
            timeout_ms: rest.i32()?,
            thread_hash: rest.i32()?,
            partition_hash: rest.u64()?,
            error_name: rest.name()?,
            local_error: [rest.u32()?, rest.u32()?],
        };
        Ok((header, body.to_vec()))
    }
}

/// A name, filled up with zeros; cut where it is too long for its place.
fn name(text: &str) -> [u8; NAME_BYTES] {
    let mut bytes = [0; NAME_BYTES];
    bytes.iter_mut().take(NAME_BYTES - 1).zip(text.bytes()).for_each(|(place, byte)| *place = byte);
    bytes
}

/// The struct's fields, one after the other.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or_else(|| Damage("an RDSN header ends early".into()))?;
        self.0 = rest;
        Ok(*bytes)
    }

    fn u32(&mut self) -> Result<u32, Damage> {
        self.take().map(u32::from_le_bytes)
    }

    fn i32(&mut self) -> Result<i32, Damage> {
        self.take().map(i32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Damage> {
        self.take().map(u64::from_le_bytes)
    }

    fn name(&mut self) -> Result<String, Damage> {
        let bytes = self.take::<NAME_BYTES>()?;
        let end = bytes.iter().position(|byte| *byte == 0).filter(|end| bytes[*end..].iter().all(|byte| *byte == 0));
        let text = end.and_then(|end| std::str::from_utf8(&bytes[..end]).ok());
        text.map(str::to_owned).ok_or_else(|| Damage("a name in an RDSN header is not ended by zeros".into()))
    }
}
