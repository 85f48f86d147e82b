//! From text to tree.

use super::error::{ReadError, expected};
use super::path::{FieldPath, Step};
use super::scalar;
use super::tree::{Comment, Document, Duplicate, Entry, Key, Mark, Node, Stream, Tree};
use granit_parser::{ErrorKind, Event, Marker, Parser, Placement, ScalarStyle, Span, Tag};
use serde_json::Value;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// What is too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a text.
    pub bytes: usize,
    /// Nodes that aliases add, all copies counted.
    pub aliased_nodes: usize,
    /// Levels of lists and mappings within each other.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 10 * 1024 * 1024,
            aliased_nodes: 100_000,
            depth: 100,
        }
    }
}

/// Reads a text within the usual limits.
///
/// # Errors
/// At the first place that is not YAML or goes beyond a limit.
pub fn read(text: &[u8]) -> Result<Stream, ReadError> {
    read_with(text, Limits::default())
}

/// Reads a text within other limits.
///
/// # Errors
/// As [`read`].
pub fn read_with(text: &[u8], limits: Limits) -> Result<Stream, ReadError> {
    if text.len() > limits.bytes {
        let message = format!("the file has {} bytes; at most {} are read", text.len(), limits.bytes);
        return Err(error(START, message, "split the file, or leave it out of the build"));
    }
    let text = std::str::from_utf8(text).map_err(|found| not_utf8(text, found.valid_up_to()))?;
    let whole = text;
    let text = whole.strip_prefix('\u{feff}').unwrap_or(whole);
    let options = granit_parser::options! {
        flow_nesting_limit: limits.depth,
        block_nesting_limit: limits.depth,
        max_buffered_comment_events: usize::MAX,
        // As the reader of kustomize: a long key is a key.
        simple_key_max_lookahead: 128 * 1024,
    };
    let mut reader = Reader {
        skipped: whole.len() - text.len(),
        limits,
        stream: Stream::default(),
        open: Vec::new(),
        root: None,
        documents: 0,
        anchors: HashMap::new(),
        aliased: 0,
    };
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, span) = next.map_err(|found| syntax(&found))?;
        reader.take(event, span)?;
    }
    Ok(reader.stream)
}

const START: Mark = Mark { line: 1, column: 1 };

fn error(mark: Mark, message: impl Into<String>, action: &str) -> ReadError {
    ReadError {
        line: mark.line,
        column: mark.column,
        message: message.into(),
        action: action.to_owned(),
    }
}

fn not_utf8(text: &[u8], valid: usize) -> ReadError {
    let before = &text[..valid];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let in_line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let column = String::from_utf8_lossy(in_line).chars().count() + 1;
    error(
        Mark { line, column },
        "the file is not UTF-8 text",
        "save the file as UTF-8",
    )
}

fn syntax(found: &granit_parser::ScanError) -> ReadError {
    let mark = mark(*found.marker());
    match found.kind() {
        ErrorKind::RecursionLimitExceeded => too_deep(mark),
        kind => error(mark, format!("this is not YAML: {}", found.info()), expected(kind)),
    }
}

fn too_deep(mark: Mark) -> ReadError {
    error(mark, "lists and mappings are nested too deep", "make the file flatter")
}

fn mark(marker: Marker) -> Mark {
    Mark {
        line: marker.line(),
        column: marker.col() + 1,
    }
}

/// A list or mapping that is not finished.
struct Open {
    mark: Mark,
    start: usize,
    anchor: usize,
    tree: OpenTree,
}

enum OpenTree {
    List(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        /// The key whose value comes next.
        key: Option<Key>,
        /// Where each key stands first.
        seen: HashMap<String, Mark>,
    },
}

struct Reader {
    /// Bytes before the text: those of a byte order mark.
    skipped: usize,
    limits: Limits,
    stream: Stream,
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
    anchors: HashMap<usize, (Node, usize)>,
    aliased: usize,
}

impl Reader {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), ReadError> {
        let at = mark(span.start);
        match event {
            Event::StreamStart | Event::StreamEnd | Event::Anchor(..) => {}
            Event::DocumentStart(..) => {
                self.anchors.clear();
                self.root = None;
            }
            Event::DocumentEnd => {
                let index = self.documents;
                self.documents += 1;
                let content = self.root.take().filter(|root| root.tree != Tree::Scalar(Value::Null));
                self.stream
                    .documents
                    .extend(content.map(|root| Document { index, root }));
            }
            Event::Comment(text, placement) => self.stream.comments.push(Comment {
                mark: at,
                text: text.trim().to_owned(),
                alone: placement != Placement::Right,
            }),
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar_value(&text, style, tag.as_deref());
                let node = Node {
                    mark: at,
                    bytes: self.bytes(span),
                    is_literal: style == ScalarStyle::Literal,
                    tree: Tree::Scalar(value),
                };
                self.keep(anchor, &node);
                self.put(node, Some(&text))?;
            }
            Event::SequenceStart(_, anchor, _) => self.begin(span, anchor, OpenTree::List(Vec::new()))?,
            Event::MappingStart(_, anchor, _) => {
                let tree = OpenTree::Map {
                    entries: Vec::new(),
                    key: None,
                    seen: HashMap::new(),
                };
                self.begin(span, anchor, tree)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span)?,
            Event::Alias(anchor) => {
                let node = self.alias(anchor, span)?;
                self.put(node, None)?;
            }
            _ => {
                return Err(error(
                    at,
                    "this is not YAML that Serin knows",
                    "write it in another way",
                ));
            }
        }
        Ok(())
    }

    fn begin(&mut self, span: Span, anchor: usize, tree: OpenTree) -> Result<(), ReadError> {
        let mark = mark(span.start);
        if self.open.len() >= self.limits.depth {
            return Err(too_deep(mark));
        }
        if let Some(Open {
            tree: OpenTree::Map { key: None, .. },
            ..
        }) = self.open.last()
        {
            let message = "a list or mapping cannot be a key here; a text was expected";
            return Err(error(mark, message, "quote the key, or correct the brackets"));
        }
        self.open.push(Open {
            mark,
            start: self.bytes(span).start,
            anchor,
            tree,
        });
        Ok(())
    }

    fn end(&mut self, span: Span) -> Result<(), ReadError> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let tree = match open.tree {
            OpenTree::List(items) => Tree::List(Arc::new(items)),
            OpenTree::Map { entries, .. } => Tree::Map(Arc::new(entries)),
        };
        let node = Node {
            mark: open.mark,
            is_literal: false,
            bytes: open.start..self.bytes(span).end.max(open.start),
            tree,
        };
        self.keep(open.anchor, &node);
        self.put(node, None)
    }

    fn keep(&mut self, anchor: usize, node: &Node) {
        if anchor != 0 {
            self.anchors
                .insert(anchor, (node.clone(), size(node, &mut HashMap::new())));
        }
    }

    /// What an alias stands for. Copies share their trees; what is counted is what a reader without that makes of them.
    fn alias(&mut self, anchor: usize, span: Span) -> Result<Node, ReadError> {
        let mark = mark(span.start);
        let Some((node, size)) = self.anchors.get(&anchor) else {
            let message = "this alias stands inside of what it refers to";
            return Err(error(mark, message, "write the value out"));
        };
        self.aliased = self.aliased.saturating_add(*size);
        if self.aliased > self.limits.aliased_nodes {
            let most = self.limits.aliased_nodes;
            let message = format!("the aliases of this file grow to more than {most} values");
            return Err(error(mark, message, "write the values out, or use fewer aliases"));
        }
        Ok(Node {
            mark,
            bytes: self.bytes(span),
            is_literal: false,
            tree: node.tree.clone(),
        })
    }

    /// Puts a node where it belongs; `text` is that of a scalar as written, for a key.
    fn put(&mut self, node: Node, text: Option<&str>) -> Result<(), ReadError> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        let (entries, key, seen) = match &mut open.tree {
            OpenTree::List(items) => {
                items.push(node);
                return Ok(());
            }
            OpenTree::Map { entries, key, seen } => (entries, key, seen),
        };
        if let Some(key) = key.take() {
            entries.push(Entry { key, value: node });
            return Ok(());
        }
        let found = match (&node.tree, text) {
            (Tree::Scalar(Value::String(text)), _) => text.clone(),
            (Tree::Scalar(_), Some(text)) => text.to_owned(),
            (Tree::Scalar(value), None) => value.to_string(),
            (Tree::List(_) | Tree::Map(_), _) => {
                let message = "a list or mapping cannot be a key; a text was expected";
                return Err(error(node.mark, message, "use a text as the key"));
            }
        };
        let first = *seen.entry(found.clone()).or_insert(node.mark);
        *key = Some(Key {
            mark: node.mark,
            text: found.clone(),
        });
        if first != node.mark {
            let path = self.path().key(&found);
            self.stream.duplicates.push(Duplicate {
                document: self.documents,
                path,
                first,
                again: node.mark,
            });
        }
        Ok(())
    }

    fn bytes(&self, span: Span) -> Range<usize> {
        let byte = |marker: Marker| self.skipped + marker.byte_offset().unwrap_or_default();
        byte(span.start)..byte(span.end)
    }

    /// The path of the innermost open mapping.
    fn path(&self) -> FieldPath {
        let above = self.open.len().saturating_sub(1);
        let step = |open: &Open| match &open.tree {
            OpenTree::List(items) => Step::Index(items.len()),
            OpenTree::Map { key, .. } => Step::Key(key.as_ref().map(|key| key.text.clone()).unwrap_or_default()),
        };
        FieldPath::from(self.open[..above].iter().map(step).collect::<Vec<_>>())
    }
}

/// The nodes of a tree, all copies counted.
fn size(node: &Node, known: &mut HashMap<*const (), usize>) -> usize {
    match &node.tree {
        Tree::Scalar(_) => 1,
        Tree::List(items) => remembered(Arc::as_ptr(items).cast(), known, |known| {
            items
                .iter()
                .fold(1, |sum: usize, item| sum.saturating_add(size(item, known)))
        }),
        Tree::Map(entries) => remembered(Arc::as_ptr(entries).cast(), known, |known| {
            entries.iter().fold(1, |sum: usize, entry| {
                sum.saturating_add(1).saturating_add(size(&entry.value, known))
            })
        }),
    }
}

fn remembered(
    at: *const (),
    known: &mut HashMap<*const (), usize>,
    count: impl FnOnce(&mut HashMap<*const (), usize>) -> usize,
) -> usize {
    if let Some(size) = known.get(&at) {
        return *size;
    }
    let size = count(known);
    known.insert(at, size);
    size
}

fn scalar_value(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    if let Some(tag) = tag.filter(|tag| tag.handle() == "tag:yaml.org,2002:") {
        return match tag.suffix() {
            "int" | "float" | "bool" | "null" => scalar::plain(text),
            _ => Value::String(text.to_owned()),
        };
    }
    match style {
        ScalarStyle::Plain => scalar::plain(text),
        _ => Value::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests;
