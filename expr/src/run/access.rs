//! Members, indexes, slices and membership.

use super::convert::{deref, wrong_type};
use super::equal::equal;
use super::operate::index;
use crate::go::format::{text, type_name};
use crate::value::{Integer, IntegerKind, Key, List, Map, Type, Value, method};
use std::sync::Arc;

fn cannot_fetch(from: &Value, what: &Value) -> String {
    format!("cannot fetch {} from {}", text(what), type_name(from))
}

/// A member of a value: a method, an element, a field.
pub(crate) fn fetch(from: &Value, what: &Value) -> Result<Value, String> {
    if let Value::String(name) = what
        && let Some(method) = method::bind(from, name)
    {
        return Ok(method);
    }
    let owner = match from {
        Value::Pointer(_) => &deref(from.clone()),
        other => other,
    };
    match owner {
        Value::List(list) => {
            let at = index(what, list.items.len())?;
            let found = usize::try_from(at).ok().and_then(|it| list.items.get(it));
            found.cloned().ok_or_else(|| out_of_range(at, list.items.len()))
        }
        Value::String(text) | Value::StatusCode(text) => {
            let at = index(what, text.len())?;
            let found = usize::try_from(at).ok().and_then(|it| text.as_bytes().get(it));
            found.map(|it| byte(*it)).ok_or_else(|| out_of_range(at, text.len()))
        }
        Value::Map(map) => Ok(lookup(map, what)?.cloned().unwrap_or_else(|| zero(&map.value))),
        Value::Struct(it) => {
            let Value::String(name) = what else {
                return Err(wrong_type(what, "string"));
            };
            let found = it.kind.fields().iter().position(|(field, _)| *field == &**name);
            let value = found.and_then(|at| it.fields.get(at));
            value.cloned().ok_or_else(|| cannot_fetch(from, what))
        }
        _ => Err(cannot_fetch(from, what)),
    }
}

fn out_of_range(at: i64, length: usize) -> String {
    format!("index out of range: {at} (array length is {length})")
}

/// A byte of a text.
pub(crate) fn byte(byte: u8) -> Value {
    Value::Integer(Integer::of(IntegerKind::Uint8, i64::from(byte)))
}

/// The zero value of a type.
pub(super) fn zero(of: &Type) -> Value {
    match of {
        Type::Any | Type::Error | Type::Map(..) | Type::NewRelicResult | Type::Function(_) => Value::Nil,
        Type::Bool => Value::Bool(false),
        Type::Integer(kind) => Value::Integer(Integer::of(*kind, 0)),
        Type::Float => Value::Float(0.0),
        Type::String => Value::string(""),
        Type::StatusCode => Value::StatusCode(Arc::from("")),
        Type::Duration => Value::Duration(0),
        Type::Month => Value::Month(0),
        Type::Weekday => Value::Weekday(0),
        // The first instant of Go's calendar.
        Type::Time => Value::time(jiff::Timestamp::from_second(-62_135_596_800).unwrap_or_default()),
        Type::Slice(element) => Value::nil_list(Type::clone(element)),
        Type::Pointer(to) => Value::NilPointer(to.clone()),
        Type::Location | Type::Struct(_) | Type::Array(..) => Value::Nil,
    }
}

/// What a map holds under a key; the key must have the type of the map's keys.
pub(crate) fn lookup<'m>(map: &'m Map, key: &Value) -> Result<Option<&'m Value>, String> {
    let key = match (key, &map.key) {
        // Nil stands for the zero value.
        (Value::Nil, Type::String) => Value::string(""),
        (Value::Nil, Type::Integer(_)) => Value::int(0),
        (Value::Nil, _) => Value::Nil,
        (_, Type::Any) if is_unhashable(key) => {
            return Err(format!("hash of unhashable type: {}", type_name(key)));
        }
        (_, Type::Any) => key.clone(),
        (_, wanted) if Type::of(key).as_ref() == Some(wanted) => key.clone(),
        (_, wanted) => {
            let found = type_name(key);
            return Err(format!(
                "reflect.Value.MapIndex: value of type {found} is not assignable to type {wanted}"
            ));
        }
    };
    Ok(map.entries.get(&Key(key)))
}

/// Whether it cannot be a key.
pub(crate) fn is_unhashable(key: &Value) -> bool {
    match key {
        Value::List(list) => !list.is_array || list.items.iter().any(is_unhashable),
        Value::Map(_) | Value::Function(_) | Value::Struct(_) => true,
        _ => false,
    }
}

/// How long a value is, in bytes where it is a text.
pub(crate) fn length(of: &Value) -> Result<usize, String> {
    match of {
        Value::List(list) => Ok(list.items.len()),
        Value::Map(map) => Ok(map.entries.len()),
        Value::String(text) | Value::StatusCode(text) => Ok(text.len()),
        other => Err(format!("invalid argument for len (type {})", type_name(other))),
    }
}

/// A part of a list or text; bounds beyond its ends are those ends.
pub(crate) fn slice(of: &Value, from: &Value, to: &Value) -> Result<Value, String> {
    let bounds = |length: usize| -> Result<(usize, usize), String> {
        let within = |value: &Value| -> Result<usize, String> {
            let at = index(value, length)?;
            Ok(usize::try_from(at.max(0)).unwrap_or(usize::MAX).min(length))
        };
        let (from, to) = (within(from)?, within(to)?);
        Ok((from.min(to), to))
    };
    match of {
        Value::List(list) => {
            let (from, to) = bounds(list.items.len())?;
            Ok(Value::List(Arc::new(List {
                element: list.element.clone(),
                items: list.items.get(from..to).unwrap_or_default().to_vec(),
                is_array: false,
                is_nil: list.is_nil,
            })))
        }
        Value::String(text) | Value::StatusCode(text) => {
            let (from, to) = bounds(text.len())?;
            let bytes = text.as_bytes().get(from..to).unwrap_or_default();
            let part = Arc::from(String::from_utf8_lossy(bytes));
            Ok(if matches!(of, Value::StatusCode(_)) {
                Value::StatusCode(part)
            } else {
                Value::String(part)
            })
        }
        Value::Pointer(to_value) => slice(to_value, from, to),
        _ => Err(format!("cannot slice {}", text(from))),
    }
}

/// Whether a value is in a list, a key in a map, a name among the fields of a struct.
pub(crate) fn is_in(needle: &Value, hay: &Value) -> Result<bool, String> {
    match hay {
        Value::Nil | Value::NilPointer(_) => Ok(false),
        Value::List(list) => Ok(list.items.iter().any(|it| equal(it, needle))),
        Value::Map(map) => Ok(lookup(map, needle)?.is_some()),
        Value::Struct(it) => match needle {
            Value::String(name) => Ok(it.kind.fields().iter().any(|(field, _)| *field == &**name)),
            other => Err(format!(
                "cannot use {} as field name of {}",
                type_name(other),
                type_name(hay)
            )),
        },
        // A struct whose fields nobody sees.
        Value::Time(_) | Value::Location(_) => match needle {
            Value::String(_) => Ok(false),
            other => Err(format!(
                "cannot use {} as field name of {}",
                type_name(other),
                type_name(hay)
            )),
        },
        Value::Pointer(to) => is_in(needle, to),
        other => Err(format!("operator \"in\" not defined on {}", type_name(other))),
    }
}

/// The elements of a value that a closure goes over.
pub(super) fn elements(of: &Value) -> Result<Elements, String> {
    match of {
        Value::List(list) => Ok(Elements::List(list.clone())),
        Value::String(text) | Value::StatusCode(text) => Ok(Elements::Bytes(text.clone())),
        Value::Map(map) => Ok(Elements::Unseen(map.entries.len())),
        Value::Nil => Err("reflect: call of reflect.Value.Len on zero Value".to_owned()),
        other => {
            let kind = kind_name(other);
            Err(format!("reflect: call of reflect.Value.Len on {kind} Value"))
        }
    }
}

/// What a closure goes over.
pub(super) enum Elements {
    /// A list.
    List(Arc<List>),
    /// The bytes of a text.
    Bytes(Arc<str>),
    /// So many entries of a map, which a closure may not look at.
    Unseen(usize),
}

impl Elements {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::List(list) => list.items.len(),
            Self::Bytes(text) => text.len(),
            Self::Unseen(count) => *count,
        }
    }

    pub(super) fn get(&self, at: usize) -> Result<Value, String> {
        match self {
            Self::List(list) => Ok(list.items.get(at).cloned().unwrap_or_default()),
            Self::Bytes(text) => Ok(text.as_bytes().get(at).map(|it| byte(*it)).unwrap_or_default()),
            Self::Unseen(_) => Err("reflect: call of reflect.Value.Index on map Value".to_owned()),
        }
    }
}

/// The kind of a value, as Go's reflection names it.
pub(crate) fn kind_name(value: &Value) -> &'static str {
    match value {
        Value::Nil => "invalid",
        Value::Bool(_) => "bool",
        Value::Integer(integer) => integer.kind.name(),
        Value::Float(_) => "float64",
        Value::String(_) | Value::StatusCode(_) => "string",
        Value::Time(_) | Value::Struct(_) => "struct",
        Value::Duration(_) => "int64",
        Value::Month(_) | Value::Weekday(_) => "int",
        Value::Location(_) | Value::Pointer(_) | Value::NilPointer(_) => "ptr",
        Value::List(list) if list.is_array => "array",
        Value::List(_) => "slice",
        Value::Map(_) => "map",
        Value::Function(_) => "func",
    }
}
