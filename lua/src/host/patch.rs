//! From what an action returned to what Argo CD writes (contract 13 §2.5).

use serde_json::{Map, Value};

/// Turns `[]` back into `{}` wherever the live object has an object: Lua has one empty table for both.
pub(super) fn restore_empty(returned: &mut Value, live: &Value) {
    match (returned, live) {
        (Value::Object(returned), Value::Object(live)) => {
            for (key, live) in live {
                if let Some(value) = returned.get_mut(key) {
                    restore_member(value, live);
                }
            }
        }
        (Value::Array(returned), Value::Array(live)) => {
            for (value, live) in returned.iter_mut().zip(live) {
                // Items of a list are looked into, but an empty item itself is left alone, as Argo CD leaves it.
                restore_empty(value, live);
            }
        }
        _ => {}
    }
}

fn restore_member(value: &mut Value, live: &Value) {
    match (&mut *value, live) {
        (Value::Array(items), Value::Object(_)) if items.is_empty() => *value = Value::Object(Map::new()),
        _ => restore_empty(value, live),
    }
}

/// The JSON merge patch (RFC 7386) that leads from `live` to `wanted`; `None` when they are equal.
pub(super) fn merge_patch(live: &Value, wanted: &Value) -> Option<Value> {
    let (Value::Object(live), Value::Object(wanted)) = (live, wanted) else {
        return (!equal(live, wanted)).then(|| wanted.clone());
    };
    let patch = object_patch(live, wanted);
    (!patch.is_empty()).then_some(Value::Object(patch))
}

fn object_patch(live: &Map<String, Value>, wanted: &Map<String, Value>) -> Map<String, Value> {
    let mut patch = Map::new();
    for (key, value) in wanted {
        match (live.get(key), value) {
            (Some(Value::Object(before)), Value::Object(after)) => {
                let inner = object_patch(before, after);
                if !inner.is_empty() {
                    patch.insert(key.clone(), Value::Object(inner));
                }
            }
            (Some(before), after) if equal(before, after) => {}
            (Some(_) | None, after) => {
                patch.insert(key.clone(), after.clone());
            }
        }
    }
    for key in live.keys().filter(|key| !wanted.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    patch
}

/// Equality of JSON in which `1` and `1.0` are one number: all numbers come back from Lua as floats.
pub(super) fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(key, one)| other.get(key).is_some_and(|other| equal(one, other)))
        }
        _ => one == other,
    }
}

/// The two writes that Argo CD makes of a patch: a patch that touches the status goes to the `status` subresource *as a
/// whole*, and what is left without the status then goes to the object itself.
pub(super) fn split(patch: Option<&Value>) -> (Option<Value>, Option<Value>) {
    let Some(patch) = patch else { return (None, None) };
    let Value::Object(members) = patch else {
        return (None, Some(patch.clone()));
    };
    if !members.contains_key("status") {
        return (None, Some(patch.clone()));
    }
    let mut rest = members.clone();
    rest.remove("status");
    (Some(patch.clone()), (!rest.is_empty()).then_some(Value::Object(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn empty_objects_come_back_where_the_live_object_has_them() {
        let live = json!({ "a": {}, "b": [], "c": { "d": {} }, "e": [{ "f": {} }], "g": { "h": 1 } });
        let mut returned =
            json!({ "a": [], "b": [], "c": { "d": [] }, "e": [{ "f": [] }, { "f": [] }], "g": [], "i": [] });
        restore_empty(&mut returned, &live);
        let expected = json!({ "a": {}, "b": [], "c": { "d": {} }, "e": [{ "f": {} }, { "f": [] }], "g": {}, "i": [] });
        assert_eq!(returned, expected);
    }

    #[test]
    fn a_patch_names_what_changed_and_nothing_else() {
        let live = json!({ "a": 1, "b": { "c": 2, "d": null }, "e": [1, 2], "f": {} });
        let wanted = json!({ "a": 1.0, "b": { "c": 3 }, "e": [1.0, 2], "f": {} });
        assert_eq!(merge_patch(&live, &wanted), Some(json!({ "b": { "c": 3, "d": null } })));
        assert_eq!(merge_patch(&live, &live), None);
    }

    #[test]
    fn a_patch_of_the_status_is_written_twice() {
        let both = json!({ "spec": { "paused": false }, "status": { "pauseConditions": null } });
        assert_eq!(
            split(Some(&both)),
            (Some(both.clone()), Some(json!({ "spec": { "paused": false } })))
        );
        let status = json!({ "status": { "abort": true } });
        assert_eq!(split(Some(&status)), (Some(status.clone()), None));
        let main = json!({ "spec": { "paused": true } });
        assert_eq!(split(Some(&main)), (None, Some(main.clone())));
        assert_eq!(split(None), (None, None));
    }
}
