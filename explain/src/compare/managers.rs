//! Who owns a field, by `metadata.managedFields` (FieldsV1).

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use serin_gitops::yaml::{FieldPath, Step};

/// A manager of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Manager<'a> {
    pub(super) name: &'a str,
    /// `status` or `scale` where it wrote through such an endpoint.
    pub(super) subresource: &'a str,
    /// When it last changed one of its fields, in RFC 3339.
    time: &'a str,
}

/// The manager of a field; of several the one that wrote last.
pub(super) fn owner<'a>(object: &'a Value, path: &FieldPath) -> Option<Manager<'a>> {
    let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array)?;
    let text = |entry: &'a Value, key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
    let owners = entries.iter().filter(|entry| {
        entry
            .get("fieldsV1")
            .is_some_and(|fields| has(fields, object, path.steps()))
    });
    let managers = owners.map(|entry| Manager {
        name: text(entry, "manager"),
        subresource: text(entry, "subresource"),
        time: text(entry, "time"),
    });
    managers.max_by_key(|manager| manager.time)
}

/// The fields of an object that some managers own. `managed` is the record, which the live object keeps.
pub(super) fn owned_by(managed: &Value, managers: &[&str], object: &Value) -> BTreeSet<FieldPath> {
    let mut paths = BTreeSet::new();
    for entry in managed.as_array().into_iter().flatten() {
        let name = entry.get("manager").and_then(Value::as_str).unwrap_or_default();
        if let Some(fields) = entry.get("fieldsV1").filter(|_| managers.contains(&name)) {
            collect(fields, object, &FieldPath::root(), &mut paths);
        }
    }
    paths
}

/// Whether a set of fields has a field, or what it is a part of.
fn has(fields: &Value, value: &Value, steps: &[Step]) -> bool {
    let Some((step, rest)) = steps.split_first() else {
        return true;
    };
    let Some(members) = fields.as_object() else {
        return false;
    };
    if members.is_empty() {
        // The set ends here: all below is owned.
        return true;
    }
    match step {
        Step::Key(key) => members
            .get(&format!("f:{key}"))
            .is_some_and(|inner| has(inner, value.get(key).unwrap_or(&Value::Null), rest)),
        Step::Index(index) => {
            let item = value.get(index).unwrap_or(&Value::Null);
            members
                .iter()
                .any(|(name, inner)| names(name, *index, item) && has(inner, item, rest))
        }
    }
}

/// Whether a name of FieldsV1 is that of an item: `k:{"name":"web"}`, `v:"text"` or `i:0`.
fn names(name: &str, index: usize, item: &Value) -> bool {
    if let Some(keys) = name.strip_prefix("k:") {
        let keys: Map<String, Value> = serde_json::from_str(keys).unwrap_or_default();
        return !keys.is_empty() && keys.iter().all(|(key, value)| item.get(key) == Some(value));
    }
    if let Some(value) = name.strip_prefix("v:") {
        return serde_json::from_str::<Value>(value).is_ok_and(|value| value == *item);
    }
    name.strip_prefix("i:").is_some_and(|text| text.parse() == Ok(index))
}

fn collect(fields: &Value, value: &Value, path: &FieldPath, into: &mut BTreeSet<FieldPath>) {
    let members = fields.as_object();
    let inner: Vec<(&String, &Value)> = members.into_iter().flatten().filter(|(name, _)| *name != ".").collect();
    if inner.is_empty() {
        into.insert(path.clone());
        return;
    }
    for (name, fields) in inner {
        if let Some(key) = name.strip_prefix("f:") {
            if let Some(value) = value.get(key) {
                collect(fields, value, &path.key(key), into);
            }
            continue;
        }
        for (index, item) in value.as_array().into_iter().flatten().enumerate() {
            if names(name, index, item) {
                collect(fields, item, &path.index(index), into);
            }
        }
    }
}
