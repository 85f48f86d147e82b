//! Go's own encoding of values, `encoding/gob`, as far as plugins use it: [the format](https://pkg.go.dev/encoding/gob).
//!
//! A stream is a sequence of messages. A message defines a type or has a value, of a type that was defined before it or
//! that every program knows. The reader needs nothing but the stream; the writer needs a [`Schema`].

mod decode;
mod encode;
#[cfg(test)]
mod tests;

pub use decode::{Decoder, MESSAGE};
pub use encode::Encoder;

use std::collections::BTreeMap;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `bool`.
    Bool(bool),
    /// Integers with a sign, of all sizes.
    Int(i64),
    /// Integers without a sign, of all sizes.
    Uint(u64),
    /// `float32` and `float64`.
    Float(f64),
    /// `[]byte`.
    Bytes(Vec<u8>),
    /// `string`.
    String(String),
    /// Slices and arrays.
    Slice(Vec<Value>),
    /// Maps, in the order in which they were sent.
    Map(Vec<(Value, Value)>),
    /// The fields of a struct, by their names in Go. What is zero is not sent.
    Struct(BTreeMap<String, Value>),
    /// What a type makes of itself by `GobEncode` or `MarshalBinary`.
    Binary(Vec<u8>),
    /// A value behind an interface with the name under which its type is registered; `None` is nil.
    Interface(Option<Box<(String, Value)>>),
}

/// What a type consists of. Types are named by the keys of their [`Schema`], or by a name that needs no entry there:
/// `bool`, `int`, `uint`, `float`, `bytes`, `string`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// A slice of what the name says.
    Slice(String),
    /// A map from one type to another.
    Map(String, String),
    /// The names and types of the fields, in their order in Go.
    Struct(Vec<(String, String)>),
    /// A type that encodes itself (`GobEncoder`).
    Binary,
}

/// Types by their names.
pub type Schema = BTreeMap<String, Type>;

/// Why a value cannot be written, or a stream cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GobError {
    /// The stream ended inside a message, or a message inside a value.
    #[error("it ends too early")]
    End,
    /// It breaks a rule of the format, or goes beyond a limit of the reader.
    #[error("{0}")]
    Broken(&'static str),
    /// It has a type that nobody defined.
    #[error("type {0} is not defined")]
    Undefined(i64),
    /// A value that is not of the type that it is to be written as.
    #[error("{path}: a value of type {wanted} is needed")]
    Mismatch {
        /// Where it stands, as `Rollout.Spec.Replicas`.
        path: String,
        /// Name of the type.
        wanted: String,
    },
}

/// Numbers of the types that every program knows.
const BOOL: i64 = 1;
const INT: i64 = 2;
const UINT: i64 = 3;
const FLOAT: i64 = 4;
const BYTES: i64 = 5;
const STRING: i64 = 6;
const INTERFACE: i64 = 8;

/// The first number of a type that is defined in the stream.
const FIRST: i64 = 64;
