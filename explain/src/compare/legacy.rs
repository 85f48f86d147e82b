//! What a sync would change, as Argo CD's legacy comparison forecasts it (contract 13 §6.1).

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use serin_gitops::yaml::FieldPath;

use super::ignore::{Ignored, without};
use super::quantities::canonical;

/// The live object without what is ignored, as it is and as it would be after a sync. They differ where the application is
/// out of sync.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Forecast {
    pub(super) live: Value,
    pub(super) predicted: Value,
}

/// The forecast; `None` where one of the two is missing. `whole` is the live object with its annotations.
pub(super) fn forecast(
    git: Option<&Value>,
    live: Option<&Value>,
    whole: Option<&Value>,
    ignored: &Ignored,
) -> Option<Forecast> {
    let (git, live, whole) = (git?, live?, whole?);
    let normal = |object: &Value, paths: &BTreeSet<FieldPath>| canonical(&without(object, paths));
    let applied = last_applied(whole);
    let target = normal(git, &ignored.git);
    let original = applied
        .as_ref()
        .map_or_else(|| target.clone(), |applied| normal(applied, &ignored.paths(applied)));
    let live = normal(live, &ignored.live);
    let (original, target) = (bare(original), bare(target));
    let patch = three_way(&original, &target, &restricted(&live, &original));
    let predicted = merged(&live, &patch);
    Some(Forecast { live, predicted })
}

fn last_applied(live: &Value) -> Option<Value> {
    let text = live
        .pointer("/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration")?
        .as_str()?;
    let mut object: Value = serde_json::from_str(text).ok().filter(Value::is_object)?;
    if let Some(annotations) = object
        .pointer_mut("/metadata/annotations")
        .and_then(Value::as_object_mut)
    {
        annotations.remove("argocd.argoproj.io/tracking-id");
    }
    Some(object)
}

/// Without the namespace and empty annotations.
fn bare(mut object: Value) -> Value {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("namespace");
        metadata.remove("creationTimestamp");
        metadata.retain(|_, value| value.as_object().is_none_or(|members| !members.is_empty()));
    }
    object
}

/// The live object in the shape of another: only its keys; of lists the items it has, and what is live beyond them.
fn restricted(live: &Value, shape: &Value) -> Value {
    match (live, shape) {
        (Value::Object(live), Value::Object(shape)) => {
            let kept = live
                .iter()
                .filter_map(|(key, value)| Some((key.clone(), restricted(value, shape.get(key)?))));
            Value::Object(kept.collect())
        }
        (Value::Array(live), Value::Array(shape)) => {
            let item = |(place, value): (usize, &Value)| {
                shape
                    .get(place)
                    .map_or_else(|| value.clone(), |shape| restricted(value, shape))
            };
            Value::Array(live.iter().enumerate().map(item).collect())
        }
        _ => live.clone(),
    }
}

/// The merge patch that brings `live` to `target`, and removes what `original` had and `target` has not.
fn three_way(original: &Value, target: &Value, live: &Value) -> Value {
    let changes = only(&difference(live, target), false);
    let removals = only(&difference(original, target), true);
    merged_patches(
        &changes.unwrap_or_else(|| Value::Object(Map::new())),
        &removals.unwrap_or_else(|| Value::Object(Map::new())),
    )
}

/// The merge patch from one to the other (RFC 7396).
fn difference(from: &Value, to: &Value) -> Value {
    let (Value::Object(from), Value::Object(to)) = (from, to) else {
        return to.clone();
    };
    let mut patch = Map::new();
    for (key, wanted) in to {
        match from.get(key) {
            Some(found) if found == wanted => {}
            Some(found) if found.is_object() && wanted.is_object() => {
                _ = patch.insert(key.clone(), difference(found, wanted))
            }
            Some(_) | None => _ = patch.insert(key.clone(), wanted.clone()),
        }
    }
    for key in from.keys().filter(|key| !to.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    Value::Object(patch)
}

/// The removals of a patch, or all but them; `None` where nothing is left.
fn only(patch: &Value, removals: bool) -> Option<Value> {
    match patch {
        Value::Null => removals.then_some(Value::Null),
        Value::Object(members) => {
            let kept: Map<String, Value> = members
                .iter()
                .filter_map(|(key, value)| Some((key.clone(), only(value, removals)?)))
                .collect();
            (!kept.is_empty() || (members.is_empty() && !removals)).then_some(Value::Object(kept))
        }
        other => (!removals).then(|| other.clone()),
    }
}

/// Two patches as one, in which `null` still removes.
fn merged_patches(one: &Value, other: &Value) -> Value {
    let (Value::Object(one), Value::Object(other)) = (one, other) else {
        return other.clone();
    };
    let mut both = one.clone();
    for (key, value) in other {
        let value = both
            .get(key)
            .map_or_else(|| value.clone(), |known| merged_patches(known, value));
        both.insert(key.clone(), value);
    }
    Value::Object(both)
}

/// An object with a merge patch applied (RFC 7396).
fn merged(object: &Value, patch: &Value) -> Value {
    let Value::Object(patch) = patch else {
        return patch.clone();
    };
    let mut result = object.as_object().cloned().unwrap_or_default();
    for (key, value) in patch {
        if value.is_null() {
            result.remove(key);
        } else {
            let value = merged(result.get(key).unwrap_or(&Value::Null), value);
            result.insert(key.clone(), value);
        }
    }
    Value::Object(result)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::compare::cleared;
    use serin_gitops::argocd::{Application, IgnoreRule};

    /// Recorded answers of a real Argo CD: its own forecast beside ours.
    #[test]
    fn the_forecast_is_that_of_argo_cd() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../gitops/tests/argocd-rest");
        let read = |file: &str| -> Value {
            serde_json::from_str(&std::fs::read_to_string(folder.join(file)).unwrap()).unwrap()
        };
        let frozen = Application::new(read("90-application-frozen-array.json")).ignore_rules();
        let cases: [(&str, &[IgnoreRule], usize); 5] = [
            ("13-managed-resources-all.json", &[], 0),
            ("14-managed-resources-rollout.json", &[], 0),
            ("41-managed-resources-rollout-outofsync.json", &[], 1),
            ("42-managed-resources-service.json", &[], 0),
            ("91-managed-resources-frozen-array.json", &frozen, 1),
        ];
        for (file, rules, out_of_sync) in cases {
            let mut differing = 0;
            for item in read(file)["items"].as_array().unwrap() {
                let state = |key: &str| -> Value { serde_json::from_str(item[key].as_str().unwrap()).unwrap() };
                let (target, live) = (state("targetState"), state("liveState"));
                let ignored = Ignored::of(rules, Some(&target), Some(&live));
                let (git, bare) = (cleared(&target, Some(&live)), cleared(&live, Some(&target)));
                let forecast = forecast(Some(&git), Some(&bare), Some(&live), &ignored).unwrap();
                for (ours, theirs) in [
                    (&forecast.live, "normalizedLiveState"),
                    (&forecast.predicted, "predictedLiveState"),
                ] {
                    let theirs = canonical(&state(theirs));
                    for part in ["/spec", "/data", "/metadata/labels"] {
                        assert_eq!(
                            ours.pointer(part),
                            theirs.pointer(part),
                            "{file} {} {part}",
                            item["name"]
                        );
                    }
                }
                differing += usize::from(forecast.live != forecast.predicted);
            }
            assert_eq!(differing, out_of_sync, "{file}");
        }
    }
}
