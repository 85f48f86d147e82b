//! The tree of a text.

use super::path::{FieldPath, Step};
use super::scalar;
use serde_json::{Map, Value};
use std::ops::Range;
use std::sync::Arc;

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
}

/// A text that was read: its documents, comments and duplicate keys.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stream {
    /// The documents; empty ones are left out.
    pub documents: Vec<Document>,
    /// All comments of the text, in its order.
    pub comments: Vec<Comment>,
    /// Keys that stand twice in one mapping.
    pub duplicates: Vec<Duplicate>,
}

/// One document of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its number in the text, from 0; documents without content count.
    pub index: usize,
    /// Its content.
    pub root: Node,
}

/// A comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Where its `#` is.
    pub mark: Mark,
    /// The text after the `#`, without the spaces around it.
    pub text: String,
    /// Whether nothing but the comment stands in the line.
    pub alone: bool,
}

/// A key that stands twice in one mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// The document's number in the text, from 0.
    pub document: usize,
    /// The path of the mapping and the key.
    pub path: FieldPath,
    /// Where it stands first.
    pub first: Mark,
    /// Where it stands again.
    pub again: Mark,
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it begins: of an alias, where the alias stands.
    pub mark: Mark,
    /// Its bytes in the text; of a block, up to the beginning of what follows.
    pub bytes: Range<usize>,
    /// Whether it is a literal block (`|`): a text whose lines are lines of the file. Its mark is that of the first line with text.
    pub is_literal: bool,
    /// What it is.
    pub tree: Tree,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// A scalar, as JSON: null, a boolean, a number or a string.
    Scalar(Value),
    /// A list.
    List(Arc<Vec<Node>>),
    /// A mapping, in the order of the text. A key that stands twice is there twice.
    Map(Arc<Vec<Entry>>),
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// The value.
    pub value: Node,
}

/// A key with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Where it begins.
    pub mark: Mark,
    /// Its text. A key that is no string is a string here as it is in JSON.
    pub text: String,
}

impl Node {
    /// A node that stands nowhere.
    pub(crate) fn null() -> Self {
        Self {
            mark: Mark { line: 1, column: 1 },
            bytes: 0..0,
            is_literal: false,
            tree: Tree::Scalar(Value::Null),
        }
    }

    /// The value of a key; where the key stands twice, the last, as Kubernetes reads it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The key and value of a key; where it stands twice, the last. A merge key (`<<`) is followed.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        let entries = self.entries();
        let found = entries.iter().rev().find(|entry| entry.key.text == key);
        found.or_else(|| {
            let merges = entries.iter().rev().filter(|entry| entry.key.text == scalar::MERGE);
            merges
                .flat_map(|entry| match &entry.value.tree {
                    Tree::List(items) => items.iter().collect(),
                    Tree::Map(_) | Tree::Scalar(_) => vec![&entry.value],
                })
                .find_map(|node| node.entry(key))
        })
    }

    /// The entries of a mapping; of anything else, none.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        match &self.tree {
            Tree::Map(entries) => entries,
            Tree::List(_) | Tree::Scalar(_) => &[],
        }
    }

    /// The items of a list; of anything else, none.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match &self.tree {
            Tree::List(items) => items,
            Tree::Map(_) | Tree::Scalar(_) => &[],
        }
    }

    /// The text of a scalar that is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.tree {
            Tree::Scalar(value) => value.as_str(),
            Tree::List(_) | Tree::Map(_) => None,
        }
    }

    /// What stands at a path.
    #[must_use]
    pub fn find(&self, path: &FieldPath) -> Option<&Self> {
        path.steps().iter().try_fold(self, |node, step| match step {
            Step::Key(key) => node.get(key),
            Step::Index(index) => node.items().get(*index),
        })
    }

    /// Where a path stands: the place of its last key, or of its last item. `None` where it does not stand.
    #[must_use]
    pub fn mark_of(&self, path: &FieldPath) -> Option<Mark> {
        let (mark, depth) = self.closest(path);
        (depth == path.steps().len()).then_some(mark)
    }

    /// The place of as much of a path as there is, and of how many steps that is.
    #[must_use]
    pub fn closest(&self, path: &FieldPath) -> (Mark, usize) {
        let (mut node, mut mark) = (self, self.mark);
        for (depth, step) in path.steps().iter().enumerate() {
            let next = match step {
                Step::Key(key) => node.entry(key).map(|entry| (entry.key.mark, &entry.value)),
                Step::Index(index) => node.items().get(*index).map(|item| (item.mark, item)),
            };
            let Some(next) = next else { return (mark, depth) };
            (mark, node) = next;
        }
        (mark, path.steps().len())
    }

    /// The node with other places: what `mark` makes of each, and the bytes of what it stands in.
    #[must_use]
    pub fn moved(&self, mark: &dyn Fn(Mark) -> Mark, bytes: &Range<usize>) -> Self {
        let tree = match &self.tree {
            Tree::Scalar(value) => Tree::Scalar(value.clone()),
            Tree::List(items) => Tree::List(Arc::new(items.iter().map(|item| item.moved(mark, bytes)).collect())),
            Tree::Map(entries) => {
                let entry = |entry: &Entry| Entry {
                    key: Key {
                        mark: mark(entry.key.mark),
                        text: entry.key.text.clone(),
                    },
                    value: entry.value.moved(mark, bytes),
                };
                Tree::Map(Arc::new(entries.iter().map(entry).collect()))
            }
        };
        Self {
            mark: mark(self.mark),
            bytes: bytes.clone(),
            is_literal: false,
            tree,
        }
    }

    /// The node as JSON, as Kubernetes reads it: of two equal keys the last counts, merge keys are followed.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match &self.tree {
            Tree::Scalar(value) => value.clone(),
            Tree::List(items) => items.iter().map(Self::to_json).collect(),
            Tree::Map(entries) => Value::Object(json_map(entries)),
        }
    }
}

fn json_map(entries: &[Entry]) -> Map<String, Value> {
    let mut map = Map::new();
    for entry in entries.iter().filter(|entry| entry.key.text == scalar::MERGE) {
        let merged = match &entry.value.tree {
            Tree::List(items) => items.iter().rev().collect(),
            Tree::Map(_) | Tree::Scalar(_) => vec![&entry.value],
        };
        for node in merged {
            map.extend(json_map(node.entries()));
        }
    }
    for entry in entries.iter().filter(|entry| entry.key.text != scalar::MERGE) {
        map.insert(entry.key.text.clone(), entry.value.to_json());
    }
    map
}

#[cfg(test)]
mod tests;
