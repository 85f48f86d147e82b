//! `validation/metrics`: what makes an AnalysisRun end with "Analysis spec invalid" (contract 06 §2).

use crate::rules::Rule;
use crate::rules::finding::Severity;
use crate::rules::path::find as reach;
use crate::rules::seen::{Found, Seen};
use serde_json::Value;
use serin_core::analysis::run::additions;
use serin_core::notation::duration::GoDuration;
use serin_gitops::yaml::FieldPath;
use std::collections::BTreeSet;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "validation/metrics",
    severity: Severity::Error,
    title: "the metrics of a template make every AnalysisRun end in an error",
    page: include_str!("../../../../docs/rules/validation.md"),
    find,
};

const PROVIDERS: [&str; 12] = [
    "prometheus",
    "kayenta",
    "web",
    "datadog",
    "wavefront",
    "newRelic",
    "job",
    "cloudWatch",
    "graphite",
    "influxdb",
    "skywalking",
    "plugin",
];

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    let kinds = ["AnalysisTemplate", "ClusterAnalysisTemplate", "AnalysisRun"];
    for (index, object) in seen
        .objects()
        .filter(|(_, object)| kinds.iter().any(|kind| object.is_ours(kind)))
    {
        let nests = object.value.pointer("/spec/templates").and_then(Value::as_array);
        let metrics = object.value.pointer("/spec/metrics").and_then(Value::as_array);
        if metrics.is_none_or(Vec::is_empty) && nests.is_none_or(Vec::is_empty) {
            found.add(index, &FieldPath::parse("spec"), "no metrics specified");
        }
        let mut names = BTreeSet::new();
        for (path, metric) in reach(&object.value, "spec.metrics[*]") {
            if let Some(name) = metric["name"].as_str().filter(|name| !names.insert(*name)) {
                found.add(index, &path.key("name"), format!("{path}: duplicate name '{name}'"));
            }
            of_metric(found, index, &path, metric);
        }
        rules(
            found,
            index,
            &object.value,
            "dryRun",
            &names,
            nests.is_none_or(Vec::is_empty),
        );
        rules(
            found,
            index,
            &object.value,
            "measurementRetention",
            &names,
            nests.is_none_or(Vec::is_empty),
        );
        placeholders(found, index, &object.value);
    }
}

fn of_metric(found: &mut Found<'_, '_>, index: usize, path: &FieldPath, metric: &Value) {
    let mut tell = |field: &str, message: &str| {
        let at = path.key(field);
        let at = if metric.get(field).is_some() { at } else { path.clone() };
        found.add(index, &at, format!("{path}: {message}"));
    };
    let count = number(&metric["count"]);
    let failure = number(&metric["failureLimit"]);
    let inconclusive = number(&metric["inconclusiveLimit"]);
    let success = number(&metric["consecutiveSuccessLimit"]);
    if success.is_some_and(|limit| limit < 0) {
        tell("consecutiveSuccessLimit", "consecutiveSuccessLimit must be >= 0");
    }
    if failure.is_some_and(|limit| limit < -1) {
        tell("failureLimit", "failureLimit must be >= 0, or -1 to be disabled");
    }
    if failure == Some(-1) && matches!(success, None | Some(0)) && !is_argument(&metric["consecutiveSuccessLimit"]) {
        tell(
            "failureLimit",
            "failureLimit and consecutiveSuccessLimit cannot both be disabled",
        );
    }
    if inconclusive.is_some_and(|limit| limit < 0) {
        tell("inconclusiveLimit", "inconclusiveLimit must be >= 0");
    }
    if number(&metric["consecutiveErrorLimit"]).is_some_and(|limit| limit < 0) {
        tell("consecutiveErrorLimit", "consecutiveErrorLimit must be >= 0");
    }
    if let Some(count) = count.filter(|count| *count > 0) {
        let (failures, successes) = (failure.unwrap_or(0), success.unwrap_or(0));
        if failures >= 0 && successes >= 0 && count < failures + successes {
            let message = format!(
                "count ({count}) must be >= failureLimit + consecutiveSuccessLimit ({failures} + {successes}) if both >= 0"
            );
            tell("count", &message);
        }
        if failures < 0 && count < successes {
            tell("count", "count must be >= consecutiveSuccessLimit");
        }
        if count < inconclusive.unwrap_or(0) {
            tell("count", "count must be >= inconclusiveLimit");
        }
        if count > 1 && metric["interval"].as_str().unwrap_or_default().is_empty() {
            tell("count", "interval must be specified when count > 1");
        }
    }
    for (field, word) in [("interval", "interval"), ("initialDelay", "startDelay")] {
        let text = metric[field]
            .as_str()
            .filter(|text| !text.is_empty() && !text.contains("{{"));
        if let Some(Err(error)) = text.map(str::parse::<GoDuration>) {
            tell(field, &format!("invalid {word} string: {error}"));
        }
    }
    if let Some((field, why)) = addition(metric) {
        tell(field, &why);
    }
    let providers: Vec<&str> = provided(&metric["provider"]);
    match providers[..] {
        [] => tell("provider", "no provider specified"),
        [_] => {}
        _ => tell(
            "provider",
            &format!("multiple providers specified: {}", providers.join(", ")),
        ),
    }
}

/// What is wrong with Serin's own fields, and which of them it is about; nothing where an argument decides (decision 50).
fn addition(metric: &Value) -> Option<(&'static str, String)> {
    let fields = ["compare", "minSamples", "samples", "noData"];
    let written = || fields.into_iter().filter(|field| metric.get(*field).is_some());
    if written().any(|field| metric[field].to_string().contains("{{")) {
        return None;
    }
    let decoded = serde_json::from_value(metric.clone()).ok()?;
    let why = additions(&decoded).err()?;
    let field = written().find(|field| why.contains(field)).unwrap_or("name");
    Some((field, why))
}

fn provided(provider: &Value) -> Vec<&str> {
    let map = provider.as_object().into_iter().flatten();
    let known = map.filter(|(key, value)| PROVIDERS.contains(&key.as_str()) && !value.is_null());
    let names = known.flat_map(|(key, value)| match (key.as_str(), value.as_object()) {
        ("plugin", Some(plugins)) => plugins.keys().map(String::as_str).collect(),
        (key, _) => vec![key],
    });
    names.collect()
}

/// A number as written; `None` where it is absent or an argument decides.
fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) if !text.contains("{{") => Some(text.parse().unwrap_or(0)),
        _ => None,
    }
}

fn is_argument(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.contains("{{"))
}

/// Rules that name metrics. They are regular expressions; a plain name is compared, anything else is not judged.
fn rules(found: &mut Found<'_, '_>, index: usize, object: &Value, field: &str, names: &BTreeSet<&str>, is_whole: bool) {
    let mut told = BTreeSet::new();
    for (path, rule) in reach(object, &format!("spec.{field}[*]")) {
        let Some(name) = rule["metricName"].as_str() else {
            continue;
        };
        if !told.insert(name) {
            let what = if field == "dryRun" {
                "Dry-Run"
            } else {
                "Measurement Retention"
            };
            let message = format!("two {what} metric rules have the same name '{name}'");
            found.add(index, &path.key("metricName"), message);
        }
        let plain = name.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
        if is_whole && plain && !names.iter().any(|metric| metric.contains(name)) {
            let message = format!(
                "{}: Rule didn't match any metric name(s)",
                path.to_string().trim_start_matches("spec.")
            );
            found.add(index, &path.key("metricName"), message);
        }
    }
}

/// Arguments in metrics that the template does not declare.
fn placeholders(found: &mut Found<'_, '_>, index: usize, object: &Value) {
    let declared: BTreeSet<&str> = reach(object, "spec.args[*].name")
        .into_iter()
        .filter_map(|(_, name)| name.as_str())
        .collect();
    for (path, metric) in reach(object, "spec.metrics[*]") {
        let mut used = Vec::new();
        strings(metric, &path, &mut used);
        for (path, text) in used {
            for name in arguments(text) {
                if !declared.contains(name) {
                    let message = format!(
                        "{path}: failed to resolve {{{{args.{name}}}}}: the template declares no argument {name:?}"
                    );
                    found.add(index, &path, message);
                }
            }
        }
    }
}

fn strings<'v>(value: &'v Value, path: &FieldPath, found: &mut Vec<(FieldPath, &'v str)>) {
    match value {
        Value::String(text) if text.contains("{{") => found.push((path.clone(), text)),
        Value::Object(map) => map
            .iter()
            .for_each(|(key, value)| strings(value, &path.key(key), found)),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                strings(item, &path.index(index), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The arguments in a text.
pub(in crate::rules) fn arguments(text: &str) -> Vec<&str> {
    let tags = text
        .split("{{")
        .skip(1)
        .filter_map(|rest| rest.split_once("}}").map(|(tag, _)| tag.trim()));
    tags.filter_map(|tag| tag.strip_prefix("args.")).collect()
}
