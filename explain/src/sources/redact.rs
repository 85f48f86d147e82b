//! Secrets are taken out when an object enters [`Sources`](super::Sources): nothing later can print what is not there.
//!
//! Whole fields go where they may hold a secret by their place: environment values, arguments, probes' and web metrics'
//! headers, annotations that are not known, the last message of a container, `last-applied`. In all other text, what looks
//! like a secret goes (passwords of URLs, queries, `password=…`, bearer tokens), and what repeats one of the values that
//! were taken out.

use super::literals::Literals;
use serde_json::{Map, Value};

/// What stands in the place of a secret.
pub const REDACTED: &str = "<redacted>";

/// Annotations that are read by causes, by prefix; the values of all others are taken out.
const KNOWN_ANNOTATIONS: [&str; 12] = [
    "rollout.argoproj.io/",
    "rollouts.argoproj.io/",
    "argo-rollouts.argoproj.io/",
    "rollout.serin.dev/",
    "argocd.argoproj.io/tracking-id",
    "argocd.argoproj.io/sync-",
    "argocd.argoproj.io/compare-options",
    "argocd.argoproj.io/hook",
    "argocd.argoproj.io/refresh",
    "scale-down-deadline",
    "deployment.kubernetes.io/revision",
    "experiment.argoproj.io/",
];

/// Takes the secrets out of an object.
pub(super) fn object(mut value: Value, literals: &Literals) -> Value {
    prune(&mut value);
    walk(&mut value, "", literals);
    value
}

/// What no cause reads and may hold anything.
fn prune(value: &mut Value) {
    if value["kind"] == "ConfigMap" || value["kind"] == "Secret" {
        // Their names are all that is needed.
        let keep = ["apiVersion", "kind", "metadata"];
        if let Some(members) = value.as_object_mut() {
            members.retain(|name, _| keep.contains(&name.as_str()));
        }
    }
    if value["kind"] == "Application" {
        application(value);
    }
    if let Some(annotations) = value
        .pointer_mut("/metadata/annotations")
        .and_then(Value::as_object_mut)
    {
        known_annotations(annotations);
    }
    if let Some(annotations) = value
        .pointer_mut("/spec/template/metadata/annotations")
        .and_then(Value::as_object_mut)
    {
        known_annotations(annotations);
    }
}

fn known_annotations(annotations: &mut Map<String, Value>) {
    annotations.remove(serin_core::wire::LAST_APPLIED);
    for (name, value) in annotations {
        let known = KNOWN_ANNOTATIONS.iter().any(|prefix| name.starts_with(prefix)) || is_weight(name);
        if !known {
            *value = Value::String(REDACTED.to_owned());
        }
    }
}

/// Annotations of Ingresses that carry a weight, whatever their prefix.
fn is_weight(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or_default();
    last == "canary" || last == "canary-weight" || last == "canary-weight-total" || last.starts_with("actions.")
}

/// The fields of an Application that causes read. Its sources may hold values of Helm, patches and environments of plugins.
fn application(value: &mut Value) {
    let source = |source: &mut Value| {
        let keep = ["repoURL", "path", "targetRevision", "ref", "chart", "name"];
        if let Some(members) = source.as_object_mut() {
            members.retain(|name, _| keep.contains(&name.as_str()));
        }
    };
    every(value, &mut |name, value| {
        if matches!(name, "source" | "drySource" | "syncSource") {
            source(value);
        }
        if name == "sources" {
            value.as_array_mut().into_iter().flatten().for_each(&source);
        }
    });
}

fn every(value: &mut Value, act: &mut impl FnMut(&str, &mut Value)) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                act(name, value);
                every(value, act);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| every(item, act)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What to do with a member by its name.
fn walk(value: &mut Value, name: &str, literals: &Literals) {
    match (name, &mut *value) {
        // fieldsV1 has names of fields; the values of sets are behind "v:".
        ("fieldsV1", Value::Object(fields)) => without_set_values(fields),
        ("env", Value::Array(items)) => items.iter_mut().for_each(environment),
        ("args", Value::Array(items)) => items.iter_mut().for_each(argument),
        ("command", Value::Array(items)) => items.iter_mut().skip(1).for_each(blank),
        (
            "headers" | "httpHeaders" | "jsonBody" | "body" | "headerValue" | "authentication" | "stringData" | "data",
            held,
        ) => leaves(held),
        ("config", held) => leaves(held),
        ("metadata", Value::Object(members)) if members.contains_key("connection") || is_trigger(members) => {
            let others = members.iter_mut().filter(|(name, held)| !is_count(name, held));
            others.for_each(|(_, held)| leaves(held));
        }
        // What a container said last may repeat anything that it was given.
        ("terminated", Value::Object(members)) => {
            members.remove("message");
            members.values_mut().for_each(|held| walk(held, "", literals));
        }
        (_, Value::Object(members)) => {
            for (name, held) in members {
                walk(held, name, literals);
            }
        }
        (_, Value::Array(items)) => items.iter_mut().for_each(|item| walk(item, "", literals)),
        (_, Value::String(text)) => {
            if let Some(clean) = literals.clean(text) {
                *text = clean;
            }
        }
        (_, Value::Null | Value::Bool(_) | Value::Number(_)) => {}
    }
}

/// The number of samples of a measurement (decision 50).
fn is_count(name: &str, held: &Value) -> bool {
    let number = held.as_str().and_then(|text| text.parse::<f64>().ok());
    name == "samples" && number.is_some()
}

/// The `metadata` of a trigger of KEDA, or of a measurement, unlike that of an object, has no name and no labels.
fn is_trigger(members: &Map<String, Value>) -> bool {
    let of_objects = [
        "name",
        "uid",
        "labels",
        "annotations",
        "creationTimestamp",
        "resourceVersion",
    ];
    !members.is_empty() && !of_objects.iter().any(|name| members.contains_key(*name))
}

fn without_set_values(fields: &mut Map<String, Value>) {
    fields.retain(|name, _| !name.starts_with("v:"));
    for value in fields.values_mut() {
        if let Value::Object(inner) = value {
            without_set_values(inner);
        }
    }
}

fn environment(item: &mut Value) {
    if let Some(value) = item.get_mut("value") {
        blank(value);
    }
}

/// An argument of a container is text; one of an analysis has a name and a value.
fn argument(item: &mut Value) {
    match item {
        Value::String(text) => {
            // Flags of the controller that say whether it leads, and whom it serves.
            let kept = ["--leader-elect", "--instance-id", "--namespaced"];
            if !kept.iter().any(|flag| text.starts_with(flag)) {
                REDACTED.clone_into(text);
            }
        }
        other => environment(other),
    }
}

fn blank(value: &mut Value) {
    if !value.is_null() {
        *value = Value::String(REDACTED.to_owned());
    }
}

fn leaves(value: &mut Value) {
    match value {
        Value::Object(members) => members.values_mut().for_each(leaves),
        Value::Array(items) => items.iter_mut().for_each(leaves),
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) => blank(value),
    }
}
