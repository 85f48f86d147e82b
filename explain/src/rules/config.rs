//! ConfigMaps and Secrets that pods use.

use super::build::{Build, Object};
use super::names::{Kind, PODS, references};
use super::seen::{Seen, Target};
use serde_json::Value;
use std::collections::BTreeMap;

/// A ConfigMap or Secret of the build that the pods of a rollout use.
#[derive(Debug, Clone)]
pub(super) struct Used<'a> {
    /// The rollout, by its index.
    pub(super) by: usize,
    /// The ConfigMap or Secret.
    pub(super) object: &'a Object,
}

/// What the pods of the rollouts use, each once.
pub(super) fn used<'a>(seen: &Seen<'a>) -> Vec<Used<'a>> {
    let mut found: Vec<Used<'a>> = Vec::new();
    for reference in references(seen) {
        let of_pods = PODS
            .iter()
            .any(|(kind, base)| *kind == "Rollout" && reference.path.to_string().starts_with(base));
        let is_config = [Kind::ConfigMap, Kind::Secret].contains(&reference.kind);
        if !of_pods || !is_config || !reference.object.is_ours("Rollout") {
            continue;
        }
        if let Target::Here(object) = reference.target(seen)
            && ["ConfigMap", "Secret"].contains(&object.kind())
            && !found
                .iter()
                .any(|used| used.by == reference.from && std::ptr::eq(used.object, object))
        {
            found.push(Used {
                by: reference.from,
                object,
            });
        }
    }
    found
}

/// The object of the same kind, name and namespace in another build.
pub(super) fn same<'b>(build: &'b Build, object: &Object) -> Option<&'b Object> {
    let is_same = |other: &&Object| {
        other.kind() == object.kind() && other.name() == object.name() && other.namespace() == object.namespace()
    };
    build.objects.iter().find(is_same)
}

/// The keys of `data`, `binaryData` and `stringData` that differ, sorted. Values are never told.
pub(super) fn changed_keys(one: &Value, other: &Value) -> Vec<String> {
    let mut keys = Vec::new();
    for map in ["data", "binaryData", "stringData"] {
        let (one, other) = (entries(&one[map]), entries(&other[map]));
        keys.extend(
            one.iter()
                .filter(|(key, value)| other.get(*key) != Some(*value))
                .map(|(key, _)| (*key).clone()),
        );
        keys.extend(
            other
                .keys()
                .filter(|key| !one.contains_key(*key))
                .map(|key| (*key).clone()),
        );
    }
    keys.sort();
    keys.dedup();
    keys
}

fn entries(map: &Value) -> BTreeMap<&String, &Value> {
    map.as_object().into_iter().flatten().collect()
}
