//! Results with their Go types, as the cases of a comparison write them (contract 12 §2).

use serde_json::{Map, Value as Json};
use serin_expr::Value;
use serin_expr::value::{Message, MetricDataResult};

/// The result of a type: `{"type", "value"}` of contract 12 §2.
///
/// # Errors
/// A type that there is not, or a value that is none of this type.
pub fn typed(of: &str, json: &Json) -> Result<Value, String> {
    Ok(match of {
        "nil" | "" => Value::Nil,
        "nilFloat" => Value::nil_float(),
        "float" => Value::Float(number(json)?),
        "floats" => Value::floats(each(json, number)?),
        "json" => Value::from_json(json),
        "string" => Value::string(word(json)?),
        "map" => Value::map(object(json)?),
        "maps" => Value::maps(each(json, object)?),
        "values" => Value::values(each(json, single)?),
        "cloudwatch" if json.is_null() => Value::Nil,
        "cloudwatch" => Value::cloudwatch(each(json, metric_data)?),
        other => return Err(format!("result.type: there is no type {other:?}")),
    })
}

fn is_no(json: &Json, what: &str) -> String {
    format!("result.value: {json} is no {what}")
}

/// Each item of a list; null is a list without items, as Go has it.
fn each<'j, T>(json: &'j Json, read: impl Fn(&'j Json) -> Result<T, String>) -> Result<Vec<T>, String> {
    match json {
        Json::Null => Ok(Vec::new()),
        Json::Array(items) => items.iter().map(read).collect(),
        other => Err(is_no(other, "list")),
    }
}

/// A number that may be written as `"NaN"`, `"+Inf"` or `"-Inf"`.
fn number(json: &Json) -> Result<f64, String> {
    let read = match json {
        Json::String(text) => text.parse().ok(),
        other => other.as_f64(),
    };
    read.ok_or_else(|| is_no(json, "number"))
}

fn word(json: &Json) -> Result<&str, String> {
    json.as_str().ok_or_else(|| is_no(json, "text"))
}

fn object(json: &Json) -> Result<&Map<String, Json>, String> {
    json.as_object().ok_or_else(|| is_no(json, "object"))
}

fn time(json: &Json) -> Result<jiff::Timestamp, String> {
    word(json)?
        .parse()
        .map_err(|_| is_no(json, "time in the form of RFC 3339"))
}

fn single(json: &Json) -> Result<Value, String> {
    let value = &json["value"];
    Ok(match word(&json["type"])? {
        "int" => Value::int64(value.as_i64().ok_or_else(|| is_no(value, "integer"))?),
        "uint" => Value::uint64(value.as_u64().ok_or_else(|| is_no(value, "integer without a sign"))?),
        "bool" => Value::Bool(value.as_bool().ok_or_else(|| is_no(value, "bool"))?),
        "time" => Value::time(time(value)?),
        other => return typed(other, value),
    })
}

fn metric_data(json: &Json) -> Result<MetricDataResult, String> {
    let text = |json: &Json| json.as_str().map(str::to_owned);
    let message = |json: &Json| {
        Ok(Message {
            code: text(&json["Code"]),
            value: text(&json["Value"]),
        })
    };
    let given = |key: &str| Some(&json[key]).filter(|value| !value.is_null());
    Ok(MetricDataResult {
        id: text(&json["Id"]),
        label: text(&json["Label"]),
        status_code: text(&json["StatusCode"]).unwrap_or_default(),
        timestamps: given("Timestamps").map(|all| each(all, time)).transpose()?,
        values: given("Values").map(|all| each(all, number)).transpose()?,
        messages: given("Messages").map(|all| each(all, message)).transpose()?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    /// The tables of `core/tests/conditions` read results of every type.
    #[test]
    fn what_is_no_result_is_told() {
        for (of, value, told) in [
            ("number", json!(1), "there is no type \"number\""),
            ("float", json!("one"), "\"one\" is no number"),
            ("floats", json!([1, "x"]), "\"x\" is no number"),
            ("maps", json!([1]), "1 is no object"),
            ("values", json!([{"type": "int", "value": 0.5}]), "0.5 is no integer"),
            ("values", json!([{"type": "time", "value": "today"}]), "is no time"),
            ("cloudwatch", json!([{"Values": 1}]), "1 is no list"),
        ] {
            let error = typed(of, &value).unwrap_err();
            assert!(error.starts_with("result.") && error.contains(told), "{error}");
        }
        assert!(typed("floats", &Json::Null).is_ok());
    }
}
