//! How inputs are read, what must hold of every answer, and the shape of the answer: what tells kinds of answers apart.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use serin_core::analysis::condition;
use serin_core::api::lenient::Lenient;
use serin_core::api::{AnalysisRun, AnalysisTemplate, ClusterAnalysisTemplate, Experiment, Rollout};
use serin_core::identity::{Dialect, Identity, pod_hash, quantity_value, sanitised_template};
use serin_core::meaning::Strategy;
use serin_core::notation::duration::GoDuration;
use serin_core::notation::yaml;
use serin_core::{Observed, decide, validate};

/// Without what differs between any two answers of one shape.
fn shape(text: &str) -> String {
    let mut shape: String = text.chars().filter(|it| !it.is_ascii_digit()).take(300).collect();
    if let Some(quoted) = shape.find('"') {
        shape.truncate(quoted);
    }
    shape
}

pub(crate) fn duration(input: &str) -> String {
    match input.parse::<GoDuration>() {
        Ok(duration) => {
            let written = duration.to_string();
            assert_eq!(written.parse::<GoDuration>(), Ok(duration), "{written}");
            shape(&written)
        }
        Err(error) => shape(&error.to_string()),
    }
}

/// The input is JSON where it can be, else a string.
fn json_or_text(input: &str) -> Value {
    serde_json::from_str(input).unwrap_or_else(|_| json!(input))
}

pub(crate) fn int_or_string(input: &str) -> String {
    let value = json_or_text(input);
    let read = serde_json::from_value::<IntOrString>(value.clone());
    let mut found = format!("{}", read.is_ok());
    for replicas in [0, 1, 3, i32::MAX] {
        for strategy in [
            json!({"canary": {"maxSurge": value, "maxUnavailable": value}}),
            json!({"canary": {"maxUnavailable": value, "replicaProgressThreshold": {"type": "Percent", "value": 1}}}),
            json!({"blueGreen": {"activeService": "a", "maxUnavailable": value}}),
        ] {
            let lenient = Lenient::of(json!({"spec": {"replicas": replicas, "strategy": strategy}}));
            if let Ok(strategy) = Strategy::of(&lenient.rollout.spec) {
                let unavailable = strategy.max_unavailable();
                assert!(unavailable <= replicas, "{unavailable} of {replicas}");
                found.push(if unavailable < 0 { '-' } else { '+' });
            }
        }
    }
    found
}

pub(crate) fn quantity(input: &str) -> String {
    let value = json_or_text(input);
    match quantity_value(&value) {
        Some(amount) => {
            assert_eq!(quantity_value(&value).as_ref(), Some(&amount));
            shape(&amount)
        }
        None => "no quantity".to_owned(),
    }
}

pub(crate) fn yaml(input: &str) -> String {
    let documents = match yaml::parse_docs(input) {
        Ok(documents) => documents,
        Err(error) => return shape(&error.to_string()),
    };
    // To YAML a carriage return alone ends a line, too.
    let lines = input.split(['\n', '\r']).count();
    let mut found = format!("{} ", documents.len().min(4));
    for document in &documents {
        assert!(document.line >= 1 && document.line <= lines, "{}", document.line);
        let line = document.line_of("spec.strategy.canary.steps[0].setWeight");
        assert!(line >= document.line && line <= lines, "{line}");
        let written = yaml::to_string(&document.value).unwrap();
        let again = yaml::parse_docs(&written).unwrap_or_else(|error| panic!("{error}: {written}"));
        assert_eq!(again.len(), 1, "{written}");
        assert_eq!(again[0].value, document.value, "{written}");
        found.push_str(&outline(&document.value, 2));
    }
    found
}

/// The types of a value, some levels deep.
fn outline(value: &Value, depth: usize) -> String {
    let below = |values: &mut dyn Iterator<Item = &Value>| -> String {
        if depth == 0 {
            return String::new();
        }
        values.take(4).map(|it| outline(it, depth - 1)).collect()
    };
    match value {
        Value::Null => "n".to_owned(),
        Value::Bool(_) => "b".to_owned(),
        Value::Number(number) => if number.is_f64() { "f" } else { "i" }.to_owned(),
        Value::String(_) => "s".to_owned(),
        Value::Array(items) => format!("[{}]", below(&mut items.iter())),
        Value::Object(fields) => format!("{{{}}}", below(&mut fields.values())),
    }
}

pub(crate) fn kind(input: &str) -> String {
    let Ok(documents) = yaml::parse_docs(input) else {
        return "no YAML".to_owned();
    };
    let mut found = String::new();
    for document in documents.iter().take(3) {
        found.push_str(&strict::<Rollout>(&document.value));
        found.push_str(&strict::<Experiment>(&document.value));
        found.push_str(&strict::<AnalysisRun>(&document.value));
        found.push_str(&strict::<AnalysisTemplate>(&document.value));
        found.push_str(&strict::<ClusterAnalysisTemplate>(&document.value));
        found.push_str(&lenient(&document.value));
    }
    found
}

/// What decodes is written and read again as the same.
fn strict<K: DeserializeOwned + Serialize>(value: &Value) -> String {
    match serde_json::from_value::<K>(value.clone()) {
        Ok(object) => {
            let written = serde_json::to_value(&object).unwrap();
            let again: K = serde_json::from_value(written.clone()).unwrap_or_else(|error| panic!("{error}: {written}"));
            assert_eq!(serde_json::to_value(&again).unwrap(), written);
            "ok ".to_owned()
        }
        Err(error) => shape(&error.to_string()),
    }
}

/// As the controller reads it, up to the decision.
fn lenient(value: &Value) -> String {
    let (metadata, odd) = Lenient::metadata(value["metadata"].clone());
    let Lenient {
        mut rollout,
        undecodable,
        unread,
    } = Lenient::of(value.clone());
    rollout.metadata = metadata;
    let errors: Vec<_> = validate::rollout(&rollout).iter().map(ToString::to_string).collect();
    if let Some(template) = &rollout.spec.template {
        let (template, _) = sanitised_template(template);
        for dialect in [Dialect::Omitted, Dialect::Null] {
            assert!(!pod_hash(&template, dialect, rollout.status.collision_count).is_empty());
        }
    }
    let seen = Observed {
        identity: Identity::of(&rollout),
        rollout,
        undecodable: odd.or(undecodable),
        ..Observed::default()
    };
    let plan = decide(&seen, Timestamp::UNIX_EPOCH);
    assert_eq!(
        plan,
        decide(&seen, Timestamp::UNIX_EPOCH),
        "the same answer for the same input"
    );
    let errors = shape(&errors.join(" "));
    format!("{} {errors} {}", unread.len(), shape(&format!("{:?}", plan.actions)))
}

/// Whatever a condition is, it ends, and says the same of the same value.
pub(crate) fn condition(input: &str) -> String {
    let value = json!({"a": [1, 2.5, "x"], "s": "a,b", "n": null, "o": {"v": true}});
    let results = [
        serin_expr::Value::from_json(&value),
        serin_expr::Value::floats([0.5, f64::NAN]),
        serin_expr::Value::Nil,
    ];
    let mut found = String::new();
    for result in &results {
        let given = condition::evaluate(input, result, Timestamp::UNIX_EPOCH);
        let again = condition::evaluate(input, result, Timestamp::UNIX_EPOCH);
        let shown = |given: &Result<serin_expr::Value, String>| match given {
            Ok(value) => serin_expr::go::format::type_name(value),
            Err(error) => error.clone(),
        };
        assert_eq!(shown(&given), shown(&again), "the same answer for the same input");
        found.push_str(&shape(&shown(&given)));
        found.push('\n');
        let mut conditions = condition::Conditions::new(input, input);
        let verdict = conditions.judge(result, Timestamp::UNIX_EPOCH);
        assert_eq!(verdict, conditions.judge(result, Timestamp::UNIX_EPOCH));
    }
    found
}
