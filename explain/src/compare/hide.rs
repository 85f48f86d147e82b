//! Values that are never shown: environments, arguments, headers, contents of Secrets and ConfigMaps, passwords in addresses.

use serde_json::Value;
use serin_gitops::yaml::{FieldPath, Step};

/// What stands in place of a value that is not shown.
pub(super) const HIDDEN: &str = crate::sources::REDACTED;

/// Annotations that are shown, by prefix.
const KNOWN: [&str; 6] = [
    "rollout.argoproj.io/",
    "rollouts.argoproj.io/",
    "argo-rollouts.argoproj.io/",
    "argocd.argoproj.io/",
    "kubectl.kubernetes.io/restartedAt",
    "deployment.kubernetes.io/",
];

/// What is hidden below a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Below {
    /// Passwords in addresses.
    Plain,
    /// `value` of the items.
    Environment,
    /// All but the names of the items.
    Arguments,
    /// All but those that are known to hold no secrets.
    Annotations,
    /// All.
    Everything,
}

/// A value without what must not be shown. `path` is where it stands in its object.
pub(super) fn hidden(path: &FieldPath, value: &Value, is_secret: bool) -> Value {
    let start = if is_secret && path.steps().first() != Some(&Step::Key("metadata".into())) {
        Below::Everything
    } else {
        Below::Plain
    };
    let below = path.steps().iter().fold(start, |below, step| match step {
        Step::Key(key) => next(below, key),
        Step::Index(_) => below,
    });
    hide(value, below)
}

fn next(below: Below, key: &str) -> Below {
    match (below, key) {
        (Below::Everything, _) => Below::Everything,
        (Below::Annotations, key) if KNOWN.iter().any(|known| key.starts_with(known)) => Below::Plain,
        (Below::Annotations, _) => Below::Everything,
        (_, "annotations") => Below::Annotations,
        (_, "env") => Below::Environment,
        (_, "args" | "command" | "headers" | "httpHeaders") => Below::Arguments,
        (_, "data" | "stringData" | "binaryData" | "authentication" | "jsonBody" | "body") => Below::Everything,
        (Below::Environment, "value") => Below::Everything,
        (Below::Environment, "name" | "valueFrom") | (Below::Arguments, "name" | "key" | "valueFrom") => Below::Plain,
        (Below::Environment, _) => Below::Environment,
        (Below::Arguments, _) => Below::Everything,
        (Below::Plain, _) => Below::Plain,
    }
}

fn hide(value: &Value, below: Below) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| (key.clone(), hide(value, next(below, key))))
            .collect(),
        Value::Array(items) => items.iter().map(|item| hide(item, below)).collect(),
        Value::Null => Value::Null,
        Value::String(text) if below == Below::Plain || below == Below::Environment => Value::String(clean(text)),
        Value::Bool(_) | Value::Number(_) if below == Below::Plain || below == Below::Environment => value.clone(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => Value::String(HIDDEN.to_owned()),
    }
}

/// A text without users, passwords and queries in addresses, and without values behind words like `password`.
pub(crate) fn clean(text: &str) -> String {
    let words: Vec<String> = text.split(' ').map(word).collect();
    words.join(" ")
}

fn word(word: &str) -> String {
    if let Some((before, rest)) = word.split_once("://") {
        let end = rest.find(['/', '?', '#', '"', '\'']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(end);
        let host = host
            .rsplit_once('@')
            .map_or(host.to_owned(), |(_, host)| format!("{HIDDEN}@{host}"));
        let path = path
            .split_once('?')
            .map_or(path.to_owned(), |(path, _)| format!("{path}?{HIDDEN}"));
        return format!("{before}://{host}{path}");
    }
    let lower = word.to_lowercase();
    let is_sensitive = [
        "password",
        "passwd",
        "token",
        "secret",
        "apikey",
        "api_key",
        "api-key",
        "credential",
    ]
    .iter()
    .any(|name| lower.contains(name));
    match word.find(['=']) {
        Some(place) if is_sensitive && place + 1 < word.len() => {
            format!("{}={HIDDEN}", word.get(..place).unwrap_or_default())
        }
        _ => word.to_owned(),
    }
}
