//! The forms in which a person writes down what a provider answered, and the Go type that a condition then sees (contract 08
//! §13, contract 12 §2).

use crate::api::providers::MetricProvider;
use serde_json::Value as Json;
use serin_expr::Value;

/// A form of an answer. The type decides what a condition means, and whether it compiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A number, `NaN`, `+Inf` or `-Inf`: `float64`.
    Float,
    /// A list of those: `[]float64`.
    Floats,
    /// A number where the provider has one series, a list where it has several, null where it has none.
    FloatOrFloats,
    /// JSON, as it is decoded; what is no JSON is a text.
    Json,
    /// A text.
    String,
    /// An object of New Relic, or a list of those.
    NewRelic,
}

impl Shape {
    /// What the provider of a metric answers with.
    #[must_use]
    pub fn of(provider: &MetricProvider) -> Self {
        if provider.prometheus.is_some() || provider.datadog.is_some() || provider.wavefront.is_some() {
            Self::FloatOrFloats
        } else if provider.graphite.is_some() {
            Self::Floats
        } else if provider.new_relic.is_some() {
            Self::NewRelic
        } else {
            Self::Json
        }
    }

    /// Reads an answer.
    ///
    /// # Errors
    /// What is wrong with the text, and what is expected.
    pub fn read(self, text: &str) -> Result<Value, String> {
        let text = text.trim();
        let wrong = || format!("{text:?} is no {}", self.words());
        match self {
            Self::Float => number(text).map(Value::Float).ok_or_else(wrong),
            Self::Floats => numbers(text).map(Value::floats).ok_or_else(wrong),
            Self::FloatOrFloats if matches!(text, "null" | "nil" | "") => Ok(Value::nil_float()),
            Self::FloatOrFloats => number(text)
                .map(Value::Float)
                .or_else(|| numbers(text).map(Value::floats))
                .ok_or_else(wrong),
            Self::Json => Ok(match serde_json::from_str::<Json>(text) {
                Ok(json) => Value::from_json(&json),
                Err(_) => Value::string(text),
            }),
            Self::String => Ok(Value::string(text)),
            Self::NewRelic => new_relic(text).ok_or_else(wrong),
        }
    }

    /// What is expected.
    fn words(self) -> &'static str {
        match self {
            Self::Float => "number",
            Self::Floats => "list of numbers, such as [0.95, NaN]",
            Self::FloatOrFloats => "number, and no list of numbers such as [0.95, NaN]",
            Self::Json => "JSON",
            Self::String => "text",
            Self::NewRelic => "JSON object, and no list of objects",
        }
    }
}

/// A number, also one that JSON does not have.
fn number(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "+Inf" | "Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        _ => serde_json::from_str(text).ok(),
    }
}

fn numbers(text: &str) -> Option<Vec<f64>> {
    let inside = text.strip_prefix('[')?.strip_suffix(']')?.trim();
    if inside.is_empty() {
        return Some(Vec::new());
    }
    inside.split(',').map(|item| number(item.trim())).collect()
}

fn new_relic(text: &str) -> Option<Value> {
    match serde_json::from_str(text).ok()? {
        Json::Object(fields) => Some(Value::map(&fields)),
        Json::Array(items) => {
            let objects: Option<Vec<_>> = items.iter().map(Json::as_object).collect();
            Some(Value::maps(objects?))
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serin_expr::go::format::{text, type_name};

    #[test]
    fn an_answer_has_the_type_of_its_provider() {
        for (shape, written, go_type, value) in [
            (Shape::Float, "0.5", "float64", "0.5"),
            (Shape::Float, "NaN", "float64", "NaN"),
            (Shape::Floats, "[1, +Inf,-Inf]", "[]float64", "[1 +Inf -Inf]"),
            (Shape::Floats, "[]", "[]float64", "[]"),
            (Shape::FloatOrFloats, "3", "float64", "3"),
            (Shape::FloatOrFloats, " [3] ", "[]float64", "[3]"),
            (Shape::FloatOrFloats, "null", "*float64", "<nil>"),
            (Shape::Json, "[3]", "[]interface {}", "[3]"),
            (Shape::Json, "OK", "string", "OK"),
            (Shape::Json, "\"OK\"", "string", "OK"),
            (Shape::String, "3", "string", "3"),
        ] {
            let read = shape.read(written).unwrap();
            assert_eq!(
                (type_name(&read).as_str(), text(&read).as_str()),
                (go_type, value),
                "{written}"
            );
        }
        for (shape, written) in [
            (Shape::Float, "[1]"),
            (Shape::Float, "one"),
            (Shape::Floats, "1"),
            (Shape::Floats, "[1,,2]"),
            (Shape::FloatOrFloats, "{}"),
            (Shape::NewRelic, "[1]"),
        ] {
            let error = shape.read(written).unwrap_err();
            assert!(error.contains(written) && error.contains("is no"), "{error}");
        }
    }
}
