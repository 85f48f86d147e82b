//! Small steps that several routers share: a field is set, a weight is brought to another scale.

use serde_json::{Map, Value};

/// Sets a field at the end of a path. What stands in the way and is no object becomes one.
pub(super) fn set(object: &mut Value, path: &[&str], value: Value) {
    let Some((key, rest)) = path.split_first() else {
        *object = value;
        return;
    };
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    if let Some(fields) = object.as_object_mut() {
        set(fields.entry(*key).or_insert(Value::Null), rest, value);
    }
}

/// A weight, written as a number or as a text; 0 for anything else, and for less.
pub(super) fn weight(value: &Value) -> i64 {
    let number = value.as_i64().or_else(|| value.as_str()?.parse().ok());
    number.unwrap_or(0).max(0)
}

/// A weight out of a sum as one out of `max`. It is `max` only for the whole sum, and 0 only for nothing.
pub(super) fn scaled(weight: i64, sum: i64, max: i32) -> i32 {
    if weight <= 0 || sum <= 0 {
        return 0;
    }
    if sum == i64::from(max) {
        return i32::try_from(weight.min(sum)).unwrap_or(max);
    }
    let share = i128::from(weight.min(sum)) * i128::from(max) / i128::from(sum);
    i32::try_from(share).unwrap_or(max).max(1)
}
