//! One finding, printed as Kubernetes prints it (contract 01 §8).

use serde::Serialize;
use std::fmt;

/// A field that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct FieldError {
    /// Field, such as `spec.strategy.steps[0].setWeight`. Strategy fields stand directly under `spec.strategy`.
    pub path: String,
    /// How it breaks the rule.
    pub kind: ErrorKind,
    /// The rule, as a sentence.
    pub detail: String,
}

/// How a field breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The value, as printed, is not allowed.
    Invalid(String),
    /// The value, as printed, is not one of those that are known.
    NotSupported(String),
    /// Nothing is there.
    Required,
    /// Something is there.
    Forbidden,
    /// The sentence stands alone: upstream surfaces it without field and type (contract 11 §E, "01 §8 item 3").
    Bare,
}

impl FieldError {
    /// A value that is not allowed.
    #[must_use]
    pub fn invalid<T: Serialize + ?Sized>(path: impl Into<String>, value: &T, detail: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            kind: ErrorKind::Invalid(printed(value)),
            detail: detail.into(),
        }
    }

    /// What is wrong, without the field: `<Type>: <value>: <detail>`.
    #[must_use]
    pub fn body(&self) -> String {
        let detail = &self.detail;
        match &self.kind {
            ErrorKind::Invalid(value) => format!("Invalid value: {value}: {detail}"),
            ErrorKind::NotSupported(value) => format!("Unsupported value: {value}: {detail}"),
            ErrorKind::Required => format!("Required value: {detail}"),
            ErrorKind::Forbidden => format!("Forbidden: {detail}"),
            ErrorKind::Bare => detail.clone(),
        }
    }

    pub(super) fn required(path: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            kind: ErrorKind::Required,
            detail: detail.into(),
        }
    }

    pub(super) fn forbidden(path: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            kind: ErrorKind::Forbidden,
            detail: detail.into(),
        }
    }
}

impl fmt::Display for FieldError {
    /// `<path>: <Type>: <value>: <detail>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ErrorKind::Bare => f.write_str(&self.detail),
            ErrorKind::Invalid(_) | ErrorKind::NotSupported(_) | ErrorKind::Required | ErrorKind::Forbidden => {
                write!(f, "{}: {}", self.path, self.body())
            }
        }
    }
}

/// A value as JSON, with the characters that Go escapes; texts that need no escape are the same as Go's `%q`.
pub(super) fn printed<T: Serialize + ?Sized>(value: &T) -> String {
    let json = serde_json::to_string(value).unwrap_or_else(|error| error.to_string());
    // A lone text is printed by `%q`, which leaves these characters as they are.
    if json.starts_with('"') {
        return json;
    }
    json.chars()
        .fold(String::with_capacity(json.len()), |mut out, character| {
            match character {
                '<' => out.push_str("\\u003c"),
                '>' => out.push_str("\\u003e"),
                '&' => out.push_str("\\u0026"),
                '\u{2028}' => out.push_str("\\u2028"),
                '\u{2029}' => out.push_str("\\u2029"),
                other => out.push(other),
            }
            out
        })
}
