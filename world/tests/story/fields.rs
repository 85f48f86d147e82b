//! Fields of the Rollout and of ReplicaSets by their path.

use super::Why;
use super::stage::{Stage, length, yaml};
use jiff::Timestamp;
use serde_json::{Value, json};

/// An object with one leaf: `spec.replicas` and 3 give `{"spec": {"replicas": 3}}`.
pub fn nested(path: &str, value: Value) -> Value {
    path.rsplit('.').fold(value, |inner, key| json!({ key: inner }))
}

/// The field at `status.conditions[0].reason`; null where there is none.
pub fn field<'a>(object: &'a Value, path: &str) -> &'a Value {
    let keys = path.split('.').flat_map(|part| part.split('['));
    keys.fold(object, |object, key| match key.strip_suffix(']') {
        Some(index) => index.parse::<usize>().map_or(&Value::Null, |index| &object[index]),
        None => &object[key],
    })
}

/// Compares a field with what a story says: YAML, `absent`, `5s ago` or `in 5s`.
pub fn compare(stage: &Stage, expected: &str, actual: &Value) -> Result<(), Why> {
    let expected = stage.with_hashes(expected);
    let holds = if expected == "absent" {
        actual.is_null()
    } else if let Some(ago) = expected.strip_suffix(" ago") {
        instant(actual) == stage.world.now.checked_sub(length(ago)?).ok()
    } else if let Some(time) = expected.strip_prefix("in ") {
        instant(actual) == stage.world.now.checked_add(length(time)?).ok()
    } else {
        yaml(&expected)? == *actual
    };
    if holds {
        return Ok(());
    }
    let actual = match instant(actual) {
        Some(at) => format!("{actual}, {:.1}s ago", stage.world.now.duration_since(at).as_secs_f64()),
        None if actual.is_null() => "absent".to_owned(),
        None => actual.to_string(),
    };
    Err(Why::Otherwise { expected, actual })
}

fn instant(value: &Value) -> Option<Timestamp> {
    value.as_str().and_then(|text| text.parse().ok())
}

/// `ReplicaSet r2 spec-field: value`, `ReplicaSet r2 annotation KEY: value`, `ReplicaSet r2 was created with PATH: value`.
pub fn replica_set(stage: &Stage, text: &str) -> Result<(), Why> {
    let (revision, rest) = text.split_once(' ').ok_or_else(|| Why::not_understood("no field"))?;
    let set = &stage.world.sets[stage.find(revision)?];
    let (path, expected) = rest
        .split_once(": ")
        .ok_or_else(|| Why::not_understood("no `: ` and value"))?;
    let (object, path) = match path.strip_prefix("was created with ") {
        Some(path) => (serde_json::to_value(&set.made), path),
        None => (serde_json::to_value(&set.object), path),
    };
    let object = object.map_err(|error| Why::not_understood(error.to_string()))?;
    compare(stage, expected, leaf(&object, path))
}

/// `annotation KEY` and `label KEY`, whose dots are no path, or a path.
pub fn leaf<'a>(object: &'a Value, path: &str) -> &'a Value {
    let holder = if object["metadata"].is_object() {
        &object["metadata"]
    } else {
        object
    };
    if let Some(key) = path.strip_prefix("annotation ") {
        &holder["annotations"][key]
    } else if let Some(key) = path.strip_prefix("label ") {
        &holder["labels"][key]
    } else if let Some((path, key)) = path.split_once(" key ") {
        &field(object, path)[key]
    } else {
        field(object, path)
    }
}
