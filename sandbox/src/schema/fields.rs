//! Field ownership by schema: which paths a value has, how two values differ, how one is applied to another.
//!
//! Maps and objects are told apart by their fields and list elements by the keys of the list; lists without keys, atomic maps
//! and scalars are leaves. Where the schema is silent, maps are granular and lists are leaves.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::Schema;
use crate::fields::{Element, FieldSet, Path};
use crate::openapi;

/// Metadata has one schema, whatever the type says of it.
static METADATA: LazyLock<Schema> = LazyLock::new(|| {
    let map = openapi::resolved("", "v1", "ConfigMap").unwrap_or_default();
    Schema::parse(&map["properties"]["metadata"])
});

/// The schema of metadata.
pub(super) fn metadata() -> &'static Schema {
    &METADATA
}

/// Stands for what no schema describes.
static ANYTHING: LazyLock<Schema> = LazyLock::new(Schema::default);

/// How a new value differs from an old one.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) added: FieldSet,
    pub(crate) modified: FieldSet,
    pub(crate) removed: FieldSet,
}

impl Schema {
    fn below(&self, name: &str, root: bool) -> &Self {
        if root && name == "metadata" {
            return &METADATA;
        }
        self.field(name).unwrap_or(&ANYTHING)
    }

    fn elements(&self) -> &Self {
        self.items.as_deref().unwrap_or(&ANYTHING)
    }

    /// A list element's name, where the list is not a leaf.
    fn element(&self, item: &Value) -> Option<Element> {
        match self.list_type.as_str() {
            "set" => Some(Element::Value(item.to_string())),
            "map" => {
                let elements = self.elements();
                let mut keys = Map::new();
                for key in &self.list_keys {
                    let default = || elements.properties.get(key).and_then(|schema| schema.default.as_ref());
                    if let Some(value) = item.get(key).or_else(default) {
                        keys.insert(key.clone(), value.clone());
                    }
                }
                Some(Element::Key(Value::Object(keys).to_string()))
            }
            _ => None,
        }
    }

    fn granular_list(&self) -> bool {
        matches!(self.list_type.as_str(), "set" | "map")
    }

    /// The paths of a value that somebody applies.
    pub(crate) fn paths(&self, value: &Value) -> FieldSet {
        let mut set = FieldSet::default();
        self.paths_at(value, &mut Vec::new(), &mut set);
        set
    }

    fn paths_at(&self, value: &Value, path: &mut Path, set: &mut FieldSet) {
        match value {
            Value::Object(fields) if !self.atomic => {
                for (name, value) in fields {
                    let below = self.below(name, path.is_empty());
                    path.push(Element::Field(name.clone()));
                    below.paths_at(value, path, set);
                    let is_key = !self.properties.contains_key(name) && path.len() > 1;
                    if is_key || value.is_null() || value.as_object().is_some_and(Map::is_empty) {
                        set.insert(path);
                    }
                    path.pop();
                }
            }
            Value::Array(items) if self.granular_list() => {
                for item in items {
                    path.extend(self.element(item));
                    self.elements().paths_at(item, path, set);
                    set.insert(path);
                    path.pop();
                }
            }
            _ => set.insert(path),
        }
    }

    /// How `new` differs from `old`.
    pub(crate) fn compare(&self, old: &Value, new: &Value) -> Comparison {
        let mut found = Comparison::default();
        self.compare_at(Some(old), Some(new), &mut Vec::new(), &mut found);
        found
    }

    fn compare_at(&self, old: Option<&Value>, new: Option<&Value>, path: &mut Path, found: &mut Comparison) {
        let map = |value: Option<&Value>| {
            value
                .and_then(Value::as_object)
                .is_some_and(|fields| !fields.is_empty())
        };
        let list = |value: Option<&Value>| value.and_then(Value::as_array).is_some_and(|items| !items.is_empty());
        if !self.atomic && (map(old) || map(new)) && !list(old) && !list(new) {
            let none = Map::new();
            let fields = |value: Option<&Value>| {
                value
                    .and_then(Value::as_object)
                    .cloned()
                    .unwrap_or_else(|| none.clone())
            };
            let (before, after) = (fields(old), fields(new));
            for name in before
                .keys()
                .chain(after.keys().filter(|name| !before.contains_key(*name)))
            {
                let below = self.below(name, path.is_empty());
                path.push(Element::Field(name.clone()));
                below.compare_at(before.get(name), after.get(name), path, found);
                path.pop();
            }
        } else if self.granular_list() && (list(old) || list(new)) {
            let items = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
            let (before, after) = (items(old), items(new));
            let named = |items: &[Value], wanted: &Option<Element>| {
                items.iter().find(|item| self.element(item) == *wanted).cloned()
            };
            let fresh = after
                .iter()
                .filter(|item| named(&before, &self.element(item)).is_none());
            for element in before.iter().chain(fresh).map(|item| self.element(item)) {
                let (one, other) = (named(&before, &element), named(&after, &element));
                path.extend(element);
                self.elements().compare_at(one.as_ref(), other.as_ref(), path, found);
                path.pop();
            }
        } else {
            match (old, new) {
                (None, Some(_)) => found.added.insert(path),
                (Some(_), None) => found.removed.insert(path),
                (Some(old), Some(new)) if old != new => found.modified.insert(path),
                _ => {}
            }
            return;
        }
        match (old, new) {
            (None, Some(_)) => found.added.insert(path),
            (Some(_), None) => found.removed.insert(path),
            _ => {}
        }
    }

    /// `config` laid over `live`.
    pub(crate) fn merge(&self, live: &Value, config: &Value) -> Value {
        self.merge_at(live, config, true)
    }

    fn merge_at(&self, live: &Value, config: &Value, root: bool) -> Value {
        match (live, config) {
            (Value::Object(before), Value::Object(wanted)) if !self.atomic => {
                let mut merged = before.clone();
                for (name, value) in wanted {
                    let below = self.below(name, root);
                    let old = before.get(name).unwrap_or(&Value::Null);
                    merged.insert(name.clone(), below.merge_at(old, value, false));
                }
                Value::Object(merged)
            }
            (Value::Array(before), Value::Array(wanted)) if self.granular_list() => {
                let mut merged = before.clone();
                for item in wanted {
                    let name = self.element(item);
                    match merged.iter_mut().find(|it| self.element(it) == name) {
                        Some(place) => *place = self.elements().merge_at(place, item, false),
                        None => merged.push(item.clone()),
                    }
                }
                Value::Array(merged)
            }
            _ => config.clone(),
        }
    }

    /// Takes one path out of a value.
    pub(crate) fn remove(&self, value: &mut Value, path: &[Element]) {
        self.remove_at(value, path, true);
    }

    fn remove_at(&self, value: &mut Value, path: &[Element], root: bool) {
        let Some((first, rest)) = path.split_first() else {
            return;
        };
        match (first, value) {
            (Element::Field(name), Value::Object(fields)) => {
                if rest.is_empty() {
                    fields.remove(name);
                } else if let Some(inner) = fields.get_mut(name) {
                    self.below(name, root).remove_at(inner, rest, false);
                }
            }
            (name, Value::Array(items)) => {
                let Some(at) = items.iter().position(|item| self.element(item).as_ref() == Some(name)) else {
                    return;
                };
                if rest.is_empty() {
                    items.remove(at);
                } else {
                    self.elements().remove_at(&mut items[at], rest, false);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use serde_json::json;

    use super::Schema;
    use crate::fields::shown;
    use crate::openapi;

    #[test]
    fn list_keys_and_atomic_maps_come_from_the_schema() {
        let schema = Schema::parse(&openapi::resolved("apps", "v1", "Deployment").unwrap());
        let config = json!({
            "metadata": { "labels": { "a": "b" } },
            "spec": {
                "selector": { "matchLabels": { "a": "b" } },
                "template": { "spec": { "containers": [{ "name": "c", "image": "i", "ports": [{ "containerPort": 80 }] }] } },
            },
        });
        let paths: Vec<String> = schema.paths(&config).paths().iter().map(|path| shown(path)).collect();
        let container = ".spec.template.spec.containers[name=\"c\"]";
        let expected = [
            ".metadata.labels.a".to_owned(),
            ".spec.selector".to_owned(),
            container.to_owned(),
            format!("{container}.image"),
            format!("{container}.name"),
            format!("{container}.ports[containerPort=80,protocol=\"TCP\"]"),
            format!("{container}.ports[containerPort=80,protocol=\"TCP\"].containerPort"),
        ];
        assert_eq!(paths, expected);
        let mut changed = config.clone();
        changed["spec"]["template"]["spec"]["containers"][0]["image"] = json!("j");
        let found = schema.compare(&config, &changed);
        assert_eq!(shown(&found.modified.paths()[0]), format!("{container}.image"));
        assert!(found.added.is_empty() && found.removed.is_empty());
    }
}
