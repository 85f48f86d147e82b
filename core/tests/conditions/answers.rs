//! Serin's answers to cases.

use jiff::Timestamp;
use serde_json::{Value as Json, json};
use serin_core::analysis::condition::{Conditions, evaluate, time, typed};
use serin_expr::go::format::{text, type_name};

/// A time long after any that a case names.
pub(crate) fn now() -> Timestamp {
    "2031-02-03T04:05:06Z".parse().unwrap()
}

/// What Serin answers to a case.
pub(crate) fn answer(case: &Json) -> Json {
    let text_of = |key: &str| case[key].as_str().unwrap_or_default();
    let of = case["result"]["type"].as_str().unwrap_or_default();
    let measured = || typed(of, &case["result"]["value"]).expect("a result");
    match case["kind"].as_str() {
        Some("expression") => {
            let mut conditions = Conditions::new(text_of("successCondition"), text_of("failureCondition"));
            match conditions.judge(&measured(), now()) {
                Ok(verdict) => json!({"phase": verdict.phase()}),
                Err(message) => json!({"phase": "Error", "message": message}),
            }
        }
        Some("value") => match evaluate(text_of("expression"), &measured(), now()) {
            Ok(value) => json!({"type": type_name(&value), "value": text(&value)}),
            Err(error) => json!({"error": error}),
        },
        Some("time") => match time(text_of("expression"), now()) {
            Ok(at) => {
                let since = now().duration_since(at).as_secs_f64().round();
                if since.abs() < 48.0 * 3600.0 {
                    json!({"sinceNowSeconds": since})
                } else {
                    json!({"time": at.to_string()})
                }
            }
            Err(error) => json!({"error": error}),
        },
        other => panic!("no kind {other:?}"),
    }
}
