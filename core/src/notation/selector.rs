//! Label selectors as Kubernetes reads and prints them.

use crate::api::{LabelSelector, LabelSelectorRequirement};
use std::collections::BTreeMap;

/// Whether it says nothing, and so selects everything.
pub(crate) fn is_empty(selector: &LabelSelector) -> bool {
    selector.match_labels.as_ref().is_none_or(BTreeMap::is_empty)
        && selector.match_expressions.as_ref().is_none_or(Vec::is_empty)
}

/// Whether labels are selected; a selector that is itself wrong selects nothing.
pub(crate) fn matches(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    let equal = |(name, value): (&String, &String)| labels.get(name) == Some(value);
    let satisfied = |requirement: &LabelSelectorRequirement| {
        let value = labels.get(&requirement.key);
        let listed = value.is_some_and(|value| requirement.values.iter().flatten().any(|other| other == value));
        match requirement.operator.as_str() {
            "In" => listed,
            "NotIn" => !listed,
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            _ => false,
        }
    };
    selector.match_labels.iter().flatten().all(equal) && selector.match_expressions.iter().flatten().all(satisfied)
}

/// Whether a selector says anything about a label.
pub(crate) fn names(selector: &LabelSelector, key: &str) -> bool {
    let listed = selector.match_labels.iter().flatten().any(|(name, _)| name == key);
    listed
        || selector
            .match_expressions
            .iter()
            .flatten()
            .any(|requirement| requirement.key == key)
}

/// A selector as kubectl prints it: sorted by key, `k=v`, `k in (a,b)`, `k notin (a)`, `k`, `!k`.
pub(crate) fn format(selector: &LabelSelector) -> String {
    let labels = selector
        .match_labels
        .iter()
        .flatten()
        .map(|(key, value)| (key.clone(), format!("{key}={value}")));
    let expressions = selector.match_expressions.iter().flatten().map(|requirement| {
        let key = &requirement.key;
        let mut values = requirement.values.clone().unwrap_or_default();
        values.sort();
        let values = values.join(",");
        let text = match requirement.operator.as_str() {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.clone(),
        };
        (key.clone(), text)
    });
    let mut parts: Vec<(String, String)> = labels.chain(expressions).collect();
    parts.sort_by(|a, b| a.0.cmp(&b.0));
    parts.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(",")
}
