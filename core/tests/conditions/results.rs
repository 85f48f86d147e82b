//! Results as cases write them (contract 12 §2).

use serde_json::Value as Json;
use serin_expr::Value;
use serin_expr::value::{Message, MetricDataResult};

/// A number that may be written as `"NaN"`, `"+Inf"` or `"-Inf"`.
fn number(json: &Json) -> f64 {
    match json {
        Json::String(text) if text == "NaN" => f64::NAN,
        Json::String(text) => text.parse().expect("a number"),
        other => other.as_f64().expect("a number"),
    }
}

fn text(json: &Json) -> Option<String> {
    json.as_str().map(str::to_owned)
}

/// A value of a type.
pub(crate) fn result(of: &str, json: &Json) -> Value {
    match of {
        "nil" | "" => Value::Nil,
        "nilFloat" => Value::nil_float(),
        "float" => Value::Float(number(json)),
        "floats" => Value::floats(json.as_array().expect("a list").iter().map(number)),
        "json" => Value::from_json(json),
        "string" => Value::string(json.as_str().expect("a text")),
        "map" => Value::map(json.as_object().expect("an object")),
        "maps" => {
            let items = json.as_array().expect("a list").iter();
            Value::maps(items.map(|it| it.as_object().expect("an object")))
        }
        "values" => {
            let items = json.as_array().expect("a list").iter();
            Value::values(items.map(|it| single(it["type"].as_str().expect("a type"), &it["value"])))
        }
        "cloudwatch" => {
            let items: Vec<&Json> = json.as_array().into_iter().flatten().collect();
            if json.is_null() {
                return Value::Nil;
            }
            Value::cloudwatch(items.into_iter().map(metric_data))
        }
        other => panic!("no type {other}"),
    }
}

fn single(of: &str, json: &Json) -> Value {
    match of {
        "int" => Value::int64(json.as_i64().expect("an integer")),
        "uint" => Value::uint64(json.as_u64().expect("an integer")),
        "bool" => Value::Bool(json.as_bool().expect("a bool")),
        "time" => Value::time(json.as_str().expect("a time").parse().expect("a time")),
        other => result(other, json),
    }
}

fn metric_data(json: &Json) -> MetricDataResult {
    let list = |json: &Json| json.as_array().cloned();
    MetricDataResult {
        id: text(&json["Id"]),
        label: text(&json["Label"]),
        status_code: text(&json["StatusCode"]).unwrap_or_default(),
        timestamps: list(&json["Timestamps"]).map(|it| {
            it.iter()
                .map(|it| it.as_str().expect("a time").parse().expect("a time"))
                .collect()
        }),
        values: list(&json["Values"]).map(|it| it.iter().map(number).collect()),
        messages: list(&json["Messages"]).map(|it| {
            let message = |it: &Json| Message {
                code: text(&it["Code"]),
                value: text(&it["Value"]),
            };
            it.iter().map(message).collect()
        }),
    }
}
