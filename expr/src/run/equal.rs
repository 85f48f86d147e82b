//! When two values are equal.

use crate::value::{Integer, List, Type, Value};

/// Whether it counts as nil.
pub(crate) fn is_nil(value: &Value) -> bool {
    value.is_nil()
}

fn equal_integers(a: Integer, b: Integer) -> bool {
    // Go compares both as `int`.
    a.bits == b.bits
}

/// `==` of the language: numbers of any type by their value, lists by their elements, all else by type and content.
pub(crate) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Integer(a), Value::Integer(b)) => equal_integers(*a, *b),
        (Value::Integer(a), Value::Float(b)) | (Value::Float(b), Value::Integer(a)) => same(a.float(), *b),
        (Value::Float(a), Value::Float(b)) => same(*a, *b),
        (Value::String(a), Value::String(b)) => a == b,
        (Value::Time(a), Value::Time(b)) => a.at == b.at,
        (Value::List(a), Value::List(b)) if is_simple(a) && is_simple(b) && compares(a, b) => {
            a.items.len() == b.items.len() && a.items.iter().zip(&b.items).all(|(a, b)| equal(a, b))
        }
        _ => (is_nil(left) && is_nil(right)) || deeply_equal(left, right),
    }
}

#[expect(clippy::float_cmp, reason = "so does Go")]
fn same(a: f64, b: f64) -> bool {
    a == b
}

/// Whether it is a list whose elements are compared one by one: `[]any`, of numbers, of strings.
fn is_simple(list: &List) -> bool {
    let is_element = matches!(list.element, Type::Any | Type::Integer(_) | Type::Float | Type::String);
    is_element && !list.is_array
}

fn compares(a: &List, b: &List) -> bool {
    a.element == b.element || a.element == Type::Any || b.element == Type::Any
}

/// `reflect.DeepEqual`: the same types all the way down.
fn deeply_equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::List(a), Value::List(b)) => {
            a.element == b.element
                && a.is_array == b.is_array
                && a.is_nil == b.is_nil
                && a.items.len() == b.items.len()
                && a.items.iter().zip(&b.items).all(|(a, b)| deeply_equal(a, b))
        }
        (Value::Map(a), Value::Map(b)) => {
            let same_types = a.key == b.key && a.value == b.value && a.is_new_relic == b.is_new_relic;
            same_types
                && a.entries.len() == b.entries.len()
                && a.entries.iter().all(|(key, value)| {
                    let other = b.entries.get(key);
                    other.is_some_and(|other| deeply_equal(value, other))
                })
        }
        (Value::Struct(a), Value::Struct(b)) => {
            a.kind == b.kind && a.fields.iter().zip(&b.fields).all(|(a, b)| deeply_equal(a, b))
        }
        (Value::Pointer(a), Value::Pointer(b)) => deeply_equal(a, b),
        _ => left == right,
    }
}
