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
    let Some(text) = metric[field].as_str().filter(|text| !text.is_empty()) else {
        return;
    };
    let at = path.key(field);
    let filled = with_numbers(text);
    let mut condition = Conditions::new(&filled, "");
    if let Some((_, why)) = condition.unparsable().first() {
        // An argument may hold any part of an expression.
        if filled == text {
            found.add(index, &at, format!("{at} is no expression: {why}"));
        }
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

/// An expression with a number in the place of each argument, which is what most of them are.
fn with_numbers(text: &str) -> String {
    let mut parts = text.split("{{");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.split_once("}}").map_or(part, |(_, rest)| rest);
        filled.push('1');
        filled.push_str(rest);
    }
    filled
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
    // Arguments stand for parts of selectors, hardly ever for a whole query.
    let query = provider["prometheus"]["query"].as_str()?.trim();
    if query.is_empty() || query.starts_with("{{") {
        return None;
    }
    if query.parse::<f64>().is_ok() || is_scalar(query) {
        return Some(false);
    }
    // Arithmetic may give either: scalar(x) * y is a list, 2 * scalar(x) is none.
    let may_be_scalar = ["scalar", "time()", "pi()"].iter().any(|call| query.contains(call));
    let begins_with_number = query.starts_with(|first: char| first.is_ascii_digit() || "-+(\"'".contains(first));
    (!may_be_scalar && !begins_with_number).then_some(true)
}

/// Whether a query is `scalar(…)` and nothing else. Brackets within texts make it none.
fn is_scalar(query: &str) -> bool {
    let Some(inner) = query.strip_prefix("scalar(").and_then(|rest| rest.strip_suffix(')')) else {
        return false;
    };
    let mut open = 0_usize;
    for character in inner.chars() {
        match character {
            '(' => open += 1,
            ')' if open == 0 => return false,
            ')' => open -= 1,
            _ => {}
        }
    }
    open == 0
}

/// What is said after the condition's text.
fn reason(why: &str) -> &str {
    why.rsplit_once("\": ").map_or(why, |(_, reason)| reason)
}
