//! Sets of field paths, as `managedFields` writes them (`fieldsV1`).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Element {
    /// A field of an object or a key of a map.
    Field(String),
    /// A list element by its keys, as JSON.
    Key(String),
    /// An element of a set, as JSON.
    Value(String),
}

impl Element {
    fn text(&self) -> String {
        match self {
            Self::Field(name) => format!("f:{name}"),
            Self::Key(keys) => format!("k:{keys}"),
            Self::Value(value) => format!("v:{value}"),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        let normal = || serde_json::from_str::<Value>(rest).ok().map(|value| value.to_string());
        match kind {
            "f" => Some(Self::Field(rest.to_owned())),
            "k" => normal().map(Self::Key),
            "v" => normal().map(Self::Value),
            _ => None,
        }
    }
}

/// A path from the root of an object.
pub(crate) type Path = Vec<Element>;

/// A path as messages write it: `.spec.containers[name="a"].image`.
pub(crate) fn shown(path: &[Element]) -> String {
    let mut text = String::new();
    for element in path {
        // Writing to a string cannot fail.
        let _ = match element {
            Element::Field(name) => write!(text, ".{name}"),
            Element::Value(value) => write!(text, "[={value}]"),
            Element::Key(keys) => {
                let keys: Map<String, Value> = serde_json::from_str(keys).unwrap_or_default();
                let pairs: Vec<String> = keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
                write!(text, "[{}]", pairs.join(","))
            }
        };
    }
    text
}

/// A set of paths.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct FieldSet {
    nodes: BTreeMap<Element, Node>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Node {
    /// Whether the path that ends here is in the set.
    member: bool,
    below: FieldSet,
}

impl FieldSet {
    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    pub(crate) fn insert(&mut self, path: &[Element]) {
        let Some((first, rest)) = path.split_first() else {
            return;
        };
        let node = self.nodes.entry(first.clone()).or_default();
        match rest {
            [] => node.member = true,
            rest => node.below.insert(rest),
        }
    }

    pub(crate) fn contains(&self, path: &[Element]) -> bool {
        self.node(path).is_some_and(|node| node.member)
    }

    /// Whether the path or one below it is in the set.
    pub(crate) fn reaches(&self, path: &[Element]) -> bool {
        self.node(path).is_some()
    }

    fn node(&self, path: &[Element]) -> Option<&Node> {
        let (first, rest) = path.split_first()?;
        let node = self.nodes.get(first)?;
        if rest.is_empty() {
            Some(node)
        } else {
            node.below.node(rest)
        }
    }

    pub(crate) fn union(&mut self, other: &Self) {
        for (element, node) in &other.nodes {
            let mine = self.nodes.entry(element.clone()).or_default();
            mine.member |= node.member;
            mine.below.union(&node.below);
        }
    }

    /// Takes out the paths of another set.
    pub(crate) fn subtract(&mut self, other: &Self) {
        for (element, node) in &other.nodes {
            if let Some(mine) = self.nodes.get_mut(element) {
                mine.member &= !node.member;
                mine.below.subtract(&node.below);
                if !mine.member && mine.below.is_empty() {
                    self.nodes.remove(element);
                }
            }
        }
    }

    pub(crate) fn intersection(&self, other: &Self) -> Self {
        let mut both = Self::default();
        for path in self.paths() {
            if other.contains(&path) {
                both.insert(&path);
            }
        }
        both
    }

    /// All paths; those below a path come after it.
    pub(crate) fn paths(&self) -> Vec<Path> {
        let mut all = Vec::new();
        self.collect(&mut Vec::new(), &mut all);
        all
    }

    fn collect(&self, above: &mut Path, all: &mut Vec<Path>) {
        for (element, node) in &self.nodes {
            above.push(element.clone());
            if node.member {
                all.push(above.clone());
            }
            node.below.collect(above, all);
            above.pop();
        }
    }

    /// `fieldsV1`.
    pub(crate) fn to_value(&self) -> Value {
        let mut fields = Map::new();
        for (element, node) in &self.nodes {
            let mut below = match node.below.to_value() {
                Value::Object(below) => below,
                _ => Map::new(),
            };
            if node.member && !below.is_empty() {
                below.insert(".".to_owned(), json!({}));
            }
            fields.insert(element.text(), Value::Object(below));
        }
        Value::Object(fields)
    }

    /// Reads `fieldsV1`; what it does not understand is left out.
    pub(crate) fn from_value(value: &Value) -> Self {
        let mut set = Self::default();
        for (key, value) in value.as_object().into_iter().flatten() {
            let Some(element) = Element::parse(key) else { continue };
            let empty = value.as_object().is_none_or(Map::is_empty);
            let member = empty || value.get(".").is_some();
            set.nodes.insert(
                element,
                Node {
                    member,
                    below: Self::from_value(value),
                },
            );
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{FieldSet, shown};

    #[test]
    fn sets_survive_the_wire_and_name_their_paths() {
        let wire = json!({
            "f:metadata": { "f:labels": { ".": {}, "f:app": {} } },
            "f:spec": { "f:containers": { "k:{\"name\":\"a\"}": { ".": {}, "f:image": {} } }, "f:replicas": {} },
            "f:tags": { "v:\"x\"": {} },
        });
        let set = FieldSet::from_value(&wire);
        assert_eq!(set.to_value(), wire);
        let paths: Vec<String> = set.paths().iter().map(|path| shown(path)).collect();
        let expected = [
            ".metadata.labels",
            ".metadata.labels.app",
            ".spec.containers[name=\"a\"]",
            ".spec.containers[name=\"a\"].image",
            ".spec.replicas",
            ".tags[=\"x\"]",
        ];
        assert_eq!(paths, expected);
    }

    #[test]
    fn what_is_taken_out_leaves_no_trace() {
        let mut set = FieldSet::from_value(&json!({ "f:a": { "f:b": {}, "f:c": {} }, "f:d": {} }));
        set.subtract(&FieldSet::from_value(&json!({ "f:a": { "f:b": {}, "f:c": {} } })));
        assert_eq!(set.to_value(), json!({ "f:d": {} }));
    }
}
