//! RK011: a ConfigMap or Secret without its hash, or a key that it does not have.

use super::Rule;
use super::finding::{Fix, Severity};
use super::names::{Kind, Reference, references};
use super::path;
use super::seen::{Found, Seen, Target};
use serde_json::Value;

pub(super) static RULE: Rule = Rule {
    id: "RK011",
    severity: Severity::Error,
    title: "pods ask for a ConfigMap or Secret by a name or a key that it does not have after the build",
    page: include_str!("../../../docs/rules/RK011.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    for reference in references(seen) {
        if ![Kind::ConfigMap, Kind::Secret].contains(&reference.kind) {
            continue;
        }
        match reference.target(seen) {
            Target::Renamed(target) => {
                let message = format!(
                    "{} is {:?}, but this build names that {} {:?}: the pods never start",
                    reference.path,
                    reference.name,
                    reference.word(),
                    target.name()
                );
                let words = "add serin's transformer configuration to the kustomization, so that kustomize puts the new \
                             name in this field too: `serin kustomize init` writes it";
                found
                    .add(reference.from, &reference.path, message)
                    .fix(Fix::words(words));
            }
            Target::Here(target) if !reference.optional => keys(found, &reference, &target.value),
            Target::Here(_) | Target::Elsewhere(_) | Target::Absent => {}
        }
    }
}

/// Keys that are asked for and are not there.
fn keys(found: &mut Found<'_, '_>, reference: &Reference<'_>, target: &Value) {
    if !["ConfigMap", "Secret"].contains(&target["kind"].as_str().unwrap_or_default()) {
        return; // Somebody else writes the keys.
    }
    let beside = reference.path.parent().unwrap_or_default();
    let asked = path::beside(&reference.object.value, &reference.path);
    let items = path::find(asked, "items[*].key");
    let of_items = items.into_iter().map(|(path, key)| (path::below(&beside, &path), key));
    let of_key = asked.get("key").map(|key| (beside.key("key"), key));
    for (path, key) in of_items.chain(of_key) {
        let Some(key) = key.as_str() else { continue };
        let held = ["data", "binaryData", "stringData"]
            .iter()
            .any(|map| target[map].get(key).is_some());
        if !held {
            let message = format!(
                "{path} is {key:?}, but {} {} has no such key: the container does not start",
                reference.word(),
                reference.name
            );
            let mut near: Vec<&String> = ["data", "binaryData", "stringData"]
                .iter()
                .filter_map(|map| target[map].as_object())
                .flat_map(|map| map.keys())
                .collect();
            near.sort();
            let words: Vec<&str> = near.into_iter().map(String::as_str).collect();
            let words = match words[..] {
                [] => "add the key; the object has none".to_owned(),
                _ => format!("add the key, or use one of {}", words.join(", ")),
            };
            found.add(reference.from, &path, message).fix(Fix::words(words));
        }
    }
}
