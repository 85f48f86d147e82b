//! Keys of maps.

use super::Value;
use std::cmp::Ordering;

/// A key of a map: a value with a total order. Keys of different types differ, as in Go (`1` is not `1.0`).
#[derive(Debug, Clone)]
pub struct Key(pub Value);

impl Key {
    /// A key of `map[string]any`.
    #[must_use]
    pub fn string(text: &str) -> Self {
        Self(Value::string(text))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(&self.0, &other.0)
    }
}

fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Integer(a), Value::Integer(b)) => (a.kind, a.bits).cmp(&(b.kind, b.bits)),
        (Value::Float(a), Value::Float(b)) if a == b => Ordering::Equal,
        (Value::Float(a), Value::Float(b)) => a.total_cmp(b),
        (Value::String(a), Value::String(b)) | (Value::StatusCode(a), Value::StatusCode(b)) => a.cmp(b),
        (Value::Time(a), Value::Time(b)) => a.at.cmp(&b.at),
        (Value::Duration(a), Value::Duration(b))
        | (Value::Month(a), Value::Month(b))
        | (Value::Weekday(a), Value::Weekday(b)) => a.cmp(b),
        (Value::List(a), Value::List(b)) => {
            let items = a.items.iter().zip(&b.items).map(|(a, b)| compare(a, b));
            let first = items.into_iter().find(|order| order.is_ne());
            first.unwrap_or_else(|| a.items.len().cmp(&b.items.len()))
        }
        (Value::Struct(a), Value::Struct(b)) => {
            let fields = a.fields.iter().zip(&b.fields).map(|(a, b)| compare(a, b));
            fields
                .into_iter()
                .find(|order| order.is_ne())
                .unwrap_or(Ordering::Equal)
        }
        (Value::Pointer(a), Value::Pointer(b)) => compare(a, b),
        _ => rank(left).cmp(&rank(right)),
    }
}

/// The order of types.
fn rank(value: &Value) -> u8 {
    match value {
        Value::Nil => 0,
        Value::Bool(_) => 1,
        Value::Integer(_) => 2,
        Value::Float(_) => 3,
        Value::String(_) => 4,
        Value::StatusCode(_) => 5,
        Value::Time(_) => 6,
        Value::Duration(_) => 7,
        Value::Month(_) => 8,
        Value::Weekday(_) => 9,
        Value::Location(_) => 10,
        Value::List(_) => 11,
        Value::Map(_) => 12,
        Value::Struct(_) => 13,
        Value::Pointer(_) => 14,
        Value::NilPointer(_) => 15,
        Value::Function(_) => 16,
    }
}
