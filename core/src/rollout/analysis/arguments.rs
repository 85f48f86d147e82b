//! Values of the arguments that a rollout gives to its analyses (contract 03 §13, contract 11 G8).

use crate::api::Rollout;
use crate::api::analysis::AnalysisArgument;
use crate::api::analysis_template::Argument;
use crate::rollout::look::Look;
use serde_json::Value;
use std::collections::BTreeMap;

/// Pod template hashes that an argument may ask for.
#[derive(Clone, Copy, Debug)]
pub struct Hashes<'a> {
    /// Of the newest revision.
    pub latest: &'a str,
    /// Of the stable revision.
    pub stable: &'a str,
}

impl<'a> Hashes<'a> {
    /// Of the revisions of a rollout.
    pub(crate) fn of(look: &Look<'a>) -> Self {
        Self {
            latest: look.revisions.new_hash,
            stable: &look.rollout.status.stable_rs,
        }
    }
}

/// The arguments with their values.
///
/// Argo Rollouts gives an empty value where a field cannot be read, unless its argument is the last such one. An analysis
/// of nothing may well be successful: here it is an error (contract 11 G8).
///
/// # Errors
/// The first field that cannot be read, in Argo Rollouts' words, after the name of its argument.
pub fn values(written: &[AnalysisArgument], rollout: &Rollout, hashes: Hashes<'_>) -> Result<Vec<Argument>, String> {
    let argument = |written: &AnalysisArgument| {
        let value = value(written, rollout, hashes).map_err(|why| format!("args.{}: {why}", written.name))?;
        Ok(Argument {
            name: written.name.clone(),
            value: Some(value),
            value_from: None,
        })
    };
    written.iter().map(argument).collect()
}

fn value(written: &AnalysisArgument, rollout: &Rollout, hashes: Hashes<'_>) -> Result<String, String> {
    let Some(from) = &written.value_from else {
        return Ok(written.value.clone());
    };
    if let Some(which) = &from.pod_template_hash_value {
        return Ok(match which.as_str() {
            "Latest" => hashes.latest.to_owned(),
            "Stable" => hashes.stable.to_owned(),
            _ => written.value.clone(),
        });
    }
    match &from.field_ref {
        Some(field) if field.field_path.starts_with("metadata") => of_metadata(&field.field_path, rollout),
        Some(field) => of_rollout(&field.field_path, rollout),
        None => Ok(written.value.clone()),
    }
}

/// A field of the metadata, as the downward API has it. A label or annotation that is missing is empty.
fn of_metadata(path: &str, rollout: &Rollout) -> Result<String, String> {
    let metadata = &rollout.metadata;
    let none = BTreeMap::new();
    let labels = metadata.labels.as_ref().unwrap_or(&none);
    let annotations = metadata.annotations.as_ref().unwrap_or(&none);
    if let Some((of, key)) = path.strip_suffix("']").and_then(|path| path.split_once("['")) {
        return match of {
            "metadata.labels" => Ok(labels.get(key).cloned().unwrap_or_default()),
            "metadata.annotations" => Ok(annotations.get(key).cloned().unwrap_or_default()),
            _ => Err(format!("fieldPath \"{path}\" does not support subscript")),
        };
    }
    let text = |text: &Option<String>| Ok(text.clone().unwrap_or_default());
    match path {
        "metadata.name" => text(&metadata.name),
        "metadata.namespace" => text(&metadata.namespace),
        "metadata.uid" => text(&metadata.uid),
        "metadata.labels" => Ok(listed(labels)),
        "metadata.annotations" => Ok(listed(annotations)),
        _ => Err(format!("unsupported fieldPath: {path}")),
    }
}

/// `key="value"`, a line each.
fn listed(pairs: &BTreeMap<String, String>) -> String {
    let lines = pairs
        .iter()
        .map(|(key, value)| format!("{key}={}", Value::from(value.as_str())));
    lines.collect::<Vec<_>>().join("\n")
}

/// A leaf of the rollout as JSON: names between `.`, `[` and `]`, and numbers for items of lists.
fn of_rollout(path: &str, rollout: &Rollout) -> Result<String, String> {
    let nowhere = || format!("invalid path {path} in rollout");
    let whole = serde_json::to_value(rollout).map_err(|error| error.to_string())?;
    let sections = path.split(['.', '[', ']']).filter(|section| !section.is_empty());
    let mut place = &whole;
    for section in sections {
        place = match place {
            Value::Array(items) => {
                let index: i64 = section.parse().map_err(|_| format!("invalid index '{section}'"))?;
                let item = usize::try_from(index).ok().and_then(|index| items.get(index));
                item.ok_or_else(|| format!("index {index} out of range"))?
            }
            Value::Object(fields) => fields.get(section).unwrap_or(&Value::Null),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return Err(nowhere()),
        };
    }
    match place {
        Value::Null => Err(nowhere()),
        Value::Array(_) | Value::Object(_) => {
            Err(format!("path {path} in rollout must terminate in a primitive value"))
        }
        Value::Bool(yes) => Ok(yes.to_string()),
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.as_f64().map_or_else(|| number.to_string(), as_go_prints)),
    }
}

/// A number as Go's `%v` has it: with an exponent from a million on, and below a ten thousandth.
fn as_go_prints(number: f64) -> String {
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return number.to_string();
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return number.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    fn value_of(written: &Value) -> Result<String, String> {
        let rollout: Rollout = serde_json::from_value(json!({
            "metadata": {"name": "web", "namespace": "shop", "uid": "u-1",
                "labels": {"team": "a \"b\"", "app": "web"}, "annotations": {"example.com/x": "1"}},
            "spec": {"replicas": 3, "paused": true, "strategy": {"canary": {"canaryService": "c",
                "steps": [{"setWeight": 20}, {"setWeight": 1_500_000}]}}},
            "status": {"availableReplicas": 2_000_000},
        }))
        .unwrap();
        let written = serde_json::from_value(written.clone()).unwrap();
        let hashes = Hashes {
            latest: "new",
            stable: "old",
        };
        let values = values(&[written], &rollout, hashes)?;
        Ok(values[0].value.clone().unwrap())
    }

    /// Contract 03 §13.
    #[test]
    fn values_and_hashes() {
        for (written, expected) in [
            (json!({"name": "a", "value": "x"}), "x"),
            (json!({"name": "a"}), ""),
            (json!({"name": "a", "valueFrom": {}}), ""),
            (
                json!({"name": "a", "valueFrom": {"podTemplateHashValue": "Latest"}}),
                "new",
            ),
            (
                json!({"name": "a", "value": "x", "valueFrom": {"podTemplateHashValue": "Stable"}}),
                "old",
            ),
        ] {
            assert_eq!(value_of(&written).unwrap(), expected, "{written}");
        }
    }

    /// Contract 03 §13, contract 11 G8; an index below 0, where Argo Rollouts dies, is out of range.
    #[test]
    fn fields_of_the_rollout() {
        let field = |path: &str| value_of(&json!({"name": "a", "valueFrom": {"fieldRef": {"fieldPath": path}}}));
        for (path, expected) in [
            ("metadata.name", "web"),
            ("metadata.namespace", "shop"),
            ("metadata.uid", "u-1"),
            ("metadata.labels['app']", "web"),
            ("metadata.labels['nothing']", ""),
            ("metadata.annotations['example.com/x']", "1"),
            ("metadata.labels", "app=\"web\"\nteam=\"a \\\"b\\\"\""),
            ("spec.replicas", "3"),
            ("spec.paused", "true"),
            ("spec.strategy.canary.canaryService", "c"),
            ("spec.strategy.canary.steps[0].setWeight", "20"),
            ("spec.strategy.canary.steps[1].setWeight", "1.5e+06"),
            ("status.availableReplicas", "2e+06"),
        ] {
            assert_eq!(field(path).unwrap(), expected, "{path}");
        }
        for (path, why) in [
            (
                "metadata.ownerReferences",
                "unsupported fieldPath: metadata.ownerReferences",
            ),
            (
                "metadata.finalizers['x']",
                "fieldPath \"metadata.finalizers['x']\" does not support subscript",
            ),
            ("status.nothing", "invalid path status.nothing in rollout"),
            ("spec.replicas.more", "invalid path spec.replicas.more in rollout"),
            ("spec.strategy.canary.steps[x]", "invalid index 'x'"),
            ("spec.strategy.canary.steps[2]", "index 2 out of range"),
            ("spec.strategy.canary.steps[-1]", "index -1 out of range"),
            (
                "spec.strategy.canary",
                "path spec.strategy.canary in rollout must terminate in a primitive value",
            ),
        ] {
            assert_eq!(field(path).unwrap_err(), format!("args.a: {why}"), "{path}");
        }
    }

    #[test]
    fn numbers_as_go_prints_them() {
        for (number, expected) in [
            (0.0, "0"),
            (0.5, "0.5"),
            (-3.0, "-3"),
            (999_999.0, "999999"),
            (1_000_000.0, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
        ] {
            assert_eq!(as_go_prints(number), expected);
        }
    }
}
