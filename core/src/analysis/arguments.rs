//! `{{args.x}}`: how the arguments of a run get into its metrics (contract 06 §9, 11 G8).

use crate::api::analysis_template::{Argument, Metric};
use serin_expr::go::quote::{escaped, quoted};
use std::collections::BTreeMap;

const OPEN: &str = "{{";
const CLOSE: &str = "}}";

/// What stands for the value of a Secret where the value itself must not be known.
pub const INSTEAD_OF_SECRET: &str = "temp-for-secret";

/// Why a text cannot be completed, in the words of Argo Rollouts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentError {
    /// An argument has no value, whether or not it is used.
    #[error("argument \"{0}\" was not supplied")]
    NotSupplied(String),
    /// What stands between the brackets, as written; of several the last.
    #[error("failed to resolve {{{{{0}}}}}")]
    Unresolved(String),
    /// An opening bracket is never closed.
    #[error("Cannot find end tag=\"}}}}\" in the template={} starting from {}", quoted(.template), quoted(.rest))]
    Unterminated {
        /// The whole text.
        template: String,
        /// What follows the bracket.
        rest: String,
    },
    /// A value does not fit into a metric: Go quotes one of its characters in a way that JSON does not know.
    #[error("{0}")]
    NotJson(String),
}

/// The metric with its arguments filled in, in any of its texts: names, limits, conditions, queries, addresses.
///
/// The metric is taken as JSON, so that a value keeps its quotes, line ends and tabs.
///
/// # Errors
/// An argument without a value, even an unused one; a placeholder that names none; a value with a control character that
/// JSON has no escape for.
pub fn metric(metric: &Metric, args: &[Argument]) -> Result<Metric, ArgumentError> {
    let template = serde_json::to_string(metric).map_err(|error| ArgumentError::NotJson(error.to_string()))?;
    if !template.contains(OPEN) {
        values(args, |value| value.to_owned())?;
        return Ok(metric.clone());
    }
    let json = with(&html_escaped(&template), args, escaped)?;
    serde_json::from_str(&json).map_err(|error| {
        ArgumentError::NotJson(match unknown_escape(&json) {
            Some(char) => format!("invalid character '{char}' in string escape code"),
            None => error.to_string(),
        })
    })
}

/// A text with its arguments filled in as they are.
///
/// # Errors
/// An argument without a value, even an unused one; a placeholder that names none; a bracket that is never closed.
pub fn text(template: &str, args: &[Argument]) -> Result<String, ArgumentError> {
    with(template, args, str::to_owned)
}

/// A text with each `{{name}}` replaced by the value of that name; spaces within the brackets do not count.
///
/// # Errors
/// A placeholder that names no value; a bracket that is never closed.
pub fn substituted(template: &str, values: &BTreeMap<String, String>) -> Result<String, ArgumentError> {
    fill(template, &parts(template)?, values)
}

/// The arguments with a stand-in for each Secret: whoever validates, schedules and judges must not know its value.
#[must_use]
pub fn without_secrets(args: &[Argument]) -> Vec<Argument> {
    let mut args = args.to_vec();
    for arg in &mut args {
        if is_secret(arg) {
            arg.value = Some(INSTEAD_OF_SECRET.to_owned());
            arg.value_from = None;
        }
    }
    args
}

/// Whether the value comes from a Secret; one that is written beside it does not count.
#[must_use]
pub fn is_secret(arg: &Argument) -> bool {
    arg.value_from
        .as_ref()
        .is_some_and(|source| source.secret_key_ref.is_some())
}

fn with(template: &str, args: &[Argument], write: impl Fn(&str) -> String) -> Result<String, ArgumentError> {
    let parts = parts(template)?;
    fill(template, &parts, &values(args, write)?)
}

/// The value of each `args.<name>`; of two arguments with one name the later.
fn values(args: &[Argument], write: impl Fn(&str) -> String) -> Result<BTreeMap<String, String>, ArgumentError> {
    let named = |arg: &Argument| match &arg.value {
        Some(value) => Ok((format!("args.{}", arg.name), write(value))),
        None => Err(ArgumentError::NotSupplied(arg.name.clone())),
    };
    args.iter().map(named).collect()
}

/// Each text before a placeholder with what stands within its brackets.
fn parts(template: &str) -> Result<Vec<(&str, &str)>, ArgumentError> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once(OPEN) {
        let Some((tag, after)) = after.split_once(CLOSE) else {
            return Err(ArgumentError::Unterminated {
                template: template.to_owned(),
                rest: after.to_owned(),
            });
        };
        parts.push((before, tag));
        rest = after;
    }
    Ok(parts)
}

fn fill(template: &str, parts: &[(&str, &str)], values: &BTreeMap<String, String>) -> Result<String, ArgumentError> {
    let mut out = String::with_capacity(template.len());
    let mut length = 0;
    let mut unresolved = None;
    for (before, tag) in parts {
        out.push_str(before);
        match values.get(tag.trim()) {
            Some(value) => out.push_str(value),
            None => unresolved = Some((*tag).to_owned()),
        }
        length += before.len() + OPEN.len() + tag.len() + CLOSE.len();
    }
    out.push_str(template.get(length..).unwrap_or_default());
    unresolved.map_or(Ok(out), |tag| Err(ArgumentError::Unresolved(tag)))
}

/// JSON with the escapes that Go adds for the sake of HTML; the characters occur in strings only.
fn html_escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for char in json.chars() {
        match char {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            other => out.push(other),
        }
    }
    out
}

/// The first character after a backslash that makes no escape of JSON.
fn unknown_escape(json: &str) -> Option<char> {
    let mut chars = json.chars();
    while let Some(char) = chars.next() {
        if char == '\\' {
            let escape = chars.next()?;
            if !"\"\\/bfnrtu".contains(escape) {
                return Some(escape);
            }
        }
    }
    None
}
