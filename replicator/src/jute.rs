//! ZooKeeper's record encoding (jute) over `bytes`: the only place that knows how a byte lies.
//!
//! An [`Encoder`] appends to the caller's buffer, and a frame's length is put in front of it afterwards: nothing is
//! built to be copied. A [`Decoder`] gives slices of the frame that it reads: data is not copied either.
//!
//! Invariants: no bytes make a decoder panic, and none make it allocate more than a small multiple of the bytes that
//! are really there, whatever the lengths in them claim. Null data (length -1) stays apart from empty data.
//!
//! Layouts: zookeeper.jute; those of a multi in MultiOperationRecord.java, MultiHeader and MultiResponse.java. Only
//! what the line uses is here.

mod decoder;
mod encoder;

pub use self::decoder::{ConnectResponse, Decoder, Malformed, MultiResult, ReplyHeader, WatcherEvent};
pub use self::encoder::{ConnectRequest, Encoder, SessionKey, frame, request};

/// Bytes of the length in front of a frame.
pub const LENGTH_BYTES: usize = 4;

/// Bytes of a `Stat`.
pub const STAT_BYTES: usize = 68;

/// What a request asks for (ZooDefs.java, `OpCode`).
pub mod op {
    #![expect(missing_docs, reason = "ZooKeeper's own names")]
    pub const CREATE: i32 = 1;
    pub const DELETE: i32 = 2;
    pub const EXISTS: i32 = 3;
    pub const GET_DATA: i32 = 4;
    pub const SET_DATA: i32 = 5;
    pub const GET_ACL: i32 = 6;
    pub const SET_ACL: i32 = 7;
    pub const GET_CHILDREN: i32 = 8;
    pub const SYNC: i32 = 9;
    pub const PING: i32 = 11;
    pub const GET_CHILDREN2: i32 = 12;
    pub const CHECK: i32 = 13;
    pub const MULTI: i32 = 14;
    pub const CREATE2: i32 = 15;
    pub const CREATE_CONTAINER: i32 = 19;
    pub const CREATE_TTL: i32 = 21;
    pub const MULTI_READ: i32 = 22;
    pub const AUTH: i32 = 100;
    pub const ADD_WATCH: i32 = 106;
    pub const CLOSE_SESSION: i32 = -11;
    /// Stands for no operation: the end of a multi, or an operation of it that failed.
    pub const NONE: i32 = -1;
}

/// Request numbers with a meaning of their own (ClientCnxn.java:843-905); requests count up from 1.
pub mod xid {
    /// A watch fired; nobody asked.
    pub const NOTIFICATION: i32 = -1;
    /// A ping and its answer.
    pub const PING: i32 = -2;
    /// An `addauth` and its answer.
    pub const AUTH: i32 = -4;
}

#[cfg(test)]
mod tests;
