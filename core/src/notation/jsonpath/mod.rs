//! JSONPath as Kubernetes speaks it: the templates of `kubectl -o jsonpath=…` and of the Web provider's `jsonPath`
//! (contract 08 §2; <https://kubernetes.io/docs/reference/kubectl/jsonpath/>).
//!
//! The dialect is older than RFC 9535 and differs from it. A template is text with paths in braces, so `$.a` without
//! braces is the text `$.a`. A key that is not there is an error, and so is an index out of bounds. A quoted key is read as
//! a path again: `['a.b']` is `b` within `a`, and a dot is escaped as in `a\.b`. Within braces stand fields, `*`, `..`,
//! indexes, slices, unions, filters with one comparison, quoted texts, numbers, and the words `range` and `end`.
//!
//! What is found stands in groups, one for each piece of the template. `core/tests/jsonpath.json` has what the Go library
//! answers.

mod compare;
mod eval;
mod parse;

use serde_json::Value;
use std::fmt;

/// A template, read.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonPath {
    pieces: Vec<Piece>,
    missing_keys_allowed: bool,
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
enum Piece {
    /// Text outside of braces.
    Text(String),
    /// What stands in a pair of braces.
    Path(Vec<Step>),
}

/// A step of a path: it leads from some values to others.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    Field(String),
    Wildcard,
    Descent,
    Slice(Slice),
    Union(Vec<Vec<Step>>),
    Exists(Vec<Step>),
    Compare {
        left: Vec<Step>,
        operator: String,
        right: Vec<Step>,
    },
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    Word(String),
}

/// `[start:end:step]`, or one index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slice {
    start: Option<i64>,
    end: End,
    step: Option<i64>,
}

/// Where a slice ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// At the end of the list.
    Open,
    /// Before this index.
    Before(i64),
    /// After one element: the slice is an index.
    Next,
}

/// A value that a template leads to. Numbers of the data are floats, as Go decodes them; those of the template keep their
/// types.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Found<'a> {
    /// A part of the data.
    Data(&'a Value),
    /// A text of the template.
    Text(&'a str),
    /// A whole number of the template.
    Int(i64),
    /// A fraction of the template.
    Float(f64),
    /// `true` or `false` of the template.
    Bool(bool),
    /// A byte of a text, to which `*` leads.
    Byte(u8),
    /// What stands for data that are null as a whole. Go has no value there.
    Nothing,
}

impl<'a> Found<'a> {
    /// The part of the data that it is, if it is one.
    #[must_use]
    pub fn data(self) -> Option<&'a Value> {
        match self {
            Self::Data(value) => Some(value),
            Self::Text(_) | Self::Int(_) | Self::Float(_) | Self::Bool(_) | Self::Byte(_) | Self::Nothing => None,
        }
    }
}

/// Why a template cannot be read, or does not lead to a value, in the words of Kubernetes' library.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);

impl Error {
    fn new(text: impl fmt::Display) -> Self {
        Self(text.to_string())
    }
}

impl JsonPath {
    /// Reads a template.
    ///
    /// # Errors
    /// If what stands in braces is no path.
    pub fn parse(template: &str) -> Result<Self, Error> {
        Ok(Self {
            pieces: parse::template(template)?,
            missing_keys_allowed: false,
        })
    }

    /// A key that is not there leads to nothing; without this it is an error.
    #[must_use]
    pub fn allow_missing_keys(mut self) -> Self {
        self.missing_keys_allowed = true;
        self
    }

    /// What the template leads to, in groups: one for each piece, and those of a `range` for each round.
    ///
    /// Where Go takes the members of an object in random order, these are sorted by key.
    ///
    /// # Errors
    /// If a key or an index is not there, values cannot be compared, or the template leads to more than a million values.
    pub fn find<'a>(&'a self, data: &'a Value) -> Result<Vec<Vec<Found<'a>>>, Error> {
        eval::find(&self.pieces, self.missing_keys_allowed, data)
    }
}
