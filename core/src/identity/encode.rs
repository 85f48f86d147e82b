//! JSON as Go's `encoding/json` prints the typed structs: the bytes that are hashed.

use super::fields::{Kind, Struct};
use super::quantity;
use crate::notation::go_value::quote as text;
use jiff::Timestamp;
use serde_json::{Map, Number, Value};
use std::fmt::Write as _;

/// How Go printed a creation time that is not set (decision 15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Left out: Kubernetes libraries from v0.34, Argo Rollouts from v1.9.
    Omitted,
    /// `"creationTimestamp":null` in each metadata: before.
    Null,
}

/// Appends what Go prints for a value of this kind; [`Value::Null`] prints Go's zero value.
///
/// The value must be as [`super::sanitise`] leaves it: what it cannot decode is printed as the zero value.
pub(super) fn encode(value: &Value, kind: &Kind, dialect: Dialect, out: &mut String) {
    match (kind, value) {
        (Kind::Pointer(_), Value::Null) => out.push_str("null"),
        (Kind::Pointer(of), _) => encode(value, of, dialect, out),
        (Kind::Object(of), Value::Object(members)) => object(members, of, dialect, out),
        (Kind::Object(of), _) => object(&Map::new(), of, dialect, out),
        (Kind::List(of), Value::Array(items)) => list(items, of, dialect, out),
        (Kind::Map(of), Value::Object(members)) => map(members, of, dialect, out),
        (Kind::List(_) | Kind::Map(_), _) => out.push_str("null"),
        (Kind::Text, _) => text(value.as_str().unwrap_or_default(), out),
        (Kind::Bool, _) => out.push_str(if value.as_bool().unwrap_or_default() {
            "true"
        } else {
            "false"
        }),
        (Kind::Int32 | Kind::Int64, _) => integer(value.as_i64().unwrap_or_default(), out),
        (Kind::IntOrString, Value::String(name)) => text(name, out),
        (Kind::IntOrString, _) => integer(value.as_i64().unwrap_or_default(), out),
        (Kind::Quantity, _) => text(&quantity_text(value).unwrap_or_else(|| "0".into()), out),
        (Kind::Time, _) => match value.as_str().and_then(time_text) {
            Some(time) => text(&time, out),
            None => out.push_str("null"),
        },
        (Kind::Raw, _) => raw(value, out),
    }
}

/// What a quantity is printed as; `None` where it cannot be decoded.
pub(super) fn quantity_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => quantity::canonical(text),
        Value::Number(number) => quantity::canonical_number(number),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// What a quantity amounts to, in one form however it is written; `None` where it cannot be decoded.
pub(super) fn quantity_value(value: &Value) -> Option<String> {
    let text = quantity_text(value)?;
    Some(quantity::value(&text).unwrap_or(text))
}

/// What a time is printed as, in UTC and whole seconds; `None` where it cannot be decoded.
pub(super) fn time_text(text: &str) -> Option<String> {
    // jiff reads more spellings than RFC 3339 has.
    let shape = text
        .bytes()
        .take(19)
        .map(|b| if b.is_ascii_digit() { b'0' } else { b })
        .collect::<Vec<_>>();
    if shape != b"0000-00-00T00:00:00" {
        return None;
    }
    let time: Timestamp = text.parse().ok()?;
    let seconds = time.as_nanosecond().div_euclid(1_000_000_000);
    Some(Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?.to_string())
}

/// A number as Go prints it: floats in the shortest form, with an exponent only when very small or very large.
pub(super) fn go_number(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => {
            let size = float.abs();
            if size != 0.0 && !(1e-6..1e21).contains(&size) {
                let text = format!("{float:e}");
                if size >= 1.0 { text.replace('e', "e+") } else { text }
            } else {
                float.to_string()
            }
        }
        _ => number.to_string(),
    }
}

fn object(members: &Map<String, Value>, of: &Struct, dialect: Dialect, out: &mut String) {
    out.push('{');
    let start = out.len();
    let mut known = 0;
    for field in of.fields {
        let value = members.get(field.name);
        known += usize::from(value.is_some());
        let value = value.unwrap_or(&Value::Null);
        let always = field.always || (dialect == Dialect::Null && matches!(field.kind, Kind::Time));
        if always || !is_empty(value, &field.kind) {
            key(field.name, start, out);
            encode(value, &field.kind, dialect, out);
        }
    }
    if known < members.len() {
        // Fields newer than the table: they count, in canonical form (decision 20).
        for (name, value) in members {
            if !value.is_null() && !of.fields.iter().any(|field| field.name == name) {
                key(name, start, out);
                raw(value, out);
            }
        }
    }
    out.push('}');
}

/// Whether Go's `omitempty` and `omitzero` leave it out.
fn is_empty(value: &Value, kind: &Kind) -> bool {
    if value.is_null() {
        return true;
    }
    match kind {
        Kind::Text => value.as_str() == Some(""),
        Kind::Bool => value.as_bool() == Some(false),
        Kind::Int32 | Kind::Int64 => value.as_i64() == Some(0),
        Kind::List(_) => value.as_array().is_some_and(Vec::is_empty),
        Kind::Map(_) => value.as_object().is_some_and(Map::is_empty),
        Kind::Time => value
            .as_str()
            .and_then(time_text)
            .is_none_or(|time| time == "0001-01-01T00:00:00Z"),
        Kind::Quantity | Kind::IntOrString | Kind::Raw | Kind::Pointer(_) | Kind::Object(_) => false,
    }
}

fn list(items: &[Value], of: &Kind, dialect: Dialect, out: &mut String) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        encode(item, of, dialect, out);
    }
    out.push(']');
}

fn map(members: &Map<String, Value>, of: &Kind, dialect: Dialect, out: &mut String) {
    out.push('{');
    let start = out.len();
    for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
        key(name, start, out);
        encode(value, of, dialect, out);
    }
    out.push('}');
}

/// Any JSON in canonical form: sorted keys, Go's numbers and escapes.
fn raw(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&go_number(number)),
        Value::String(string) => text(string, out),
        Value::Array(items) => list(items, &Kind::Raw, Dialect::Omitted, out),
        Value::Object(members) => {
            out.push('{');
            let start = out.len();
            for (name, value) in members {
                key(name, start, out);
                raw(value, out);
            }
            out.push('}');
        }
    }
}

fn key(name: &str, start: usize, out: &mut String) {
    if out.len() > start {
        out.push(',');
    }
    text(name, out);
    out.push(':');
}

fn integer(value: i64, out: &mut String) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{value}");
}
