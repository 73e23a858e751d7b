//! What stands around a record: THFT headers (versions 0 and 1), native RDSN headers, names and sequence numbers.
//!
//! A request in THFT (`rpc/thrift_message_parser.cpp:58-81`, integers big-endian) is a header, a thrift message of type
//! CALL and the request's body. Its reply has no header but its own length, the frame's error, and a thrift message of
//! type REPLY; a frame with an error has no body. RDSN (`rpc/rpc_message.h:81-126`, integers little-endian) is the
//! server's own struct of 192 bytes and the body, in both directions. [`client`](super::client) asks in THFT version 0,
//! which every version understands.
//!
//! Nothing is lost between the bytes and a value: what was decoded encodes to the same bytes.

mod rdsn;

pub use rdsn::RdsnHeader;
use thrift::protocol::{TMessageIdentifier, TMessageType};

use super::record::{Damage, Input, Output, Value};
use super::types::ErrorCode;
use crate::{limits, record};

const THFT: &[u8; 4] = b"THFT";
const RDSN: &[u8; 4] = b"RDSN";
/// How long a THFT header of version 0 is, which it also says itself.
const V0_BYTES: usize = 48;
/// How long a THFT header of version 1 is, without the record behind it.
const V1_BYTES: usize = 16;

/// A request as it stands in its frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its header.
    pub header: RequestHeader,
    /// The name of the RPC.
    pub rpc: String,
    /// The sequence number that the reply repeats. RDSN has one in its header.
    pub sequence: i32,
    /// The request as the only field of a record: [`super::record::decode_body`] reads it.
    pub body: Vec<u8>,
}

/// A request's header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestHeader {
    /// THFT version 0.
    ThriftV0(ThriftV0),
    /// THFT version 1.
    ThriftV1(RequestMeta),
    /// The server's own.
    Rdsn(Box<RdsnHeader>),
}

/// The header of THFT version 0, without lengths and the checksums, which nobody looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThriftV0 {
    /// The table that is asked for; 0 to a meta server.
    pub app_id: i32,
    /// Its partition.
    pub partition_index: i32,
    /// How long the client waits, in milliseconds.
    pub timeout_ms: i32,
    /// Which of the server's threads; 0: any.
    pub thread_hash: i32,
    /// A hash of the key; 0 to a meta server.
    pub partition_hash: u64,
}

record! {
    /// What a header of THFT version 1 says (`rpc/request_meta.thrift`).
    pub struct RequestMeta {
        /// The table that is asked for; 0 to a meta server.
        1: app_id: Option<i32>,
        /// Its partition.
        2: partition_index: Option<i32>,
        /// How long the client waits, in milliseconds.
        3: client_timeout: Option<i32>,
        /// A hash of the key; 0 to a meta server.
        4: client_partition_hash: Option<i64>,
        /// Whether a secondary may answer.
        5: is_backup_request: Option<bool>,
    }
}

impl Request {
    /// A request in THFT version 0.
    pub fn new(rpc: &str, sequence: i32, timeout_ms: i32, body: Vec<u8>) -> Self {
        let header = RequestHeader::ThriftV0(ThriftV0 { timeout_ms, ..ThriftV0::default() });
        Self { header, rpc: rpc.to_owned(), sequence, body }
    }

    /// The frame's bytes.
    pub fn encode(&self) -> Vec<u8> {
        match &self.header {
            RequestHeader::ThriftV0(header) => {
                let message = self.message();
                let mut frame = THFT.to_vec();
                for word in [0, length(V0_BYTES), 0, length(message.len()), 0] {
                    frame.extend(word.to_be_bytes());
                }
                for word in [header.app_id, header.partition_index, header.timeout_ms, header.thread_hash] {
                    frame.extend(word.to_be_bytes());
                }
                frame.extend(header.partition_hash.to_be_bytes());
                frame.extend(message);
                frame
            }
            RequestHeader::ThriftV1(meta) => {
                let message = self.message();
                let mut output = Output::new();
                meta.write(&mut output);
                let meta = output.into_bytes();
                let mut frame = THFT.to_vec();
                for word in [1, length(meta.len()), length(message.len())] {
                    frame.extend(word.to_be_bytes());
                }
                frame.extend(meta);
                frame.extend(message);
                frame
            }
            RequestHeader::Rdsn(header) => header.encode(&self.body),
        }
    }

    fn message(&self) -> Vec<u8> {
        let mut output = Output::new();
        output.message(&TMessageIdentifier::new(self.rpc.clone(), TMessageType::Call, self.sequence));
        let mut bytes = output.into_bytes();
        bytes.extend(&self.body);
        bytes
    }

    /// How long the frame is that begins with `prefix`, or nothing when more bytes are needed to know.
    pub fn frame_length(prefix: &[u8]) -> Result<Option<usize>, Damage> {
        let Some(magic) = prefix.first_chunk::<4>() else { return Ok(None) };
        match magic {
            THFT => match u32_at(prefix, 4) {
                None => Ok(None),
                Some(0) => bounded([Some(length(V0_BYTES)), u32_at(prefix, 16)]),
                Some(1) => bounded([Some(length(V1_BYTES)), u32_at(prefix, 8), u32_at(prefix, 12)]),
                Some(version) => Err(Damage(format!("THFT version {version} is not known"))),
            },
            RDSN => RdsnHeader::frame_length(prefix),
            _ => Err(Damage("a frame that begins with neither THFT nor RDSN".into())),
        }
    }

    /// The request of a whole frame.
    pub fn decode(frame: &[u8]) -> Result<Self, Damage> {
        if Self::frame_length(frame)? != Some(frame.len()) {
            return Err(Damage(format!("a frame is not {} bytes long", frame.len())));
        }
        if frame.starts_with(RDSN) {
            let (header, body) = RdsnHeader::decode(frame)?;
            let (rpc, sequence) = (header.rpc_name.clone(), 0);
            return Ok(Self { header: RequestHeader::Rdsn(Box::new(header)), rpc, sequence, body });
        }
        if u32_at(frame, 4) == Some(0) {
            let (head, message) = frame.split_at(V0_BYTES);
            if u32_at(head, 8) != Some(length(V0_BYTES)) {
                return Err(Damage("a THFT header says another length than it has".into()));
            }
            let word = |at| i32_at(head, at).unwrap_or_default();
            let hash = head.last_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
            let header = ThriftV0 {
                app_id: word(24),
                partition_index: word(28),
                timeout_ms: word(32),
                thread_hash: word(36),
                partition_hash: hash,
            };
            return Self::of_message(RequestHeader::ThriftV0(header), message);
        }
        let meta_length = u32_at(frame, 8).unwrap_or_default() as usize;
        let (head, message) = frame.split_at(V1_BYTES + meta_length);
        let mut input = Input::new(&head[V1_BYTES..]);
        let meta = RequestMeta::read(&mut input)?;
        if !input.rest().is_empty() {
            return Err(Damage("a THFT header has bytes behind its record".into()));
        }
        Self::of_message(RequestHeader::ThriftV1(meta), message)
    }

    fn of_message(header: RequestHeader, bytes: &[u8]) -> Result<Self, Damage> {
        let mut input = Input::new(bytes);
        let message = input.message()?;
        if message.message_type != TMessageType::Call {
            return Err(Damage(format!("a request has message type {}", message.message_type)));
        }
        let body = input.rest().to_vec();
        Ok(Self { header, rpc: message.name, sequence: message.sequence_number, body })
    }
}

/// A reply as it stands in its frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// To a THFT request of any version.
    Thrift(ThriftReply),
    /// To an RDSN request.
    Rdsn(Box<RdsnHeader>, Vec<u8>),
}

/// The reply to a THFT request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThriftReply {
    /// Whether the request came to whom it was meant for: there is a body only with `ERR_OK`.
    pub error: ErrorCode,
    /// The name of the RPC and `_ACK`.
    pub rpc: String,
    /// The request's sequence number.
    pub sequence: i32,
    /// The reply as the only field of a record: [`super::record::decode_body`] reads it.
    pub body: Vec<u8>,
}

impl Reply {
    /// The frame's bytes.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Thrift(reply) => {
                let mut output = Output::new();
                reply.error.write(&mut output);
                output.message(&TMessageIdentifier::new(reply.rpc.clone(), TMessageType::Reply, reply.sequence));
                let rest = [output.into_bytes(), reply.body.clone()].concat();
                [length(rest.len() + 4).to_be_bytes().as_slice(), &rest].concat()
            }
            Self::Rdsn(header, body) => header.encode(body),
        }
    }

    /// How long a THFT reply is that begins with these bytes, all of it; within the limit.
    pub fn thrift_length(prefix: [u8; 4]) -> Result<usize, Damage> {
        let length = u32::from_be_bytes(prefix);
        match usize::try_from(length) {
            Ok(bytes) if (4..=limits::FRAME_BYTES_MAX).contains(&bytes) => Ok(bytes),
            _ => Err(Damage(format!("a reply says that it is {length} bytes long"))),
        }
    }

    /// The reply of a whole frame.
    pub fn decode(frame: &[u8]) -> Result<Self, Damage> {
        if frame.starts_with(RDSN) {
            let (header, body) = RdsnHeader::decode(frame)?;
            return Ok(Self::Rdsn(Box::new(header), body));
        }
        ThriftReply::decode(frame).map(Self::Thrift)
    }
}

impl ThriftReply {
    /// The reply of a whole frame.
    pub fn decode(frame: &[u8]) -> Result<Self, Damage> {
        let (prefix, rest) = frame.split_first_chunk().ok_or_else(|| Damage("a reply without a length".into()))?;
        if Reply::thrift_length(*prefix)? != frame.len() {
            return Err(Damage(format!("a reply is not {} bytes long", frame.len())));
        }
        let mut input = Input::new(rest);
        let error = ErrorCode::read(&mut input)?;
        let message = input.message()?;
        if message.message_type != TMessageType::Reply {
            return Err(Damage(format!("a reply has message type {}", message.message_type)));
        }
        let body = input.rest().to_vec();
        Ok(Self { error, rpc: message.name, sequence: message.sequence_number, body })
    }
}

/// The sum of a frame's parts, or nothing when one is not known yet.
fn bounded<const N: usize>(parts: [Option<u32>; N]) -> Result<Option<usize>, Damage> {
    let Some(sum) = parts.into_iter().map(|part| part.map(u64::from)).sum::<Option<u64>>() else { return Ok(None) };
    match usize::try_from(sum) {
        Ok(bytes) if bytes <= limits::FRAME_BYTES_MAX => Ok(Some(bytes)),
        _ => Err(Damage(format!("a request says that it is {sum} bytes long"))),
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|word| u32::from_be_bytes(*word))
}

fn i32_at(bytes: &[u8], at: usize) -> Option<i32> {
    bytes.get(at..)?.first_chunk().map(|word| i32::from_be_bytes(*word))
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("what is sent is far below 4 GiB")
}
