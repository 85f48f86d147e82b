//! A file with one object, read as `create` reads it: the first document counts, in YAML or JSON, and what is wrong with it is
//! told in the words of Go's readers (contract 10 §9).

use crate::local::strict;
use serde_json::Value;
use serin_core::notation::yaml;
use std::fs;
use std::io;

/// The object of a file.
#[derive(Debug)]
pub(crate) struct Single {
    /// The object; null if the file says nothing.
    pub(crate) object: Value,
    notation: Notation,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Notation {
    Json,
    Yaml,
}

impl Single {
    /// A text of the object, empty if it is not there.
    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// Refuses fields that a kind of ours does not have, and values of the wrong type.
    ///
    /// # Errors
    /// What is wrong, in the words of Go's readers.
    pub(crate) fn refuse_unknown(&self, kind: &str) -> Result<(), String> {
        let mut object = self.object.clone();
        if self.notation == Notation::Yaml {
            strict::as_texts(&mut object, kind);
        }
        match strict::problem(&object, kind) {
            None => Ok(()),
            Some(problem) => Err(match self.notation {
                Notation::Json => problem,
                Notation::Yaml => strict::in_yaml(&problem),
            }),
        }
    }
}

/// Reads a file; `-` is standard input.
///
/// # Errors
/// The file cannot be read, or holds no object.
pub(crate) fn read(path: &str) -> Result<Single, String> {
    let text = text_of(path)?;
    if text.trim_start().starts_with('{') {
        let mut values = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
        let object = match values.next() {
            Some(value) => value.map_err(|error| strict::json_syntax(&error))?,
            None => Value::Null,
        };
        strict::refuse_no_object(&object)?;
        return Ok(Single {
            object,
            notation: Notation::Json,
        });
    }
    let object = first_document(&text)?;
    strict::refuse_no_object(&object).map_err(|problem| strict::in_yaml(&problem))?;
    Ok(Single {
        object,
        notation: Notation::Yaml,
    })
}

fn first_document(text: &str) -> Result<Value, String> {
    let documents = yaml::parse_docs(text).map_err(|error| strict::yaml_syntax(&error))?;
    let Some(first) = documents.into_iter().next() else {
        return Ok(Value::Null);
    };
    Ok(first.value)
}

/// The text of a file; `-` is standard input.
///
/// # Errors
/// In Go's words.
pub(crate) fn text_of(path: &str) -> Result<String, String> {
    let text = if path == "-" {
        io::read_to_string(io::stdin())
    } else {
        fs::read_to_string(path)
    };
    text.map_err(|error| {
        let problem = match error.kind() {
            io::ErrorKind::NotFound => "no such file or directory".to_owned(),
            io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            io::ErrorKind::IsADirectory => return format!("read {path}: is a directory"),
            _ => error.to_string(),
        };
        format!("open {path}: {problem}")
    })
}
