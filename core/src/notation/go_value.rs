//! Values as Go prints them: numbers, decoded JSON, and JSON again. A number of decoded JSON is a float, whatever it looked
//! like.

use serde_json::Value;
use std::fmt::Write as _;

pub use serin_expr::go::number::{fixed as shortest, general};

/// A number with so many digits after its point: `%.2f`.
#[must_use]
pub fn fixed(number: f64, digits: usize) -> String {
    if number.is_finite() {
        format!("{number:.digits$}")
    } else {
        shortest(number)
    }
}

/// Several values between brackets: `[1,2]` with a comma, `[1 2]` as `%v` prints a slice.
#[must_use]
pub fn bracketed(items: impl IntoIterator<Item = String>, separator: &str) -> String {
    let items: Vec<String> = items.into_iter().collect();
    format!("[{}]", items.join(separator))
}

/// Decoded JSON as `%v` prints it: `map[a:1 b:[x <nil>]]`.
#[must_use]
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(is) => is.to_string(),
        Value::Number(number) => general(number.as_f64().unwrap_or(f64::NAN)),
        Value::String(text) => text.clone(),
        Value::Array(items) => bracketed(items.iter().map(plain), " "),
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by_key(|(key, _)| *key);
            let member = |(key, value): (&String, &Value)| format!("{key}:{}", plain(value));
            format!("map{}", bracketed(sorted.into_iter().map(member), " "))
        }
    }
}

/// Decoded JSON as `json.Marshal` prints it: sorted keys, floats, and `<`, `>` and `&` escaped.
#[must_use]
pub fn json(value: &Value) -> String {
    let mut out = String::new();
    append(value, &mut out);
    out
}

fn append(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(is) => out.push_str(if *is { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&json_number(number.as_f64().unwrap_or_default())),
        Value::String(text) => quote(text, out),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                append(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (at, (key, item)) in sorted.into_iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                quote(key, out);
                out.push(':');
                append(item, out);
            }
            out.push('}');
        }
    }
}

/// A number as `json.Marshal` prints it: with an exponent below 1e-6 and from 1e21 on. JSON has no other numbers than finite
/// ones.
#[must_use]
pub fn json_number(number: f64) -> String {
    let size = number.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return number.to_string();
    }
    let text = format!("{number:e}");
    if size >= 1.0 { text.replace('e', "e+") } else { text }
}

/// Appends a text as JSON, with the characters escaped that Go escapes.
pub(crate) fn quote(text: &str, out: &mut String) {
    out.push('"');
    let mut plain = 0;
    for (at, char) in text.char_indices() {
        let escape = match char {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\u{8}' => "\\b",
            '\u{c}' => "\\f",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '<' => "\\u003c",
            '>' => "\\u003e",
            '&' => "\\u0026",
            '\u{2028}' => "\\u2028",
            '\u{2029}' => "\\u2029",
            '\0'..='\u{1f}' => "",
            _ => continue,
        };
        out.push_str(&text[plain..at]);
        plain = at + char.len_utf8();
        if escape.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{:04x}", u32::from(char));
        } else {
            out.push_str(escape);
        }
    }
    out.push_str(&text[plain..]);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_printed_as_go_prints_them() {
        // 'f' with -1, %v, json.Marshal; what Go 1.24 printed.
        for (number, short, general_form, in_json) in [
            (0.5, "0.5", "0.5", "0.5"),
            (-0.0, "-0", "-0", "-0"),
            (1e20, "100000000000000000000", "1e+20", "100000000000000000000"),
            (123_456.0, "123456", "123456", "123456"),
            (1_234_567.0, "1234567", "1.234567e+06", "1234567"),
            (1e21, "1000000000000000000000", "1e+21", "1e+21"),
            (1.5e22, "15000000000000000000000", "1.5e+22", "1.5e+22"),
            (0.0001, "0.0001", "0.0001", "0.0001"),
            (0.00001, "0.00001", "1e-05", "0.00001"),
            (1e-7, "0.0000001", "1e-07", "1e-7"),
            (2.5e-300, &format!("0.{}25", "0".repeat(299)), "2.5e-300", "2.5e-300"),
        ] {
            assert_eq!(shortest(number), short);
            assert_eq!(general(number), general_form);
            assert_eq!(json_number(number), in_json);
        }
        assert_eq!(
            [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(shortest),
            ["NaN", "+Inf", "-Inf"]
        );
        assert_eq!(
            [0.125, 0.135, 1e9, -1.0].map(|it| fixed(it, 2)),
            ["0.12", "0.14", "1000000000.00", "-1.00"]
        );
    }

    #[test]
    fn decoded_json_is_printed_as_go_prints_it() {
        let value = json!({"b": [1, null, "x<y"], "a": {"n": 12_345_678_901_234_567_890_u64}, "c": true});
        assert_eq!(
            plain(&value),
            "map[a:map[n:1.2345678901234567e+19] b:[1 <nil> x<y] c:true]"
        );
        assert_eq!(
            json(&value),
            r#"{"a":{"n":12345678901234567000},"b":[1,null,"x\u003cy"],"c":true}"#
        );
    }
}
