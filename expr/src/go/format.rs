//! Values as `fmt` writes them with `%v`.

use super::{duration, layout, number};
use crate::value::{Type, Value};

/// How deep a value is written; more is cut.
const DEPTH: usize = 100;

/// The type of a value as `%T` writes it; `<nil>` of nil.
#[must_use]
pub fn type_name(value: &Value) -> String {
    Type::of(value).map_or_else(|| "<nil>".to_owned(), |it| it.to_string())
}

/// A value as `%v` writes it.
#[must_use]
pub fn text(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value, 0);
    out
}

fn write(out: &mut String, value: &Value, depth: usize) {
    if depth > DEPTH {
        out.push('…');
        return;
    }
    match value {
        Value::Nil | Value::NilPointer(_) => out.push_str("<nil>"),
        Value::Bool(is) => out.push_str(if *is { "true" } else { "false" }),
        Value::Integer(integer) => out.push_str(&integer.number().to_string()),
        Value::Float(number) => out.push_str(&number::general(*number)),
        Value::String(text) | Value::StatusCode(text) => out.push_str(text),
        Value::Time(time) => out.push_str(&layout::text(time)),
        Value::Duration(nanoseconds) => out.push_str(&duration::text(*nanoseconds)),
        Value::Month(month) => out.push_str(&layout::month_name(*month)),
        Value::Weekday(day) => out.push_str(&layout::weekday_name(*day)),
        Value::Location(zone) => out.push_str(&zone.name()),
        Value::List(list) => {
            out.push('[');
            spaced(out, list.items.iter(), depth);
            out.push(']');
        }
        Value::Map(map) => {
            out.push_str("map[");
            for (index, (key, value)) in map.entries.iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                write(out, &key.0, depth + 1);
                out.push(':');
                write(out, value, depth + 1);
            }
            out.push(']');
        }
        Value::Struct(it) => {
            out.push('{');
            spaced(out, it.fields.iter(), depth);
            // The AWS SDK marks its structs with an empty one.
            out.push_str(" {}}");
        }
        // Go writes the address; there is none here.
        Value::Pointer(_) => out.push_str("0x0"),
        Value::Function(function) => out.push_str(&function.signature.to_string()),
    }
}

fn spaced<'v>(out: &mut String, items: impl Iterator<Item = &'v Value>, depth: usize) {
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(' ');
        }
        write(out, item, depth + 1);
    }
}
