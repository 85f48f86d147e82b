//! `analysis/conditions`: an expression over `result` that is none, or that never fits what the provider answers (contract 06
//! §10, contract 08 §13).

use crate::rules::Rule;
use crate::rules::finding::{Fix, Severity};
use crate::rules::path::find as reach;
use crate::rules::seen::{Found, Seen};
use jiff::Timestamp;
use serde_json::Value as Json;
use serin_core::analysis::condition::{Conditions, Formula, Value};
use serin_gitops::yaml::FieldPath;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "analysis/conditions",
    severity: Severity::Error,
    title: "a condition does not compile, or compares a list with a number",
    page: include_str!("../../../../docs/rules/analysis.md"),
    find,
};

/// The list that stands for what a query answers: longer than the indexes that conditions use.
const SERIES: usize = 64;

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    let kinds = ["AnalysisTemplate", "ClusterAnalysisTemplate", "AnalysisRun"];
    for (index, object) in seen
        .objects()
        .filter(|(_, object)| kinds.iter().any(|kind| object.is_ours(kind)))
    {
        for (path, metric) in reach(&object.value, "spec.metrics[*]") {
            for field in ["successCondition", "failureCondition"] {
                condition(found, index, &path, metric, field);
            }
            samples(found, index, &path.key("samples"), &metric["samples"]);
            let result = path.key("compare").key("result");
            for field in ["successes", "trials", "value"] {
                samples(found, index, &result.key(field), &metric["compare"]["result"][field]);
            }
        }
    }
}

fn condition(found: &mut Found<'_, '_>, index: usize, path: &FieldPath, metric: &Json, field: &'static str) {
    let Some(text) = written(&metric[field]) else {
        return;
    };
    let at = path.key(field);
    let mut condition = Conditions::new(text, "");
    if let Some((_, why)) = condition.unparsable().first() {
        found.add(index, &at, format!("{at} is no expression: {why}"));
        return;
    }
    let Some(list) = answers_a_list(&metric["provider"]) else {
        return;
    };
    // Texts of the error differ by field, and the value does not matter: only whether the types fit.
    let mut fits = |value: &Value| condition.judge(value, Timestamp::UNIX_EPOCH);
    let (of_list, of_number) = (fits(&Value::floats([1.0; SERIES])), fits(&Value::Float(1.0)));
    let (message, words) = match (list, of_list, of_number) {
        (true, Err(why), Ok(_)) => (
            format!(
                "{at} is an error at each measurement, because the query answers with a list: {}",
                reason(&why)
            ),
            "write result[0] for the first series; len(result) > 0 && … where there may be none",
        ),
        (false, Ok(_), Err(why)) => (
            format!(
                "{at} is an error at each measurement, because the query answers with one number: {}",
                reason(&why)
            ),
            "write result without an index",
        ),
        _ => return,
    };
    found.add(index, &at, message).fix(Fix::words(words));
}

fn samples(found: &mut Found<'_, '_>, index: usize, at: &FieldPath, text: &Json) {
    let formula = written(text).map(Formula::new);
    if let Some(why) = formula.as_ref().and_then(Formula::unparsable) {
        found.add(index, at, format!("{at} is no expression: {why}"));
    }
}

/// An expression that no argument decides.
fn written(text: &Json) -> Option<&str> {
    text.as_str().filter(|text| !text.is_empty() && !text.contains("{{"))
}

/// Whether the provider answers with a list; `None` where that cannot be told from the metric.
fn answers_a_list(provider: &Json) -> Option<bool> {
    if !provider["graphite"].is_null() {
        return Some(true);
    }
    let query = written(&provider["prometheus"]["query"])?.trim();
    if query.parse::<f64>().is_ok() {
        return Some(false);
    }
    let begins_as_scalar = query.starts_with("scalar(") || query.starts_with("time()");
    // scalar(x) > 1 is a number, scalar(x) * y may be a list.
    match begins_as_scalar {
        true if query.ends_with(')') && query.matches("scalar(").count() == 1 => Some(false),
        true => None,
        false if query.contains("scalar(") || query.contains("time()") => None,
        false if query.starts_with(|first: char| first.is_ascii_digit() || first == '-' || first == '(') => None,
        false => Some(true),
    }
}

/// What is said after the condition's text.
fn reason(why: &str) -> &str {
    why.rsplit_once("\": ").map_or(why, |(_, reason)| reason)
}
