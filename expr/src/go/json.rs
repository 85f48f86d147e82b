//! JSON as `encoding/json` writes and reads it.

use super::{format, layout, number};
use crate::value::{Type, Value};

/// How deep a value may be nested.
const DEPTH: usize = 100;

/// A value as `json.MarshalIndent` writes it with two spaces.
pub(crate) fn write(value: &Value) -> Result<String, String> {
    let mut out = String::new();
    push(&mut out, value, 0)?;
    Ok(out)
}

fn push(out: &mut String, value: &Value, depth: usize) -> Result<(), String> {
    if depth > DEPTH {
        return Err("json: unsupported value: too deeply nested".to_owned());
    }
    match value {
        Value::Nil | Value::NilPointer(_) => out.push_str("null"),
        Value::Bool(is) => out.push_str(if *is { "true" } else { "false" }),
        Value::Integer(integer) => out.push_str(&integer.number().to_string()),
        Value::Duration(number) | Value::Month(number) | Value::Weekday(number) => out.push_str(&number.to_string()),
        Value::Float(number) => out.push_str(&float(*number)?),
        Value::String(text) | Value::StatusCode(text) => push_string(out, text),
        Value::Time(time) => push_string(out, &layout::format(time, layout::RFC3339_NANO)),
        Value::Location(_) => out.push_str("{}"),
        Value::Pointer(to) => push(out, to, depth)?,
        Value::List(list) if list.is_nil => out.push_str("null"),
        Value::List(list) if list.element == Type::Integer(crate::value::IntegerKind::Uint8) && !list.is_array => {
            push_string(out, &super::base64::encode(&bytes(&list.items)));
        }
        Value::List(list) => {
            let items = list.items.iter().map(|it| (None, it)).collect();
            push_all(out, ('[', ']'), items, depth)?;
        }
        Value::Map(map) if map.key == Type::String => {
            let mut entries = Vec::new();
            for (key, value) in &map.entries {
                entries.push((Some(format::text(&key.0)), value));
            }
            push_all(out, ('{', '}'), entries, depth)?;
        }
        Value::Struct(it) => {
            let names = it.kind.fields().into_iter().map(|(name, _)| Some(name.to_owned()));
            push_all(out, ('{', '}'), names.zip(&it.fields).collect(), depth)?;
        }
        Value::Map(_) | Value::Function(_) => {
            return Err(format!("json: unsupported type: {}", format::type_name(value)));
        }
    }
    Ok(())
}

fn push_all(
    out: &mut String,
    (open, close): (char, char),
    items: Vec<(Option<String>, &Value)>,
    depth: usize,
) -> Result<(), String> {
    out.push(open);
    let is_empty = items.is_empty();
    for (index, (name, value)) in items.into_iter().enumerate() {
        out.push_str(if index == 0 { "\n" } else { ",\n" });
        out.push_str(&"  ".repeat(depth + 1));
        if let Some(name) = name {
            push_string(out, &name);
            out.push_str(": ");
        }
        push(out, value, depth + 1)?;
    }
    if !is_empty {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    }
    out.push(close);
    Ok(())
}

fn float(value: f64) -> Result<String, String> {
    if !value.is_finite() {
        return Err(format!("json: unsupported value: {}", number::general(value)));
    }
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        // One digit of a small exponent is enough.
        return Ok(number::scientific(value).replace("e-0", "e-"));
    }
    Ok(number::fixed(value))
}

fn push_string(out: &mut String, text: &str) {
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{C}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\u{0}'..='\u{1F}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(char)));
            }
            char => out.push(char),
        }
    }
    out.push('"');
}

/// A text as `json.Unmarshal` reads it into `any`.
pub(crate) fn read(text: &str) -> Result<Value, String> {
    let read: Result<serde_json::Value, serde_json::Error> = serde_json::from_str(text);
    read.map(|it| Value::from_json(&it)).map_err(|error| {
        if error.is_eof() {
            return "unexpected end of JSON input".to_owned();
        }
        let line = text.split('\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
        let at = line
            .as_bytes()
            .get(error.column().saturating_sub(1)..)
            .unwrap_or_default();
        let char = String::from_utf8_lossy(at).chars().next().unwrap_or_default();
        let is_after = error.to_string().starts_with("trailing characters");
        let place = if is_after {
            "after top-level value"
        } else {
            "looking for beginning of value"
        };
        format!("invalid character '{char}' {place}")
    })
}

/// The bytes of a `[]byte`.
pub(crate) fn bytes(items: &[Value]) -> Vec<u8> {
    let byte = |item: &Value| match item {
        Value::Integer(integer) => u8::try_from(integer.bits).ok(),
        _ => None,
    };
    items.iter().filter_map(byte).collect()
}
