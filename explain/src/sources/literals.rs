//! The values that are secrets by their place, so that text that repeats one can be cleaned; and what looks like a secret in
//! any text.

use super::redact::REDACTED;
use serde_json::Value;
use std::collections::BTreeSet;

/// A shorter value is too common a word to be looked for in messages.
const SHORTEST: usize = 6;
/// Probes that run a command print what the command printed.
const PROBE: [&str; 3] = ["Readiness probe ", "Liveness probe ", "Startup probe "];
/// Names before `=` or `:` whose value is a secret.
const SENSITIVE: [&str; 11] = [
    "password",
    "passwd",
    "pwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "access_key",
    "accountkey",
    "credential",
];

/// Values of environments, arguments and headers of the objects that were read.
#[derive(Debug, Default)]
pub(super) struct Literals {
    secrets: BTreeSet<String>,
    /// Names that messages must keep, although an environment repeats them.
    names: BTreeSet<String>,
}

impl Literals {
    /// Notes those of an object.
    pub(super) fn note(&mut self, object: &Value) {
        for path in ["/metadata/name", "/metadata/namespace"] {
            self.names
                .extend(object.pointer(path).and_then(Value::as_str).map(str::to_owned));
        }
        self.look(object, "");
    }

    fn look(&mut self, value: &Value, name: &str) {
        match (name, value) {
            ("env", Value::Array(items)) => items.iter().for_each(|item| self.secret(&item["value"])),
            ("args", Value::Array(items)) => items.iter().for_each(|item| {
                self.secret(item);
                self.secret(&item["value"]);
            }),
            ("command", Value::Array(items)) => items.iter().skip(1).for_each(|item| self.secret(item)),
            (
                "headers" | "httpHeaders" | "headerValue" | "data" | "stringData" | "config" | "body" | "jsonBody",
                held,
            ) => self.leaves(held),
            ("image" | "serviceName" | "serviceAccountName" | "containerID", Value::String(text)) => {
                self.names.insert(text.clone());
            }
            ("labels" | "matchLabels", Value::Object(members)) => {
                self.names
                    .extend(members.values().filter_map(Value::as_str).map(str::to_owned));
            }
            (_, Value::Object(members)) => members.iter().for_each(|(name, held)| self.look(held, name)),
            (_, Value::Array(items)) => items.iter().for_each(|item| self.look(item, "")),
            (_, Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {}
        }
    }

    fn leaves(&mut self, value: &Value) {
        match value {
            Value::Object(members) => members.values().for_each(|held| self.leaves(held)),
            Value::Array(items) => items.iter().for_each(|item| self.leaves(item)),
            Value::String(_) => self.secret(value),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn secret(&mut self, value: &Value) {
        let Some(text) = value.as_str().map(str::trim) else {
            return;
        };
        if text.len() >= SHORTEST && text != REDACTED && !is_plain(text) {
            self.secrets.insert(text.to_owned());
        }
    }

    /// The text without secrets, if it has any.
    pub(super) fn clean(&self, text: &str) -> Option<String> {
        let mut clean = probe_output(text).unwrap_or_else(|| text.to_owned());
        // The longest first: one may be a part of another.
        if text.len() >= SHORTEST {
            let mut found: Vec<&String> = self
                .secrets
                .iter()
                .filter(|secret| clean.contains(secret.as_str()) && !self.names.contains(*secret))
                .collect();
            found.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
            for secret in found {
                clean = clean.replace(secret.as_str(), REDACTED);
            }
        }
        let clean = assignments(&urls(&clean));
        (clean != text).then_some(clean)
    }
}

/// Words that say nothing to an attacker and much to a reader.
fn is_plain(text: &str) -> bool {
    matches!(
        text,
        "production" | "staging" | "development" | "default" | "enabled" | "disabled"
    )
}

/// A failed probe without what its command printed.
fn probe_output(text: &str) -> Option<String> {
    let prefix = PROBE.iter().find(|prefix| text.starts_with(**prefix))?;
    let (head, output) = text.split_once(": ")?;
    let known = [
        "HTTP probe failed with",
        "Get \"",
        "dial tcp",
        "context deadline",
        "command timed out",
        "timeout:",
        "service unhealthy",
    ];
    let shown = known.iter().any(|start| output.starts_with(start)) || output.contains("connection refused");
    (!shown && head.starts_with(*prefix)).then(|| format!("{head}: its output is not shown"))
}

/// URLs without user and query.
fn urls(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        clean.push_str(before);
        let end = after
            .find(|c: char| c.is_whitespace() || "\"'<>`,;)]}".contains(c))
            .unwrap_or(after.len());
        // "<redacted>" within stays whole.
        let end = if after[end..].starts_with(REDACTED) {
            end + REDACTED.len()
        } else {
            end
        };
        let (url, next) = after.split_at(end);
        clean.push_str(&url_part(url));
        rest = next;
    }
    clean.push_str(rest);
    clean
}

fn url_part(url: &str) -> String {
    let authority_end = url.find(['/', '?', '#']).unwrap_or(url.len());
    let (authority, path) = url.split_at(authority_end);
    let host = match authority.rsplit_once('@') {
        Some((user, host)) if user != REDACTED => format!("{REDACTED}@{host}"),
        _ => authority.to_owned(),
    };
    let path = match path.split_once('?') {
        Some((path, query)) if !query.is_empty() && query != REDACTED => format!("{path}?{REDACTED}"),
        _ => path.to_owned(),
    };
    format!("{host}{path}")
}

/// `password=…`, `token: …`, `Bearer …`.
fn assignments(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    if lower.len() != text.len() || !(SENSITIVE.iter().any(|word| lower.contains(word)) || lower.contains("bearer ")) {
        return text.to_owned();
    }
    let mut cuts: Vec<(usize, usize)> = Vec::new();
    for word in SENSITIVE {
        for (at, _) in lower.match_indices(word) {
            let after = &text[at + word.len()..];
            let sign = after.trim_start_matches(['"', '\'']);
            let Some(value) = sign
                .strip_prefix('=')
                .or_else(|| sign.strip_prefix(':').filter(|rest| !rest.starts_with("//")))
            else {
                continue;
            };
            // "failed to fetch token: unexpected status" has no token in it, nor has the image "auth/token:v1.2".
            let quoted = value.trim_start().starts_with(['"', '\'']);
            let soft = sign.starts_with(':') && matches!(word, "token" | "secret" | "credential");
            if quoted || !soft {
                cuts.extend(cut(text, value.trim_start_matches([' ', '"', '\''])));
            }
        }
    }
    for (at, word) in lower.match_indices("bearer ") {
        cuts.extend(cut(text, &text[at + word.len()..]));
    }
    without(text, cuts)
}

/// The range of the first word of `value`, which is a tail of `text`.
fn cut(text: &str, value: &str) -> Option<(usize, usize)> {
    let from = text.len() - value.len();
    let length = value
        .find(|c: char| c.is_whitespace() || "\"',;&".contains(c))
        .unwrap_or(value.len());
    // A word of Kubernetes' own, such as `secret: not found`, is no value.
    let word = &value[..length];
    (length > 3 && word != REDACTED && word != "not").then_some((from, from + length))
}

fn without(text: &str, mut cuts: Vec<(usize, usize)>) -> String {
    cuts.sort_unstable();
    let mut clean = String::with_capacity(text.len());
    let mut done = 0;
    for (from, to) in cuts {
        if from >= done {
            clean.push_str(&text[done..from]);
            clean.push_str(REDACTED);
            done = to;
        }
    }
    clean.push_str(&text[done..]);
    clean
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn cleaned(text: &str) -> String {
        let mut literals = Literals::default();
        literals.note(&json!({"metadata": {"name": "checkout"}, "spec": {"containers": [{
            "env": [{"name": "A", "value": "hunter22"}, {"name": "B", "value": "checkout"}],
        }]}}));
        literals.clean(text).unwrap_or_else(|| text.to_owned())
    }

    #[test]
    fn what_looks_like_a_secret_goes() {
        for (text, clean) in [
            ("dial hunter22 failed", "dial <redacted> failed"),
            ("service \"checkout\" not found", "service \"checkout\" not found"),
            (
                "Get \"https://a:b@host/x?k=v\": EOF",
                "Get \"https://<redacted>@host/x?<redacted>\": EOF",
            ),
            (
                "postgres://u:p@db:5432/x failed",
                "postgres://<redacted>@db:5432/x failed",
            ),
            ("password=abcdef; user=x", "password=<redacted>; user=x"),
            ("Authorization: Bearer abc.def", "Authorization: Bearer <redacted>"),
            ("secret \"web\" not found", "secret \"web\" not found"),
            ("{\"token\":\"abcdef\"}", "{\"token\":\"<redacted>\"}"),
            ("pulling \"auth/token:v1.2.3\"", "pulling \"auth/token:v1.2.3\""),
            ("fetch token: unexpected status", "fetch token: unexpected status"),
            (
                "Readiness probe failed: key is hunter22",
                "Readiness probe failed: its output is not shown",
            ),
            (
                "Readiness probe failed: HTTP probe failed with statuscode: 503",
                "Readiness probe failed: HTTP probe failed with statuscode: 503",
            ),
            ("file:///srv/git/demo.git", "file:///srv/git/demo.git"),
        ] {
            assert_eq!(cleaned(text), clean);
            assert_eq!(cleaned(clean), clean, "cleaning twice changes nothing");
        }
    }
}
