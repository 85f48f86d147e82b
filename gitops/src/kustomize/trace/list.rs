//! Finding a field of the output in a file: items of lists are told by what names them, not by their number.

use crate::yaml::{Entry, Mark, Node, Step, Tree};
use serde_json::Value;

/// How far a path could be followed in a node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Located<'n> {
    /// The place of the last step that was found.
    pub(super) mark: Mark,
    /// How many steps were found.
    pub(super) depth: usize,
    pub(super) node: &'n Node,
}

/// Fields that name an item of a list, the best first.
const NAMES: [&str; 10] = [
    "name",
    "mountPath",
    "devicePath",
    "containerPort",
    "port",
    "ip",
    "metricName",
    "templateName",
    "key",
    "topologyKey",
];

/// Follows a path of the object `value` into a node that says something about that object.
pub(super) fn locate<'n>(node: &'n Node, value: &Value, path: &[Step]) -> Located<'n> {
    follow(node, value, path, Node::entry)
}

/// As [`locate`], in a strategic merge patch, where of two equal keys the first counts (D1).
pub(super) fn locate_in_patch<'n>(node: &'n Node, value: &Value, path: &[Step]) -> Located<'n> {
    fn first<'e>(node: &'e Node, key: &str) -> Option<&'e Entry> {
        node.entries()
            .iter()
            .find(|entry| entry.key.text == key)
            .or_else(|| node.entry(key))
    }
    follow(node, value, path, first)
}

fn follow<'n>(
    node: &'n Node,
    value: &Value,
    path: &[Step],
    entry: fn(&'n Node, &str) -> Option<&'n Entry>,
) -> Located<'n> {
    let mut found = Located {
        mark: node.mark,
        depth: 0,
        node,
    };
    let mut value = Some(value);
    for step in path {
        let next = match step {
            Step::Key(key) => entry(found.node, key).map(|entry| (entry.key.mark, &entry.value)),
            Step::Index(index) => item(found.node, value, *index).map(|item| (item.mark, item)),
        };
        let Some((mark, node)) = next else { return found };
        found = Located {
            mark,
            depth: found.depth + 1,
            node,
        };
        value = value.and_then(|value| match step {
            Step::Key(key) => value.get(key),
            Step::Index(index) => value.get(index),
        });
    }
    found
}

/// The item of a list in a file that became the item of that number in the output.
fn item<'n>(node: &'n Node, list: Option<&Value>, index: usize) -> Option<&'n Node> {
    let items = node.items();
    let Some(wanted) = list.and_then(|list| list.get(index)) else {
        return items.get(index);
    };
    let all = list.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let name = if wanted.is_object() { name_of(wanted, all) } else { None };
    let Some(name) = name else {
        // What has no name is told by all of it, since patches may put items in front; else by its number.
        let same = |item: &&Node| item.to_json() == *wanted;
        let here = items.get(index);
        return here.filter(same).or_else(|| items.iter().find(same)).or(here);
    };
    let named = items
        .iter()
        .find(|item| item.get(name).is_some_and(|value| value.to_json() == wanted[name]));
    // A name that something changed, such as that of a Secret with a prefix: the list is the same otherwise.
    named.or_else(|| items.get(index).filter(|_| items.len() == all.len() && !is_key(name)))
}

/// Whether items of that name are merged by it, so that one without its name is another.
fn is_key(name: &str) -> bool {
    matches!(name, "mountPath" | "devicePath" | "containerPort")
}

/// The field that tells an item from all others of its list.
fn name_of(item: &Value, all: &[Value]) -> Option<&'static str> {
    let is_scalar = |value: &Value| value.is_string() || value.is_number();
    NAMES.into_iter().find(|name| {
        let Some(mine) = item.get(name).filter(|value| is_scalar(value)) else {
            return false;
        };
        all.iter().filter(|other| other.get(name) == Some(mine)).count() == 1
    })
}

/// The number of items, of a list.
pub(super) fn length(node: &Node) -> Option<usize> {
    match &node.tree {
        Tree::List(items) => Some(items.len()),
        Tree::Map(_) | Tree::Scalar(_) => None,
    }
}
