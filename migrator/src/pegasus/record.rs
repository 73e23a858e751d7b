//! How a thrift record is read and written: fields by their schema, over the `thrift` crate's binary protocol.
//!
//! Pegasus's own types travel as the type STRUCT without being one (`idl/dsn.thrift` calls them place holders), so a
//! record can be read only by whoever knows its schema: a generic reader would run into the bytes behind them.
//!
//! Bytes are never trusted: no length is allocated before the bytes for it are there, and what is left over is damage.

use std::collections::BTreeMap;

use thiserror::Error;
use thrift::TConfiguration;
pub use thrift::protocol::TType;
use thrift::protocol::{
    TBinaryInputProtocol, TBinaryOutputProtocol, TFieldIdentifier, TInputProtocol, TListIdentifier, TMapIdentifier,
    TOutputProtocol,
};

use crate::limits;

/// Bytes that are no such record.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("damaged bytes: {0}")]
pub struct Damage(pub String);

impl From<thrift::Error> for Damage {
    fn from(error: thrift::Error) -> Self {
        Self(match error {
            thrift::Error::Protocol(error) => error.message,
            thrift::Error::Transport(error) => error.message,
            thrift::Error::Application(error) => error.message,
            thrift::Error::User(error) => error.to_string(),
        })
    }
}

/// Bytes that are being read.
pub struct Input<'a>(TBinaryInputProtocol<&'a [u8]>);

/// Bytes that are being written.
pub struct Output(TBinaryOutputProtocol<Vec<u8>>);

/// Memory takes every write, so the protocol has nothing to fail at.
const INTO_MEMORY: &str = "memory takes every write";

/// What can stand in a field.
pub trait Value: Sized {
    /// The type that the field says it has.
    const TYPE: TType;

    /// Reads one.
    fn read(from: &mut Input<'_>) -> Result<Self, Damage>;

    /// Writes it.
    fn write(&self, to: &mut Output);

    /// Whether the field is left out: only an optional one is.
    fn is_absent(&self) -> bool {
        false
    }
}

impl<'a> Input<'a> {
    /// Reads `bytes`, within the limits of what a frame may hold.
    pub fn new(bytes: &'a [u8]) -> Self {
        let config = TConfiguration::builder()
            .max_message_size(Some(limits::FRAME_BYTES_MAX))
            .max_frame_size(Some(limits::FRAME_BYTES_MAX))
            .max_string_size(Some(bytes.len()))
            .max_container_size(Some(bytes.len().min(limits::FRAME_ELEMENTS_MAX)))
            .build()
            .expect("a frame is as large as a message");
        Self(TBinaryInputProtocol::with_config(bytes, true, config))
    }

    /// The next field: what type it says it has, and its number. Nothing behind the last one.
    pub fn field(&mut self) -> Result<Option<(TType, i16)>, Damage> {
        let TFieldIdentifier { field_type, id, .. } = self.0.read_field_begin()?;
        Ok((field_type != TType::Stop).then(|| (field_type, id.unwrap_or_default())))
    }

    /// The value of a field that says it has type `said`.
    pub fn value<T: Value>(&mut self, said: TType) -> Result<T, Damage> {
        if said != T::TYPE {
            return Err(Damage(format!("a field has type {said}, not {}", T::TYPE)));
        }
        T::read(self)
    }

    /// Passes over a field that this schema does not have.
    pub fn skip(&mut self, said: TType) -> Result<(), Damage> {
        Ok(self.0.skip(said)?)
    }

    /// A message's name, type and sequence number.
    pub fn message(&mut self) -> Result<thrift::protocol::TMessageIdentifier, Damage> {
        Ok(self.0.read_message_begin()?)
    }

    /// What was not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.0.transport
    }
}

impl Output {
    /// An empty one.
    pub fn new() -> Self {
        Self(TBinaryOutputProtocol::new(Vec::new(), true))
    }

    /// One field, unless it is absent.
    pub fn field<T: Value>(&mut self, id: i16, value: &T) {
        if !value.is_absent() {
            self.0.write_field_begin(&TFieldIdentifier::new("", T::TYPE, id)).expect(INTO_MEMORY);
            value.write(self);
        }
    }

    /// The end of a record's fields.
    pub fn stop(&mut self) {
        self.0.write_field_stop().expect(INTO_MEMORY);
    }

    /// A message's name, type and sequence number.
    pub fn message(&mut self, message: &thrift::protocol::TMessageIdentifier) {
        self.0.write_message_begin(message).expect(INTO_MEMORY);
    }

    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0.transport
    }
}

impl Default for Output {
    fn default() -> Self {
        Self::new()
    }
}

/// One value as the only field of a record: how a request and a reply stand in their frames.
pub fn encode_body<T: Value>(id: i16, value: &T) -> Vec<u8> {
    let mut output = Output::new();
    output.field(id, value);
    output.stop();
    output.into_bytes()
}

/// The value of the first field, whatever its number is: the server does the same (`rpc/thrift_helper.h:706-722`).
pub fn decode_body<T: Value>(bytes: &[u8]) -> Result<T, Damage> {
    let mut input = Input::new(bytes);
    let Some((said, _)) = input.field()? else { return Err(Damage("there is no value".into())) };
    let value = input.value(said)?;
    match input.field()? {
        Some((_, id)) => Err(Damage(format!("there is a field {id} behind the value"))),
        None if !input.rest().is_empty() => Err(Damage(format!("{} bytes behind the end", input.rest().len()))),
        None => Ok(value),
    }
}

macro_rules! plain {
    ($type:ty, $said:ident, $read:ident, $write:ident) => {
        impl Value for $type {
            const TYPE: TType = TType::$said;

            fn read(from: &mut Input<'_>) -> Result<Self, Damage> {
                Ok(from.0.$read()?)
            }

            fn write(&self, to: &mut Output) {
                to.0.$write(*self).expect(INTO_MEMORY);
            }
        }
    };
}

plain!(i8, I08, read_i8, write_i8);
plain!(i16, I16, read_i16, write_i16);
plain!(i32, I32, read_i32, write_i32);
plain!(i64, I64, read_i64, write_i64);

impl Value for bool {
    const TYPE: TType = TType::Bool;

    fn read(from: &mut Input<'_>) -> Result<Self, Damage> {
        match from.0.read_i8()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(Damage(format!("{other} is no boolean"))),
        }
    }

    fn write(&self, to: &mut Output) {
        to.0.write_i8(i8::from(*self)).expect(INTO_MEMORY);
    }
}

impl Value for String {
    const TYPE: TType = TType::String;

    fn read(from: &mut Input<'_>) -> Result<Self, Damage> {
        Ok(from.0.read_string()?)
    }

    fn write(&self, to: &mut Output) {
        to.0.write_string(self).expect(INTO_MEMORY);
    }
}

impl<T: Value> Value for Vec<T> {
    const TYPE: TType = TType::List;

    fn read(from: &mut Input<'_>) -> Result<Self, Damage> {
        let TListIdentifier { element_type, size } = from.0.read_list_begin()?;
        (0..size).map(|_| from.value(element_type)).collect::<Result<_, _>>()
    }

    fn write(&self, to: &mut Output) {
        to.0.write_list_begin(&TListIdentifier::new(T::TYPE, size(self.len()))).expect(INTO_MEMORY);
        for element in self {
            element.write(to);
        }
    }
}

impl<V: Value> Value for BTreeMap<String, V> {
    const TYPE: TType = TType::Map;

    fn read(from: &mut Input<'_>) -> Result<Self, Damage> {
        let TMapIdentifier { key_type, value_type, size } = from.0.read_map_begin()?;
        // An empty map may leave its types open.
        let (key_type, value_type) = (key_type.unwrap_or(TType::Stop), value_type.unwrap_or(TType::Stop));
        let entry = |_| Ok((from.value(key_type)?, from.value(value_type)?));
        let map = (0..size).map(entry).collect::<Result<Self, Damage>>()?;
        if usize::try_from(size).is_ok_and(|size| size != map.len()) {
            return Err(Damage("a map has a key twice".into()));
        }
        Ok(map)
    }

    fn write(&self, to: &mut Output) {
        let begin = TMapIdentifier::new(TType::String, V::TYPE, size(self.len()));
        to.0.write_map_begin(&begin).expect(INTO_MEMORY);
        for (key, value) in self {
            key.write(to);
            value.write(to);
        }
    }
}

impl<T: Value> Value for Option<T> {
    const TYPE: TType = T::TYPE;

    fn read(from: &mut Input<'_>) -> Result<Self, Damage> {
        T::read(from).map(Some)
    }

    fn write(&self, to: &mut Output) {
        if let Some(value) = self {
            value.write(to);
        }
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

fn size(length: usize) -> i32 {
    i32::try_from(length).expect("what is sent is far below 2^31 elements")
}

/// A record: a struct whose fields are numbered as in the `.thrift` file. An `Option` is a field that thrift calls
/// optional; any other is always written, and has its default where the other side left it out.
#[macro_export]
macro_rules! record {
    ($(#[$meta:meta])* $vis:vis struct $name:ident {
        $($(#[$field_meta:meta])* $id:literal: $field:ident: $type:ty,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        $vis struct $name {
            $($(#[$field_meta])* $vis $field: $type,)*
        }

        impl $crate::pegasus::record::Value for $name {
            const TYPE: $crate::pegasus::record::TType = $crate::pegasus::record::TType::Struct;

            fn read(
                from: &mut $crate::pegasus::record::Input<'_>,
            ) -> ::std::result::Result<Self, $crate::pegasus::record::Damage> {
                let mut record = Self::default();
                while let Some((said, id)) = from.field()? {
                    match id {
                        $($id => record.$field = from.value(said)?,)*
                        _ => from.skip(said)?,
                    }
                }
                Ok(record)
            }

            fn write(&self, to: &mut $crate::pegasus::record::Output) {
                $(to.field($id, &self.$field);)*
                to.stop();
            }
        }
    };
}
