//! Bytes to values. The bytes come from another program: sizes, depths and counts have limits, and nothing panics.

use super::{BOOL, BYTES, FIRST, FLOAT, GobError, INT, INTERFACE, STRING, UINT, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The most bytes of one message. An object of Kubernetes has at most 1.5 MiB.
pub const MESSAGE: usize = 8 << 20;
/// The most values in one message.
const VALUES: usize = 1 << 20;
/// The most values inside each other.
const DEPTH: usize = 100;
/// The most types of one stream, and the most bytes of their definitions.
const TYPES: usize = 4096;
const DEFINITIONS: usize = 1 << 20;
/// The most fields of a struct.
const FIELDS: usize = 1 << 16;

/// The reading end of a stream.
#[derive(Debug, Default)]
pub struct Decoder {
    types: BTreeMap<i64, Wire>,
    defined: usize,
}

/// A type as the other side defined it.
#[derive(Clone, Debug)]
enum Wire {
    Slice(i64),
    Array(i64),
    Map(i64, i64),
    Struct(Arc<[(String, i64)]>),
    Binary,
}

impl Decoder {
    /// Takes the message that `bytes` begin with. `None` means that the rest of it has not arrived. Otherwise the count of
    /// bytes that it took, and its value if it did not define a type.
    ///
    /// # Errors
    /// The message is too long, breaks a rule of the format, or has a type that was not defined. The stream is of no use
    /// then.
    pub fn take(&mut self, bytes: &[u8]) -> Result<Option<(usize, Option<Value>)>, GobError> {
        let mut input = Input { bytes };
        let size = match input.uint() {
            Ok(size) => usize::try_from(size).unwrap_or(usize::MAX),
            Err(GobError::End) => return Ok(None),
            Err(error) => return Err(error),
        };
        if size > MESSAGE {
            return Err(GobError::Broken("a message is longer than 8 MiB"));
        }
        let head = bytes.len() - input.bytes.len();
        let Some(body) = input.bytes.get(..size) else {
            return Ok(None);
        };
        Ok(Some((head + size, self.message(body)?)))
    }

    fn message(&mut self, body: &[u8]) -> Result<Option<Value>, GobError> {
        let mut input = Input { bytes: body };
        let mut reader = Reader {
            decoder: self,
            left: VALUES,
        };
        let number = input.int()?;
        let value = if number < 0 {
            reader.define(number, &mut input)?;
            None
        } else {
            Some(reader.outermost(number, &mut input, 0)?)
        };
        if input.bytes.is_empty() {
            Ok(value)
        } else {
            Err(GobError::Broken("a message is longer than its value"))
        }
    }
}

/// Reads one message.
struct Reader<'a> {
    decoder: &'a mut Decoder,
    /// How many values it may still have.
    left: usize,
}

impl Reader<'_> {
    fn outermost(&mut self, number: i64, input: &mut Input<'_>, depth: usize) -> Result<Value, GobError> {
        let is_struct = match self.decoder.types.get(&number) {
            Some(wire) => matches!(wire, Wire::Struct(_)),
            None if number < FIRST => false,
            None => return Err(GobError::Undefined(number)),
        };
        if !is_struct && input.uint()? != 0 {
            return Err(GobError::Broken("a value that is no struct has no zero before it"));
        }
        self.value(number, input, depth)
    }

    fn value(&mut self, number: i64, input: &mut Input<'_>, depth: usize) -> Result<Value, GobError> {
        if depth > DEPTH {
            return Err(GobError::Broken("values are nested too deeply"));
        }
        self.left = self
            .left
            .checked_sub(1)
            .ok_or(GobError::Broken("it has too many values"))?;
        Ok(match number {
            BOOL => Value::Bool(input.uint()? != 0),
            INT => Value::Int(input.int()?),
            UINT => Value::Uint(input.uint()?),
            FLOAT => Value::Float(f64::from_bits(input.uint()?.swap_bytes())),
            BYTES => Value::Bytes(input.text()?.to_vec()),
            STRING => Value::String(input.string()?),
            INTERFACE => Value::Interface(self.interface(input, depth)?),
            _ => self.composed(number, input, depth)?,
        })
    }

    fn composed(&mut self, number: i64, input: &mut Input<'_>, depth: usize) -> Result<Value, GobError> {
        let wire = self.decoder.types.get(&number).cloned();
        Ok(match wire.ok_or(GobError::Undefined(number))? {
            Wire::Binary => Value::Binary(input.text()?.to_vec()),
            Wire::Slice(elem) | Wire::Array(elem) => {
                let count = input.count()?;
                let mut items = Vec::with_capacity(count.min(1024));
                for _ in 0..count {
                    items.push(self.value(elem, input, depth + 1)?);
                }
                Value::Slice(items)
            }
            Wire::Map(key, elem) => {
                let count = input.count()?;
                let mut entries = Vec::with_capacity(count.min(1024));
                for _ in 0..count {
                    let key = self.value(key, input, depth + 1)?;
                    entries.push((key, self.value(elem, input, depth + 1)?));
                }
                Value::Map(entries)
            }
            Wire::Struct(fields) => {
                let mut values = BTreeMap::new();
                let mut fields = fields.iter();
                while let Some(skipped) = input.next_field()? {
                    let (name, of) = fields
                        .nth(skipped)
                        .ok_or(GobError::Broken("a struct has more fields than its type"))?;
                    values.insert(name.clone(), self.value(*of, input, depth + 1)?);
                }
                Value::Struct(values)
            }
        })
    }

    fn interface(&mut self, input: &mut Input<'_>, depth: usize) -> Result<Option<Box<(String, Value)>>, GobError> {
        let name = input.string()?;
        if name.is_empty() {
            return Ok(None);
        }
        let number = input.int()?;
        if number < 0 {
            // Go begins a new message there. No plugin answers an interface.
            return Err(GobError::Broken(
                "an interface has a type that was not defined before it",
            ));
        }
        let mut inner = Input { bytes: input.text()? };
        let value = self.outermost(number, &mut inner, depth + 1)?;
        if !inner.bytes.is_empty() {
            return Err(GobError::Broken("an interface is longer than its value"));
        }
        Ok(Some(Box::new((name, value))))
    }

    /// A definition of the type whose number, negated, came before it.
    fn define(&mut self, negated: i64, input: &mut Input<'_>) -> Result<(), GobError> {
        let before = input.bytes.len();
        let number = negated.checked_neg().filter(|number| *number >= FIRST);
        let number = number.ok_or(GobError::Broken("a definition has the number of a known type"))?;
        let wire = input.definition()?;
        self.decoder.defined += before - input.bytes.len();
        if self.decoder.types.len() >= TYPES || self.decoder.defined > DEFINITIONS {
            return Err(GobError::Broken("it defines too many types"));
        }
        if self.decoder.types.insert(number, wire).is_some() {
            return Err(GobError::Broken("a type is defined twice"));
        }
        Ok(())
    }
}

/// What is left to read.
struct Input<'a> {
    bytes: &'a [u8],
}

impl<'a> Input<'a> {
    fn split(&mut self, count: usize) -> Result<&'a [u8], GobError> {
        let (first, rest) = self.bytes.split_at_checked(count).ok_or(GobError::End)?;
        self.bytes = rest;
        Ok(first)
    }

    fn uint(&mut self) -> Result<u64, GobError> {
        let first = self.split(1)?.first().copied().ok_or(GobError::End)?;
        if first < 128 {
            return Ok(u64::from(first));
        }
        let count = usize::from(first.wrapping_neg());
        if count > 8 {
            return Err(GobError::Broken("a number has more than 8 bytes"));
        }
        let bytes = self.split(count)?;
        Ok(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn int(&mut self) -> Result<i64, GobError> {
        let bits = self.uint()?;
        let magnitude = (bits >> 1).cast_signed();
        Ok(if bits & 1 == 1 { !magnitude } else { magnitude })
    }

    fn text(&mut self) -> Result<&'a [u8], GobError> {
        let size = self.uint()?;
        self.split(usize::try_from(size).unwrap_or(usize::MAX))
    }

    /// A string. What is not UTF-8 becomes U+FFFD, as in Go's JSON.
    fn string(&mut self) -> Result<String, GobError> {
        Ok(String::from_utf8_lossy(self.text()?).into_owned())
    }

    /// How many elements follow. Each of them takes a byte at least.
    fn count(&mut self) -> Result<usize, GobError> {
        let count = usize::try_from(self.uint()?).unwrap_or(usize::MAX);
        if count > self.bytes.len() {
            return Err(GobError::End);
        }
        Ok(count)
    }

    /// How many fields of a struct come before the one that follows; `None` at its end.
    fn next_field(&mut self) -> Result<Option<usize>, GobError> {
        let delta = usize::try_from(self.uint()?).unwrap_or(usize::MAX);
        if delta > FIELDS {
            return Err(GobError::Broken("a struct has more fields than its type"));
        }
        Ok(delta.checked_sub(1))
    }

    /// A description of a type: one of seven fields, and in it a struct whose first field is a struct of name and number.
    fn definition(&mut self) -> Result<Wire, GobError> {
        let kind = self.next_field()?;
        let wire = match kind {
            Some(0) => {
                let [elem, _length] = self.members()?;
                Wire::Array(elem)
            }
            Some(1) => {
                let [elem] = self.members()?;
                Wire::Slice(elem)
            }
            Some(2) => Wire::Struct(self.fields()?.into()),
            Some(3) => {
                let [key, elem] = self.members()?;
                Wire::Map(key, elem)
            }
            Some(4..=6) => {
                let [] = self.members()?;
                Wire::Binary
            }
            _ => return Err(GobError::Broken("a definition is of no kind that exists")),
        };
        match self.next_field()? {
            None => Ok(wire),
            Some(_) => Err(GobError::Broken("a definition is of two kinds")),
        }
    }

    /// Name and number of a type, which nobody needs.
    fn common(&mut self) -> Result<(), GobError> {
        let mut field = 0;
        while let Some(skipped) = self.next_field()? {
            field += skipped + 1;
            match field {
                1 => drop(self.text()?),
                2 => drop(self.int()?),
                _ => return Err(GobError::Broken("a definition has a field that does not exist")),
            }
        }
        Ok(())
    }

    /// A description that has numbers after its name.
    fn members<const COUNT: usize>(&mut self) -> Result<[i64; COUNT], GobError> {
        let mut members = [0; COUNT];
        let mut field = 0;
        while let Some(skipped) = self.next_field()? {
            field += skipped + 1;
            if field == 1 {
                self.common()?;
            } else {
                let missing = GobError::Broken("a definition has a field that does not exist");
                *members.get_mut(field - 2).ok_or(missing)? = self.int()?;
            }
        }
        Ok(members)
    }

    /// The description of a struct.
    fn fields(&mut self) -> Result<Vec<(String, i64)>, GobError> {
        let mut fields = Vec::new();
        let mut field = 0;
        while let Some(skipped) = self.next_field()? {
            field += skipped + 1;
            match field {
                1 => self.common()?,
                2 => {
                    for _ in 0..self.count()? {
                        fields.push(self.field()?);
                    }
                }
                _ => return Err(GobError::Broken("a definition has a field that does not exist")),
            }
        }
        Ok(fields)
    }

    fn field(&mut self) -> Result<(String, i64), GobError> {
        let (mut name, mut number, mut field) = (String::new(), 0, 0);
        while let Some(skipped) = self.next_field()? {
            field += skipped + 1;
            match field {
                1 => name = self.string()?,
                2 => number = self.int()?,
                _ => return Err(GobError::Broken("a definition has a field that does not exist")),
            }
        }
        Ok((name, number))
    }
}
