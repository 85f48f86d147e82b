//! `validation/schema`: a field that does not exist, or a value of the wrong type.

use crate::rules::Rule;
use crate::rules::build::Object;
use crate::rules::finding::{Fix, Severity};
use crate::rules::path::last_key;
use crate::rules::seen::{Found, Seen};
use serde_json::Value;
use serin_core::api::{AnalysisRun, AnalysisTemplate, ClusterAnalysisTemplate, Experiment, GROUP, Rollout, VERSION};
use serin_core::crd::{problems, strict_schema_of};
use serin_gitops::yaml::FieldPath;
use std::collections::BTreeMap;
use std::sync::LazyLock;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "validation/schema",
    severity: Severity::Error,
    title: "a field does not exist, is missing, or has a value of the wrong type",
    page: include_str!("../../../../docs/rules/validation.md"),
    find,
};

const KINDS: [&str; 5] = [
    "AnalysisRun",
    "AnalysisTemplate",
    "ClusterAnalysisTemplate",
    "Experiment",
    "Rollout",
];

static SCHEMAS: LazyLock<BTreeMap<&str, Value>> = LazyLock::new(|| {
    KINDS
        .iter()
        .filter_map(|kind| Some((*kind, strict_schema_of(kind)?)))
        .collect()
});

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    for (index, object) in seen.objects().filter(|(_, object)| object.group() == GROUP) {
        let Some(schema) = SCHEMAS.get(object.kind()) else {
            continue;
        };
        let version = object.value["apiVersion"].as_str().unwrap_or_default();
        let expected = format!("{GROUP}/{VERSION}");
        if version != expected {
            let path = FieldPath::parse("apiVersion");
            let message = format!(
                "apiVersion is {version:?}, but {} exists only as {expected}",
                object.kind()
            );
            let words = format!("use {expected}");
            let fix = seen.replace(&seen.place(index, &path), version, &expected, words);
            found.add(index, &path, message).fix(fix);
            continue;
        }
        let mut problems: Vec<(String, String)> = problems(&object.value, schema)
            .into_iter()
            // What kustomize leaves of a patch is RK007.
            .filter(|(field, _)| !field.contains("$patch") && !field.contains("$setElementOrder"))
            .collect();
        if problems.is_empty() {
            problems.extend(undecodable(object));
        }
        for (field, message) in problems {
            let path = FieldPath::within(&field, &object.value);
            let fix = correction(seen, index, &path, &message);
            let shows = message.starts_with("is ") || message.starts_with("invalid ");
            let message = if shows && is_delicate(&path) {
                "the value has the wrong type".to_owned()
            } else {
                message
            };
            let message = if field.is_empty() {
                message
            } else {
                format!("{path}: {message}")
            };
            let finding = found.add(index, &path, message);
            if let Some(fix) = fix {
                finding.fix(fix);
            }
        }
    }
}

/// Whether a field may hold a secret, so that its value is not told.
fn is_delicate(path: &FieldPath) -> bool {
    let text = path.to_string();
    let of_container = ["env[", "command[", "args[", "envFrom["]
        .iter()
        .any(|list| text.contains(list));
    let of_provider = text.contains(".provider.") || text.contains(".plugins.") || text.contains("valueFrom");
    of_container || of_provider
}

/// What a schema does not say: whole numbers of 32 bits, times.
fn undecodable(object: &Object) -> Option<(String, String)> {
    fn read<T: serde::de::DeserializeOwned>(value: &Value) -> Option<(String, String)> {
        let error = serde_path_to_error::deserialize::<_, T>(value).err()?;
        Some((error.path().to_string(), error.inner().to_string()))
    }
    match object.kind() {
        "Rollout" => read::<Rollout>(&object.value),
        "Experiment" => read::<Experiment>(&object.value),
        "AnalysisTemplate" => read::<AnalysisTemplate>(&object.value),
        "ClusterAnalysisTemplate" => read::<ClusterAnalysisTemplate>(&object.value),
        "AnalysisRun" => read::<AnalysisRun>(&object.value),
        _ => None,
    }
}

/// The field that was meant, where the message knows it.
fn correction(seen: &Seen<'_>, index: usize, path: &FieldPath, message: &str) -> Option<Fix> {
    let meant = message.split_once("did you mean ")?.1.trim_end_matches('?');
    let written = last_key(path);
    let place = seen.place(index, path);
    let words = format!("use {meant}");
    Some(seen.replace(&place, &format!("{written}:"), &format!("{meant}:"), words))
}
