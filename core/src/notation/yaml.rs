//! YAML in and out, as kubectl reads and writes it: YAML 1.1 scalars, the last of two equal keys wins, JSON values.
//!
//! Text becomes JSON first and a type afterwards, as in Go: a typed reader would take `on` for a string where one is
//! wanted, and hide the mistake.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_saphyr::{DuplicateKeyPolicy, Options, Spanned};
use std::fmt;

/// Why a text is not YAML, or a value cannot be written as YAML.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum YamlError {
    /// The text cannot be read.
    #[error("line {line}, column {column}: {message}")]
    Read {
        /// Line in the whole text, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// A value that YAML has no form for.
    #[error("{0}")]
    Write(String),
}

/// One document of a text, and where it stands in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The document as JSON.
    pub value: Value,
    /// Line of the whole text on which it begins, from 1.
    pub line: usize,
    text: String,
}

/// Reads all documents of a text; empty ones are left out.
///
/// # Errors
/// [`YamlError::Read`] at the first place that is not YAML, or goes beyond the limits of the reader (aliases, depth).
pub fn parse_docs(text: &str) -> Result<Vec<Document>, YamlError> {
    let mut documents = Vec::new();
    for (line, text) in split(text) {
        let read = serde_saphyr::from_str_with_options::<Value>(&text, options());
        let value = read.map_err(|error| read_error(&error, line))?;
        if !value.is_null() {
            documents.push(Document { value, line, text });
        }
    }
    Ok(documents)
}

/// A JSON value as YAML text. Scalars that some YAML reader would take for something else are quoted.
///
/// # Errors
/// [`YamlError::Write`]; no JSON value is known that cannot be written.
pub fn to_string(value: &Value) -> Result<String, YamlError> {
    // What stands at the beginning of a line may look like a separator; JSON, which is YAML too, has it in quotes.
    let separates = |text: &str| text.starts_with("---");
    let outermost = value
        .as_object()
        .is_some_and(|members| members.keys().any(|key| separates(key)));
    if outermost || value.as_str().is_some_and(separates) {
        return Ok(format!("{value}\n"));
    }
    // Long lines stay lines: a folded text is hard to compare and to search.
    let options = serde_saphyr::ser_options! { folded_wrap_chars: usize::MAX };
    serde_saphyr::to_string_with_options(value, options).map_err(|error| YamlError::Write(error.to_string()))
}

impl Document {
    /// The line of the whole text on which a field stands, best effort: for a path that does not exist, the line of
    /// what comes closest above it.
    ///
    /// Paths are those of validation, `spec.strategy.steps[0].setWeight`: names that hold dots are tried too, and
    /// where validation leaves a level out (`canary`), the one child that has the field is taken.
    #[must_use]
    pub fn line_of(&self, path: &str) -> usize {
        let Ok(root) = serde_saphyr::from_str_with_options::<Spanned<Node>>(&self.text, options()) else {
            return self.line;
        };
        let mut best = line_in(&root, 1);
        let (mut node, mut rest) = (&root.value, path);
        while let Some((line, next, after)) = node.step(rest) {
            best = line;
            (node, rest) = (next, after);
        }
        self.line + best - 1
    }
}

fn options() -> Options {
    serde_saphyr::options! {
        legacy_octal_numbers: true,
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        with_snippet: false,
    }
}

fn read_error(error: &serde_saphyr::Error, first_line: usize) -> YamlError {
    let text = error.without_snippet().to_string();
    let Some(location) = error.location() else {
        return YamlError::Read {
            line: first_line,
            column: 1,
            message: text,
        };
    };
    let (line, column) = (to_usize(location.line()), to_usize(location.column()));
    // The reader repeats the place, counted from the beginning of the document.
    let message = text.replace(&format!(" at line {line}, column {column}"), "");
    YamlError::Read {
        line: first_line + line.saturating_sub(1),
        column,
        message,
    }
}

fn to_usize(number: impl TryInto<usize>) -> usize {
    number.try_into().unwrap_or(usize::MAX)
}

/// The documents of a text with their first lines, cut at the lines that begin with `---`, as kubectl cuts. Pieces
/// that hold nothing but comments and directives go before the next piece.
fn split(text: &str) -> Vec<(usize, String)> {
    let mut pieces: Vec<(usize, String)> = Vec::new();
    let (mut first, mut piece) = (1, String::new());
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let separator = separator(line);
        if separator.is_some()
            && !piece
                .lines()
                .all(|line| line.is_empty() || line.starts_with(['#', '%']))
        {
            pieces.push((first, std::mem::take(&mut piece)));
        }
        if piece.is_empty() {
            first = index + 1;
        }
        match separator {
            // To kubectl a comment may follow at once. To YAML it would be a scalar, and the document lost.
            Some(rest) if rest.starts_with('#') => piece.push_str(&format!("--- {rest}")),
            Some(_) | None => piece.push_str(line),
        }
    }
    pieces.push((first, piece));
    pieces.retain(|(_, piece)| !piece.lines().all(is_empty));
    pieces
}

/// What follows the `---` of a line that separates documents.
fn separator(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("---")?;
    (rest.trim_end().is_empty() || rest.starts_with([' ', '\t', '#'])).then_some(rest)
}

fn is_empty(line: &str) -> bool {
    let line = line.strip_prefix("---").unwrap_or(line).trim();
    line.is_empty() || line == "..." || line.starts_with('#')
}

/// A document reduced to where its parts stand.
enum Node {
    Map(Vec<(Spanned<String>, Spanned<Node>)>),
    List(Vec<Spanned<Node>>),
    Scalar,
}

fn line_in<T>(spanned: &Spanned<T>, otherwise: usize) -> usize {
    match to_usize(spanned.referenced.line()) {
        0 => otherwise,
        line => line,
    }
}

impl Node {
    /// Takes the first member off a path: its line, what stands there, the rest of the path.
    fn step<'a, 'p>(&'a self, path: &'p str) -> Option<(usize, &'a Self, &'p str)> {
        match self {
            Self::Scalar => None,
            Self::List(items) => {
                let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
                let item = items.get(index.parse::<usize>().ok()?)?;
                Some((line_in(item, 1), &item.value, rest))
            }
            Self::Map(entries) => {
                let path = path.strip_prefix('.').unwrap_or(path);
                self.member(path).or_else(|| {
                    let mut below = entries.iter().filter_map(|(_, child)| match &child.value {
                        map @ Self::Map(_) => map.member(path),
                        Self::List(_) | Self::Scalar => None,
                    });
                    let only = below.next()?;
                    below.next().is_none().then_some(only)
                })
            }
        }
    }

    /// The entry whose name begins the path; of several, the one with the longest name.
    fn member<'a, 'p>(&'a self, path: &'p str) -> Option<(usize, &'a Self, &'p str)> {
        let Self::Map(entries) = self else { return None };
        let fits = |(name, child): &'a (Spanned<String>, Spanned<Self>)| {
            let rest = path.strip_prefix(name.value.as_str())?;
            (rest.is_empty() || rest.starts_with(['.', '['])).then(|| (line_in(name, 1), &child.value, rest))
        };
        entries.iter().filter_map(fits).min_by_key(|(.., rest)| rest.len())
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

macro_rules! scalars {
    ($($visit:ident: $type:ty),*) => {
        $(fn $visit<E>(self, _: $type) -> Result<Node, E> {
            Ok(Node::Scalar)
        })*
    };
}

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML")
    }

    scalars!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_i128: i128, visit_u128: u128, visit_f64: f64);
    scalars!(visit_str: &str, visit_bytes: &[u8]);

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(name) = map.next_key()? {
            entries.push((name, map.next_value()?));
        }
        Ok(Node::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    fn one(text: &str) -> Value {
        let mut documents = parse_docs(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(documents.len(), 1, "{text}");
        documents.remove(0).value
    }

    /// YAML 1.1, as kubectl has it.
    #[test]
    fn scalars_are_those_of_kubectl() {
        for (text, value) in [
            ("a: on", json!({"a": true})),
            ("a: No", json!({"a": false})),
            ("a: 0644", json!({"a": 420})),
            ("a: 0x10", json!({"a": 16})),
            ("a: 1_000", json!({"a": 1000})),
            ("a: ~", json!({"a": null})),
            ("a: '0644'", json!({"a": "0644"})),
            ("a: 1.5", json!({"a": 1.5})),
            ("a: 5%", json!({"a": "5%"})),
            ("a: 1\na: 2", json!({"a": 2})),
            ("a: &x {b: 1}\nc: {<<: *x}", json!({"a": {"b": 1}, "c": {"b": 1}})),
        ] {
            assert_eq!(one(text), value, "{text}");
        }
    }

    #[test]
    fn documents_know_their_lines() {
        let text = "# head\n---\na: 1\n--- # second\n\nb: 2\n---\n# nothing\n---\nc: |\n  ---x\n  y\n";
        let documents = parse_docs(text).unwrap();
        let found: Vec<_> = documents
            .iter()
            .map(|document| (document.line, document.value.clone()))
            .collect();
        assert_eq!(
            found,
            [
                (1, json!({"a": 1})),
                (4, json!({"b": 2})),
                (9, json!({"c": "---x\ny\n"}))
            ]
        );
        assert_eq!(documents[1].line_of("b"), 6);
        assert_eq!(parse_docs("").unwrap(), []);
    }

    /// kubectl takes `---#` between documents for a separator with a comment.
    #[test]
    fn a_comment_may_follow_a_separator_at_once() {
        for separator in ["---# x", "---#", "--- # x", "---\t# x", "---  "] {
            let text = format!("{separator}\na: 1\n{separator}\nb: 2\n{separator}\n");
            let documents = parse_docs(&text).unwrap_or_else(|error| panic!("{separator}: {error}"));
            let found: Vec<_> = documents.iter().map(|it| (it.line, it.value.clone())).collect();
            assert_eq!(found, [(1, json!({"a": 1})), (3, json!({"b": 2}))], "{separator}");
            assert_eq!(documents[1].line_of("b"), 4, "{separator}");
        }
    }

    #[test]
    fn errors_name_the_line_of_the_whole_text() {
        let YamlError::Read { line, column, message } = parse_docs("a: 1\n---\nb: [1\nc: 2\n").unwrap_err() else {
            panic!("not a reading error");
        };
        assert_eq!((line, column), (4, 2), "{message}");
        assert!(!message.contains("line"), "{message}");
    }

    #[test]
    fn fields_are_found() {
        let text = "metadata:\n  labels:\n    app.io/name: x\nspec:\n  strategy:\n    canary:\n      steps:\n      - setWeight: 5\n      \
                    - pause:\n          duration: 1d\n  template: {spec: {containers: [\n    {name: a}]}}\n";
        let document = parse_docs(text).unwrap().remove(0);
        for (path, line) in [
            ("", 1),
            ("metadata.labels.app.io/name", 3),
            ("spec.strategy.canary.steps[1].pause.duration", 10),
            ("spec.strategy.steps[0].setWeight", 8),
            ("spec.strategy.steps[7].setWeight", 7),
            ("spec.template.spec.containers[0].name", 12),
            ("spec.nothing", 4),
        ] {
            assert_eq!(document.line_of(path), line, "{path}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let value = json!({
            "on": "off", "a": "1_000", "b": "0644", "c": ["", "~", "- x", "a: b", "# c"], "d": {}, "e": [], "f": null,
            "script": "#!/bin/sh\necho  \"x\" \n\n", "long": "word ".repeat(60).trim(), "g": 1.5, "h": -3, "i": true,
        });
        assert_eq!(one(&to_string(&value).unwrap()), value);
        for text in ["---# x", "---", "--- a", "---\n\u{2028}\"b\""] {
            assert_eq!(one(&to_string(&json!(text)).unwrap()), text);
            let keyed = json!({ text: 1, "a": [text] });
            assert_eq!(one(&to_string(&keyed).unwrap()), keyed);
        }
    }
}
