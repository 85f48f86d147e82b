//! Patches: RFC 7386 (merge), RFC 6902 (JSON patch), and the strategic merge of built-in types.

use serde_json::{Map, Value};

use crate::decode::word;
use crate::status::ApiError;

/// How a patch is to be read, from its content type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PatchKind {
    Merge,
    Json,
    Strategic,
}

impl PatchKind {
    /// Reads a content type; 415 with the accepted ones if it is none of them.
    pub(crate) fn from_content_type(content_type: &str, custom: bool) -> Result<Self, ApiError> {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        match essence {
            "application/merge-patch+json" => Ok(Self::Merge),
            "application/json-patch+json" => Ok(Self::Json),
            "application/strategic-merge-patch+json" if !custom => Ok(Self::Strategic),
            _ if custom => Err(ApiError::unsupported_media_type(&[
                "application/json-patch+json",
                "application/merge-patch+json",
                "application/apply-patch+yaml",
            ])),
            _ => Err(ApiError::unsupported_media_type(&[
                "application/json-patch+json",
                "application/merge-patch+json",
                "application/strategic-merge-patch+json",
                "application/apply-patch+yaml",
            ])),
        }
    }
}

/// The object after the patch.
pub(crate) fn apply(kind: PatchKind, object: &Value, body: &[u8]) -> Result<Value, ApiError> {
    let mut patched = object.clone();
    let before = if kind == PatchKind::Strategic {
        ""
    } else {
        "error decoding patch: "
    };
    let unreadable = |error: &str| ApiError::bad_request(format!("{before}{error}"));
    let patch: Value = match serde_json::from_slice(body) {
        Ok(patch) => patch,
        Err(_) if body.is_empty() => return Err(unreadable("unexpected end of JSON input")),
        Err(error) => return Err(unreadable(&error.to_string())),
    };
    let mistyped = |wanted: &str| {
        unreadable(&format!(
            "json: cannot unmarshal {} into Go value of type {wanted}",
            word(&patch)
        ))
    };
    match (kind, &patch) {
        (PatchKind::Json, Value::Array(operations)) => {
            for operation in operations {
                operate(&mut patched, operation)?;
            }
        }
        (PatchKind::Json, _) => return Err(mistyped("[]handlers.jsonPatchOp")),
        (PatchKind::Merge, Value::Object(_)) => json_patch::merge(&mut patched, &patch),
        (PatchKind::Strategic, Value::Object(fields)) => merge_object(&mut patched, fields, "")?,
        (PatchKind::Merge | PatchKind::Strategic, _) => return Err(mistyped("map[string]interface {}")),
    }
    Ok(patched)
}

/// One operation of a JSON patch, as a real server reads it: a value that is left out is null, and what is replaced in an object
/// need not be there.
fn operate(object: &mut Value, operation: &Value) -> Result<(), ApiError> {
    let mut operation = operation.clone();
    if let Some(fields) = operation.as_object_mut()
        && matches!(
            fields.get("op").and_then(Value::as_str),
            Some("add" | "replace" | "test")
        )
    {
        fields.entry("value").or_insert(Value::Null);
    }
    if operation["op"] == "replace"
        && let Some((parent, _)) = operation["path"].as_str().and_then(|path| path.rsplit_once('/'))
        && object.pointer(parent).is_some_and(Value::is_object)
    {
        operation["op"] = Value::from("add");
    }
    let patch: json_patch::Patch =
        serde_json::from_value(Value::Array(vec![operation])).map_err(|_| ApiError::unprocessable_patch())?;
    json_patch::patch(object, &patch).map_err(|_| ApiError::unprocessable_patch())
}

/// What a list of a built-in type is merged by.
enum ListRule {
    /// Elements are objects told apart by this field.
    Keyed(&'static str),
    /// Elements are plain values, merged as a set.
    Set,
    /// The list is replaced whole.
    Atomic,
}

/// The `patchStrategy` and `patchMergeKey` tags of the built-in Go types, by parent field and field.
fn list_rule(parent: &str, field: &str) -> ListRule {
    match (parent, field) {
        ("metadata", "ownerReferences") => ListRule::Keyed("uid"),
        ("metadata", "finalizers") | ("spec", "finalizers") => ListRule::Set,
        (_, "containers" | "initContainers" | "ephemeralContainers" | "volumes" | "imagePullSecrets" | "env") => {
            ListRule::Keyed("name")
        }
        (_, "resourceClaims" | "schedulingGates") | ("", "secrets") => ListRule::Keyed("name"),
        (_, "volumeMounts") => ListRule::Keyed("mountPath"),
        (_, "volumeDevices") => ListRule::Keyed("devicePath"),
        ("containers" | "initContainers" | "ephemeralContainers", "ports") => ListRule::Keyed("containerPort"),
        ("spec", "ports") => ListRule::Keyed("port"),
        (_, "hostAliases" | "podIPs" | "hostIPs") => ListRule::Keyed("ip"),
        (_, "topologySpreadConstraints") => ListRule::Keyed("topologyKey"),
        ("status", "conditions" | "addresses") => ListRule::Keyed("type"),
        ("spec", "taints") => ListRule::Keyed("key"),
        _ => ListRule::Atomic,
    }
}

fn merge_object(target: &mut Value, patch: &Map<String, Value>, field: &str) -> Result<(), ApiError> {
    match patch.get("$patch").and_then(Value::as_str) {
        Some("replace") => {
            let kept = patch.iter().filter(|(key, _)| *key != "$patch");
            *target = Value::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect());
            return Ok(());
        }
        Some("delete") => {
            *target = Value::Object(Map::new());
            return Ok(());
        }
        Some(other) if other != "merge" => {
            return Err(ApiError::new(
                500,
                "",
                format!("unknown patch type: {other} in map: map[$patch:{other}]"),
            ));
        }
        _ => {}
    }
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(fields) = target else { return Ok(()) };
    if let Some(kept) = patch.get("$retainKeys").and_then(Value::as_array) {
        fields.retain(|key, _| kept.iter().any(|name| name == key.as_str()));
    }
    for (key, value) in patch {
        if let Some(list) = key.strip_prefix("$deleteFromPrimitiveList/") {
            delete_from_set(fields.get_mut(list), value);
        } else if !key.starts_with('$') {
            merge_field(fields, key, value, field)?;
        }
    }
    // The order a client wants comes last: it speaks of the merged lists.
    for (key, value) in patch {
        if let Some(list) = key.strip_prefix("$setElementOrder/")
            && let (Some(Value::Array(items)), Some(order)) = (fields.get_mut(list), value.as_array())
        {
            set_order(items, order, &list_rule(field, list));
        }
    }
    Ok(())
}

fn merge_field(fields: &mut Map<String, Value>, key: &str, value: &Value, parent: &str) -> Result<(), ApiError> {
    match value {
        Value::Null => {
            fields.remove(key);
        }
        Value::Object(patch) => {
            let mut target = fields.remove(key).unwrap_or(Value::Null);
            merge_object(&mut target, patch, key)?;
            if patch.get("$patch").and_then(Value::as_str) != Some("delete") {
                fields.insert(key.to_owned(), target);
            }
        }
        Value::Array(patch) => {
            let target = fields.entry(key.to_owned()).or_insert_with(|| Value::Array(Vec::new()));
            match (list_rule(parent, key), target) {
                (ListRule::Keyed(merge_key), Value::Array(items)) => merge_keyed(items, patch, merge_key, key)?,
                (ListRule::Set, Value::Array(items)) => {
                    for item in patch {
                        if !items.contains(item) {
                            items.push(item.clone());
                        }
                    }
                }
                (_, target) => *target = value.clone(),
            }
        }
        plain => {
            fields.insert(key.to_owned(), plain.clone());
        }
    }
    Ok(())
}

fn merge_keyed(items: &mut Vec<Value>, patch: &[Value], merge_key: &str, field: &str) -> Result<(), ApiError> {
    if patch.iter().any(|entry| entry["$patch"] == "replace") {
        items.clear();
    }
    for entry in patch {
        let Some(entry) = entry.as_object() else {
            return Err(ApiError::bad_request(format!(
                "map: element of {field} is not an object"
            )));
        };
        if entry.get("$patch").and_then(Value::as_str) == Some("replace") {
            continue;
        }
        let Some(wanted) = entry.get(merge_key) else {
            return Err(ApiError::bad_request(format!(
                "map: {} does not contain declared merge key: {merge_key}",
                Value::Object(entry.clone())
            )));
        };
        let found = items.iter().position(|item| item.get(merge_key) == Some(wanted));
        match (found, entry.get("$patch").and_then(Value::as_str)) {
            (Some(at), Some("delete")) => {
                items.remove(at);
            }
            (None, Some("delete")) => {}
            (Some(at), _) => merge_object(&mut items[at], entry, field)?,
            (None, _) => {
                let mut item = Value::Object(Map::new());
                merge_object(&mut item, entry, field)?;
                items.push(item);
            }
        }
    }
    Ok(())
}

fn delete_from_set(target: Option<&mut Value>, removed: &Value) {
    if let (Some(Value::Array(items)), Some(removed)) = (target, removed.as_array()) {
        items.retain(|item| !removed.contains(item));
    }
}

/// Sorts the elements the client names into its order; those it does not name keep their places at the end.
fn set_order(items: &mut [Value], order: &[Value], rule: &ListRule) {
    let position = |item: &Value| {
        let found = order.iter().position(|wanted| match rule {
            ListRule::Keyed(key) => wanted.get(key) == item.get(key),
            ListRule::Set | ListRule::Atomic => wanted == item,
        });
        found.unwrap_or(order.len())
    };
    items.sort_by_key(position);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use serde_json::{Value, json};

    use super::{PatchKind, apply};

    fn strategic(object: &Value, patch: &Value) -> Value {
        apply(PatchKind::Strategic, object, patch.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn lists_merge_by_their_keys_and_keep_the_order_a_client_wants() {
        let object = json!({ "spec": { "containers": [{ "name": "a", "args": ["1"] }, { "name": "b" }] } });
        let patch = json!({ "spec": {
            "$setElementOrder/containers": [{ "name": "c" }, { "name": "a" }],
            "containers": [{ "name": "a", "args": ["2"] }, { "name": "c" }],
        } });
        let expected =
            json!({ "spec": { "containers": [{ "name": "c" }, { "name": "a", "args": ["2"] }, { "name": "b" }] } });
        assert_eq!(strategic(&object, &patch), expected);
    }

    #[test]
    fn directives_replace_and_retain() {
        let object = json!({ "spec": { "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 1 } }, "x": { "a": 1 } } });
        let patch = json!({ "spec": {
            "strategy": { "$retainKeys": ["type"], "type": "Recreate" },
            "x": { "$patch": "replace", "b": 2 },
        } });
        assert_eq!(
            strategic(&object, &patch),
            json!({ "spec": { "strategy": { "type": "Recreate" }, "x": { "b": 2 } } })
        );
    }

    #[test]
    fn a_list_element_without_its_key_is_refused() {
        let error = apply(
            PatchKind::Strategic,
            &json!({}),
            br#"{"spec":{"containers":[{"image":"x"}]}}"#,
        )
        .unwrap_err();
        assert_eq!(error.code, 400);
        assert!(error.message.contains("declared merge key: name"), "{}", error.message);
    }
}
