//! Fields that comparisons leave out (`ignoreDifferences`).

use std::collections::BTreeMap;

use serde_json::Value;
use serin_core::notation::yaml;

use super::application::{list, text};

/// A rule of `ignoreDifferences`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IgnoreRule {
    /// The group, with `*` as in a glob; empty for the core group.
    pub group: String,
    /// The kind, with `*` as in a glob.
    pub kind: String,
    /// The name; empty for all.
    pub name: String,
    /// The namespace; empty for all.
    pub namespace: String,
    /// JSON pointers.
    pub pointers: Vec<String>,
    /// Paths of jq.
    pub jq: Vec<String>,
    /// Managers whose fields are left out.
    pub managers: Vec<String>,
}

impl IgnoreRule {
    /// Reads a rule of an Application.
    pub(super) fn of(value: &Value) -> Self {
        Self {
            group: text(value, "/group").to_owned(),
            kind: text(value, "/kind").to_owned(),
            name: text(value, "/name").to_owned(),
            namespace: text(value, "/namespace").to_owned(),
            ..Self::paths(value)
        }
    }

    /// The rules of Argo CD's settings: a map from `group/Kind` (or `Kind` in the core group) to YAML in a string.
    pub(super) fn of_settings(overrides: &BTreeMap<String, Value>) -> Vec<Self> {
        let rules = overrides.iter().filter_map(|(key, value)| {
            let documents = yaml::parse_docs(text(value, "/ignoreDifferences")).ok()?;
            let (group, kind) = key.split_once('/').unwrap_or(("", key));
            let rule = Self::paths(&documents.first()?.value);
            Some(Self {
                group: group.to_owned(),
                kind: kind.to_owned(),
                ..rule
            })
        });
        rules
            .filter(|rule| !(rule.pointers.is_empty() && rule.jq.is_empty() && rule.managers.is_empty()))
            .collect()
    }

    fn paths(value: &Value) -> Self {
        let strings = |pointer| {
            list(value, pointer)
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()
        };
        Self {
            pointers: strings("/jsonPointers"),
            jq: strings("/jqPathExpressions"),
            managers: strings("/managedFieldsManagers"),
            ..Self::default()
        }
    }

    /// Whether the rule is for an object.
    #[must_use]
    pub fn matches(&self, group: &str, kind: &str, namespace: &str, name: &str) -> bool {
        let or_all = |wanted: &str, found: &str| wanted.is_empty() || wanted == found;
        glob(&self.group, group)
            && glob(&self.kind, kind)
            && or_all(&self.namespace, namespace)
            && or_all(&self.name, name)
    }
}

/// Whether a text matches a pattern in which `*` stands for anything, and `?` for one character.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut place, mut star) = (0, 0, None);
    while place < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at + 1, place));
                at += 1;
            }
            Some(&c) if c == '?' || Some(&c) == text.get(place) => (at, place) = (at + 1, place + 1),
            _ => match star {
                Some((after, from)) => {
                    (at, place) = (after, from + 1);
                    star = Some((after, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_as_in_argo_cd() {
        for (pattern, text, wanted) in [
            ("*", "apps", true),
            ("*", "", true),
            ("", "", true),
            ("", "apps", false),
            ("*.istio.io", "networking.istio.io", true),
            ("Roll*", "Rollout", true),
            ("R?llout", "Rollout", true),
            ("Rollout", "Rollouts", false),
            ("*a*b", "xayab", true),
            ("*a*b", "xaya", false),
        ] {
            assert_eq!(glob(pattern, text), wanted, "{pattern} {text}");
        }
    }
}
