//! Values to bytes.

use super::{BOOL, BYTES, FIRST, FLOAT, GobError, INT, INTERFACE, STRING, Schema, Type, UINT, Value};
use std::collections::BTreeMap;

/// The writing end of a stream. It defines each type once, before the first value that needs it.
#[derive(Clone, Debug)]
pub struct Encoder<'a> {
    schema: &'a Schema,
    /// Numbers of the types that were defined in this stream.
    sent: BTreeMap<&'a str, i64>,
}

impl<'a> Encoder<'a> {
    /// A stream that has no messages yet.
    #[must_use]
    pub fn new(schema: &'a Schema) -> Self {
        let sent = BTreeMap::new();
        Self { schema, sent }
    }

    /// The bytes of a value: definitions of types that are new, and the value itself.
    ///
    /// # Errors
    /// [`GobError::Mismatch`] if the value is not of the type, or the type is not in the schema.
    pub fn value(&mut self, of: &str, value: &Value) -> Result<Vec<u8>, GobError> {
        let mut bytes = Vec::new();
        let number = self.define(of, &mut bytes)?;
        let mut body = Vec::new();
        int(number, &mut body);
        self.outermost(of, value, &mut body)?;
        message(&body, &mut bytes);
        Ok(bytes)
    }

    /// The bytes of a value behind an interface: the name under which Go knows its type, its type here, and the value.
    /// `None` is nil.
    ///
    /// # Errors
    /// As [`Encoder::value`].
    pub fn interface(&mut self, value: Option<(&str, &str, &Value)>) -> Result<Vec<u8>, GobError> {
        let mut bytes = Vec::new();
        let mut body = Vec::new();
        int(INTERFACE, &mut body);
        body.push(0);
        match value {
            None => uint(0, &mut body),
            Some((name, of, value)) => {
                let number = self.define(of, &mut bytes)?;
                text(name.as_bytes(), &mut body);
                int(number, &mut body);
                let mut inner = Vec::new();
                self.outermost(of, value, &mut inner)?;
                message(&inner, &mut body);
            }
        }
        message(&body, &mut bytes);
        Ok(bytes)
    }

    /// The number of a type. If it has none yet, the type and all that it leads to are defined.
    fn define(&mut self, of: &str, out: &mut Vec<u8>) -> Result<i64, GobError> {
        if let Some(known) = known(of).or_else(|| self.sent.get(of).copied()) {
            return Ok(known);
        }
        let (name, shape) = self.schema.get_key_value(of).ok_or_else(|| mismatch("", of))?;
        let number = FIRST + i64::try_from(self.sent.len()).unwrap_or(i64::MAX - FIRST);
        self.sent.insert(name, number); // before what it leads to: a type may lead to itself
        let mut body = Vec::new();
        int(-number, &mut body);
        match shape {
            Type::Slice(elem) => {
                let elem = self.define(elem, out)?;
                definition(2, name, number, &mut body);
                member(elem, &mut body);
            }
            Type::Map(key, elem) => {
                let (key, elem) = (self.define(key, out)?, self.define(elem, out)?);
                definition(4, name, number, &mut body);
                member(key, &mut body);
                member(elem, &mut body);
            }
            Type::Struct(fields) => {
                let mut numbers = Vec::with_capacity(fields.len());
                for (name, of) in fields {
                    numbers.push((name, self.define(of, out)?));
                }
                definition(3, name, number, &mut body);
                if !numbers.is_empty() {
                    uint(1, &mut body);
                    uint(length(numbers.len()), &mut body);
                }
                for (name, number) in numbers {
                    uint(1, &mut body);
                    text(name.as_bytes(), &mut body);
                    member(number, &mut body);
                    uint(0, &mut body);
                }
            }
            Type::Binary => definition(5, name, number, &mut body),
        }
        body.extend([0, 0]); // ends of the description and of the choice between kinds of descriptions
        message(&body, out);
        Ok(number)
    }

    /// A value that is all of a message: what is no struct has a zero before it.
    fn outermost(&self, of: &str, value: &Value, out: &mut Vec<u8>) -> Result<(), GobError> {
        if !matches!(self.schema.get(of), Some(Type::Struct(_))) {
            out.push(0);
        }
        let mut path = Path::default();
        self.write(of, value, &mut path, out)
    }

    fn write(&self, of: &str, value: &Value, path: &mut Path, out: &mut Vec<u8>) -> Result<(), GobError> {
        match (of, value) {
            ("bool", Value::Bool(is_true)) => uint(u64::from(*is_true), out),
            ("int", Value::Int(number)) => int(*number, out),
            ("uint", Value::Uint(number)) => uint(*number, out),
            ("float", Value::Float(number)) => uint(number.to_bits().swap_bytes(), out),
            ("bytes", Value::Bytes(bytes)) => text(bytes, out),
            ("string", Value::String(string)) => text(string.as_bytes(), out),
            _ => return self.write_composed(of, value, path, out),
        }
        Ok(())
    }

    fn write_composed(&self, of: &str, value: &Value, path: &mut Path, out: &mut Vec<u8>) -> Result<(), GobError> {
        match (self.schema.get(of), value) {
            (Some(Type::Binary), Value::Binary(bytes)) => text(bytes, out),
            (Some(Type::Slice(elem)), Value::Slice(items)) => {
                uint(length(items.len()), out);
                for item in items {
                    self.write(elem, item, path, out)?;
                }
            }
            (Some(Type::Map(key, elem)), Value::Map(entries)) => {
                uint(length(entries.len()), out);
                for (name, item) in entries {
                    self.write(key, name, path, out)?;
                    self.write(elem, item, path, out)?;
                }
            }
            (Some(Type::Struct(fields)), Value::Struct(values)) => {
                let mut before = 0;
                for (number, (name, of)) in (1..).zip(fields) {
                    let Some(value) = values.get(name).filter(|value| !is_zero(value)) else {
                        continue;
                    };
                    uint(number - before, out);
                    before = number;
                    path.0.push(name.clone());
                    self.write(of, value, path, out)?;
                    path.0.pop();
                }
                out.push(0);
            }
            _ => return Err(mismatch(&path.0.join("."), of)),
        }
        Ok(())
    }
}

/// Names of fields from the outermost value to the one that is being written.
#[derive(Default)]
struct Path(Vec<String>);

fn mismatch(path: &str, wanted: &str) -> GobError {
    let (path, wanted) = (path.to_owned(), wanted.to_owned());
    GobError::Mismatch { path, wanted }
}

/// The number of a type that needs no definition.
fn known(of: &str) -> Option<i64> {
    Some(match of {
        "bool" => BOOL,
        "int" => INT,
        "uint" => UINT,
        "float" => FLOAT,
        "bytes" => BYTES,
        "string" => STRING,
        _ => return None,
    })
}

/// Whether a field is left out. Structs are always sent, and so are maps, empty ones too.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Bool(is_true) => !is_true,
        Value::Int(number) => *number == 0,
        Value::Uint(number) => *number == 0,
        Value::Float(number) => number.to_bits() == 0,
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::String(string) => string.is_empty(),
        Value::Slice(items) => items.is_empty(),
        Value::Binary(bytes) => bytes.is_empty(),
        Value::Map(_) | Value::Struct(_) | Value::Interface(_) => false,
    }
}

/// The beginning of a description: its kind, and what all kinds have, name and number.
fn definition(kind: u64, name: &str, number: i64, out: &mut Vec<u8>) {
    uint(kind, out);
    uint(1, out);
    uint(1, out);
    text(name.as_bytes(), out);
    member(number, out);
    uint(0, out);
}

/// The next field of a description, a number.
fn member(number: i64, out: &mut Vec<u8>) {
    uint(1, out);
    int(number, out);
}

fn message(body: &[u8], out: &mut Vec<u8>) {
    uint(length(body.len()), out);
    out.extend_from_slice(body);
}

fn text(bytes: &[u8], out: &mut Vec<u8>) {
    uint(length(bytes.len()), out);
    out.extend_from_slice(bytes);
}

fn length(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Up to 127 one byte; else the count of bytes, negated, and the bytes, the greatest first.
fn uint(number: u64, out: &mut Vec<u8>) {
    let bytes = number.to_be_bytes();
    match bytes.iter().position(|byte| *byte != 0) {
        None => out.push(0),
        Some(7) if number < 128 => out.push(bytes[7]),
        Some(first) => {
            let count = u8::try_from(bytes.len() - first).unwrap_or(8);
            out.push(count.wrapping_neg());
            out.extend_from_slice(&bytes[first..]);
        }
    }
}

/// The sign is the lowest bit.
fn int(number: i64, out: &mut Vec<u8>) {
    uint(((number << 1) ^ (number >> 63)).cast_unsigned(), out);
}
