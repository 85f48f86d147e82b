//! Hiding the content of Secrets in what kustomize says.

use crate::kustomize::graph::{Graph, Patch, Role};
use crate::yaml::{Node, Tree};
use serde_json::Value;
use std::collections::BTreeSet;

/// Shorter values are not hidden: they would make words unreadable, and say nothing.
const SHORTEST: usize = 4;

/// Replaces what the build's Secrets hold.
pub(super) fn hide(words: &mut String, graph: &Graph) {
    if words.is_empty() {
        return;
    }
    let mut secrets = BTreeSet::new();
    for text in graph.texts.values() {
        for document in text.stream.iter().flat_map(|stream| &stream.documents) {
            of_document(&document.root, &mut secrets);
        }
    }
    for layer in &graph.layers {
        layer.patches.iter().for_each(|patch| of_patch(patch, &mut secrets));
        of_generators(&layer.document.root, &mut secrets);
    }
    // What generators read: a Secret's files and a ConfigMap's cannot be told apart here, and neither belongs into a message.
    for text in graph.texts.values().filter(|text| text.role == Role::Data) {
        for line in String::from_utf8_lossy(&text.bytes).lines() {
            add(line, &mut secrets);
            add(line.split_once('=').map_or("", |(_, value)| value), &mut secrets);
        }
    }
    let mut secrets: Vec<_> = secrets.into_iter().collect();
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    for secret in secrets {
        if words.contains(&secret) {
            *words = words.replace(&secret, "…");
        }
    }
}

fn add(text: &str, secrets: &mut BTreeSet<String>) {
    for part in std::iter::once(text).chain(text.lines()) {
        let part = part.trim();
        if part.len() >= SHORTEST {
            secrets.insert(part.to_owned());
        }
    }
}

/// All texts in a node that are values.
fn values(node: &Node, secrets: &mut BTreeSet<String>) {
    match &node.tree {
        Tree::Scalar(Value::String(text)) => add(text, secrets),
        Tree::Scalar(Value::Number(number)) => add(&number.to_string(), secrets),
        Tree::Scalar(_) => {}
        Tree::List(items) => items.iter().for_each(|item| values(item, secrets)),
        Tree::Map(entries) => entries.iter().for_each(|entry| values(&entry.value, secrets)),
    }
}

fn of_document(root: &Node, secrets: &mut BTreeSet<String>) {
    if root.get("kind").and_then(Node::as_str) == Some("Secret") {
        for key in ["data", "stringData"] {
            if let Some(data) = root.get(key) {
                values(data, secrets);
            }
        }
    }
    variables(root, secrets);
}

/// The values of environment variables, wherever they stand.
fn variables(node: &Node, secrets: &mut BTreeSet<String>) {
    for entry in node.entries() {
        if entry.key.text == "env" {
            for variable in entry.value.items() {
                if let Some(value) = variable.get("value") {
                    values(value, secrets);
                }
            }
        }
        variables(&entry.value, secrets);
    }
    node.items().iter().for_each(|item| variables(item, secrets));
}

fn of_patch(patch: &Patch, secrets: &mut BTreeSet<String>) {
    let aims_at_secret = patch
        .target
        .as_ref()
        .and_then(|target| target.kind.as_deref())
        .is_some_and(|kind| kind.contains("Secret"));
    for document in &patch.documents {
        of_document(document, secrets);
        if aims_at_secret {
            for operation in document.items() {
                if let Some(value) = operation.get("value") {
                    values(value, secrets);
                }
            }
            for key in ["data", "stringData"] {
                if let Some(data) = document.get(key) {
                    values(data, secrets);
                }
            }
        }
    }
}

fn of_generators(root: &Node, secrets: &mut BTreeSet<String>) {
    for item in root.get("secretGenerator").map_or(&[][..], Node::items) {
        for literal in item.get("literals").map_or(&[][..], Node::items) {
            let text = literal.as_str().unwrap_or_default();
            add(text.split_once('=').map_or(text, |(_, value)| value), secrets);
        }
    }
}
