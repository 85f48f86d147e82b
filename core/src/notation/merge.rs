//! JSON merge patches (RFC 7386): the smallest one from a value to another.

use serde::Serialize;
use serde_json::{Map, Value};

/// The patch that makes `to` of `from`; `None` where they are equal. Lists are replaced whole. An integer and a decimal of the
/// same value are equal.
#[must_use]
pub(crate) fn patch(from: &Value, to: &Value) -> Option<Value> {
    let (Value::Object(old), Value::Object(new)) = (from, to) else {
        return (!is_equal(from, to)).then(|| to.clone());
    };
    let gone = old.keys().filter(|key| !new.contains_key(*key));
    let mut patch: Map<String, Value> = gone.map(|key| (key.clone(), Value::Null)).collect();
    for (key, value) in new {
        let change = match old.get(key) {
            Some(found) => self::patch(found, value),
            None => Some(value.clone()),
        };
        if let Some(change) = change {
            patch.insert(key.clone(), change);
        }
    }
    (!patch.is_empty()).then_some(Value::Object(patch))
}

/// As [`patch`], of what is written as an object.
pub(crate) fn patch_of<T: Serialize>(from: &T, to: &T) -> Option<Value> {
    patch(&object(from), &object(to))
}

/// A value as an object of JSON; empty for what is not written as one.
pub(crate) fn object<T: Serialize>(value: &T) -> Value {
    let value = serde_json::to_value(value).unwrap_or_default();
    if value.is_object() {
        value
    } else {
        Value::Object(Map::new())
    }
}

fn is_equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y || x.as_f64() == y.as_f64(),
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| is_equal(x, y)),
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len()
                && x.iter()
                    .all(|(key, value)| y.get(key).is_some_and(|other| is_equal(value, other)))
        }
        _ => a == b,
    }
}
