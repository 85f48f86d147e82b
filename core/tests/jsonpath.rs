//! JSONPath against what `k8s.io/client-go/util/jsonpath` v0.35.4 answered, in `jsonpath.json`.
//!
//! `found` and `types` are the groups of values and their types in Go, `unread` and `error` the errors of reading and of
//! finding, `panic` what Go panicked with. Where Go's answers differed from run to run in their order, `anyOrder` is set.

#![allow(clippy::unwrap_used)]
#![allow(clippy::disallowed_methods, reason = "the test reads its table")]

use serde_json::{Value, json};
use serin_core::notation::jsonpath::{Found, JsonPath};

/// Values that a template leads to, each with the name of its type in Go.
type Groups = Vec<Vec<(Value, String)>>;

fn found(path: &str, data: &Value) -> Result<Groups, String> {
    let path = JsonPath::parse(path).map_err(|error| format!("unread: {error}"))?;
    let groups = path.find(data).map_err(|error| error.to_string())?;
    let mut told = Vec::new();
    for group in groups {
        let mut values = Vec::new();
        for value in group {
            values.push(go(value).ok_or("no value")?);
        }
        told.push(values);
    }
    Ok(told)
}

fn go(found: Found<'_>) -> Option<(Value, String)> {
    let (value, of) = match found {
        Found::Data(value) => (
            value.clone(),
            match value {
                Value::Null => "nil",
                Value::Bool(_) => "bool",
                Value::Number(_) => "float64",
                Value::String(_) => "string",
                Value::Array(_) => "[]interface {}",
                Value::Object(_) => "map[string]interface {}",
            },
        ),
        Found::Text(text) => (json!(text), "string"),
        Found::Int(number) => (json!(number), "int"),
        Found::Float(number) => (json!(number), "float64"),
        Found::Bool(is) => (json!(is), "bool"),
        Found::Byte(byte) => (json!(byte), "uint8"),
        Found::Nothing => return None,
    };
    Some((floats(&value), of.to_owned()))
}

/// All numbers as floats, so that `1` and `1.0` are the same.
fn floats(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.iter().map(floats).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| (key.clone(), floats(value)))
            .collect(),
        other => other.clone(),
    }
}

fn sorted(groups: Groups) -> Groups {
    let mut groups = groups;
    for group in &mut groups {
        group.sort_by_key(|(value, of)| format!("{of} {value}"));
    }
    groups
}

#[test]
fn templates_lead_where_kubernetes_library_leads() {
    let text = std::fs::read_to_string("tests/jsonpath.json").unwrap();
    let table: Value = serde_json::from_str(&text).unwrap();
    let cases = table["cases"].as_array().unwrap();
    let mut wrong = Vec::new();
    for case in cases {
        let data = &table["data"][usize::try_from(case["data"].as_u64().unwrap()).unwrap()];
        let path = case["path"].as_str().unwrap();
        let mut answer = found(path, data);
        let mut expected = match case {
            case if case["unread"].is_string() => Err(format!("unread: {}", case["unread"].as_str().unwrap())),
            case if case["error"].is_string() => Err(case["error"].as_str().unwrap().to_owned()),
            case if case["panic"].is_string() => {
                if answer.is_ok() {
                    wrong.push(format!("{path}: Go panics, this gives {answer:?}"));
                }
                continue;
            }
            case => Ok(groups(case)),
        };
        if case["anyOrder"] == true {
            answer = answer.map(sorted);
            expected = expected.map(sorted);
        }
        if answer != expected {
            wrong.push(format!("{path}\n  gives    {answer:?}\n  expected {expected:?}"));
        }
    }
    assert!(cases.len() > 300, "{} cases only", cases.len());
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn groups(case: &Value) -> Groups {
    let lists = |key: &str| case[key].as_array().unwrap().clone();
    let pair = |(value, of): (&Value, &Value)| (floats(value), of.as_str().unwrap().to_owned());
    let group = |(values, types): (Value, Value)| {
        let (values, types) = (values.as_array().unwrap(), types.as_array().unwrap());
        values.iter().zip(types).map(pair).collect()
    };
    lists("found").into_iter().zip(lists("types")).map(group).collect()
}

#[test]
fn missing_keys_may_be_allowed() {
    let path = JsonPath::parse("{.a.b}{.c}").unwrap().allow_missing_keys();
    let data = json!({"c": 1});
    assert_eq!(path.find(&data).unwrap(), [vec![], vec![Found::Data(&json!(1))]]);
}

#[test]
fn a_template_that_multiplies_is_stopped() {
    let path = JsonPath::parse(&"{range $}".repeat(40)).unwrap();
    let error = path.find(&json!([[[]]])).unwrap_err().to_string();
    assert_eq!(error, "the path leads to more than 1000000 values");
}
