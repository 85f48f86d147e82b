//! `noData`, `samples` and `minSamples` (decision 50).

use crate::play::begin;
use serde_json::{Value as Json, json};
use serin_core::analysis::expressions::Compiling;
use serin_core::analysis::provider::{Context, Environment, Outcome, Reading, Run, Secrets, Step, measurement};
use serin_core::analysis::run::validate;
use serin_core::api::analysis_run::Measurement;
use serin_core::api::analysis_template::Metric;
use serin_expr::Value;

/// The metric that each row changes.
fn metric(fields: &Json) -> Metric {
    let metric = json!({"name": "m", "successCondition": "result[0] > 0.9", "provider": {"web": {"url": "http://x"}}});
    serde_json::from_value(over(metric, fields)).unwrap()
}

fn measured(fields: &Json, value: Value) -> Measurement {
    let (metric, run, secrets, environment) = (
        metric(fields),
        Run::default(),
        Secrets::default(),
        Environment::default(),
    );
    let context = Context {
        now: begin(),
        metric: &metric,
        run: &run,
        step: Step::Run { number: 1 },
        secrets: &secrets,
        environment: &environment,
        expressions: &Compiling,
    };
    let reading = Reading {
        outcome: Outcome::Value(value),
        text: "as answered".into(),
        ..Reading::default()
    };
    measurement(&context, Ok(reading), begin())
}

fn floats(numbers: &[f64]) -> Value {
    Value::floats(numbers.iter().copied())
}

/// Phase, message and number of samples of a measurement.
fn told(fields: &Json, value: Value, expected: (&str, &str, Option<&str>)) {
    let measured = measured(fields, value);
    let samples = measured.metadata.get("samples").map(String::as_str);
    let told = (&*measured.phase, &*measured.message, samples);
    assert_eq!(told, expected, "{fields}");
    assert!(measured.finished_at.is_some(), "{fields}");
}

#[test]
fn an_answer_without_data_is_what_no_data_says() {
    for (fields, value, phase, message) in [
        // Without the fields: as in Argo Rollouts.
        (
            json!({}),
            floats(&[]),
            "Error",
            "could not evaluate successCondition \"result[0] > 0.9\": metric result is nil or empty: no data returned from \
             the metric provider",
        ),
        (json!({}), floats(&[f64::NAN]), "Failed", ""),
        (json!({}), floats(&[0.95]), "Successful", ""),
        // What counts as no data.
        (
            json!({"noData": "Inconclusive"}),
            floats(&[]),
            "Inconclusive",
            "no data: the provider answered nothing",
        ),
        (
            json!({"noData": "Successful"}),
            Value::nil_float(),
            "Successful",
            "no data: the provider answered nothing",
        ),
        (
            json!({"noData": "Error"}),
            floats(&[f64::NAN, f64::NAN]),
            "Error",
            "no data: the provider answered NaN",
        ),
        (json!({"noData": "Error"}), floats(&[f64::NAN, 1.0]), "Failed", ""),
        (json!({"noData": "Failed"}), floats(&[0.95]), "Successful", ""),
    ] {
        told(&fields, value, (phase, message, None));
    }
}

#[test]
fn samples_are_told_beside_every_verdict() {
    let few = json!({"noData": "Inconclusive", "samples": "result[1]", "minSamples": 100});
    for (fields, value, phase, message, samples) in [
        (
            json!({"samples": "result[1]"}),
            floats(&[0.95, 3.0]),
            "Successful",
            "3 samples",
            Some("3"),
        ),
        (
            few.clone(),
            floats(&[0.95, 100.0]),
            "Successful",
            "100 samples",
            Some("100"),
        ),
        (few.clone(), floats(&[0.5, 100.0]), "Failed", "100 samples", Some("100")),
        (
            few.clone(),
            floats(&[0.95, 99.0]),
            "Inconclusive",
            "no data: 99 samples, minSamples is 100",
            Some("99"),
        ),
        (
            few.clone(),
            floats(&[0.95, f64::NAN]),
            "Inconclusive",
            "no data: 0 samples, minSamples is 100",
            Some("0"),
        ),
        (
            few.clone(),
            floats(&[]),
            "Inconclusive",
            "no data: 0 samples, minSamples is 100",
            Some("0"),
        ),
        // An expression that gives no number of samples is a mistake, and no lack of data.
        (
            json!({"noData": "Successful", "samples": "result[1] > 2"}),
            floats(&[0.95, 3.0]),
            "Error",
            "could not evaluate samples \"result[1] > 2\": expected a number, but got bool",
            None,
        ),
        (
            json!({"noData": "Successful", "samples": "-1.5"}),
            floats(&[0.95]),
            "Error",
            "samples \"-1.5\" must give 0 or more, but gave -1.5",
            None,
        ),
    ] {
        told(&fields, value, (phase, message, samples));
    }
}

/// Lays fields over an object.
fn over(mut object: Json, fields: &Json) -> Json {
    for (name, value) in fields.as_object().unwrap() {
        object[name] = value.clone();
    }
    object
}

/// A metric that compares, with these fields of `compare`.
#[expect(clippy::needless_pass_by_value, reason = "fields are written where they are used")]
fn compare(fields: Json) -> Json {
    let compare = json!({"arg": "hash", "worse": "higher", "margin": "0.01", "confidence": "0.95",
        "result": {"successes": "result[0]", "trials": "result[1]"}});
    json!({"successCondition": "", "compare": over(compare, &fields)})
}

/// A metric that compares, with these fields beside `compare`.
#[expect(clippy::needless_pass_by_value, reason = "fields are written where they are used")]
fn beside(fields: Json) -> Json {
    over(compare(json!({})), &fields)
}

fn is_refused(fields: &Json, why: &str) {
    let found = validate(&[metric(fields)]).map_err(|error| error.to_string());
    assert_eq!(found, Err(format!("metrics[0]: metric 'm': {why}")), "{fields}");
}

#[test]
fn what_is_wrong_names_metric_and_field() {
    for (fields, why) in [
        (
            json!({"noData": "None"}),
            "noData must be Inconclusive, Failed, Successful or Error, not \"None\"",
        ),
        (
            json!({"minSamples": 0, "samples": "1", "noData": "Error"}),
            "minSamples must be a whole number of at least 1",
        ),
        (
            json!({"minSamples": "many", "samples": "1", "noData": "Error"}),
            "minSamples must be a whole number of at least 1",
        ),
        (
            json!({"minSamples": 5, "noData": "Error"}),
            "minSamples needs samples: the expression that counts them",
        ),
        (
            json!({"minSamples": 5, "samples": "result[1]"}),
            "minSamples needs noData: what a measurement with fewer samples counts as",
        ),
        (
            json!({"noData": "Error", "provider": {"job": {"spec": {}}}}),
            "noData does not apply to the provider job, which judges by itself: remove it",
        ),
        (
            json!({"samples": "1", "provider": {"plugin": {"a/b": {}}}}),
            "samples does not apply to the provider plugin, which judges by itself: remove it",
        ),
    ] {
        is_refused(&fields, why);
    }
}

#[test]
fn what_is_wrong_with_a_comparison_names_the_field() {
    for (fields, why) in [
        (
            compare(json!({"arg": ""})),
            "compare.arg is missing: name the argument that holds the pod template hash",
        ),
        (
            compare(json!({"worse": "more"})),
            "compare.worse must be higher or lower, not \"more\"",
        ),
        (
            compare(json!({"margin": "1"})),
            "compare.margin must be a decimal number of at least 0 and below 1, such as \"0.01\", not \"1\"",
        ),
        (
            compare(json!({"margin": "NaN", "result": {"value": "result"}})),
            "compare.margin must be a decimal number of at least 0, such as \"0.05\", not \"NaN\"",
        ),
        (
            compare(json!({"confidence": "95"})),
            "compare.confidence must be a decimal number between 0.5 and 1, such as \"0.95\", not \"95\"",
        ),
        (
            compare(json!({"result": {}})),
            "compare.result must have successes and trials, or value",
        ),
        (
            compare(json!({"result": {"trials": "1"}})),
            "compare.result.successes is missing beside trials",
        ),
        (
            compare(json!({"result": {"successes": "1"}})),
            "compare.result.trials is missing beside successes",
        ),
        (
            compare(json!({"result": {"successes": "1", "trials": "1", "value": "1"}})),
            "compare.result must not have value beside successes and trials",
        ),
        (
            beside(json!({"successCondition": "true"})),
            "successCondition does not apply beside compare, which decides by itself: remove it",
        ),
        (
            beside(json!({"failureLimit": 2, "count": 3, "interval": "1m"})),
            "failureLimit does not apply beside compare, which decides by itself: remove it",
        ),
        (
            beside(json!({"noData": "Successful"})),
            "noData must not be Successful beside compare: without data nothing is compared",
        ),
    ] {
        is_refused(&fields, why);
    }
}

#[test]
fn what_is_right_is_not_refused() {
    for fields in [
        json!({"noData": "Inconclusive", "samples": "result[1]", "minSamples": "10"}),
        json!({"samples": "result[1]"}),
        beside(json!({"noData": "Inconclusive", "count": 10, "interval": "1m", "consecutiveErrorLimit": 2})),
    ] {
        assert_eq!(validate(&[metric(&fields)]), Ok(()), "{fields}");
    }
}
