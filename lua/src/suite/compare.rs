//! When two answers are the same, as upstream's tests see it.

use super::read::HealthCase;
use crate::host::{Acted, FoundAction, Health, Impacted, Operation};
use serde_json::Value;

/// Fields that an action sets to the time or to a random text, and that upstream's tests therefore do not compare.
/// Group, kind (empty: all of the group), path (`*`: each item of a list).
const VOLATILE: [(&str, &str, &[&str]); 18] = [
    ("argoproj.io", "Rollout", &["spec", "restartAt"]),
    ("argoproj.io", "Workflow", &["metadata", "resourceVersion"]),
    ("argoproj.io", "Workflow", &["metadata", "uid"]),
    (
        "argoproj.io",
        "Workflow",
        &["metadata", "annotations", "workflows.argoproj.io/scheduled-time"],
    ),
    (
        "apps",
        "",
        &[
            "spec",
            "template",
            "metadata",
            "annotations",
            "kubectl.kubernetes.io/restartedAt",
        ],
    ),
    ("apps", "Deployment", &["status"]),
    ("apps", "Deployment", &["metadata", "creationTimestamp"]),
    ("apps", "Deployment", &["metadata", "generation"]),
    ("batch", "Job", &["status", "conditions", "*", "lastTransitionTime"]),
    ("external-secrets.io", "", &["metadata", "annotations"]),
    (
        "postgresql.cnpg.io",
        "Cluster",
        &["metadata", "annotations", "cnpg.io/reloadedAt"],
    ),
    (
        "postgresql.cnpg.io",
        "Cluster",
        &["metadata", "annotations", "kubectl.kubernetes.io/restartedAt"],
    ),
    ("postgresql.cnpg.io", "Cluster", &["status", "targetPrimaryTimestamp"]),
    ("helm.toolkit.fluxcd.io", "", REQUESTED),
    ("source.toolkit.fluxcd.io", "", REQUESTED),
    ("image.toolkit.fluxcd.io", "", REQUESTED),
    ("kustomize.toolkit.fluxcd.io", "", REQUESTED),
    ("notification.toolkit.fluxcd.io", "", REQUESTED),
];
const REQUESTED: &[&str] = &["metadata", "annotations", "reconcile.fluxcd.io/requestedAt"];

pub(super) fn health(case: &HealthCase, found: &Health) -> Result<(), String> {
    if case.status == found.status && case.message == found.message {
        return Ok(());
    }
    let show = |status: &str, message: &str| format!("{status:?} with message {message:?}");
    Err(format!(
        "expected {}, got {}",
        show(&case.status, &case.message),
        show(&found.status, &found.message)
    ))
}

/// How words that are for people only are compared: icons and display names of actions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Words {
    /// They must be the expected ones, none included: as upstream compares.
    Exact,
    /// Only those that a case states: scripts of the caller's may have more to show.
    WhereStated,
}

/// Each found action must be an expected one, and each expected one must be found.
pub(super) fn discovery(expected: &[FoundAction], found: &[FoundAction], words: Words) -> Result<(), String> {
    let mut wrong: Vec<String> = Vec::new();
    for action in found {
        match expected.iter().find(|other| other.name == action.name) {
            None => wrong.push(format!("unexpected action {}", action.name)),
            Some(expected) if !is_expected(expected, action, words) => {
                wrong.push(format!("expected {}, got {}", described(expected), described(action)));
            }
            Some(_) => {}
        }
    }
    for action in expected {
        if !found.iter().any(|other| other.name == action.name) {
            wrong.push(format!("missing action {}", action.name));
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("; "))
    }
}

fn is_expected(expected: &FoundAction, found: &FoundAction, words: Words) -> bool {
    let fits = |expected: &str, found: &str| expected == found || (words == Words::WhereStated && expected.is_empty());
    expected.disabled == found.disabled
        && expected.parameters == found.parameters
        && fits(&expected.icon_class, &found.icon_class)
        && fits(&expected.display_name, &found.display_name)
}

fn described(action: &FoundAction) -> String {
    let mut text = format!("{} (disabled: {}", action.name, action.disabled);
    for (name, word) in [("iconClass", &action.icon_class), ("displayName", &action.display_name)] {
        if !word.is_empty() {
            text.push_str(&format!(", {name}: {word}"));
        }
    }
    if !action.parameters.is_empty() {
        text.push_str(&format!(", params: {}", action.parameters.join(" ")));
    }
    text + ")"
}

/// Compares what an action returned with the expected output: an object, or a list of `{unstructuredObj: object}`.
/// Gives what the result has and the expected output has not, which upstream's comparison does not see.
pub(super) fn action(acted: &Acted, source: &Value, expected: &Value) -> Result<Vec<String>, String> {
    let expected: Vec<&Value> = match expected {
        Value::Array(items) => {
            let objects: Option<Vec<_>> = items.iter().map(|item| item.get("unstructuredObj")).collect();
            objects.ok_or("the expected output is a list with an item that has no unstructuredObj")?
        }
        object => vec![object],
    };
    if acted.impacted.len() != expected.len() {
        let (found, wanted) = (acted.impacted.len(), expected.len());
        return Err(format!("expected {wanted} resources, got {found}"));
    }
    let mut extra = Vec::new();
    for one in &acted.impacted {
        impacted(one, source, &expected, &mut extra)?;
    }
    Ok(extra)
}

fn impacted(one: &Impacted, source: &Value, expected: &[&Value], extra: &mut Vec<String>) -> Result<(), String> {
    let derived = has_derived_name(&one.resource, source);
    let Some(expected) = expected
        .iter()
        .find(|other| is_same(&one.resource, other, source, derived))
    else {
        return Err(format!("no expected output for {}", identity(&one.resource)));
    };
    let mut found = one.resource.clone();
    match one.operation {
        Operation::Patch => {
            if identity(&found) != identity(source) {
                return Err(format!("patches {}, which is not the input", identity(&found)));
            }
        }
        Operation::Create => {
            if derived && let Some(name) = found.pointer_mut("/metadata/name") {
                *name = expected.pointer("/metadata/name").cloned().unwrap_or_default();
            }
        }
    }
    let mut expected = (*expected).clone();
    normalize(&mut found);
    normalize(&mut expected);
    difference("", &expected, &found, extra).map_or(Ok(()), Err)
}

/// Names of jobs and workflows that a schedule's action creates end in the time.
fn has_derived_name(created: &Value, source: &Value) -> bool {
    let kind = |value: &Value| value["kind"].as_str().unwrap_or_default().to_owned();
    matches!(
        (kind(source).as_str(), kind(created).as_str()),
        ("CronJob", "Job") | ("CronWorkflow" | "WorkflowTemplate", "Workflow")
    )
}

fn is_same(found: &Value, expected: &Value, source: &Value, derived: bool) -> bool {
    if !derived {
        return identity(found) == identity(expected);
    }
    let name = |value: &Value| value["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    found["apiVersion"] == expected["apiVersion"]
        && found["kind"] == expected["kind"]
        && found["metadata"]["namespace"] == expected["metadata"]["namespace"]
        && name(expected).starts_with(&name(source))
}

fn identity(object: &Value) -> String {
    let part = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (version, kind) = (part("/apiVersion"), part("/kind"));
    format!(
        "{version} {kind} {}/{}",
        part("/metadata/namespace"),
        part("/metadata/name")
    )
}

/// Takes out what does not count: nulls, and fields that are new each time.
fn normalize(object: &mut Value) {
    let group = object["apiVersion"]
        .as_str()
        .and_then(|version| version.split_once('/'));
    let group = group.map(|(group, _)| group.to_owned()).unwrap_or_default();
    let kind = object["kind"].as_str().unwrap_or_default().to_owned();
    for (_, _, path) in VOLATILE
        .iter()
        .filter(|(of, only, _)| *of == group && (only.is_empty() || *only == kind))
    {
        remove(object, path);
    }
    strip_nulls(object);
}

fn remove(value: &mut Value, path: &[&str]) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    if let ("*", Value::Array(items)) = (*first, &mut *value) {
        items.iter_mut().for_each(|item| remove(item, rest));
        return;
    }
    let Value::Object(members) = value else { return };
    if rest.is_empty() {
        members.remove(*first);
        return;
    }
    if let Some(below) = members.get_mut(*first) {
        remove(below, rest);
        // A parent that held nothing else may be missing on the other side.
        if below.as_object().is_some_and(serde_json::Map::is_empty) {
            members.remove(*first);
        }
    }
}

fn strip_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(strip_nulls);
        }
        Value::Array(items) => {
            items.retain(|item| !item.is_null());
            items.iter_mut().for_each(strip_nulls);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The first difference, in words. Members that only the found value has are gathered apart.
fn difference(at: &str, expected: &Value, found: &Value, extra: &mut Vec<String>) -> Option<String> {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (key, value) in found.iter().filter(|(key, _)| !expected.contains_key(*key)) {
                extra.push(format!("{at}/{key}: expected nothing, got {value}"));
            }
            expected.iter().find_map(|(key, wanted)| {
                let at = format!("{at}/{key}");
                match found.get(key) {
                    None => Some(format!("{at}: expected {wanted}, got nothing")),
                    Some(found) => difference(&at, wanted, found, extra),
                }
            })
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            let mut pairs = expected.iter().zip(found).enumerate();
            pairs.find_map(|(index, (expected, found))| difference(&format!("{at}/{index}"), expected, found, extra))
        }
        (Value::Number(one), Value::Number(other)) if one.as_f64() == other.as_f64() => None,
        _ if expected == found => None,
        _ => Some(format!("{at}: expected {expected}, got {found}")),
    }
}
