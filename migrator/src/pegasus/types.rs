//! Pegasus's own types: error codes, addresses, levels and states.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::str::FromStr;

use thrift::protocol::TType;

use super::record::{Damage, Input, Output, Value};

/// An error code, by its name: `ERR_OK`, `ERR_FORWARD_TO_OTHERS`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorCode(pub String);

impl ErrorCode {
    /// Done.
    pub const OK: &str = "ERR_OK";
    /// The server is a follower: only the primary answers.
    pub const FORWARD_TO_OTHERS: &str = "ERR_FORWARD_TO_OTHERS";
    /// The primary has not loaded its state yet (`meta/meta_service.h`, `check_leader_status`).
    pub const SERVICE_NOT_ACTIVE: &str = "ERR_SERVICE_NOT_ACTIVE";
    /// The primary waits for a recovery to be started.
    pub const UNDER_RECOVERY: &str = "ERR_UNDER_RECOVERY";
    /// It serves already: asked to recover, it does not do it again.
    pub const SERVICE_ALREADY_RUNNING: &str = "ERR_SERVICE_ALREADY_RUNNING";

    /// Whether it is `name`.
    pub fn is(&self, name: &str) -> bool {
        self.0 == name
    }
}

impl From<&str> for ErrorCode {
    fn from(name: &str) -> Self {
        Self(name.to_owned())
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A partition: the table's id and the partition's index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gpid {
    /// The table's id.
    pub app_id: i32,
    /// The partition's index.
    pub index: i32,
}

impl fmt::Display for Gpid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.app_id, self.index)
    }
}

/// An address as older versions have it: IPv4 and a port, packed into 64 bits (`rpc/rpc_address.h`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RpcAddress(pub u64);

impl RpcAddress {
    /// The address, if there is one: 0 is an invalid one, and groups do not travel.
    pub fn socket(self) -> Option<SocketAddrV4> {
        let bits = self.0;
        let ip = u32::try_from(bits >> 32).unwrap_or_default();
        let port = u16::try_from((bits >> 16) & 0xffff).unwrap_or_default();
        (bits & 3 == 1).then(|| SocketAddrV4::new(Ipv4Addr::from(ip), port))
    }
}

impl From<SocketAddrV4> for RpcAddress {
    fn from(socket: SocketAddrV4) -> Self {
        let ip = u64::from(u32::from(*socket.ip()));
        Self(ip << 32 | u64::from(socket.port()) << 16 | 1)
    }
}

impl fmt::Display for RpcAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.socket() {
            Some(socket) => socket.fmt(f),
            None => f.write_str("invalid address"),
        }
    }
}

/// A host's name and a port, as versions from 2.6 on have it (`rpc/rpc_host_port.h`).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPort {
    /// The host, by name or address; empty when invalid.
    pub host: String,
    /// The port.
    pub port: u16,
    /// 1 for a host and port, 0 for an invalid one.
    pub kind: i8,
}

impl HostPort {
    /// A valid one.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port, kind: 1 }
    }

    /// Whether it names a host.
    pub fn is_valid(&self) -> bool {
        self.kind == 1
    }
}

impl FromStr for HostPort {
    type Err = Damage;

    fn from_str(text: &str) -> Result<Self, Damage> {
        let (host, port) = text.rsplit_once(':').ok_or_else(|| Damage(format!("{text:?} is no host:port")))?;
        let port = port.parse().map_err(|_| Damage(format!("{text:?} has no port")))?;
        if host.is_empty() || port == 0 {
            return Err(Damage(format!("{text:?} is no host:port")));
        }
        Ok(Self::new(host, port))
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_valid() { write!(f, "{}:{}", self.host, self.port) } else { f.write_str("invalid host_port") }
    }
}

/// The level that says what the meta server may do (`idl/meta_admin.thrift:325-340`). These five can be set; the server
/// would store any other number too, and crash later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing by the document; in the source nothing looks at it.
    Stopped,
    /// No change of a partition's configuration. Tables, environments, backups and duplications are still written.
    Blind,
    /// No update of a configuration either, but dead nodes are noticed.
    Freezed,
    /// All but balancing.
    Steady,
    /// All.
    Lively,
}

impl Level {
    /// All of them, the lowest first.
    pub const ALL: [Self; 5] = [Self::Stopped, Self::Blind, Self::Freezed, Self::Steady, Self::Lively];

    /// The number that travels instead of a level when it shall only be read.
    pub const ASK: i32 = 10_000;

    /// The number that travels.
    pub fn number(self) -> i32 {
        match self {
            Self::Stopped => 100,
            Self::Blind => 200,
            Self::Freezed => 300,
            Self::Steady => 400,
            Self::Lively => 500,
        }
    }

    /// The level of a number, if it is one.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.number() == number)
    }

    /// As configuration files, the shell and cluster info have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Blind => "blind",
            Self::Freezed => "freezed",
            Self::Steady => "steady",
            Self::Lively => "lively",
        }
    }

    /// The level of a name, if it is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Makes an enum that travels as a number, and keeps a number that it does not know.
macro_rules! numbered {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$state_meta:meta])* $state:ident = $number:literal $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$state_meta])* $state,)*
            /// One that this version does not know.
            Other(i32),
        }

        impl $name {
            /// The number that travels.
            pub fn number(self) -> i32 {
                match self {
                    $(Self::$state => $number,)*
                    Self::Other(number) => number,
                }
            }

            /// The state of a number.
            pub fn from_number(number: i32) -> Self {
                match number {
                    $($number => Self::$state,)*
                    other => Self::Other(other),
                }
            }

            /// The state of a name, if it is one: what stands behind the prefix in Pegasus's own name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$state),)*
                    _ => None,
                }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::from_number(0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$state => f.write_str($text),)*
                    Self::Other(number) => number.fmt(f),
                }
            }
        }

        impl Value for $name {
            const TYPE: TType = TType::I32;

            fn read(from: &mut Input<'_>) -> Result<Self, Damage> {
                i32::read(from).map(Self::from_number)
            }

            fn write(&self, to: &mut Output) {
                self.number().write(to);
            }
        }
    };
}

numbered! {
    /// What becomes of a table (`idl/dsn.layer2.thrift`, `app_status`).
    pub enum AppStatus {
        /// In a request: any.
        Invalid = 0 "INVALID",
        /// There and served.
        Available = 1 "AVAILABLE",
        /// Being made.
        Creating = 2 "CREATING",
        /// Deprecated.
        CreateFailed = 3 "CREATE_FAILED",
        /// Being dropped.
        Dropping = 4 "DROPPING",
        /// Deprecated.
        DropFailed = 5 "DROP_FAILED",
        /// Dropped, and kept until it expires.
        Dropped = 6 "DROPPED",
        /// Being brought back.
        Recalling = 7 "RECALLING",
    }
}

numbered! {
    /// What a replica server is to the meta server (`idl/meta_admin.thrift`, `node_status`).
    pub enum NodeStatus {
        /// In a request: any.
        Invalid = 0 "INVALID",
        /// Its beacons come, or the grace time after the meta server's start is not over.
        Alive = 1 "ALIVE",
        /// Its beacons do not come.
        Unalive = 2 "UNALIVE",
    }
}

/// Error codes travel as a string, addresses as numbers: all of them as the type STRUCT.
impl Value for ErrorCode {
    const TYPE: TType = TType::Struct;

    fn read(from: &mut Input<'_>) -> Result<Self, Damage> {
        String::read(from).map(Self)
    }

    fn write(&self, to: &mut Output) {
        self.0.write(to);
    }
}

impl Value for Gpid {
    const TYPE: TType = TType::Struct;

    fn read(from: &mut Input<'_>) -> Result<Self, Damage> {
        let [i0, i1, i2, i3, a0, a1, a2, a3] = i64::read(from)?.to_be_bytes();
        Ok(Self { app_id: i32::from_be_bytes([a0, a1, a2, a3]), index: i32::from_be_bytes([i0, i1, i2, i3]) })
    }

    fn write(&self, to: &mut Output) {
        let ([a0, a1, a2, a3], [i0, i1, i2, i3]) = (self.app_id.to_be_bytes(), self.index.to_be_bytes());
        i64::from_be_bytes([i0, i1, i2, i3, a0, a1, a2, a3]).write(to);
    }
}

impl Value for RpcAddress {
    const TYPE: TType = TType::Struct;

    fn read(from: &mut Input<'_>) -> Result<Self, Damage> {
        i64::read(from).map(|bits| Self(u64::from_be_bytes(bits.to_be_bytes())))
    }

    fn write(&self, to: &mut Output) {
        i64::from_be_bytes(self.0.to_be_bytes()).write(to);
    }
}

impl Value for HostPort {
    const TYPE: TType = TType::Struct;

    fn read(from: &mut Input<'_>) -> Result<Self, Damage> {
        let (host, port, kind) = (String::read(from)?, i16::read(from)?, i8::read(from)?);
        Ok(Self { host, port: u16::from_be_bytes(port.to_be_bytes()), kind })
    }

    fn write(&self, to: &mut Output) {
        self.host.write(to);
        i16::from_be_bytes(self.port.to_be_bytes()).write(to);
        self.kind.write(to);
    }
}
