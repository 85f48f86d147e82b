//! What strategic merge patches take away by replacing lists that Kubernetes would merge (kustomize.md K1–K4, K9).

use super::build::{Build, Object, Place};
use super::seen::Seen;
use serde_json::{Map, Value};
use serin_gitops::kustomize::{Options, Patch, PatchKind, Reach};
use serin_gitops::yaml::{FieldPath, Node};
use std::collections::BTreeMap;

/// Lists that Kubernetes merges, with the key that tells their items apart.
const MERGED: &[(&str, &str)] = &[
    ("containers", "name"),
    ("initContainers", "name"),
    ("ephemeralContainers", "name"),
    ("volumes", "name"),
    ("imagePullSecrets", "name"),
    ("env", "name"),
    ("ports", "containerPort"),
    ("volumeMounts", "mountPath"),
    ("volumeDevices", "devicePath"),
    ("hostAliases", "ip"),
    ("topologySpreadConstraints", "topologyKey"),
];

/// What one patch took from one list.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Loss {
    /// The object, by its index in the build.
    pub(super) object: usize,
    /// The list.
    pub(super) list: FieldPath,
    /// Where the patch writes it.
    pub(super) place: Place,
    /// Whole items that are gone, by their key.
    pub(super) items: Vec<String>,
    /// What is gone of items that stay, as `container "main" loses ports`.
    pub(super) fields: Vec<String>,
}

/// All losses of a build.
pub(super) fn losses(seen: &Seen<'_>) -> Vec<Loss> {
    let build = seen.build;
    let mut before = Before::default();
    let mut found = Vec::new();
    for reach in build.built.reaches() {
        let Some(patch) = build.built.patch(&reach) else {
            continue;
        };
        if patch.kind != PatchKind::Merge {
            continue;
        }
        for index in &reach.objects {
            let Some(object) = build.objects.get(*index) else {
                continue;
            };
            if is_judged(object) {
                of_patch(build, &mut before, &reach, patch, *index, &mut found);
            }
        }
    }
    found
}

/// Our kinds, and the native ones that a schema without them damages (K3).
fn is_judged(object: &Object) -> bool {
    object.group() == serin_core::api::GROUP || is_native(object)
}

/// Whether kustomize knows how to merge the kind by itself.
pub(super) fn is_native(object: &Object) -> bool {
    match object.group() {
        "apps" | "batch" => true,
        "" => object.kind() == "Pod",
        _ => false,
    }
}

/// Objects before the patches of a layer, built when they are needed.
#[derive(Default)]
struct Before {
    layers: BTreeMap<usize, Option<BTreeMap<String, Value>>>,
}

impl Before {
    /// The object before the patches of a layer; as it stands in its file where that cannot be built.
    fn of(&mut self, build: &Build, layer: usize, index: usize) -> Option<Value> {
        let object = build.built.objects.get(index)?;
        let built = self.layers.entry(layer).or_insert_with(|| {
            let built = build.built.layer(layer, false, &Options::default()).ok()?;
            let named = built.objects.into_iter();
            Some(named.map(|object| (key(&object.original), object.value)).collect())
        });
        let exact = built.as_ref().and_then(|built| built.get(&key(&object.original)));
        exact.cloned().or_else(|| object.source.clone())
    }
}

fn key(identity: &serin_gitops::kustomize::Identity) -> String {
    let namespace = identity.namespace.as_deref().unwrap_or_default();
    format!("{}/{}/{namespace}/{}", identity.group, identity.kind, identity.name)
}

fn of_patch(build: &Build, before: &mut Before, reach: &Reach, patch: &Patch, index: usize, found: &mut Vec<Loss>) {
    for document in &patch.documents {
        if !aims_at(document, &build.objects[index], patch) {
            continue;
        }
        let mut lists = Vec::new();
        merged_lists(document, &FieldPath::root(), &mut lists);
        for (path, node) in lists {
            let now = path.of(&build.objects[index].value);
            let source = build.built.objects[index]
                .source
                .as_ref()
                .and_then(|source| path.of(source));
            let written = node.to_json();
            if !is_suspicious(&path, source, &written, now) {
                continue;
            }
            let Some(was) = before.of(build, reach.layer, index) else {
                continue;
            };
            let Some(loss) = compare(&path, path.of(&was), &written, now) else {
                continue;
            };
            let place = serin_gitops::files::Place {
                file: patch.file.clone(),
                line: document.mark_of(&path).unwrap_or(node.mark).line,
                column: 1,
            };
            found.push(Loss {
                object: index,
                list: path,
                place: build.show(&place),
                ..loss
            });
        }
    }
}

/// A file of patches has several documents: this one is for the object if it names it, or if a target does.
fn aims_at(document: &Node, object: &Object, patch: &Patch) -> bool {
    if patch.target.is_some() || patch.documents.len() == 1 {
        return true;
    }
    let kind = document.get("kind").and_then(Node::as_str);
    let name = document
        .get("metadata")
        .and_then(|metadata| metadata.get("name"))
        .and_then(Node::as_str);
    let named = |name: &str| name == object.name() || object.earlier.iter().any(|earlier| earlier == name);
    kind == Some(object.kind()) && name.is_some_and(named)
}

/// The outermost lists of a patch that Kubernetes would merge.
fn merged_lists<'n>(node: &'n Node, path: &FieldPath, found: &mut Vec<(FieldPath, &'n Node)>) {
    for entry in node.entries() {
        let below = path.key(&entry.key.text);
        if merge_key(&entry.key.text).is_some() && !entry.value.items().is_empty() {
            found.push((below, &entry.value));
        } else {
            merged_lists(&entry.value, &below, found);
        }
    }
}

fn merge_key(list: &str) -> Option<&'static str> {
    MERGED.iter().find(|(name, _)| *name == list).map(|(_, key)| *key)
}

/// Whether a closer look is worth it: something of the file is not in the output, or the output has just what the patch
/// has, so that what a layer between added may be gone.
fn is_suspicious(path: &FieldPath, source: Option<&Value>, written: &Value, now: Option<&Value>) -> bool {
    let length = |value: Option<&Value>| value.and_then(Value::as_array).map_or(0, Vec::len);
    let list = super::path::last_key(path);
    let lacks = source.is_some_and(|source| !contains(list, now.unwrap_or(&Value::Null), source));
    lacks || length(now) == length(Some(written))
}

/// Whether a field has every key and item of another value, whatever the values of scalars.
fn contains(field: &str, value: &Value, other: &Value) -> bool {
    match (value, other) {
        (Value::Object(value), Value::Object(other)) => other
            .iter()
            .all(|(key, other)| value.get(key).is_some_and(|value| contains(key, value, other))),
        (Value::Array(list), Value::Array(more)) => match merge_key(field) {
            None => list.len() >= more.len(),
            Some(key) => {
                let now = items(value, key);
                items(other, key).into_iter().all(|(name, other)| {
                    let value = now.get(&name);
                    value.is_some_and(|value| {
                        let mut members = other.iter();
                        members.all(|(key, other)| value.get(key).is_some_and(|value| contains(key, value, other)))
                    })
                })
            }
        },
        (_, Value::Object(_) | Value::Array(_)) => false,
        (_, _) => true,
    }
}

/// What was in a list before the patch, is not in the patch, and is not there now.
fn compare(path: &FieldPath, was: Option<&Value>, written: &Value, now: Option<&Value>) -> Option<Loss> {
    let list = super::path::last_key(path);
    let key = merge_key(list)?;
    let (was, written, now) = (items(was?, key), items(written, key), items(now?, key));
    if written
        .values()
        .any(|item| item.get("$patch") == Some(&Value::from("replace")))
    {
        return None;
    }
    let gone: Vec<String> = was
        .keys()
        .filter(|name| !now.contains_key(*name) && !written.contains_key(*name))
        .cloned()
        .collect();
    let mut fields = Vec::new();
    for (name, item) in &was {
        let (Some(written), Some(now)) = (written.get(name), now.get(name)) else {
            continue;
        };
        if written.contains_key("$patch") {
            continue; // RK007, if it was not carried out.
        }
        if item.len() > 2 && item.keys().all(|key| written.contains_key(key)) {
            continue; // All of it is restated, so what differs is meant.
        }
        let mut lost = Vec::new();
        members(item, written, now, "", &mut lost);
        if !lost.is_empty() {
            fields.push(format!("{} {name:?} loses {}", singular(list), lost.join(", ")));
        }
    }
    // Who restates whole items with all that they have knows that the list is replaced, and leaves items out on purpose.
    let restated = was.iter().filter(|(name, _)| written.contains_key(*name));
    let restates =
        fields.is_empty() && restated.clone().count() > 0 && restated.into_iter().all(|(_, item)| item.len() > 2);
    if (gone.is_empty() && fields.is_empty()) || restates {
        return None;
    }
    Some(Loss {
        object: 0,
        list: path.clone(),
        place: Place {
            file: String::new(),
            line: 1,
        },
        items: gone,
        fields,
    })
}

/// The members of an item that it had, that the patch does not mention, and that are gone; within lists that are merged
/// too.
fn members(
    was: &Map<String, Value>,
    written: &Map<String, Value>,
    now: &Map<String, Value>,
    above: &str,
    lost: &mut Vec<String>,
) {
    for (name, value) in was {
        let path = if above.is_empty() {
            name.clone()
        } else {
            format!("{above}.{name}")
        };
        match (now.get(name), written.get(name)) {
            (None, None) => lost.push(path),
            (Some(now), Some(written)) => match (value, written, now) {
                (Value::Object(was), Value::Object(written), Value::Object(now)) => {
                    members(was, written, now, &path, lost);
                }
                (Value::Array(_), _, _) => {
                    let Some(key) = merge_key(name) else { continue };
                    let (was, written, now) = (items(value, key), items(written, key), items(now, key));
                    let gone = was
                        .keys()
                        .filter(|key| !now.contains_key(*key) && !written.contains_key(*key));
                    lost.extend(gone.map(|key| format!("{path} {key:?}")));
                }
                _ => {}
            },
            // The patch says null, or the field is there untouched.
            (None, Some(_)) | (Some(_), None) => {}
        }
    }
}

fn items<'v>(list: &'v Value, key: &str) -> BTreeMap<String, &'v Map<String, Value>> {
    let maps = list.as_array().into_iter().flatten().filter_map(Value::as_object);
    maps.filter_map(|map| {
        let name = match map.get(key)? {
            Value::String(name) => name.clone(),
            other => other.to_string(),
        };
        Some((name, map))
    })
    .collect()
}

pub(super) fn singular(list: &str) -> &str {
    match list {
        "containers" => "container",
        "initContainers" => "init container",
        "volumes" => "volume",
        "env" => "variable",
        "ports" => "port",
        "volumeMounts" => "mount",
        _ => "item",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn loss(was: &Value, written: &Value, now: &Value) -> Option<(Vec<String>, Vec<String>)> {
        let path = FieldPath::parse("spec.template.spec.containers");
        compare(&path, Some(was), written, Some(now)).map(|loss| (loss.items, loss.fields))
    }

    /// K1: the patch became the list.
    #[test]
    fn a_replaced_list_loses_items_and_fields() {
        let was = json!([{"name": "main", "image": "a", "ports": [{"containerPort": 1}], "env": [{"name": "A", "value": "1"}]},
            {"name": "sidecar", "image": "s"}]);
        let patch = json!([{"name": "main", "image": "b", "env": [{"name": "B", "value": "2"}]}]);
        let expected = (
            vec!["sidecar".to_owned()],
            vec!["container \"main\" loses env \"A\", ports".to_owned()],
        );
        assert_eq!(loss(&was, &patch, &patch), Some(expected));
    }

    #[test]
    fn a_merged_list_and_a_restated_list_lose_nothing() {
        let was =
            json!([{"name": "main", "image": "a", "ports": [{"containerPort": 1}]}, {"name": "sidecar", "image": "s"}]);
        let patch = json!([{"name": "main", "image": "b"}]);
        let merged =
            json!([{"name": "main", "image": "b", "ports": [{"containerPort": 1}]}, {"name": "sidecar", "image": "s"}]);
        assert_eq!(loss(&was, &patch, &merged), None);
        let restated =
            json!([{"name": "main", "image": "b", "ports": [{"containerPort": 2}]}, {"name": "sidecar", "image": "t"}]);
        assert_eq!(loss(&was, &restated, &restated), None);
        let without = json!([{"name": "main", "image": "b", "ports": [{"containerPort": 2}]}]);
        assert_eq!(
            loss(&was, &without, &without),
            None,
            "one who restates all of main leaves the sidecar out on purpose"
        );
        let deleted = json!([{"name": "sidecar", "$patch": "delete"}]);
        let left = json!([{"name": "main", "image": "a", "ports": [{"containerPort": 1}]}]);
        assert_eq!(loss(&was, &deleted, &left), None);
    }
}
