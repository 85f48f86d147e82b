//! What a scalar means.

use serde_json::Value;
use serin_core::notation::yaml;

/// The key that takes another mapping's keys over.
pub(super) const MERGE: &str = "<<";

/// A scalar without quotes and without a tag, as Kubernetes reads it.
pub(super) fn plain(text: &str) -> Value {
    if is_text(text) {
        return Value::String(text.to_owned());
    }
    if text.is_empty() {
        return Value::Null;
    }
    let decimal = text.strip_prefix('-').unwrap_or(text);
    let digits = !decimal.is_empty() && decimal.bytes().all(|byte| byte.is_ascii_digit());
    if digits
        && (decimal == "0" || !decimal.starts_with('0'))
        && let Ok(number) = text.parse::<i64>()
    {
        return Value::from(number);
    }
    // As a value, since `---` alone would begin a document.
    let read = yaml::parse_docs(&format!("v: {text}")).unwrap_or_default();
    match read.first().map(|document| &document.value["v"]) {
        Some(value) if !value.is_array() && !value.is_object() => value.clone(),
        // Infinity and its like have no form in JSON.
        Some(_) | None => Value::String(text.to_owned()),
    }
}

/// Whether a scalar can be nothing but text: no number and none of the words begins so, or is so long.
fn is_text(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let may_be_number = first.is_ascii_digit() || matches!(first, '-' | '+' | '.');
    let may_be_word = text.len() <= 5 && matches!(first.to_ascii_lowercase(), 'y' | 'n' | 't' | 'f' | 'o' | '~');
    (!may_be_number && !may_be_word) || text.contains(char::is_whitespace)
}
