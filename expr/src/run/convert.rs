//! Conversions of the language, with the messages of those that fail.

use crate::go::format::type_name;
use crate::go::number::truncate;
use crate::value::Value;

/// What a pointer leads to; nil of a nil pointer; itself otherwise.
pub(crate) fn deref(value: Value) -> Value {
    match value {
        Value::Pointer(to) => deref(Value::clone(&to)),
        Value::NilPointer(_) => Value::Nil,
        other => other,
    }
}

/// Go's message where a value is not of the type that it must have.
pub(crate) fn wrong_type(value: &Value, wanted: &str) -> String {
    let found = match value {
        Value::Nil => "nil".to_owned(),
        other => type_name(other),
    };
    format!("interface conversion: interface {{}} is {found}, not {wanted}")
}

/// A number as `int`.
pub(crate) fn to_int(value: &Value) -> Result<i64, String> {
    match value {
        Value::Integer(integer) => Ok(integer.bits),
        Value::Float(number) => Ok(truncate(*number)),
        other => Err(format!("invalid operation: int({})", type_name(other))),
    }
}

/// A number as `float64`.
pub(crate) fn to_float(value: &Value) -> Result<f64, String> {
    match value {
        Value::Integer(integer) => Ok(integer.float()),
        Value::Float(number) => Ok(*number),
        other => Err(format!("invalid operation: float({})", type_name(other))),
    }
}
